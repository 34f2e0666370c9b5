//! Till profiles, their slots, and which of them holds (ofm §13).

use identity::{keys, member::MemberState};
use serde_json::{Value, json};
use testkit::{Caller, Reply, World, journal::verify};

use crate::{
    assignment::assign as assign_logical,
    places::{Places, column, post, post_as, set_status as set_status_of},
};

/// Creates a profile with these controls, as the owner.
pub(crate) async fn create(world: &World, code: &str, controls: Value) -> Value {
    let fields = json!({"code": code, "caption": "Till", "currency": "EUR", "controls": controls});
    post(world, "/profile/create", fields).await.data().clone()
}

/// Fills a slot, as somebody.
pub(crate) async fn assign_as(
    world: &World,
    caller: &Caller,
    profile: &Value,
    level: &str,
    fields: Value,
) -> Reply {
    let mut fields = fields;
    fields["profile_id"] = profile["profile_id"].clone();
    fields["level"] = json!(level);
    post_as(world, caller, "/profile/assign", fields).await
}

/// Fills a slot, as the owner.
pub(crate) async fn assign(world: &World, profile: &Value, level: &str, fields: Value) -> Reply {
    assign_as(world, &world.owner, profile, level, fields).await
}

pub(crate) async fn unassign(world: &World, level: &str, fields: Value) -> Reply {
    let mut fields = fields;
    fields["level"] = json!(level);
    post(world, "/profile/unassign", fields).await
}

async fn resolve(world: &World, logical: &Value, user: &Caller) -> Value {
    let fields = json!({"logical_guid": logical, "user_guid": user.user_guid});
    post(world, "/profile/resolve", fields).await.data().clone()
}

async fn set_status(world: &World, profile: &Value, status: &str) -> Reply {
    let fields = json!({
        "profile_id": profile["profile_id"], "expected_revision": profile["revision"], "status": status,
    });
    post(world, "/profile/status", fields).await
}

async fn update(world: &World, profile: &Value, fields: Value) -> Reply {
    let mut fields = fields;
    fields["profile_id"] = profile["profile_id"].clone();
    fields["expected_revision"] = profile["revision"].clone();
    post(world, "/profile/update", fields).await
}

#[tokio::test]
async fn a_profile_has_every_control_and_is_changed_key_by_key() {
    let world = World::new().await;
    let made =
        create(&world, "cashier", json!({"discount.line_max_bp": 500, "txn.sale_max_amount": 90_000})).await;
    assert_eq!((&made["code"], &made["policy_version"]), (&json!("CASHIER"), &json!(1)));
    let controls = made["controls"].as_object().unwrap();
    assert_eq!(controls.len(), 65);
    let told = ["discount.line_max_bp", "discount.line_max_amount", "txn.sale_max_amount", "department.mode"];
    assert_eq!(
        told.map(|name| controls[name].clone()),
        [json!(500), json!(5000), json!(90_000), json!("all")]
    );
    let got = post(&world, "/profile/get", json!({"profile_id": made["profile_id"]})).await;
    assert_eq!(got.data(), &made);

    let changes = json!({
        "caption": "Trainee", "description": "first week",
        "controls": {"tender.allowed": ["cash"], "discount.line_max_amount": null, "refund.lookback_days": 30},
        "reset": ["txn.sale_max_amount"],
    });
    let updated = update(&world, &made, changes).await.data().clone();
    let changed =
        ["caption", "description", "discount.line_max_amount", "tender.allowed", "txn.sale_max_amount"];
    assert_eq!((&updated["changed"], &updated["policy_version"]), (&json!(changed), &json!(2)));
    let told = ["discount.line_max_bp", "discount.line_max_amount", "txn.sale_max_amount", "tender.allowed"];
    let values = told.map(|name| updated["controls"][name].clone());
    assert_eq!(values, [json!(500), Value::Null, Value::Null, json!(["cash"])]);
    let renamed = update(&world, &updated, json!({"description": null})).await.data().clone();
    assert_eq!((&renamed["changed"], &renamed["policy_version"]), (&json!(["description"]), &json!(2)));
    update(&world, &made, json!({"caption": "Late"})).await.refused("conflict");

    let journal = world.journal("ofm", "profile", made["profile_id"].as_str().unwrap()).await;
    verify(&journal);
    let actions: Vec<_> = journal.iter().map(|chained| chained.entry.action.as_str()).collect();
    assert_eq!(actions, ["profile-created", "profile-updated", "profile-updated"]);
}

#[tokio::test]
async fn every_wrong_control_is_named() {
    let world = World::new().await;
    let wrong = json!({
        "code": "A", "caption": "Till", "currency": "EURO",
        "controls": {"discount.line_max_bp": 10_001, "txn.nothing": true, "tender.allowed": ["gold"]},
    });
    let refused = post(&world, "/profile/create", wrong).await;
    let mut fields = refused.refused_fields();
    fields.sort_unstable();
    let expected =
        ["controls.discount.line_max_bp", "controls.tender.allowed", "controls.txn.nothing", "currency"];
    assert_eq!(fields, expected);
    let made = create(&world, "A", json!({})).await;
    let both = json!({
        "controls": {"txn.return_allowed": false}, "reset": ["cash.z_report_allowed", "txn.return_allowed"],
    });
    assert_eq!(update(&world, &made, both).await.refused_fields(), ["reset[1]"]);
    assert_eq!(update(&world, &made, json!({"reset": ["nothing"]})).await.refused_fields(), ["reset[0]"]);
    assert_eq!(update(&world, &made, json!({"currency": "USD"})).await.refused_fields(), ["currency"]);
    let same = json!({"code": " a ", "caption": "Till", "currency": "EUR"});
    let taken = post(&world, "/profile/create", same).await;
    assert_eq!(taken.refused("duplicate-code")["details"]["field"], "code");
}

#[tokio::test]
async fn profiles_are_listed_by_code_and_doomed_ones_on_demand() {
    let world = World::new().await;
    for code in ["C", "A-1", "A", "B"] {
        create(&world, code, json!({})).await;
    }
    let doomed = create(&world, "D", json!({})).await;
    let doomed = set_status(&world, &doomed, "doomed").await.data().clone();
    update(&world, &doomed, json!({"caption": "Late"})).await.refused("invalid-state");
    set_status(&world, &doomed, "active").await.refused("invalid-transition");
    let codes = async |fields| column(&post(&world, "/profile/list", fields).await, "profiles", "code");
    assert_eq!(codes(json!({})).await, ["A", "A-1", "B", "C"]);
    assert_eq!(codes(json!({"status": "doomed"})).await, ["D"]);
    let first = post(&world, "/profile/list", json!({"status": "all", "limit": 3})).await;
    let rest = json!({"status": "all", "limit": 3, "next_token": first.data()["next_token"]});
    assert_eq!(codes(rest).await, ["C", "D"]);
}

#[tokio::test]
async fn the_first_filled_slot_of_member_facility_and_org_holds() {
    let world = World::new().await;
    let logical = Places::new(&world).await.guid();
    let member = world.member(&[]).await;
    let builtin = resolve(&world, &logical, &member).await;
    assert_eq!((&builtin["level"], &builtin["profile_id"]), (&json!("builtin"), &Value::Null));
    assert_eq!((&builtin["currency"], &builtin["assigned"]), (&Value::Null, &json!(false)));
    assert_eq!(builtin["controls"].as_object().unwrap().len(), 65);

    let of_member = json!({"user_guid": member.user_guid, "logical_guid": logical});
    let levels =
        [("org", json!({})), ("facility", json!({"logical_guid": logical})), ("member", of_member.clone())];
    let mut versions = vec![builtin["effective_version"].clone()];
    for (level, named) in levels {
        let profile = create(&world, level, json!({"txn.line_max_quantity": versions.len()})).await;
        let slot = assign(&world, &profile, level, named).await;
        assert_eq!(slot.body["revision"], slot.data()["revision"]);
        let resolved = resolve(&world, &logical, &member).await;
        assert_eq!((&resolved["level"], &resolved["profile_id"]), (&json!(level), &profile["profile_id"]));
        assert_eq!(resolved["controls"]["txn.line_max_quantity"], versions.len());
        let used: Vec<_> =
            resolved["cascade"].as_array().unwrap().iter().filter(|step| step["used"] == true).collect();
        assert_eq!((used.len(), &used[0]["revision"]), (1, &slot.data()["revision"]));
        assert!(!versions.contains(&resolved["effective_version"]));
        versions.push(resolved["effective_version"].clone());
    }
    // The caller, the slots with the assignment, and the profile.
    assert_eq!(world.last_log()["reads"], 4);
    world.advance_seconds(60);
    assert_eq!(resolve(&world, &logical, &member).await["effective_version"], versions[3]);
    assign_logical(&world, &member, &logical, &["schedule:write"]).await;
    let assigned = resolve(&world, &logical, &member).await;
    assert_eq!(assigned["assigned"], true);
    assert_ne!(assigned["effective_version"], versions[3]);
    assert_eq!(resolve(&world, &logical, &world.owner).await["assigned"], true);

    let gone = unassign(&world, "member", of_member.clone()).await;
    assert_eq!(gone.data()["unassigned"], true);
    assert_eq!(resolve(&world, &logical, &member).await["level"], "facility");
    let again = unassign(&world, "member", of_member).await;
    assert_eq!(
        (&again.data()["unassigned"], &again.data()["revision"]),
        (&json!(false), &gone.data()["revision"])
    );
    assert_eq!(world.last_log()["writes"], 0);
    unassign(&world, "facility", json!({"logical_guid": logical})).await.data();
    assert_eq!(resolve(&world, &logical, &member).await["level"], "org");
    unassign(&world, "org", json!({})).await.refused("org-default-required");
}

#[tokio::test]
async fn a_filled_slot_is_replaced_at_its_revision() {
    let world = World::new().await;
    let logical = Places::new(&world).await.guid();
    let (one, two) = (create(&world, "ONE", json!({})).await, create(&world, "TWO", json!({})).await);
    let slot = assign(&world, &one, "facility", json!({"logical_guid": logical})).await.data().clone();
    assert_eq!(slot["replaced_profile_id"], Value::Null);
    let named = |revision: &Value| json!({"logical_guid": logical, "expected_revision": revision});
    assign(&world, &two, "facility", named(&Value::Null)).await.refused("expected-revision-required");
    let replaced = assign(&world, &two, "facility", named(&slot["revision"])).await.data().clone();
    assert_eq!(replaced["replaced_profile_id"], one["profile_id"]);
    let stale = assign(&world, &one, "facility", named(&slot["revision"])).await;
    let current = &stale.refused("conflict")["details"]["current"];
    assert_eq!((&current["profile_id"], &current["revision"]), (&two["profile_id"], &replaced["revision"]));
    let stale = unassign(&world, "facility", named(&slot["revision"])).await;
    stale.refused("conflict");
    let emptied = unassign(&world, "facility", named(&replaced["revision"])).await.data().clone();
    // An empty slot is filled without a revision.
    let filled = assign(&world, &one, "facility", named(&Value::Null)).await.data().clone();
    assert_ne!(filled["revision"], emptied["revision"]);
    let journal = world.journal("ofm", "profile-slot", logical.as_str().unwrap()).await;
    verify(&journal);
    let actions: Vec<_> = journal.iter().map(|chained| chained.entry.action.as_str()).collect();
    let assigned = "profile-assigned";
    assert_eq!(actions, [assigned, assigned, "profile-unassigned", assigned]);
    for (level, fields, wrong) in [
        ("org", json!({"logical_guid": logical}), "logical_guid"),
        ("facility", json!({}), "logical_guid"),
        ("member", json!({"logical_guid": logical}), "user_guid"),
    ] {
        assert_eq!(assign(&world, &one, level, fields).await.refused_fields(), [wrong]);
    }
}

#[tokio::test]
async fn a_profile_in_a_slot_stays_active() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let logical = places.guid();
    let profile = create(&world, "A", json!({})).await;
    let (one, two) = (world.member(&[]).await, world.member(&[]).await);
    assign(&world, &profile, "org", json!({})).await.data();
    assign(&world, &profile, "facility", json!({"logical_guid": logical})).await.data();
    for member in [&one, &two] {
        let named = json!({"user_guid": member.user_guid, "logical_guid": logical});
        assign(&world, &profile, "member", named).await.data();
    }
    for status in ["inactive", "doomed"] {
        let refused = set_status(&world, &profile, status).await;
        let blocking = refused.refused("in-use")["details"]["blocking"].as_array().unwrap().clone();
        let counts: Vec<_> =
            blocking.iter().map(|entry| (entry["kind"].as_str(), entry["count"].as_u64())).collect();
        let kinds = ["member-profile-slot", "facility-profile-slot", "org-profile-slot"].map(Some);
        assert_eq!(counts, [(kinds[0], Some(2)), (kinds[1], Some(1)), (kinds[2], Some(1))]);
    }
    let inactive =
        set_status_of(&world, "facility/logical", &places.logical, "inactive").await.data().clone();
    let doomed = set_status_of(&world, "facility/logical", &inactive, "doomed").await;
    assert_eq!(doomed.refused("in-use")["details"]["blocking"][0]["kind"], "profile-slot");
    // A closed facility gets no new ones, and can be wound down.
    let other = create(&world, "B", json!({})).await;
    let named = json!({"user_guid": world.owner.user_guid, "logical_guid": logical});
    let refused = assign(&world, &other, "member", named).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "logical_guid");
    unassign(&world, "facility", json!({"logical_guid": logical})).await.data();
    set_status_of(&world, "facility/logical", &inactive, "doomed").await.data();
    let org = json!({"expected_revision": null});
    assign(&world, &other, "org", org).await.refused("expected-revision-required");
    set_status(&world, &other, "inactive").await.data();
    let refused = assign(&world, &other, "org", json!({})).await;
    assert_eq!(refused.tag(), Some("expected-revision-required"));

    // The slot of a former membership holds nothing up.
    unassign(&world, "member", json!({"user_guid": one.user_guid, "logical_guid": logical})).await.data();
    world.meddle(&world.org, &keys::member(&world.org, two.user_guid), |member| member.epoch += 1).await;
    let only = set_status(&world, &profile, "doomed").await;
    let blocking = &only.refused("in-use")["details"]["blocking"];
    assert_eq!((blocking.as_array().unwrap().len(), &blocking[0]["kind"]), (1, &json!("org-profile-slot")));
}

#[tokio::test]
async fn a_slot_counts_while_the_membership_does() {
    let world = World::new().await;
    let logical = Places::new(&world).await.guid();
    let member = world.member(&[]).await;
    let profile = create(&world, "A", json!({})).await;
    let named = json!({"user_guid": member.user_guid, "logical_guid": logical});
    assign(&world, &profile, "member", named.clone()).await.data();
    let key = keys::member(&world.org, member.user_guid);
    world.meddle(&world.org, &key, |member| member.epoch += 1).await;
    assert_eq!(resolve(&world, &logical, &member).await["level"], "builtin");
    // It reads as empty: no revision is needed, and nothing is replaced.
    let again = assign(&world, &profile, "member", named.clone()).await.data().clone();
    assert_eq!(again["replaced_profile_id"], Value::Null);
    assert_eq!(resolve(&world, &logical, &member).await["level"], "member");
    set_status(&world, &profile, "doomed").await.refused("in-use");
    world.meddle(&world.org, &key, |member| member.state = MemberState::Removed).await;
    let refused = assign(
        &world,
        &profile,
        "member",
        json!({
            "user_guid": member.user_guid, "logical_guid": logical,
        }),
    )
    .await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "user_guid");
    set_status(&world, &profile, "doomed").await.data();
    let nobody = json!({"user_guid": world.org.guid(), "logical_guid": logical});
    let other = create(&world, "B", json!({})).await;
    assert_eq!(
        assign(&world, &other, "member", nobody).await.refused("not-found")["details"]["field"],
        "user_guid"
    );
}

#[tokio::test]
async fn nobody_gives_a_wider_profile_than_their_own() {
    let world = World::new().await;
    let logical = Places::new(&world).await.guid();
    let (admin, cashier) = (world.member(&["ofm_member_admin"]).await, world.member(&[]).await);
    let given = |user: &Caller| json!({"user_guid": user.user_guid, "logical_guid": logical});
    let own =
        create(&world, "OWN", json!({"discount.line_max_bp": 2000, "tender.allowed": ["cash", "card"]}))
            .await;
    assign(&world, &own, "member", given(&admin)).await.data();
    let wide = create(
        &world,
        "WIDE",
        json!({
            "discount.line_max_bp": 2001, "tender.allowed": ["cash", "voucher"], "txn.reason_required": false,
        }),
    )
    .await;
    let refused = assign_as(&world, &admin, &wide, "member", given(&cashier)).await;
    let missing = json!(["discount.line_max_bp", "tender.allowed", "txn.reason_required"]);
    assert_eq!(refused.refused("forbidden")["details"]["missing"], missing);
    let narrow = create(&world, "NARROW", json!({"tender.allowed": ["cash"]})).await;
    let slot = assign_as(&world, &admin, &narrow, "member", given(&cashier)).await.data().clone();
    let mut same = given(&cashier);
    same["expected_revision"] = slot["revision"].clone();
    assign_as(&world, &admin, &own, "member", same).await.data();
    // Not to oneself, and no defaults.
    let refused = assign_as(&world, &admin, &narrow, "member", given(&admin)).await;
    assert_eq!(refused.refused("forbidden")["details"]["field"], "user_guid");
    let facility = json!({"logical_guid": logical});
    assign_as(&world, &admin, &narrow, "facility", facility.clone()).await.refused("not-owner");
    assign_as(&world, &cashier, &narrow, "facility", facility.clone()).await.refused("forbidden");
    let emptying = json!({"level": "member", "user_guid": admin.user_guid, "logical_guid": logical});
    post_as(&world, &admin, "/profile/unassign", emptying).await.refused("forbidden");
    // A program holds what holds for everybody there.
    let key = world.key(&["ofm_member_admin"]).await;
    let user = world.member(&[]).await;
    let refused = assign_as(&world, &key, &own, "member", given(&user)).await;
    assert_eq!(refused.refused("forbidden")["details"]["missing"][0], "discount.line_max_bp");
    assign(&world, &own, "facility", facility).await.data();
    assign_as(&world, &key, &own, "member", given(&user)).await.data();
}

#[tokio::test]
async fn a_profile_is_resolved_by_oneself_and_by_who_may_look() {
    let world = World::new().await;
    let logical = Places::new(&world).await.guid();
    let (cashier, other) = (world.member(&[]).await, world.member(&[]).await);
    let of = |user: &Caller| json!({"logical_guid": logical, "user_guid": user.user_guid});
    let ask = async |caller: &Caller, fields| post_as(&world, caller, "/profile/resolve", fields).await;
    let own = ask(&cashier, json!({"logical_guid": logical})).await;
    assert_eq!(own.data()["user_guid"], json!(cashier.user_guid));
    ask(&cashier, of(&other)).await.refused("facility-grant-required");
    ask(&world.member(&["ofm_member_admin"]).await, of(&cashier)).await.data();
    assign_logical(&world, &other, &logical, &["facility:read"]).await;
    ask(&other, of(&cashier)).await.data();
    let key = world.key(&["owner"]).await;
    assert_eq!(ask(&key, json!({"logical_guid": logical})).await.refused_fields(), ["user_guid"]);
    ask(&key, of(&cashier)).await.data();
    let nobody = json!({"logical_guid": logical, "user_guid": world.org.guid()});
    assert_eq!(ask(&key, nobody).await.refused("not-found")["details"]["field"], "user_guid");
    let nowhere = json!({"logical_guid": world.org.guid(), "user_guid": cashier.user_guid});
    assert_eq!(ask(&key, nowhere).await.refused("not-found")["details"]["field"], "logical_guid");
}
