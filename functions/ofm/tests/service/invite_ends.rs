//! What an invite rests on, and how it ends with it (ofm §2, §9.1).

use contract::states::States;
use futures::future::join;
use identity::{keys, member::MemberState, owner::OwnerState, user::UserStatus};
use ofm::SERVICE;
use serde_json::{Value, json};
use store::System;
use testkit::{Caller, World, journal::equals_effects, race};

use crate::{
    assignment::{assign as assign_logical, assign_key},
    invite::{accept, create, email, invite, listed},
    membership::set,
    owner::{move_to, secondary},
    places::{Places, post_as},
};

/// Sets how a member stands, as the owner.
async fn move_member(world: &World, person: &Caller, state: &str) {
    set(world, &world.owner, person.user_guid, json!({"state": state})).await.data();
}

/// How all invites of an org stand, by their ids.
async fn statuses(world: &World, invites: &[&Value]) -> Vec<Value> {
    let all = listed(world, json!({"status": "all"})).await;
    let of = |invite: &&Value| {
        let same = |listed: &&Value| listed["invite_guid"] == invite["invite_guid"];
        all.iter().find(same).expect("an invite")["status"].clone()
    };
    invites.iter().map(of).collect()
}

#[tokio::test]
async fn nobody_invites_themselves() {
    let world = World::new().await;
    let admin = world.member(&["ofm_member_admin", "crm_manage"]).await;
    for caller in [&admin, &world.owner] {
        for (name, fields) in [
            ("email", json!({"email": email(caller), "roles": ["ofm_member_admin", "crm_manage"]})),
            ("email", json!({"email": email(caller).to_uppercase()})),
            ("user_guid", json!({"user_guid": caller.user_guid})),
        ] {
            let refused = create(&world, caller, fields).await;
            assert_eq!(refused.refused("forbidden")["details"]["field"], name);
        }
    }
    // What somebody else's e-mail is, is not told: not even whether it is a member's.
    create(&world, &admin, json!({"email": email(&world.owner)})).await.data();
}

#[tokio::test]
async fn a_membership_that_ends_takes_every_invite_to_the_person_with_it() {
    let world = World::new().await;
    for state in ["suspended", "removed"] {
        let member = world.member(&["crm_manage"]).await;
        let made = create(&world, &world.owner, json!({"email": email(&member)})).await.data().clone();
        move_member(&world, &member, state).await;
        if state == "suspended" {
            move_member(&world, &member, "removed").await;
        }
        assert_eq!(statuses(&world, &[&made]).await, ["revoked"]);
        accept(&world, &member, &made["code"]).await.refused("invitation-revoked");
        let revoke = json!({"invite_guid": made["invite_guid"], "expected_revision": made["revision"]});
        let revoked = world.post(&SERVICE, &world.owner, "/member/invite/revoke", revoke).await;
        revoked.refused("invitation-revoked");
        let person = json!({"email": email(&member)});
        let of_person = async |status: &str| {
            let fields = json!({"email": email(&member), "status": status});
            listed(&world, fields).await.len()
        };
        assert_eq!((of_person("active").await, of_person("revoked").await), (0, 1));
        // A dead one stands in nobody's way, and the next one counts.
        let next = create(&world, &world.owner, person.clone()).await.data().clone();
        create(&world, &world.owner, person).await.refused("duplicate-invite");
        assert_eq!(statuses(&world, &[&made, &next]).await, ["revoked", "active"]);
        accept(&world, &member, &made["code"]).await.refused("invitation-revoked");
        accept(&world, &member, &next["code"]).await.data();
        assert_eq!(statuses(&world, &[&made, &next]).await, ["revoked", "accepted"]);
    }
}

#[tokio::test]
async fn accepting_one_invite_ends_the_other() {
    let world = World::new().await;
    for by_email_first in [true, false] {
        let person = world.stranger().await;
        let by_email = create(&world, &world.owner, json!({"email": email(&person)})).await.data().clone();
        let by_user = invite(&world, person.user_guid).await;
        let (used, left) = if by_email_first { (&by_email, &by_user) } else { (&by_user, &by_email) };
        accept(&world, &person, &used["code"]).await.data();
        assert_eq!(statuses(&world, &[used, left]).await, ["accepted", "revoked"]);
        accept(&world, &person, &left["code"]).await.refused("invitation-revoked");
        move_member(&world, &person, "removed").await;
        accept(&world, &person, &left["code"]).await.refused("invitation-revoked");
        accept(&world, &person, &used["code"]).await.refused("invitation-accepted");
    }
}

#[tokio::test]
async fn an_invite_ends_with_the_member_who_made_it() {
    let world = World::new().await;
    for state in ["suspended", "removed"] {
        let admin = world.member(&["ofm_member_admin", "crm_manage"]).await;
        let person = world.stranger().await;
        let fields = json!({"user_guid": person.user_guid, "roles": ["crm_manage"]});
        let made = create(&world, &admin, fields.clone()).await.data().clone();
        move_member(&world, &admin, state).await;
        assert_eq!(statuses(&world, &[&made]).await, ["revoked"]);
        accept(&world, &person, &made["code"]).await.refused("forbidden");
        // Whoever comes back revives nothing.
        if state == "suspended" {
            move_member(&world, &admin, "active").await;
        } else {
            let revision = world.stored(&keys::member(&world.org, admin.user_guid)).await.unwrap().revision;
            let back = json!({
                "user_guid": admin.user_guid, "roles": ["ofm_member_admin", "crm_manage"],
                "expected_revision": revision,
            });
            world.post(&SERVICE, &world.owner, "/member/add", back).await.data();
        }
        assert_eq!(statuses(&world, &[&made]).await, ["revoked"]);
        accept(&world, &person, &made["code"]).await.refused("invitation-revoked");
        let next = create(&world, &admin, fields).await.data().clone();
        accept(&world, &person, &next["code"]).await.data();
    }
}

#[tokio::test]
async fn an_invite_ends_with_the_owner_who_made_it() {
    let world = World::new().await;
    for state in [OwnerState::Suspended, OwnerState::Removed] {
        let owner = secondary(&world).await;
        let person = world.stranger().await;
        let fields = json!({"user_guid": person.user_guid, "roles": ["finance_audit"]});
        let made = create(&world, &owner, fields).await.data().clone();
        move_to(&world, &world.owner, owner.user_guid, state).await.data();
        assert_eq!(statuses(&world, &[&made]).await, ["revoked"]);
        // They stay an ordinary member, who is in force.
        accept(&world, &person, &made["code"]).await.refused("invitation-revoked");
    }
}

#[tokio::test]
async fn whoever_invites_must_be_in_force_and_hold_what_they_give() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let admin = world.member(&["ofm_member_admin", "crm_manage"]).await;
    assign_logical(&world, &admin, &places.guid(), &["schedule:write"]).await;
    let person = world.stranger().await;
    let fields = json!({
        "user_guid": person.user_guid, "roles": ["crm_manage"],
        "assignments": [{"logical_guid": places.guid(), "grants": ["schedule:write"]}],
    });
    let made = create(&world, &admin, fields).await.data().clone();
    let missing = async || {
        let refused = accept(&world, &person, &made["code"]).await;
        refused.refused("forbidden")["details"]["missing"].clone()
    };
    let own = |roles: Value| set(&world, &world.owner, admin.user_guid, roles);
    own(json!({"roles": ["ofm_member_admin"]})).await.data();
    assert_eq!(missing().await, json!(["crm_manage"]));
    own(json!({"valid_until": world.now().plus_seconds(60)})).await.data();
    own(json!({"roles": ["ofm_member_admin", "crm_manage"]})).await.data();
    let assignment = keys::assignment(
        &world.org,
        identity::assignment::Assignee::Member(admin.user_guid),
        serde_json::from_value(places.guid()).unwrap(),
    );
    let grants = async |grants: &[&str]| {
        let revision = world.stored(&assignment).await.unwrap().revision;
        let fields = json!({
            "user_guid": admin.user_guid, "logical_guid": places.guid(), "grants": grants,
            "expected_revision": revision,
        });
        post_as(&world, &world.owner, "/member/assign-logical", fields).await.data();
    };
    grants(&["facility:read"]).await;
    assert_eq!(missing().await, json!(["schedule:write"]));
    grants(&["schedule:write"]).await;
    world.advance_seconds(60);
    // Their time is over, and the operator's word counts for as much.
    assert_eq!(missing().await, Value::Null);
    own(json!({"valid_until": null})).await.data();
    let user = keys::user(admin.user_guid);
    world.meddle(&System, &user, |user| user.status = UserStatus::Suspended).await;
    assert_eq!(missing().await, Value::Null);
    world.meddle(&System, &user, |user| user.status = UserStatus::Verified).await;
    // None of this was an end.
    assert_eq!(statuses(&world, &[&made]).await, ["active"]);
    accept(&world, &person, &made["code"]).await.data();
}

#[tokio::test]
async fn a_program_gives_what_its_account_holds() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let key = world.key(&["ofm_member_admin", "crm_view"]).await;
    assign_key(&world, &key, &places.guid(), &["facility:read"]).await;
    let (one, two) = (world.stranger().await, world.stranger().await);
    let fields = |person: &Caller| {
        json!({
            "user_guid": person.user_guid, "roles": ["crm_view"],
            "assignments": [{"logical_guid": places.guid(), "grants": ["facility:read"]}],
        })
    };
    let made = create(&world, &key, fields(&one)).await.data().clone();
    accept(&world, &one, &made["code"]).await.data();
    let made = create(&world, &key, fields(&two)).await.data().clone();
    let account = keys::service_account(&world.org, key.service_account_guid);
    world
        .meddle(&world.org, &account, |account| {
            account.status = identity::service_account::AccountStatus::Inactive;
        })
        .await;
    accept(&world, &two, &made["code"]).await.refused("forbidden");
}

#[tokio::test]
async fn nobody_gets_in_once_a_removal_was_answered() {
    let proxy = race::in_bad_mood(71);
    let world = World::at(proxy.endpoint()).await;
    for _ in 0..race::rounds() {
        for state in MemberState::ALL.iter().filter(|state| **state != MemberState::Active) {
            let admin = world.member(&["ofm_member_admin"]).await;
            let member = world.member(&[]).await;
            // To the person: whatever is first, the other finds it.
            let to_member =
                create(&world, &world.owner, json!({"email": email(&member)})).await.data().clone();
            let (accepted, ended) = join(
                accept(&world, &member, &to_member["code"]),
                set(&world, &world.owner, member.user_guid, json!({"state": state})),
            )
            .await;
            ended.data();
            assert!(
                matches!(accepted.tag(), Some("duplicate-member" | "invitation-revoked")),
                "{}",
                accepted.text
            );
            let stored = world.stored(&keys::member(&world.org, member.user_guid)).await.unwrap().record;
            assert_eq!((stored.state, stored.epoch), (*state, 1));

            // From the person: who is in got in before.
            let person = world.stranger().await;
            let from_admin =
                create(&world, &admin, json!({"user_guid": person.user_guid})).await.data().clone();
            let (accepted, ended) = join(
                accept(&world, &person, &from_admin["code"]),
                set(&world, &world.owner, admin.user_guid, json!({"state": state})),
            )
            .await;
            ended.data();
            let late = accept(&world, &person, &from_admin["code"]).await;
            if accepted.is_success() {
                late.refused("invitation-accepted");
            } else {
                assert!(matches!(accepted.tag(), Some("forbidden")), "{}", accepted.text);
                late.refused("forbidden");
                assert!(world.stored(&keys::member(&world.org, person.user_guid)).await.is_none());
            }
        }
    }
    equals_effects(&proxy).await;
}
