//! Owners (ofm §8).

use contract::{ids::UserGuid, states::States};
use futures::future::join_all;
use identity::{
    keys,
    member::MemberState,
    owned_orgs::OwnedOrgs,
    owner::{ARCS, OwnerState},
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

async fn call(world: &World, caller: &Caller, path: &str, fields: Value) -> Reply {
    race::insist(world, &SERVICE, caller, path, fields).await
}

async fn revision(world: &World, user: UserGuid) -> Value {
    json!(world.stored(&keys::owner(&world.org, user)).await.map(|owner| owner.revision))
}

/// Makes a member an owner.
async fn add(world: &World, primary: &Caller, user: UserGuid) -> Reply {
    let fields = json!({"user_guid": user, "expected_revision": revision(world, user).await});
    call(world, primary, "/owner/secondary/add", fields).await
}

/// A secondary owner.
pub(crate) async fn secondary(world: &World) -> Caller {
    let member = world.member(&[]).await;
    add(world, &world.owner, member.user_guid).await.data();
    member
}

async fn set_primary(world: &World, primary: &Caller, user: UserGuid) -> Reply {
    let fields = json!({"user_guid": user, "expected_revision": revision(world, user).await});
    call(world, primary, "/owner/primary/set", fields).await
}

pub(crate) async fn move_to(world: &World, primary: &Caller, user: UserGuid, state: OwnerState) -> Reply {
    let mut fields = json!({"user_guid": user, "expected_revision": revision(world, user).await});
    if state == OwnerState::Removed {
        return call(world, primary, "/owner/secondary/remove", fields).await;
    }
    fields["state"] = json!(state);
    call(world, primary, "/owner/state/set", fields).await
}

/// Looks that exactly one of these is the primary owner, that he is active, and that all copies say the same.
async fn the_primary(world: &World, people: &[UserGuid]) -> UserGuid {
    let org = world.stored(&keys::org(&world.org)).await.expect("the org").record;
    let mut primaries = Vec::new();
    for user in people {
        let owner = world.stored(&keys::owner(&world.org, *user)).await.map(|owner| owner.record);
        let member = world.stored(&keys::member(&world.org, *user)).await.expect("a member").record;
        assert_eq!(member.owner, owner.as_ref().map(identity::owner::Owner::copy));
        let owned = OwnedOrgs::of(*user, world.stored(&keys::owned_orgs(*user)).await.as_ref());
        let owns = owned.orgs.contains(&world.org.guid());
        assert_eq!(owns, *user == org.primary_owner_user_guid);
        if owner.is_some_and(|owner| owner.primary_owner && owner.state == OwnerState::Active) {
            assert!(member.is_primary_owner());
            primaries.push(*user);
        }
    }
    assert_eq!(primaries, [org.primary_owner_user_guid]);
    primaries[0]
}

#[tokio::test]
async fn owners_are_listed_to_every_member_and_removed_ones_on_demand() {
    let world = World::new().await;
    let member = world.member(&[]).await;
    let list = async |fields| call(&world, &member, "/owner/list", fields).await;

    world.introduce(&SERVICE, &member).await;
    let listed = list(json!({})).await;
    let owner = &listed.data()["owners"][0];
    assert_eq!(owner["user_guid"], json!(world.owner.user_guid));
    assert_eq!(owner["display_name"], "Olive Owner");
    let flags = ["create_owner", "primary_owner", "secondary_owner"].map(|flag| owner[flag].as_bool());
    assert_eq!(flags, [Some(true), Some(true), Some(false)]);
    for field in ["org_guid", "state", "since", "revision", "created_at", "updated_at"] {
        assert!(owner[field].is_string(), "{field}");
    }
    assert!(listed.data().get("next_token").is_none());
    assert_eq!(world.last_log()["reads"], 1);

    let second = secondary(&world).await;
    move_to(&world, &world.owner, second.user_guid, OwnerState::Removed).await.data();
    let count = async |fields| list(fields).await.data()["owners"].as_array().unwrap().len();
    assert_eq!(count(json!({})).await, 1);
    assert_eq!(count(json!({"state": "removed"})).await, 1);
    for all in [json!({"state": "all"}), json!({"include_doomed": true})] {
        assert_eq!(count(all).await, 2);
    }
    assert_eq!(list(json!({"state": "doomed"})).await.refused_fields(), ["state"]);
}

#[tokio::test]
async fn owners_are_not_told_to_others() {
    let world = World::new().await;
    let list = async |caller| call(&world, &caller, "/owner/list", json!({})).await;
    list(world.stranger().await).await.refused("not-found");
    list(world.another().await.owner).await.refused("not-found");
    list(world.key(&["crm_view"]).await).await.refused("forbidden");
    list(world.key(&["ofm_view"]).await).await.data();
}

#[tokio::test]
async fn a_member_is_made_an_owner_and_acts_as_one() {
    let world = World::new().await;
    let member = world.member(&[]).await;
    let centre = json!({"caption": "Shop"});
    call(&world, &member, "/cost-centre/create", centre.clone()).await.refused("not-owner");
    world.introduce(&SERVICE, &world.owner).await;
    let added = add(&world, &world.owner, member.user_guid).await;
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(1), &json!(1)));
    let data = added.data();
    let flags = ["create_owner", "primary_owner", "secondary_owner"].map(|flag| data[flag].as_bool());
    assert_eq!(flags, [Some(false), Some(false), Some(true)]);
    assert_eq!((&data["state"], &data["display_name"]), (&json!("active"), &json!("Mia Member")));
    assert_eq!(added.body["revision"], data["revision"]);
    call(&world, &member, "/cost-centre/create", centre).await.data();
    the_primary(&world, &[world.owner.user_guid, member.user_guid]).await;

    let journal = world.journal("ofm", "owner", &member.user_guid.to_string()).await;
    verify(&journal);
    assert_eq!(journal[0].entry.action, "owner-secondary-added");
    assert!(!serde_json::to_string(&journal[0].entry).unwrap().contains("Mia"));
}

#[tokio::test]
async fn an_owner_is_an_active_member_without_an_end_and_a_verified_user() {
    let world = World::new().await;
    let no_such = async |user: UserGuid| {
        let refused = add(&world, &world.owner, user).await;
        assert_eq!(refused.refused("not-found")["details"]["field"], "user_guid");
    };
    no_such(world.stranger().await.user_guid).await;
    no_such(UserGuid::NOWHERE).await;
    let user = world.member(&[]).await.user_guid;
    let unfit = async |edit: fn(&mut identity::member::Member, contract::time::Time)| {
        let now = world.now();
        let user = world.member(&[]).await.user_guid;
        world.meddle(&world.org, &keys::member(&world.org, user), |member| edit(member, now)).await;
        let refused = add(&world, &world.owner, user).await;
        assert_eq!(refused.refused("invalid-state")["details"]["field"], "user_guid");
    };
    unfit(|member, _| member.state = MemberState::Suspended).await;
    unfit(|member, _| member.state = MemberState::Removed).await;
    unfit(|member, now| member.valid_until = Some(now.plus_days(1))).await;
    unfit(|member, now| member.valid_from = Some(now)).await;
    world.meddle(&System, &keys::user(user), |user| user.status = UserStatus::Suspended).await;
    no_such(user).await;
    let bad = call(&world, &world.owner, "/owner/secondary/add", json!({"user": user})).await;
    assert_eq!(bad.refused_fields(), ["user", "user_guid"]);
}

#[tokio::test]
async fn who_is_an_owner_is_not_made_one_twice() {
    let world = World::new().await;
    let user = secondary(&world).await.user_guid;
    let add_with = async |revision: Value| {
        let fields = json!({"user_guid": user, "expected_revision": revision});
        call(&world, &world.owner, "/owner/secondary/add", fields).await
    };
    add_with(Value::Null).await.refused("expected-revision-required");
    let stale = add_with(json!(world.org.guid())).await;
    let current = stale.refused("conflict")["details"]["current"]["revision"].clone();
    add_with(current).await.refused("duplicate-owner");
    move_to(&world, &world.owner, user, OwnerState::Suspended).await.data();
    add(&world, &world.owner, user).await.refused("duplicate-owner");
    let removed = move_to(&world, &world.owner, user, OwnerState::Removed).await;
    let told = ["secondary_owner", "state"].map(|field| removed.data()[field].clone());
    assert_eq!(told, [json!(false), json!("removed")]);
    let again = add(&world, &world.owner, user).await;
    assert_eq!([&again.data()["state"], &again.data()["secondary_owner"]], [&json!("active"), &json!(true)]);

    let journal = world.journal("ofm", "owner", &user.to_string()).await;
    verify(&journal);
    let actions: Vec<_> = journal.iter().map(|chained| chained.entry.action.as_str()).collect();
    let added = "owner-secondary-added";
    assert_eq!(actions, [added, "owner-state-set", "owner-secondary-removed", added]);
    // A revision of nothing is none.
    let member = world.member(&[]).await.user_guid;
    let fields = json!({"user_guid": member, "expected_revision": world.org.guid()});
    call(&world, &world.owner, "/owner/secondary/add", fields).await.refused("not-found");
}

#[tokio::test]
async fn only_the_primary_owner_in_person_changes_owners() {
    let world = World::new().await;
    let (second, member) = (secondary(&world).await, world.member(&["ofm_member_admin"]).await);
    let fields = json!({"user_guid": second.user_guid, "expected_revision": world.org.guid()});
    let mut state = fields.clone();
    state["state"] = json!("suspended");
    let calls = [
        ("/owner/primary/set", &fields),
        ("/owner/secondary/add", &fields),
        ("/owner/secondary/remove", &fields),
        ("/owner/state/set", &state),
    ];
    for (path, fields) in calls {
        for caller in [&second, &member] {
            call(&world, caller, path, fields.clone()).await.refused("not-primary-owner");
        }
        for role in ["owner", "ofm_owner", "ofm_view"] {
            let key = world.key(&[role]).await;
            call(&world, &key, path, fields.clone()).await.refused("not-primary-owner");
        }
        call(&world, &world.stranger().await, path, fields.clone()).await.refused("not-found");
    }
}

#[tokio::test]
async fn the_primary_owner_names_another_and_stays_an_owner() {
    let world = World::new().await;
    let heir = secondary(&world).await;
    let people = [world.owner.user_guid, heir.user_guid];
    world.introduce(&SERVICE, &world.owner).await;
    let set = set_primary(&world, &world.owner, heir.user_guid).await;
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(2), &json!(1)));
    assert_eq!(set.data()["former_primary_user_guid"], json!(world.owner.user_guid));
    let flags = ["primary_owner", "secondary_owner"].map(|flag| set.data()[flag].as_bool());
    assert_eq!(flags, [Some(true), Some(false)]);
    assert_eq!(the_primary(&world, &people).await, heir.user_guid);
    set_primary(&world, &world.owner, world.owner.user_guid).await.refused("not-primary-owner");
    call(&world, &world.owner, "/cost-centre/create", json!({"caption": "Shop"})).await.data();
    // And back.
    set_primary(&world, &heir, world.owner.user_guid).await.data();
    assert_eq!(the_primary(&world, &people).await, world.owner.user_guid);
    move_to(&world, &world.owner, heir.user_guid, OwnerState::Removed).await.data();
}

#[tokio::test]
async fn the_heir_is_an_active_secondary_owner_who_may_be_named() {
    let world = World::new().await;
    let heir = secondary(&world).await.user_guid;
    let bare = json!({"user_guid": heir});
    call(&world, &world.owner, "/owner/primary/set", bare).await.refused("expected-revision-required");
    let stale = json!({"user_guid": heir, "expected_revision": world.org.guid()});
    call(&world, &world.owner, "/owner/primary/set", stale.clone()).await.refused("conflict");
    let mut nobody = stale;
    nobody["user_guid"] = json!(world.member(&[]).await.user_guid);
    call(&world, &world.owner, "/owner/primary/set", nobody).await.refused("not-found");
    set_primary(&world, &world.owner, world.owner.user_guid).await.refused("invalid-state");
    for state in [OwnerState::Suspended, OwnerState::Removed] {
        move_to(&world, &world.owner, heir, state).await.data();
        let refused = set_primary(&world, &world.owner, heir).await;
        assert_eq!(refused.refused("invalid-state")["details"]["state"], json!(state));
    }
    add(&world, &world.owner, heir).await.data();
    world.meddle(&System, &keys::user(heir), |user| user.status = UserStatus::Suspended).await;
    let refused = set_primary(&world, &world.owner, heir).await;
    assert_eq!(refused.refused("not-found")["details"]["field"], "user_guid");
}

#[tokio::test]
async fn every_move_is_allowed_or_refused_as_the_table_says() {
    let world = World::new().await;
    for from in OwnerState::ALL {
        for to in OwnerState::ALL {
            let user = secondary(&world).await.user_guid;
            if *from != OwnerState::Active {
                move_to(&world, &world.owner, user, *from).await.data();
            }
            let reply = move_to(&world, &world.owner, user, *to).await;
            if ARCS.contains(&(*from, *to)) {
                assert_eq!(reply.data()["state"], json!(to));
            } else {
                assert_eq!(reply.refused("invalid-transition")["details"]["from"], json!(from));
            }
            the_primary(&world, &[world.owner.user_guid, user]).await;
            move_to(&world, &world.owner, user, OwnerState::Removed).await;
        }
    }
    let user = secondary(&world).await.user_guid;
    let removed = json!({"user_guid": user, "state": "removed"});
    let refused = call(&world, &world.owner, "/owner/state/set", removed).await;
    assert_eq!(refused.refused_fields(), ["state"]);
}

#[tokio::test]
async fn the_primary_owner_is_neither_suspended_nor_removed() {
    let world = World::new().await;
    for state in [OwnerState::Suspended, OwnerState::Removed] {
        move_to(&world, &world.owner, world.owner.user_guid, state).await.refused("last-owner");
    }
}

#[tokio::test]
async fn an_owner_comes_back_only_as_a_fit_member() {
    let world = World::new().await;
    let user = secondary(&world).await.user_guid;
    move_to(&world, &world.owner, user, OwnerState::Suspended).await.data();
    let key = keys::member(&world.org, user);
    world.meddle(&world.org, &key, |member| member.state = MemberState::Suspended).await;
    move_to(&world, &world.owner, user, OwnerState::Active).await.refused("invalid-state");
    world.meddle(&world.org, &key, |member| member.state = MemberState::Active).await;
    move_to(&world, &world.owner, user, OwnerState::Active).await.data();
}

#[tokio::test]
async fn at_most_twenty_owners_are_active_also_of_those_made_at_once() {
    let world = World::new().await;
    let mut last = secondary(&world).await;
    for _ in 3..20 {
        last = secondary(&world).await;
    }
    let (one, two) = (world.member(&[]).await.user_guid, world.member(&[]).await.user_guid);
    let replies = join_all([add(&world, &world.owner, one), add(&world, &world.owner, two)]).await;
    race::one_winner(&replies, &["limit-exceeded"]);
    let loser = if replies[0].status == 200 { two } else { one };
    let refused = add(&world, &world.owner, loser).await;
    assert_eq!(refused.refused("limit-exceeded")["details"], json!({"most": 20}));
    move_to(&world, &world.owner, last.user_guid, OwnerState::Suspended).await.data();
    add(&world, &world.owner, loser).await.data();
    move_to(&world, &world.owner, last.user_guid, OwnerState::Active).await.refused("limit-exceeded");
    // Who hands over keeps the seat.
    set_primary(&world, &world.owner, loser).await.data();
}

#[tokio::test]
async fn of_two_who_are_named_the_primary_owner_at_once_one_is() {
    let proxy = race::in_bad_mood(11);
    let world = World::at(proxy.endpoint()).await;
    let mut people = vec![world.owner.clone()];
    for _ in 0..4 {
        people.push(secondary(&world).await);
    }
    let users: Vec<_> = people.iter().map(|person| person.user_guid).collect();
    for round in 0..race::rounds() {
        let before = the_primary(&world, &users).await;
        let primary = people.iter().find(|person| person.user_guid == before).expect("the primary");
        let heirs: Vec<_> = users.iter().copied().filter(|user| *user != before).collect();
        let calls = (0..race::CALLERS).map(|n| set_primary(&world, primary, heirs[n % heirs.len()]));
        let replies = join_all(calls).await;
        // Who comes too late is not the primary owner any more; nor is who won, and asks again because the answer was lost.
        let winner = race::at_most_one_winner(&replies, &["conflict", "not-primary-owner"]);
        let named = the_primary(&world, &users).await;
        assert_ne!(named, before);
        assert!(winner.is_none_or(|winner| winner.data()["user_guid"] == json!(named)));
        let journal = world.journal("ofm", "org", &world.org.guid().to_string()).await;
        verify(&journal);
        assert_eq!(journal.len() as u64, round + 2, "one entry for each effect");
    }
    equals_effects(&proxy).await;
}

#[tokio::test]
async fn an_owner_is_not_removed_while_being_made_the_primary_one() {
    let proxy = race::in_bad_mood(21);
    let world = World::at(proxy.endpoint()).await;
    let (mut primary, mut second) = (world.owner.clone(), secondary(&world).await);
    for _ in 0..race::rounds() {
        let (world, primary_then, user) = (&world, &primary, second.user_guid);
        let told = world.journal("ofm", "owner", &user.to_string()).await.len();
        let calls = (0..race::CALLERS).map(|n| async move {
            if n % 2 == 0 {
                set_primary(world, primary_then, user).await
            } else {
                move_to(world, primary_then, user, OwnerState::Removed).await
            }
        });
        let replies = join_all(calls).await;
        let late = ["conflict", "not-primary-owner", "invalid-state", "invalid-transition", "last-owner"];
        race::at_most_one_winner(&replies, &late);
        let journal = world.journal("ofm", "owner", &user.to_string()).await;
        assert_eq!(journal.len(), told + 1, "one entry for the one effect");
        let named = the_primary(world, &[primary.user_guid, user]).await;
        if named == user {
            std::mem::swap(&mut primary, &mut second);
        } else {
            add(world, &primary, user).await.data();
        }
    }
    equals_effects(&proxy).await;
}
