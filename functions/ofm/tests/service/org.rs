//! Orgs (ofm §4, §18).

use contract::states::States;
use identity::{
    keys,
    org::{ARCS, OWNER_ARCS, OrgStatus},
};
use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::{Caller, Reply, World};

use crate::{cost_centre, founding::found};

async fn revision(world: &World) -> Value {
    json!(world.stored(&keys::org(&world.org)).await.expect("the org").revision)
}

async fn update(world: &World, fields: Value) -> Reply {
    let mut fields = fields;
    fields["expected_revision"] = revision(world).await;
    world.post(&SERVICE, &world.owner, "/org/update", fields).await
}

async fn set_status(world: &World, caller: &Caller, status: impl serde::Serialize) -> Reply {
    let fields = json!({"status": status, "expected_revision": revision(world).await});
    world.post(&SERVICE, caller, "/org/status/set", fields).await
}

#[tokio::test]
async fn an_org_is_shown_with_its_master_cost_centre() {
    let world = World::new().await;
    let (founder, founded) = found(&world).await;
    let get = json!({"org_guid": founded["org_guid"]});
    world.post(&SERVICE, &founder, "/org/get", get.clone()).await.data();
    let reply = world.post(&SERVICE, &founder, "/org/get", get).await;
    let mut expected = founded.clone();
    expected.as_object_mut().unwrap().retain(|field, _| field != "invitation" && field != "owners");
    assert_eq!(reply.data(), &expected);
    assert_eq!(reply.body["revision"], founded["revision"]);
    assert_eq!(world.last_log()["reads"], 2);
}

#[tokio::test]
async fn an_org_is_not_there_for_others_and_doomed_for_nobody() {
    let world = World::new().await;
    let stranger = world.stranger().await;
    let call =
        async |caller: &Caller, path: &str, fields: Value| world.post(&SERVICE, caller, path, fields).await;
    let nowhere = json!({"org_guid": world.cost_centre});
    let nobody = json!({"orgcode": "NOSUCH9"});
    for (path, missing) in [("/org/get", nowhere), ("/resolve/orgcode", nobody)] {
        for caller in [&stranger, &world.another().await.owner] {
            let refused = call(caller, path, json!({})).await;
            refused.refused("not-found");
            assert_eq!(refused.without_stats(), call(caller, path, missing.clone()).await.without_stats());
        }
        call(&world.owner, path, json!({})).await.data();
        world.set_org_status(OrgStatus::Doomed).await;
        let refused = call(&world.owner, path, json!({})).await;
        refused.refused("not-found");
        assert_eq!(refused.without_stats(), call(&world.owner, path, missing).await.without_stats());
        world.set_org_status(OrgStatus::Verified).await;
    }
    call(&world.key(&["crm_view"]).await, "/org/get", json!({})).await.refused("forbidden");
    call(&world.key(&["vca"]).await, "/org/get", json!({})).await.data();
    let by_code = call(&world.owner, "/org/get", json!({"orgcode": world.orgcode})).await;
    assert!(by_code.refused_fields().contains(&"org_guid"));
}

#[tokio::test]
async fn an_orgcode_is_resolved_for_whoever_belongs_to_the_org() {
    let world = World::new().await;
    let member = world.member(&[]).await;
    let fields = json!({"orgcode": format!(" {} ", world.orgcode.to_lowercase())});
    let resolved = world.post(&SERVICE, &member, "/resolve/orgcode", fields.clone()).await;
    let expected = json!({"org_guid": world.org.guid(), "orgcode": world.orgcode, "status": "verified"});
    assert_eq!(resolved.data(), &expected);
    // The first use of a code costs a look-up; the function remembers whose it is.
    assert_eq!(world.last_log()["reads"], 2);
    world.post(&SERVICE, &member, "/resolve/orgcode", fields).await.data();
    assert_eq!(world.last_log()["reads"], 1);
    world
        .post(&SERVICE, &member, "/resolve/orgcode", json!({"orgcode": "A!"}))
        .await
        .refused("invalid-input");
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let world = World::new().await;
    let retail = json!({
        "code": "retail-454", "start_month": 2, "start_day": 1, "week_start": "sun", "anchor": "nearest",
    });
    let fields = json!({
        "caption": "Acme Inc", "timezone": "america/los_angeles", "fiscal_calendar": retail,
        "default_currency": "USD", "default_locale": "en-US", "reason": "moved",
    });
    let updated = update(&world, fields).await;
    let data = updated.data();
    assert_eq!([&data["caption"], &data["timezone"]], ["Acme Inc", "America/Los_Angeles"]);
    assert_eq!([&data["default_currency"], &data["default_locale"]], ["USD", "en-US"]);
    assert_eq!((&data["fiscal_calendar"], &data["orgcode"]), (&retail, &json!(world.orgcode)));
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(1), &json!(1)));

    let cleared = update(&world, json!({"default_currency": null})).await;
    let data = cleared.data();
    assert_eq!((&data["default_currency"], &data["default_locale"]), (&Value::Null, &json!("en-US")));

    let wrong = json!({
        "caption": "", "timezone": "Mars/Olympus", "default_currency": "XXX", "orgcode": "OTHER9",
        "fiscal_calendar": {"code": "gregorian", "start_month": 2, "start_day": 29}, "status": "doomed",
    });
    let refused = update(&world, wrong).await;
    let mut fields = refused.refused_fields();
    fields.sort_unstable();
    // An orgcode names the org, as everywhere.
    assert_eq!(fields, ["caption", "default_currency", "fiscal_calendar", "status", "timezone"]);
    update(&world, json!({"orgcode": "OTHER9"})).await.refused("not-found");
}

#[tokio::test]
async fn an_update_needs_an_owner_the_revision_and_a_verified_org() {
    let world = World::new().await;
    let fields = json!({"caption": "New", "expected_revision": revision(&world).await});
    let call = async |caller: &Caller, fields: &Value| {
        world.post(&SERVICE, caller, "/org/update", fields.clone()).await
    };
    call(&world.member(&["ofm_member_admin"]).await, &fields).await.refused("not-owner");
    call(&world.stranger().await, &fields).await.refused("not-found");
    call(&world.owner, &json!({"caption": "New"})).await.refused("expected-revision-required");
    call(&world.owner, &fields).await.data();
    let stale = call(&world.owner, &fields).await;
    assert_eq!(stale.refused("conflict")["details"]["current"]["caption"], "New");
    for status in [OrgStatus::Unverified, OrgStatus::Parked, OrgStatus::Suspended, OrgStatus::Frozen] {
        world.set_org_status(status).await;
        let blocked = update(&world, json!({"caption": "Newer"})).await;
        assert_eq!(blocked.refused("org-write-blocked")["details"]["status"], json!(status));
    }
}

#[tokio::test]
async fn the_master_is_an_active_cost_centre_of_the_org() {
    let (world, other) = (World::new().await, World::new().await);
    let centre = cost_centre::create(&world).await;
    let foreign = cost_centre::create(&other).await;
    let name = async |guid: &Value| update(&world, json!({"cost_centre_guid": guid})).await;

    for missing in [&foreign["cc_guid"], &json!(world.org.guid()), &centre["cccode"]] {
        assert_eq!(name(missing).await.refused("not-found")["details"]["field"], "cost_centre_guid");
    }
    let inactive = cost_centre::set_status(&world, &centre, "inactive").await;
    let refused = name(&centre["cc_guid"]).await;
    let details = &refused.refused("invalid-state")["details"];
    assert_eq!(details, &json!({"field": "cost_centre_guid", "status": "inactive"}));

    cost_centre::set_status(&world, inactive.data(), "active").await.data();
    assert_eq!(name(&centre["cc_guid"]).await.data()["cost_centre_guid"], centre["cc_guid"]);
    let shown = world.post(&SERVICE, &world.owner, "/org/get", json!({})).await;
    assert_eq!(shown.data()["cost_centre"]["cccode"], centre["cccode"]);
}

#[tokio::test]
async fn an_owner_makes_the_moves_of_an_owner_and_no_other() {
    let world = World::new().await;
    for (from, to) in OrgStatus::ALL.iter().flat_map(|from| OrgStatus::ALL.iter().map(move |to| (*from, *to)))
    {
        world.set_org_status(from).await;
        let key = keys::org(&world.org);
        world.meddle(&world.org, &key, |org| (org.park_changed_at, org.park_allowed_at) = (None, None)).await;
        let reply = set_status(&world, &world.owner, to).await;
        match (from, to) {
            (OrgStatus::Doomed, _) => drop(reply.refused("not-found")),
            arc if OWNER_ARCS.contains(&arc) => {
                assert_eq!(reply.data()["status"], json!(to));
                assert_eq!(reply.data()["park_changed_at"], json!(world.now()));
                assert_eq!(reply.data()["park_allowed_at"], json!(world.now().plus_hours(48)));
            }
            arc if ARCS.contains(&arc) => {
                assert_eq!(reply.refused("forbidden")["details"], json!({"needs": "operator"}));
            }
            (from, to) => {
                let details = &reply.refused("invalid-transition")["details"];
                assert_eq!((&details["from"], &details["to"]), (&json!(from), &json!(to)));
                let allowed: Vec<_> = ARCS.iter().filter(|arc| arc.0 == from).map(|arc| arc.1).collect();
                assert_eq!(details["allowed"], json!(allowed));
            }
        }
    }
}

#[tokio::test]
async fn an_org_is_parked_and_taken_up_again_two_days_apart() {
    let world = World::new().await;
    // A session does not live for two days.
    let owner = world.key(&["owner"]).await;
    world.introduce(&SERVICE, &owner).await;
    let start = world.now();
    set_status(&world, &owner, "parked").await.data();
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(1), &json!(1)));

    world.advance_seconds(48 * 3600 - 1);
    let early = set_status(&world, &owner, "verified").await;
    assert_eq!(early.refused("cooldown")["details"]["allowed_at"], json!(start.plus_hours(48)));
    world.advance_seconds(1);
    set_status(&world, &owner, "verified").await.data();
    set_status(&world, &owner, "parked").await.refused("cooldown");
    world.advance_seconds(48 * 3600);
    set_status(&world, &owner, "parked").await.data();

    let journal = world.journal("ofm", "org", &world.org.guid().to_string()).await;
    testkit::journal::verify(&journal);
    let actions: Vec<_> = journal.iter().map(|chained| chained.entry.action.as_str()).collect();
    assert_eq!(actions, ["org-created", "org-status-set", "org-status-set", "org-status-set"]);
}

#[tokio::test]
async fn a_move_needs_an_owner_and_the_revision() {
    let world = World::new().await;
    set_status(&world, &world.member(&["ofm_member_admin"]).await, "parked").await.refused("not-owner");
    set_status(&world, &world.key(&["ofm_view"]).await, "parked").await.refused("not-owner");
    let bare = world.post(&SERVICE, &world.owner, "/org/status/set", json!({"status": "parked"})).await;
    bare.refused("expected-revision-required");
    let stale = json!({"status": "parked", "expected_revision": world.org.guid()});
    world.post(&SERVICE, &world.owner, "/org/status/set", stale).await.refused("conflict");
    assert_eq!(set_status(&world, &world.owner, "closed").await.refused_fields(), ["status"]);
}
