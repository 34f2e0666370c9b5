//! How memberships begin, change and end (ofm §9).

use contract::{ids::UserGuid, states::States, time::Time};
use futures::future::join_all;
use identity::{
    keys,
    member::{ARCS, MemberState},
    user::UserStatus,
};
use ofm::SERVICE;
use serde_json::{Value, json};
use store::System;
use testkit::{
    Caller, Reply, World,
    journal::{equals_effects, verify},
    race,
};

use crate::owner::secondary;

async fn add(world: &World, caller: &Caller, fields: Value) -> Reply {
    race::insist(world, &SERVICE, caller, "/member/add", fields).await
}

/// Sets something of a member, at the revision that stands.
pub(crate) async fn set(world: &World, caller: &Caller, user: UserGuid, mut fields: Value) -> Reply {
    let member = world.stored(&keys::member(&world.org, user)).await;
    fields["user_guid"] = json!(user);
    fields["expected_revision"] = json!(member.map(|member| member.revision));
    race::insist(world, &SERVICE, caller, "/member/state/set", fields).await
}

#[tokio::test]
async fn an_owner_takes_a_person_in() {
    let world = World::new().await;
    let person = world.stranger().await;
    let fields = json!({
        "user_guid": person.user_guid, "role_profile_id": "cashier", "roles": ["ofm_view"],
        "valid_from": world.now(), "valid_until": world.now().plus_days(30),
        "employee_code": "E-1", "title": "Till 3", "reason": "hired",
    });
    world.introduce(&SERVICE, &world.owner).await;
    let added = add(&world, &world.owner, fields).await;
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(1), &json!(1)));
    let data = added.data();
    let told = ["state", "role_profile_id", "employee_code", "title", "display_name"].map(|name| &data[name]);
    assert_eq!(told, ["active", "cashier", "E-1", "Till 3", "Sam Stranger"]);
    assert_eq!(data["effective_roles"], json!(["crm_view", "ofm_view", "ppm_view"]));
    assert_eq!((&data["epoch"], &data["in_force"]), (&json!(1), &json!(true)));
    assert_eq!(data["email"], format!("{}@people.example", person.user_guid));
    assert_eq!(added.body["revision"], data["revision"]);
    let resolved = world.post(&SERVICE, &person, "/member/resolve", json!({})).await;
    assert_eq!(resolved.data()["role_profile_id"], "cashier");

    let journal = world.journal("ofm", "member", &person.user_guid.to_string()).await;
    verify(&journal);
    assert_eq!((journal.len(), journal[0].entry.action.as_str()), (1, "member-added"));
    let told = serde_json::to_string(&journal[0].entry).unwrap();
    assert!(!told.contains("E-1") && !told.contains("Sam") && !told.contains('@'), "{told}");
}

#[tokio::test]
async fn wrong_terms_are_refused_each_by_its_name() {
    let world = World::new().await;
    let user = world.stranger().await.user_guid;
    let wrong = json!({
        "user_guid": user, "role_profile_id": "king", "roles": ["owner"], "valid_from": "tomorrow",
        "employee_code": "x".repeat(33), "title": "", "email": "sam@example.org", "state": "active",
    });
    let refused = add(&world, &world.owner, wrong).await;
    let mut fields = refused.refused_fields();
    fields.sort_unstable();
    let expected = ["email", "employee_code", "role_profile_id", "roles", "state", "title", "valid_from"];
    assert_eq!(fields, expected);
    let backwards = json!({"user_guid": user, "valid_from": world.now(), "valid_until": world.now()});
    assert_eq!(add(&world, &world.owner, backwards).await.refused_fields(), ["valid_until"]);
}

#[tokio::test]
async fn a_person_who_may_not_be_named_is_none() {
    let world = World::new().await;
    let person = world.stranger().await.user_guid;
    for status in [UserStatus::Unverified, UserStatus::Suspended, UserStatus::Doomed] {
        world.meddle(&System, &keys::user(person), |user| user.status = status).await;
        let refused = add(&world, &world.owner, json!({"user_guid": person})).await;
        assert_eq!(refused.refused("not-found")["details"]["field"], "user_guid");
    }
    for nobody in [json!(world.org.guid()), json!("sam@example.org")] {
        let refused = add(&world, &world.owner, json!({"user_guid": nobody})).await;
        assert_eq!(refused.refused("not-found")["details"]["field"], "user_guid");
    }
    let admin = world.member(&["ofm_member_admin"]).await;
    let user = json!({"user_guid": world.stranger().await.user_guid});
    add(&world, &admin, user.clone()).await.refused("not-owner");
    add(&world, &world.stranger().await, user.clone()).await.refused("not-found");
    add(&world, &world.key(&["owner"]).await, user).await.data();
}

#[tokio::test]
async fn whoever_comes_back_begins_anew() {
    let world = World::new().await;
    let user = world.stranger().await.user_guid;
    let fields = json!({
        "user_guid": user, "roles": ["crm_manage"], "employee_code": "E-1", "title": "Boss",
    });
    add(&world, &world.owner, fields.clone()).await.data();
    add(&world, &world.owner, fields.clone()).await.refused("duplicate-member");
    set(&world, &world.owner, user, json!({"state": "suspended"})).await.data();
    add(&world, &world.owner, fields).await.refused("duplicate-member");
    let removed = set(&world, &world.owner, user, json!({"state": "removed"})).await.data().clone();
    let stale = json!({"user_guid": user, "expected_revision": world.org.guid()});
    add(&world, &world.owner, stale).await.refused("conflict");
    let again = json!({"user_guid": user, "expected_revision": removed["revision"]});
    let back = add(&world, &world.owner, again).await.data().clone();
    assert_eq!((&back["epoch"], &back["roles"]), (&json!(2), &json!([])));
    assert_eq!((&back["employee_code"], &back["title"]), (&Value::Null, &Value::Null));
    // The number is free again.
    let other = json!({"user_guid": world.stranger().await.user_guid, "employee_code": "E-1"});
    add(&world, &world.owner, other).await.data();
    set(&world, &world.owner, user, json!({"state": "removed"})).await.data();
    // Also without naming the revision.
    assert_eq!(add(&world, &world.owner, json!({"user_guid": user})).await.data()["epoch"], 3);

    let journal = world.journal("ofm", "member", &user.to_string()).await;
    verify(&journal);
    let actions: Vec<_> = journal.iter().map(|chained| chained.entry.action.as_str()).collect();
    let (added, state) = ("member-added", "member-state-set");
    assert_eq!(actions, [added, state, state, added, state, added]);
}

#[tokio::test]
async fn an_employee_code_is_one_persons_in_an_org() {
    let (world, other) = (World::new().await, World::new().await);
    let (one, two) = (world.member(&[]).await.user_guid, world.member(&[]).await.user_guid);
    let code = |code: Value| json!({"employee_code": code});
    set(&world, &world.owner, one, code(json!("E-1"))).await.data();
    let taken = set(&world, &world.owner, two, code(json!("E-1"))).await;
    assert_eq!(taken.refused("duplicate-code")["details"]["field"], "employee_code");
    let new = json!({"user_guid": world.stranger().await.user_guid, "employee_code": "E-1"});
    add(&world, &world.owner, new).await.refused("duplicate-code");
    set(&world, &world.owner, one, code(json!("E-1"))).await.data();
    set(&other, &other.owner, other.owner.user_guid, code(json!("E-1"))).await.data();
    let moved = set(&world, &world.owner, one, code(json!("E-2"))).await;
    assert_eq!(moved.data()["employee_code"], "E-2");
    set(&world, &world.owner, two, code(json!("E-1"))).await.data();
    set(&world, &world.owner, one, code(Value::Null)).await.data();
    set(&world, &world.owner, two, code(json!("E-2"))).await.data();
}

#[tokio::test]
async fn an_employee_code_is_compared_as_a_code() {
    let world = World::new().await;
    let (one, two) = (world.member(&[]).await.user_guid, world.member(&[]).await.user_guid);
    let code = |code: &str| json!({"employee_code": code});
    let kept = set(&world, &world.owner, one, code(" e-77 ")).await;
    assert_eq!(kept.data()["employee_code"], "E-77");
    for same in ["E-77", "e-77", "\u{ff25}-77", "E\u{ff0d}\u{ff17}7"] {
        set(&world, &world.owner, two, code(same)).await.refused("duplicate-code");
    }
    for none in ["E\u{2010}77", "E-77\u{200b}", "\u{395}-77", "\u{200b}", " "] {
        assert_eq!(set(&world, &world.owner, two, code(none)).await.refused_fields(), ["employee_code"]);
    }
}

#[tokio::test]
async fn never_is_a_time_like_any_other() {
    let world = World::new().await;
    let user = world.stranger().await.user_guid;
    let never = "9999-12-31T23:59:59.999Z";
    let added =
        add(&world, &world.owner, json!({"user_guid": user, "valid_until": "9999-12-31T23:59:59.9999Z"}))
            .await;
    assert_eq!((&added.data()["valid_until"], &added.data()["in_force"]), (&json!(never), &json!(true)));
    let since = json!({"valid_from": "0001-01-01T00:00:00Z"});
    assert_eq!(set(&world, &world.owner, user, since).await.data()["in_force"], true);
    let listed = world.post(&SERVICE, &world.owner, "/member/list", json!({"in_force": true})).await;
    assert!(listed.text.contains(never), "{}", listed.text);
}

#[tokio::test]
async fn every_move_is_allowed_or_refused_as_the_table_says() {
    let world = World::new().await;
    let admin = world.member(&["ofm_member_admin"]).await;
    let user = world.member(&[]).await.user_guid;
    let key = keys::member(&world.org, user);
    for from in MemberState::ALL {
        for to in MemberState::ALL {
            world.meddle(&world.org, &key, |member| member.state = *from).await;
            let reply = set(&world, &admin, user, json!({"state": to})).await;
            if ARCS.contains(&(*from, *to)) {
                assert_eq!(reply.data()["state"], json!(to));
                assert_eq!(reply.data()["in_force"], json!(*to == MemberState::Active));
            } else {
                let details = &reply.refused("invalid-transition")["details"];
                assert_eq!([&details["from"], &details["to"]], [&json!(from), &json!(to)]);
            }
        }
    }
    world.meddle(&world.org, &key, |member| member.state = MemberState::Removed).await;
    let refused = set(&world, &admin, user, json!({"title": "Late"})).await;
    assert_eq!(refused.refused("invalid-state")["details"], json!({"state": "removed"}));
}

#[tokio::test]
async fn what_is_named_is_changed_and_null_clears() {
    let world = World::new().await;
    let member = world.member(&["crm_view"]).await;
    let user = member.user_guid;
    let (from, until) = (world.now(), world.now().plus_minutes(30));
    let fields = json!({
        "role_profile_id": "cashier", "roles": ["ofm_view"], "valid_from": from, "valid_until": until,
        "title": "Till 3",
    });
    world.introduce(&SERVICE, &world.owner).await;
    let changed = set(&world, &world.owner, user, fields).await;
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(1), &json!(1)));
    let data = changed.data();
    assert_eq!(data["effective_roles"], json!(["crm_view", "ofm_view", "ppm_view"]));
    assert_eq!([&data["valid_until"], &data["title"]], [&json!(until), &json!("Till 3")]);
    let backwards = set(&world, &world.owner, user, json!({"valid_until": from})).await;
    assert_eq!(backwards.refused_fields(), ["valid_until"]);

    // From the very moment on, the person does not belong to the org.
    let resolve = async || world.post(&SERVICE, &member, "/member/resolve", json!({})).await;
    world.advance_seconds(30 * 60 - 1);
    resolve().await.data();
    world.advance_seconds(1);
    resolve().await.refused("not-found");
    let cleared = json!({"valid_until": null, "role_profile_id": null, "title": null, "roles": []});
    let data = set(&world, &world.owner, user, cleared).await.data().clone();
    assert_eq!((&data["effective_roles"], &data["title"]), (&json!([]), &Value::Null));
    assert_eq!((&data["valid_from"], &data["state"]), (&json!(from), &json!("active")));
    resolve().await.data();

    let journal = world.journal("ofm", "member", &user.to_string()).await;
    assert_eq!(journal.last().unwrap().entry.action, "member-updated");
    let bare = json!({"user_guid": user, "title": "x"});
    let bare = world.post(&SERVICE, &world.owner, "/member/state/set", bare).await;
    bare.refused("expected-revision-required");
    let stale = json!({"user_guid": user, "title": "x", "expected_revision": world.org.guid()});
    let stale = world.post(&SERVICE, &world.owner, "/member/state/set", stale).await;
    assert_eq!(stale.refused("conflict")["details"]["current"]["user_guid"], json!(user));
}

#[tokio::test]
async fn nobody_gives_more_than_they_hold() {
    let world = World::new().await;
    let admin = world.member(&["ofm_member_admin", "crm_view", "ppm_view"]).await;
    let key = world.key(&["ofm_member_admin"]).await;
    let user = world.member(&["inf_view"]).await.user_guid;
    let refused = set(&world, &admin, user, json!({"roles": ["inf_view", "crm_view", "crm_edit"]})).await;
    assert_eq!(refused.refused("forbidden")["details"]["missing"], json!(["crm_edit"]));
    let refused = set(&world, &admin, user, json!({"role_profile_id": "sales_associate"})).await;
    assert_eq!(refused.refused("forbidden")["details"]["missing"], json!(["crm_edit", "ics_view"]));
    set(&world, &key, user, json!({"roles": ["crm_view"]})).await.refused("forbidden");
    // What the person has already is not given.
    let kept = json!({"roles": ["inf_view", "crm_view"], "role_profile_id": "cashier"});
    set(&world, &admin, user, kept).await.data();
    set(&world, &admin, user, json!({"roles": ["crm_view"]})).await.data();
    set(&world, &admin, user, json!({"roles": ["inf_view"]})).await.refused("forbidden");
    set(&world, &world.key(&["owner"]).await, user, json!({"roles": ["inf_view"]})).await.data();
}

#[tokio::test]
async fn only_owners_change_themselves_and_owners() {
    let world = World::new().await;
    let admin = world.member(&["ofm_member_admin"]).await;
    let second = secondary(&world).await;
    let title = json!({"title": "Chief"});
    set(&world, &admin, admin.user_guid, title.clone()).await.refused("forbidden");
    set(&world, &admin, second.user_guid, title.clone()).await.refused("not-owner");
    set(&world, &second, second.user_guid, title.clone()).await.data();
    set(&world, &second, world.owner.user_guid, title.clone()).await.data();
    let blind = world.member(&["ofm_view"]).await;
    set(&world, &blind, admin.user_guid, title.clone()).await.refused("forbidden");
    set(&world, &world.stranger().await, admin.user_guid, title).await.refused("not-found");
}

#[tokio::test]
async fn an_active_owner_stays_an_active_member_without_an_end() {
    let world = World::new().await;
    let user = secondary(&world).await.user_guid;
    let until: Time = world.now().plus_days(1);
    for fields in [
        json!({"state": "suspended"}),
        json!({"state": "removed"}),
        json!({"valid_until": until}),
        json!({"valid_from": until}),
    ] {
        let refused = set(&world, &world.owner, user, fields).await;
        let blocking = json!([{"kind": "owner", "count": 1, "sample_id": user}]);
        assert_eq!(refused.refused("in-use")["details"]["blocking"], blocking);
    }
    set(&world, &world.owner, user, json!({"title": "Partner"})).await.data();
    let owner = world.stored(&keys::owner(&world.org, user)).await.unwrap();
    let remove = json!({"user_guid": user, "expected_revision": owner.revision});
    world.post(&SERVICE, &world.owner, "/owner/secondary/remove", remove).await.data();
    set(&world, &world.member(&["ofm_member_admin"]).await, user, json!({"state": "removed"})).await.data();
}

#[tokio::test]
async fn a_member_is_not_removed_while_being_made_an_owner() {
    let proxy = race::in_bad_mood(31);
    let first = World::at(proxy.endpoint()).await;
    for _ in 0..race::rounds() {
        // An org has but twenty owners.
        let world = &first.another().await;
        let user = world.member(&[]).await.user_guid;
        let calls = (0..race::CALLERS).map(|n| async move {
            if n % 2 == 0 {
                let fields = json!({"user_guid": user});
                race::insist(world, &SERVICE, &world.owner, "/owner/secondary/add", fields).await
            } else {
                set(world, &world.owner, user, json!({"state": "removed"})).await
            }
        });
        let replies = join_all(calls).await;
        let late =
            ["conflict", "invalid-state", "invalid-transition", "in-use", "expected-revision-required"];
        race::one_winner(&replies, &late);
        let member = world.stored(&keys::member(&world.org, user)).await.unwrap().record;
        assert_eq!(member.is_owner(), member.state == MemberState::Active);
    }
    equals_effects(&proxy).await;
}

#[tokio::test]
async fn of_many_who_add_a_person_or_want_a_number_one_does() {
    let proxy = race::in_bad_mood(41);
    let world = World::at(proxy.endpoint()).await;
    for round in 0..race::rounds() {
        let user = world.stranger().await.user_guid;
        let adding = (0..race::CALLERS).map(|_| add(&world, &world.owner, json!({"user_guid": user})));
        race::one_winner(&join_all(adding).await, &["duplicate-member"]);
        let journal = world.journal("ofm", "member", &user.to_string()).await;
        assert_eq!(journal.len(), 1);

        let mut people = Vec::new();
        for _ in 0..race::CALLERS {
            people.push(world.stranger().await.user_guid);
        }
        let code = format!("E-{round}");
        let adding = people
            .iter()
            .map(|user| add(&world, &world.owner, json!({"user_guid": user, "employee_code": code})));
        race::one_winner(&join_all(adding).await, &["duplicate-code"]);
    }
    equals_effects(&proxy).await;
}
