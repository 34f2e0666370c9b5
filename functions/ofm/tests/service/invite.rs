//! Invites to become a member (ofm §9.1).

use contract::ids::UserGuid;
use futures::future::join_all;
use identity::{
    keys,
    member::MemberState,
    org::OrgStatus,
    user::{EmailClaim, UserStatus},
};
use ofm::SERVICE;
use serde_json::{Value, json};
use store::System;
use testkit::{
    Caller, Reply, World, database,
    journal::{equals_effects, verify},
    proxy::{Fault, Operation, Proxy, When},
    race,
};

use crate::places::Places;

pub(crate) async fn create(world: &World, caller: &Caller, fields: Value) -> Reply {
    race::insist(world, &SERVICE, caller, "/member/invite/create", fields).await
}

pub(crate) async fn accept(world: &World, caller: &Caller, code: &Value) -> Reply {
    race::insist(world, &SERVICE, caller, "/member/invite/accept", json!({"code": code})).await
}

async fn revoke(world: &World, invite: &Value) -> Reply {
    let fields = json!({"invite_guid": invite["invite_guid"], "expected_revision": invite["revision"]});
    race::insist(world, &SERVICE, &world.owner, "/member/invite/revoke", fields).await
}

pub(crate) async fn listed(world: &World, fields: Value) -> Vec<Value> {
    let reply = world.post(&SERVICE, &world.owner, "/member/invite/list", fields).await;
    reply.data()["invites"].as_array().expect("invites").clone()
}

/// An invite of a person by their id.
pub(crate) async fn invite(world: &World, user: UserGuid) -> Value {
    create(world, &world.owner, json!({"user_guid": user})).await.data().clone()
}

pub(crate) fn email(person: &Caller) -> String {
    format!("{}@people.example", person.user_guid)
}

#[tokio::test]
async fn an_international_address_is_one_in_both_spellings() {
    let world = World::new().await;
    let person = world.stranger().await;
    let letters = format!("{}@b\u{fc}cher.example", person.user_guid);
    let labels = letters.replace("b\u{fc}cher", "xn--bcher-kva");
    let known = letters.parse().expect("an address");
    world.meddle(&System, &keys::user(person.user_guid), |user| user.email = Some(known)).await;
    let made = create(&world, &world.owner, json!({"email": labels})).await.data().clone();
    create(&world, &world.owner, json!({"email": letters})).await.refused("duplicate-invite");
    assert_eq!(listed(&world, json!({"email": letters})).await.len(), 1);
    accept(&world, &person, &made["code"]).await.data();
}

#[tokio::test]
async fn a_person_becomes_a_member_by_their_own_word() {
    let world = World::new().await;
    let (places, person) = (Places::new(&world).await, world.stranger().await);
    let fields = json!({
        "email": format!(" {} ", email(&person).to_uppercase()), "role_profile_id": "cashier",
        "roles": ["ofm_view"], "valid_until": world.now().plus_days(90), "message": "Welcome!",
        "assignments": [{"logical_guid": places.guid(), "grants": ["timesheet:write"]}], "reason": "hired",
    });
    let made = create(&world, &world.owner, fields).await;
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(3), &json!(1)));
    let data = made.data();
    assert_eq!([&data["status"], &data["message"]], ["active", "Welcome!"]);
    assert_eq!(data["email"], email(&person));
    assert_eq!(data["expires_at"], json!(world.now().plus_days(7)));
    assert_eq!(data["invited_by"], json!(world.owner.user_guid));
    assert!(data.get("email_hash").is_none());
    let code = data["code"].as_str().unwrap();
    assert!(code.len() == 11 && code.as_bytes()[5] == b'-', "{code}");

    world.send(&SERVICE, &person, "GET", "/stat", String::new()).await.data();
    let accepted = accept(&world, &person, &json!(format!(" {} ", code.to_lowercase()))).await;
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(3), &json!(1)));
    let member = accepted.data();
    assert_eq!([&member["state"], &member["role_profile_id"]], ["active", "cashier"]);
    assert_eq!(member["effective_roles"], json!(["crm_view", "ofm_view", "ppm_view"]));
    assert_eq!((&member["epoch"], &member["skipped"]), (&json!(1), &json!([])));
    assert_eq!(member["invite_guid"], data["invite_guid"]);
    assert_eq!(member["email"], email(&person));
    let resolve = json!({"org_guid": world.org.guid(), "logical_guid": places.guid()});
    let resolved = world.post(&SERVICE, &person, "/member/resolve", resolve).await;
    assert_eq!(resolved.data()["grants"], json!(["facility:read", "timesheet:write"]));

    let listed = listed(&world, json!({"status": "accepted"})).await;
    assert_eq!(listed[0]["accepted_by"], json!(person.user_guid));
    let id = data["invite_guid"].as_str().unwrap();
    let journal = world.journal("ofm", "member-invite", id).await;
    verify(&journal);
    let actions: Vec<_> = journal.iter().map(|chained| chained.entry.action.as_str()).collect();
    assert_eq!(actions, ["member-invite-created", "member-invite-accepted"]);
    for chained in &journal {
        let told = serde_json::to_string(&chained.entry).unwrap();
        assert!(!told.contains('@') && !told.contains("Welcome"), "{told}");
        assert_eq!(chained.entry.request_context.orgcode.as_deref(), Some(world.orgcode.as_str()));
    }
}

#[tokio::test]
async fn wrong_invites_are_refused_each_by_its_name() {
    let world = World::new().await;
    let user = world.stranger().await.user_guid;
    let refused = async |fields: Value| {
        let reply = create(&world, &world.owner, fields).await;
        reply.refused_fields().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(refused(json!({})).await, ["email"]);
    assert_eq!(refused(json!({"email": "a@example.org", "user_guid": user})).await, ["email"]);
    assert_eq!(refused(json!({"email": "nobody"})).await, ["email"]);
    assert_eq!(refused(json!({"user_guid": user, "roles": ["ofm_owner"]})).await, ["roles"]);
    assert_eq!(refused(json!({"user_guid": user, "message": "x".repeat(501)})).await, ["message"]);
    let now = world.now();
    for expires_at in [now, now.plus_minutes(59), now.plus_seconds(30 * 86_400 + 1)] {
        assert_eq!(refused(json!({"user_guid": user, "expires_at": expires_at})).await, ["expires_at"]);
    }
    let backwards = json!({"user_guid": user, "valid_from": now, "valid_until": now});
    assert_eq!(refused(backwards).await, ["valid_until"]);
    let to = json!({"logical_guid": world.cost_centre, "grants": ["facility:read"]});
    let twice = json!({"user_guid": user, "assignments": [to, {"logical_guid": world.cost_centre, "grants": ["station:write"]}]});
    assert_eq!(refused(twice).await, ["assignments[1].logical_guid"]);
    let none = json!({"user_guid": user, "assignments": [{"logical_guid": world.cost_centre, "grants": []}]});
    assert_eq!(refused(none).await, ["assignments[0].grants"]);
    let missing = create(&world, &world.owner, json!({"user_guid": user, "assignments": [to]})).await;
    assert_eq!(missing.refused("not-found")["details"]["field"], "assignments[0].logical_guid");
}

#[tokio::test]
async fn an_invite_gives_no_more_than_its_maker_holds() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let admin = world.member(&["ofm_member_admin", "crm_view"]).await;
    let user = world.stranger().await.user_guid;
    let missing = async |fields: Value| {
        let reply = create(&world, &admin, fields).await;
        reply.refused("forbidden")["details"]["missing"].clone()
    };
    let roles = json!({"user_guid": user, "roles": ["crm_view"], "role_profile_id": "cashier"});
    assert_eq!(missing(roles).await, json!(["ppm_view"]));
    let to = |grant: &str| json!([{"logical_guid": places.guid(), "grants": [grant]}]);
    let grants = json!({"user_guid": user, "assignments": to("schedule:write")});
    assert_eq!(missing(grants).await, json!(["schedule:write"]));
    create(&world, &admin, json!({"user_guid": user, "roles": ["crm_view"]})).await.data();
    create(&world, &world.member(&["ofm_view"]).await, json!({"user_guid": user})).await.refused("forbidden");
    create(&world, &world.stranger().await, json!({"user_guid": user})).await.refused("not-found");
}

#[tokio::test]
async fn a_person_has_one_active_invite() {
    let world = World::new().await;
    let person = world.stranger().await;
    let by_user = json!({"user_guid": person.user_guid});
    let by_email = json!({"email": email(&person)});
    let hash = EmailClaim::hash(&email(&person).parse().unwrap(), &world.app(&SERVICE).settings.lookup_key);
    for fields in [&by_user, &by_email] {
        let first = create(&world, &world.owner, fields.clone()).await.data().clone();
        create(&world, &world.owner, fields.clone()).await.refused("duplicate-invite");
        revoke(&world, &first).await.data();
        create(&world, &world.owner, fields.clone()).await.data();
    }
    world
        .meddle(&world.org, &keys::standing_invite(&world.org, &hash), |standing| {
            standing.expires_at = world.now();
        })
        .await;
    // One that has expired stands in nobody's way.
    let again = json!({"email": email(&person)});
    create(&world, &world.owner, again.clone()).await.data();
    create(&world, &world.owner, again).await.refused("duplicate-invite");

    // Of an e-mail it is not told whether somebody has an account, or is a member.
    let member = world.member(&[]).await;
    let refused = create(&world, &world.owner, json!({"user_guid": member.user_guid})).await;
    refused.refused("duplicate-member");
    create(&world, &world.owner, json!({"email": email(&member)})).await.data();
    create(&world, &world.owner, json!({"email": "nobody@example.org"})).await.data();
    let unknown = create(&world, &world.owner, json!({"user_guid": world.org.guid()})).await;
    assert_eq!(unknown.refused("not-found")["details"]["field"], "user_guid");
    let key = keys::user(person.user_guid);
    world.meddle(&System, &key, |user| user.status = UserStatus::Suspended).await;
    create(&world, &world.owner, by_user).await.refused("not-found");
}

#[tokio::test]
async fn nobody_else_accepts_an_invite_and_ten_guesses_are_enough() {
    let world = World::new().await;
    let (person, other) = (world.stranger().await, world.stranger().await);
    let made = invite(&world, person.user_guid).await;
    let refused = accept(&world, &other, &made["code"]).await;
    assert_eq!(refused.refused("not-found")["details"]["field"], "code");
    for code in ["ABCDE-FGHJK", "INV2345ABCDEF", "", "\u{1f511}"] {
        assert_eq!(accept(&world, &other, &json!(code)).await.without_stats(), refused.without_stats());
    }
    accept(&world, &world.key(&["owner"]).await, &made["code"]).await.refused("forbidden");
    accept(&world, &Caller::anonymous(), &made["code"]).await.refused("auth-required");
    for _ in 5..10 {
        accept(&world, &other, &made["code"]).await.refused("not-found");
    }
    accept(&world, &other, &made["code"]).await.refused("rate-limited");
    // Where another org is named, it is not this invite.
    let elsewhere = json!({"code": made["code"], "orgcode": "OTHER9"});
    world.post(&SERVICE, &person, "/member/invite/accept", elsewhere).await.refused("not-found");
    let here = json!({"code": made["code"], "orgcode": world.orgcode, "org_guid": world.org.guid()});
    world.post(&SERVICE, &person, "/member/invite/accept", here).await.data();
}

#[tokio::test]
async fn an_invite_that_is_over_says_how() {
    let world = World::new().await;
    let person = world.stranger().await;
    let revoked = invite(&world, person.user_guid).await;
    let gone = revoke(&world, &revoked).await;
    assert_eq!(gone.data()["status"], "revoked");
    accept(&world, &person, &revoked["code"]).await.refused("invitation-revoked");
    revoke(&world, gone.data()).await.refused("invitation-revoked");

    let fresh = world.stranger().await;
    let made = invite(&world, fresh.user_guid).await;
    accept(&world, &fresh, &made["code"]).await.data();
    accept(&world, &fresh, &made["code"]).await.refused("invitation-accepted");
    create(&world, &world.owner, json!({"user_guid": fresh.user_guid})).await.refused("duplicate-member");
}

#[tokio::test]
async fn an_invite_lasts_until_its_very_end() {
    let world = World::new().await;
    let person = world.stranger().await;
    let fields = json!({"user_guid": person.user_guid, "expires_at": world.now().plus_hours(1)});
    let made = create(&world, &world.owner, fields).await.data().clone();
    let key = keys::invite(&world.org, made["invite_guid"].as_str().unwrap().parse().unwrap());
    // A session does not last as long.
    world.meddle(&world.org, &key, |invite| invite.expires_at = world.now().plus_seconds(60)).await;
    world.advance_seconds(59);
    assert_eq!(listed(&world, json!({})).await.len(), 1);
    world.advance_seconds(1);
    assert_eq!(listed(&world, json!({})).await.len(), 0);
    let expired = listed(&world, json!({"status": "expired"})).await;
    assert_eq!(expired[0]["status"], "expired");
    accept(&world, &person, &made["code"]).await.refused("invitation-expired");
    let mut current = made.clone();
    current["revision"] = expired[0]["revision"].clone();
    revoke(&world, &current).await.refused("invitation-expired");
}

#[tokio::test]
async fn invites_are_listed_by_their_end_and_person() {
    let world = World::new().await;
    let (one, two) = (world.stranger().await, world.stranger().await);
    let make = async |fields: Value, days: i64| {
        let mut fields = fields;
        fields["expires_at"] = json!(world.now().plus_days(days));
        create(&world, &world.owner, fields).await.data().clone()
    };
    let late = make(json!({"user_guid": one.user_guid}), 9).await;
    let soon = make(json!({"email": email(&two)}), 2).await;
    let gone = make(json!({"email": "x@example.org"}), 5).await;
    revoke(&world, &gone).await.data();
    let guids = async |fields: Value| -> Vec<Value> {
        listed(&world, fields).await.iter().map(|invite| invite["invite_guid"].clone()).collect()
    };
    let all = [&soon, &gone, &late].map(|invite| invite["invite_guid"].clone());
    assert_eq!(guids(json!({})).await, [all[0].clone(), all[2].clone()]);
    assert_eq!(guids(json!({"status": "all"})).await, all);
    assert_eq!(guids(json!({"status": "revoked"})).await, [all[1].clone()]);
    assert_eq!(guids(json!({"user_guid": one.user_guid})).await, [all[2].clone()]);
    assert_eq!(guids(json!({"email": email(&two).to_uppercase()})).await, [all[0].clone()]);
    assert_eq!(guids(json!({"email": "x@example.org"})).await, Vec::<Value>::new());
    assert_eq!(guids(json!({"email": "x@example.org", "include_doomed": true})).await, [all[1].clone()]);
    // Another org's are not among them.
    let other = world.another().await;
    create(&other, &other.owner, json!({"user_guid": one.user_guid})).await.data();
    assert_eq!(guids(json!({"user_guid": one.user_guid, "status": "all"})).await, [all[2].clone()]);

    let page = async |token: Value| {
        let fields = json!({"limit": 1, "status": "all", "next_token": token});
        world.post(&SERVICE, &world.owner, "/member/invite/list", fields).await.data().clone()
    };
    let first = page(Value::Null).await;
    let second = page(first["next_token"].clone()).await;
    assert_eq!(second["invites"][0]["invite_guid"], all[1]);
    let both = json!({"user_guid": one.user_guid, "email": email(&two)});
    let wrong = world.post(&SERVICE, &world.owner, "/member/invite/list", both).await;
    assert_eq!(wrong.refused_fields(), ["email"]);
    let malformed =
        world.post(&SERVICE, &world.owner, "/member/invite/list", json!({"user_guid": "me"})).await;
    malformed.refused("not-found");
    let viewer = world.member(&["ofm_view"]).await;
    world.post(&SERVICE, &viewer, "/member/invite/list", json!({})).await.refused("forbidden");
}

#[tokio::test]
async fn facilities_that_were_closed_meanwhile_are_left_out() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let other = crate::places::logical(&world, "SECOND", &places.physical, &places.legal).await;
    let person = world.stranger().await;
    let fields = json!({"user_guid": person.user_guid, "assignments": [
        {"logical_guid": places.guid(), "grants": ["facility:read"]},
        {"logical_guid": other["logical_guid"], "grants": ["schedule:write"]},
    ]});
    let made = create(&world, &world.owner, fields.clone()).await.data().clone();
    crate::places::set_status(&world, "facility/logical", &other, "inactive").await.data();
    let closed = json!({"email": "x@example.org", "assignments": fields["assignments"]});
    let refused = create(&world, &world.owner, closed).await;
    let details = json!({"field": "assignments[1].logical_guid", "status": "inactive"});
    assert_eq!(refused.refused("invalid-state")["details"], details);
    let accepted = accept(&world, &person, &made["code"]).await;
    assert_eq!(accepted.data()["skipped"], json!([other["logical_guid"]]));
}

#[tokio::test]
async fn whoever_was_removed_comes_back_by_an_invite() {
    let world = World::new().await;
    let member = world.member(&["crm_manage"]).await;
    let key = keys::member(&world.org, member.user_guid);
    world.meddle(&world.org, &key, |member| member.state = MemberState::Removed).await;
    let made = invite(&world, member.user_guid).await;
    let back = accept(&world, &member, &made["code"]).await;
    assert_eq!((&back.data()["epoch"], &back.data()["roles"]), (&json!(2), &json!([])));
}

#[tokio::test]
async fn an_org_that_is_not_verified_takes_nobody_in() {
    let world = World::new().await;
    let person = world.stranger().await;
    let made = invite(&world, person.user_guid).await;
    world.set_org_status(OrgStatus::Parked).await;
    let blocked = accept(&world, &person, &made["code"]).await;
    assert_eq!(blocked.refused("org-write-blocked")["details"], json!({"status": "parked"}));
    world.set_org_status(OrgStatus::Doomed).await;
    accept(&world, &person, &made["code"]).await.refused("not-found");
}

#[tokio::test]
async fn of_many_who_accept_or_make_an_invite_one_does() {
    let proxy = race::in_bad_mood(51);
    let world = World::at(proxy.endpoint()).await;
    for _ in 0..race::rounds() {
        let person = world.stranger().await;
        let making =
            (0..race::CALLERS).map(|_| create(&world, &world.owner, json!({"user_guid": person.user_guid})));
        let replies = join_all(making).await;
        let made = race::one_winner(&replies, &["duplicate-invite"]).data().clone();
        let accepting = (0..race::CALLERS).map(|_| accept(&world, &person, &made["code"]));
        // Who reads the invite before it is accepted, and the member after, is told of the member.
        let late = ["invitation-accepted", "duplicate-member"];
        race::one_winner(&join_all(accepting).await, &late);
        let journal = world.journal("ofm", "member", &person.user_guid.to_string()).await;
        assert_eq!(journal.len(), 1);
        let id = made["invite_guid"].as_str().unwrap();
        let journal = world.journal("ofm", "member-invite", id).await;
        verify(&journal);
        assert_eq!(journal.len(), 2);
    }
    equals_effects(&proxy).await;
}

#[tokio::test]
async fn an_invite_is_not_accepted_while_it_is_revoked() {
    let proxy = race::in_bad_mood(61);
    let world = World::at(proxy.endpoint()).await;
    for _ in 0..race::rounds() {
        let person = world.stranger().await;
        let made = invite(&world, person.user_guid).await;
        let (world, made, person) = (&world, &made, &person);
        let calls = (0..race::CALLERS).map(|n| async move {
            if n % 2 == 0 { accept(world, person, &made["code"]).await } else { revoke(world, made).await }
        });
        let late = ["conflict", "invitation-accepted", "invitation-revoked"];
        let replies = join_all(calls).await;
        let winner = race::one_winner(&replies, &late);
        let is_member = world.stored(&keys::member(&world.org, person.user_guid)).await.is_some();
        assert_eq!(is_member, winner.data().get("state").is_some());
    }
    equals_effects(&proxy).await;
}

#[tokio::test]
async fn a_lost_answer_is_had_by_asking_again() {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let world = World::at(proxy.endpoint()).await;
    let person = world.stranger().await;
    let made = invite(&world, person.user_guid).await;
    let fields = json!({"code": made["code"], "idempotency_key": "join"});
    let call = async || world.post(&SERVICE, &person, "/member/invite/accept", fields.clone()).await;
    proxy.inject(Fault::LoseReply, When::always().of(Operation::TransactWriteItems));
    call().await.refused("unavailable");
    proxy.clear();
    let again = call().await;
    assert_eq!(
        (again.data()["state"].as_str(), again.header("idempotent-replay")),
        (Some("active"), Some("true"))
    );
}
