//! Assignments, and the grants that they carry (ofm §1, §10).

use identity::{keys, member::MemberState};
use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::{
    Caller, Reply, World, database,
    journal::verify,
    proxy::{Call, Fault, Operation, Proxy, When},
};

use crate::places::{Places, column, logical, post, post_as, set_status};

/// Assigns a member to a facility, as the owner.
pub(crate) async fn assign(world: &World, member: &Caller, logical_guid: &Value, grants: &[&str]) -> Value {
    let fields = json!({"user_guid": member.user_guid, "logical_guid": logical_guid, "grants": grants});
    post(world, "/member/assign-logical", fields).await.data().clone()
}

/// Assigns a service account to a facility, as the owner.
pub(crate) async fn assign_key(world: &World, key: &Caller, logical_guid: &Value, grants: &[&str]) -> Value {
    let account = key.service_account_guid;
    let fields = json!({"service_account_guid": account, "logical_guid": logical_guid, "grants": grants});
    post(world, "/service-account/assign-logical", fields).await.data().clone()
}

async fn list_zones(world: &World, caller: &Caller, logical_guid: &Value) -> Reply {
    post_as(world, caller, "/zone/list", json!({"logical_guid": logical_guid})).await
}

#[tokio::test]
async fn a_grant_opens_one_facility_and_costs_no_round_trip() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let other = logical(&world, "OTHER", &places.physical, &places.legal).await;
    let (member, key) = (world.member(&["ofm_view"]).await, world.key(&["crm_view"]).await);
    let guid = places.guid();
    for caller in [&member, &key] {
        let refused = list_zones(&world, caller, &guid).await;
        let details = json!({"grant": "facility:read", "logical_guid": guid});
        assert_eq!(refused.refused("facility-grant-required")["details"], details);
    }
    assign(&world, &member, &guid, &["schedule:write"]).await;
    assign_key(&world, &key, &guid, &["facility:read"]).await;
    for caller in [&member, &key, &world.key(&["owner"]).await] {
        world.introduce(&SERVICE, caller).await;
        list_zones(&world, caller, &guid).await.data();
        // The caller with the grant, and the list beside.
        assert_eq!(world.last_log()["reads"], 1);
    }
    for caller in [&member, &key] {
        list_zones(&world, caller, &other["logical_guid"]).await.refused("facility-grant-required");
        let create = json!({"logical_guid": guid, "code": "A"});
        let refused = post_as(&world, caller, "/zone/create", create).await;
        assert_eq!(refused.refused("facility-grant-required")["details"]["grant"], "facility:write");
        let missing = list_zones(&world, caller, &json!("MAIN")).await;
        assert_eq!(missing.refused("not-found")["details"]["field"], "logical_guid");
    }
}

#[tokio::test]
async fn an_assignment_counts_inside_its_validity_and_while_all_is_active() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let guid = places.guid();
    let member = world.member(&[]).await;
    let fields = json!({
        "user_guid": member.user_guid, "logical_guid": guid, "grants": ["facility:write"],
        "valid_from": world.now().plus_minutes(5), "valid_until": world.now().plus_minutes(10),
    });
    let made = post(&world, "/member/assign-logical", fields).await.data().clone();
    assert_eq!((&made["state"], &made["in_force"]), (&json!("active"), &json!(false)));
    let own = async || post_as(&world, &member, "/member/assignments", json!({})).await;
    list_zones(&world, &member, &guid).await.refused("facility-grant-required");
    world.advance_seconds(300);
    list_zones(&world, &member, &guid).await.data();
    assert_eq!(own().await.data()["assignments"][0]["in_force"], true);
    let mine = post_as(&world, &member, "/facility/logical/list", json!({"mine": true})).await;
    let grants = json!(["facility:read", "facility:write", "station:write"]);
    assert_eq!(mine.data()["facilities"][0]["grants"], grants);
    let resolve = json!({"logical_guid": guid});
    let resolved = post_as(&world, &member, "/member/resolve", resolve.clone()).await;
    assert_eq!(resolved.data()["grants"], grants);
    world.advance_seconds(300);
    list_zones(&world, &member, &guid).await.refused("facility-grant-required");
    let resolved = post_as(&world, &member, "/member/resolve", resolve).await;
    assert_eq!(resolved.data()["grants"], json!([]));
    let mine = post_as(&world, &member, "/facility/logical/list", json!({"mine": true})).await;
    assert_eq!(mine.data()["facilities"], json!([]));

    let unlimited = json!({
        "user_guid": member.user_guid, "logical_guid": guid, "grants": ["facility:read"],
        "expected_revision": made["revision"],
    });
    let again = post(&world, "/member/assign-logical", unlimited).await.data().clone();
    let expected = (&json!(["facility:read"]), &Value::Null);
    assert_eq!((&again["grants"], &again["valid_until"]), expected);
    list_zones(&world, &member, &guid).await.data();
    set_status(&world, "facility/logical", &places.logical, "doomed").await.data();
    list_zones(&world, &member, &guid).await.refused("facility-grant-required");
    list_zones(&world, &world.owner, &guid).await.data();
    assert_eq!(own().await.data()["assignments"][0]["in_force"], false);
}

#[tokio::test]
async fn assignments_of_a_former_membership_do_not_come_alive_again() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let guid = places.guid();
    let member = world.member(&[]).await;
    let made = assign(&world, &member, &guid, &["facility:write"]).await;
    let key = keys::member(&world.org, member.user_guid);
    world.meddle(&world.org, &key, |member| member.epoch += 1).await;
    list_zones(&world, &member, &guid).await.refused("facility-grant-required");
    let at = json!({"logical_guid": guid});
    let shown = post(&world, "/member/assignments", at.clone()).await;
    assert_eq!(shown.data()["assignments"], json!([]));
    let mut detached = at.clone();
    detached["state"] = json!("detached");
    let shown = post(&world, "/member/assignments", detached).await;
    assert_eq!(
        (&shown.data()["assignments"][0]["state"], shown.data()["assignments"].as_array().unwrap().len()),
        (&json!("detached"), 1)
    );
    let listed = post(&world, "/member/list", at).await;
    assert_eq!(listed.data()["members"], json!([]));
    // Nothing is there to end, so no revision is asked for and nothing is written.
    let detach = json!({"user_guid": member.user_guid, "logical_guid": guid});
    let reply = post(&world, "/member/detach-logical", detach).await;
    assert_eq!((&reply.data()["detached"], &reply.data()["state"]), (&json!(false), &json!("detached")));
    assert_eq!(world.last_log()["writes"], 0);
    let again = json!({
        "user_guid": member.user_guid, "logical_guid": guid, "grants": ["facility:read"],
        "expected_revision": made["revision"],
    });
    let again = post(&world, "/member/assign-logical", again).await.data().clone();
    assert_eq!(again["epoch"], 2);
    list_zones(&world, &member, &guid).await.data();
}

#[tokio::test]
async fn what_is_detached_is_over_until_it_is_assigned_anew() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let guid = places.guid();
    let key = world.key(&["ofm_view"]).await;
    let made = assign_key(&world, &key, &guid, &["facility:read"]).await;
    let detach = async |revision: &Value| {
        let fields = json!({
            "service_account_guid": key.service_account_guid, "logical_guid": guid, "expected_revision": revision,
        });
        post(&world, "/service-account/detach-logical", fields).await
    };
    detach(&Value::Null).await.refused("expected-revision-required");
    let ended = detach(&made["revision"]).await.data().clone();
    assert_eq!((&ended["detached"], &ended["state"]), (&json!(true), &json!("detached")));
    list_zones(&world, &key, &guid).await.refused("facility-grant-required");
    assert_eq!(detach(&Value::Null).await.data()["detached"], false);
    let own = async |fields: Value| post_as(&world, &key, "/service-account/assignments", fields).await;
    assert_eq!(own(json!({})).await.data()["assignments"], json!([]));
    assert_eq!(column(&own(json!({"state": "all"})).await, "assignments", "state"), ["detached"]);

    let mut again = json!({
        "service_account_guid": key.service_account_guid, "logical_guid": guid, "grants": ["channel:write"],
    });
    post(&world, "/service-account/assign-logical", again.clone())
        .await
        .refused("expected-revision-required");
    again["expected_revision"] = made["revision"].clone();
    let stale = post(&world, "/service-account/assign-logical", again.clone()).await;
    assert_eq!(stale.refused("conflict")["details"]["current"]["revision"], ended["revision"]);
    again["expected_revision"] = ended["revision"].clone();
    post(&world, "/service-account/assign-logical", again).await.data();
    list_zones(&world, &key, &guid).await.data();

    let id = format!("{}:{}", key.service_account_guid, guid.as_str().unwrap());
    let entries = world.journal("ofm", "assignment", &id).await;
    verify(&entries);
    let actions: Vec<_> = entries.iter().map(|chained| chained.entry.action.as_str()).collect();
    let (assigned, detached) = ("service-account-logical-assigned", "service-account-logical-detached");
    assert_eq!(actions, [assigned, detached, assigned]);
}

#[tokio::test]
async fn an_answer_is_not_repeated_to_who_lost_the_grant() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let guid = places.guid();
    let member = world.member(&[]).await;
    let made = assign(&world, &member, &guid, &["facility:write"]).await;
    let create = json!({"logical_guid": guid, "code": "A", "idempotency_key": "once"});
    let create = async || post_as(&world, &member, "/zone/create", create.clone()).await;
    let zone = create().await.data().clone();
    let mut set = json!({
        "logical_guid": guid, "zone_guid": zone["zone_guid"], "expected_revision": zone["revision"],
        "status": "inactive", "idempotency_key": "once",
    });
    let set_status = async |fields: &Value| post_as(&world, &member, "/zone/status", fields.clone()).await;
    let closed = set_status(&set).await.data().clone();
    assert_eq!((create().await.data(), set_status(&set).await.data()), (&zone, &closed));
    let detach = json!({
        "user_guid": member.user_guid, "logical_guid": guid, "expected_revision": made["revision"],
    });
    post(&world, "/member/detach-logical", detach).await.data();
    create().await.refused("facility-grant-required");
    set_status(&set).await.refused("facility-grant-required");
    // Nor is it told whether the key was used for this request.
    set["status"] = json!("doomed");
    set_status(&set).await.refused("facility-grant-required");
}

#[tokio::test]
async fn nobody_gives_more_than_they_hold_or_anything_to_themselves() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let guid = places.guid();
    let (admin, member) = (world.member(&["ofm_member_admin"]).await, world.member(&[]).await);
    let give = async |giver: &Caller, to: &Caller, grants: Value| {
        let fields = json!({"user_guid": to.user_guid, "logical_guid": guid, "grants": grants});
        post_as(&world, giver, "/member/assign-logical", fields).await
    };
    let refused = give(&admin, &member, json!(["facility:read"])).await;
    assert_eq!(refused.refused("forbidden")["details"]["missing"], json!(["facility:read"]));
    assign(&world, &admin, &guid, &["facility:write"]).await;
    let refused = give(&admin, &member, json!(["schedule:write", "station:write", "channel:write"])).await;
    let missing = json!(["schedule:write", "channel:write"]);
    assert_eq!(refused.refused("forbidden")["details"]["missing"], missing);
    let given = give(&admin, &member, json!(["station:write"])).await;
    assert_eq!(given.data()["assigned_by"], json!(admin.user_guid));
    give(&admin, &admin, json!(["facility:read"])).await.refused("forbidden");
    let own = json!({"user_guid": admin.user_guid, "logical_guid": guid});
    post_as(&world, &admin, "/member/detach-logical", own).await.refused("forbidden");
    give(&member, &admin, json!(["facility:read"])).await.refused("forbidden");
    give(&world.owner, &world.owner, json!(["facility:read"])).await.data();
    let program = world.key(&["service_account_admin"]).await;
    let mut itself = json!({
        "service_account_guid": program.service_account_guid, "logical_guid": guid, "grants": ["facility:read"],
    });
    let refused = post_as(&world, &program, "/service-account/assign-logical", itself.clone()).await;
    assert_eq!(refused.refused("forbidden")["details"], json!({"field": "service_account_guid"}));
    itself["service_account_guid"] = json!(world.key(&["crm_view"]).await.service_account_guid);
    let refused = post_as(&world, &program, "/service-account/assign-logical", itself).await;
    assert_eq!(refused.refused("forbidden")["details"]["missing"], json!(["facility:read"]));
}

#[tokio::test]
async fn wrong_assignments_are_refused() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let guid = places.guid();
    let member = world.member(&[]).await;
    let give = async |changes: Value| {
        let mut fields =
            json!({"user_guid": member.user_guid, "logical_guid": guid, "grants": ["facility:read"]});
        fields.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        post(&world, "/member/assign-logical", fields).await
    };
    for grants in [json!([]), json!(["facility:read", "facility:read"]), json!("facility:read")] {
        assert_eq!(give(json!({"grants": grants})).await.refused_fields(), ["grants"]);
    }
    assert_eq!(give(json!({"grants": ["castle:storm"]})).await.refused_fields(), ["grants[0]"]);
    let backwards = json!({"valid_from": "2026-03-05T00:00:00Z", "valid_until": "2026-03-05T00:00:00Z"});
    assert_eq!(give(backwards).await.refused_fields(), ["valid_until"]);
    give(json!({"expected_revision": world.change().uuid()})).await.refused("not-found");
    let stranger = world.stranger().await;
    for (field, value) in [("user_guid", json!(stranger.user_guid)), ("logical_guid", json!("MAIN"))] {
        assert_eq!(give(json!({field: value})).await.refused("not-found")["details"]["field"], field);
    }
    let former = world.member(&[]).await;
    let key = keys::member(&world.org, former.user_guid);
    world.meddle(&world.org, &key, |member| member.state = MemberState::Removed).await;
    let refused = give(json!({"user_guid": former.user_guid})).await;
    assert_eq!(
        refused.refused("invalid-state")["details"],
        json!({"field": "user_guid", "status": "removed"})
    );
    set_status(&world, "facility/logical", &places.logical, "inactive").await.data();
    let refused = give(json!({})).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "logical_guid");
}

#[tokio::test]
async fn assignments_are_shown_to_whom_they_concern() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let other = logical(&world, "OTHER", &places.physical, &places.legal).await;
    let guid = places.guid();
    let (one, two) = (world.member(&[]).await, world.member(&[]).await);
    assign(&world, &one, &guid, &["facility:read"]).await;
    assign(&world, &two, &guid, &["facility:read"]).await;
    assign(&world, &one, &other["logical_guid"], &["facility:read"]).await;
    let list =
        async |caller: &Caller, fields: Value| post_as(&world, caller, "/member/assignments", fields).await;
    let users = |reply: &Reply| {
        let mut users = column(reply, "assignments", "user_guid");
        users.sort();
        users
    };
    let (first, second) = (one.user_guid.to_string(), two.user_guid.to_string());
    let mut both_users = [first.clone(), second.clone()];
    both_users.sort();
    assert_eq!(users(&list(&one, json!({})).await), [first.clone(), first.clone()]);
    assert_eq!(users(&list(&two, json!({"logical_guid": guid})).await), both_users);
    let both = json!({"logical_guid": guid, "user_guid": one.user_guid});
    assert_eq!(users(&list(&two, both).await), [first.as_str()]);
    let elsewhere = json!({"logical_guid": other["logical_guid"]});
    list(&two, elsewhere.clone()).await.refused("facility-grant-required");
    // One's own are shown, also where there is none.
    let mut own = elsewhere;
    own["user_guid"] = json!(two.user_guid);
    assert!(users(&list(&two, own).await).is_empty());
    let of_one = json!({"user_guid": one.user_guid});
    list(&two, of_one.clone()).await.refused("forbidden");
    let admin = world.member(&["ofm_member_admin"]).await;
    assert_eq!(users(&list(&admin, of_one).await), [first.clone(), first.clone()]);
    let of_nobody = list(&admin, json!({"user_guid": world.stranger().await.user_guid})).await;
    assert_eq!(of_nobody.refused("not-found")["details"]["field"], "user_guid");
    assert_eq!(list(&world.key(&["ofm_view"]).await, json!({})).await.refused_fields(), ["user_guid"]);

    let page = list(&one, json!({"limit": 1})).await;
    let token = &page.data()["next_token"];
    let next = list(&one, json!({"limit": 1, "next_token": token})).await;
    assert_eq!((users(&next).len(), next.data().get("next_token")), (1, None));
}

#[tokio::test]
async fn staff_and_own_facilities_are_listed_page_by_page() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let other = logical(&world, "B", &places.physical, &places.legal).await;
    let (one, two) = (world.member(&["ofm_view"]).await, world.member(&[]).await);
    for (member, facility) in [(&one, &places.logical), (&one, &other), (&two, &other)] {
        assign(&world, member, &facility["logical_guid"], &["facility:read"]).await;
    }
    let pages = async |path: &str, plural: &str, field: &str, fields: Value| {
        let (mut found, mut next) = (Vec::new(), Value::Null);
        loop {
            let mut fields = fields.clone();
            fields["limit"] = json!(1);
            if !next.is_null() {
                fields["next_token"] = next;
            }
            let reply = post_as(&world, &one, path, fields).await;
            found.push(column(&reply, plural, field).join(" "));
            next = reply.data()["next_token"].clone();
            if next.is_null() {
                return found;
            }
        }
    };
    let mine = async |fields| pages("/facility/logical/list", "facilities", "code", fields).await;
    assert_eq!(mine(json!({"mine": true})).await, ["B", "MAIN"]);
    assert_eq!(mine(json!({"mine": true, "status": "inactive"})).await, [""]);
    assert_eq!(mine(json!({"mine": true, "status": "all", "facility_type": "store"})).await, ["B", "MAIN"]);
    let staff = async |fields| pages("/member/list", "members", "user_guid", fields).await;
    let mut both = [one.user_guid.to_string(), two.user_guid.to_string()];
    both.sort();
    let at = json!({"logical_guid": other["logical_guid"]});
    assert_eq!(staff(at.clone()).await, both);
    let viewers = json!({"logical_guid": other["logical_guid"], "role": "ofm_view"});
    assert_eq!(staff(viewers).await, [one.user_guid.to_string()]);
    set_status(&world, "facility/logical", &other, "doomed").await.data();
    assert_eq!(mine(json!({"mine": true, "status": "all"})).await, ["MAIN"]);
    assert_eq!(staff(at).await, [""]);
}

#[tokio::test]
async fn a_repeat_that_finds_it_done_while_it_reads_gets_the_first_answer() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    // Functions that know nobody read the caller first, then the record and the first answer.
    let behind = world.through(proxy.endpoint());
    let key = world.key(&["ofm_view"]).await;
    let made = assign_key(&world, &key, &places.guid(), &["facility:read"]).await;
    let fields = json!({
        "service_account_guid": key.service_account_guid, "logical_guid": places.guid(),
        "expected_revision": made["revision"], "idempotency_key": "once",
    });
    // The record is read later than the answer, which the other request makes in between.
    let read = |n| When::nth(n).of(Operation::BatchGetItem);
    proxy.inject(Fault::UnprocessedFirst, read(2));
    proxy.inject(Fault::HoldBefore, read(3));
    let late = post(&behind, "/service-account/detach-logical", fields.clone());
    let between = async {
        let reads = |call: &&Call| call.operation == Operation::BatchGetItem;
        proxy.until(|calls| calls.iter().filter(reads).count() == 3).await;
        let first = post(&world, "/service-account/detach-logical", fields.clone()).await;
        proxy.release();
        first
    };
    let (late, first) = tokio::join!(late, between);
    assert_eq!(first.data()["detached"], true);
    assert_eq!((late.data(), late.header("idempotent-replay")), (first.data(), Some("true")));
}
