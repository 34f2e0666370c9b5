//! Commands that meet, through a database that conflicts and loses replies.

use contract::ids::UserGuid;
use futures::future::join_all;
use serde_json::json;
use testkit::{
    Reply, World, database,
    proxy::{Fault, Operation, Proxy, When},
};

use crate::{
    first_run::{founding, logged_in},
    people::{act, act_in_org, email, guid, join, status_set, the_primary, verified},
};

const CALLERS: usize = 16;

fn in_bad_mood(seed: u64) -> Proxy {
    let proxy = Proxy::start(database::endpoint()).unwrap();
    let writes = |when: When| when.of(Operation::TransactWriteItems);
    proxy.inject(Fault::TransactionConflict { item: 0 }, writes(When::seeded(150, seed)));
    proxy.inject(Fault::LoseReply, writes(When::seeded(50, seed + 1)));
    proxy
}

fn succeeded(replies: &[Reply]) -> usize {
    for reply in replies {
        assert!([200, 404, 409, 503].contains(&reply.status), "{}", reply.body);
    }
    replies.iter().filter(|reply| reply.status == 200).count()
}

#[tokio::test]
async fn of_many_who_want_an_email_one_gets_it() {
    let proxy = in_bad_mood(1);
    let world = World::at(proxy.endpoint()).await;
    let user = json!({"email": email(&world, "ada"), "display_name": "Ada"});
    let replies = join_all((0..CALLERS).map(|_| act(&world, "user-create", user.clone()))).await;
    assert_eq!(succeeded(&replies), 1);
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        reply.refused("duplicate-email");
    }
    let got = act(&world, "user-get", json!({"email": email(&world, "ada")})).await;
    let winner = replies.iter().find(|reply| reply.status == 200).unwrap();
    assert_eq!(got.data()["user_guid"], winner.data()["user_guid"]);
}

#[tokio::test]
async fn whoever_is_named_the_primary_owner_there_is_always_exactly_one() {
    for seed in 0..2 {
        let proxy = in_bad_mood(seed * 10);
        let world = World::at(proxy.endpoint()).await;
        let mut people: Vec<UserGuid> = vec![world.owner.user_guid];
        for _ in 0..CALLERS {
            people.push(world.member(&[]).await.user_guid);
        }
        let named = people[1..]
            .iter()
            .map(|user| act_in_org(&world, "owner-primary-set", json!({"user_guid": user})));
        let replies = join_all(named).await;
        assert!(succeeded(&replies) >= 1);
        let primary = the_primary(&world, &people).await;
        assert_ne!(primary, world.owner.user_guid);
    }
}

#[tokio::test]
async fn an_owner_is_not_removed_while_being_made_the_primary_one() {
    for seed in 0..10 {
        let proxy = in_bad_mood(seed * 10);
        let world = World::at(proxy.endpoint()).await;
        let heir = world.member(&[]).await.user_guid;
        let made = act_in_org(&world, "owner-primary-set", json!({"user_guid": heir})).await.data().clone();
        let back =
            act_in_org(&world, "owner-primary-set", json!({"user_guid": made["former_primary_user_guid"]}));
        back.await.data();
        let owner = world.stored(&identity::keys::owner(&world.org, heir)).await.unwrap();
        let member = world.stored(&identity::keys::member(&world.org, heir)).await.unwrap();
        let remove = json!({"user_guid": heir, "state": "removed", "expected_revision": owner.revision});
        let leave = json!({"user_guid": heir, "state": "suspended", "expected_revision": member.revision});
        let replies = join_all([
            act_in_org(&world, "owner-state-set", remove),
            act_in_org(&world, "owner-primary-set", json!({"user_guid": heir})),
            act_in_org(&world, "member-state-set", leave),
        ]);
        succeeded(&replies.await);
        the_primary(&world, &[world.owner.user_guid, heir]).await;
    }
}

#[tokio::test]
async fn a_user_is_not_ended_while_being_made_the_primary_owner() {
    for seed in 0..10 {
        let proxy = in_bad_mood(seed * 10);
        let world = World::at(proxy.endpoint()).await;
        let user = verified(&world, "ada").await;
        join(&world, &user).await;
        let name = act_in_org(&world, "owner-primary-set", json!({"user_guid": user["user_guid"]}));
        let (ended, named) = futures::future::join(status_set(&world, &user, "doomed"), name).await;
        let (ended, named) = (ended.status == 200, named.status == 200);
        assert!(!(ended && named), "one of both");
        the_primary(&world, &[world.owner.user_guid, guid(&user)]).await;
    }
}

#[tokio::test]
async fn a_user_is_not_ended_while_founding_an_org() {
    for seed in 0..10 {
        let proxy = in_bad_mood(seed * 10);
        let world = World::at(proxy.endpoint()).await;
        let user = verified(&world, "ada").await;
        let (ada, founding) = (logged_in(&world, &user).await, founding(&world, &user).await);
        let found = world.post(&ofm::SERVICE, &ada, "/org/create", founding);
        let (ended, founded) = futures::future::join(status_set(&world, &user, "doomed"), found).await;
        assert!(!(ended.status == 200 && founded.status == 200), "one of both");
        if founded.status == 200 {
            status_set(&world, &user, "doomed").await.refused("in-use");
        } else {
            let record = world.stored(&identity::keys::owned_orgs(guid(&user))).await;
            assert!(record.is_none_or(|owned| owned.record.orgs.is_empty()));
        }
    }
}

#[tokio::test]
async fn whatever_is_lost_a_repeat_with_the_same_key_has_one_effect() {
    for fault in [Fault::RefuseBefore, Fault::LoseReply, Fault::ServerError, Fault::Throttling] {
        let proxy = Proxy::start(database::endpoint()).unwrap();
        let world = World::at(proxy.endpoint()).await;
        let address = email(&world, "ada");
        let invite = json!({"email": address, "idempotency_key": "once"});
        proxy.inject(fault, When::always().of(Operation::TransactWriteItems));
        let first = act(&world, "invitation-create", scoped(&world, &invite)).await;
        first.refused("unavailable");
        proxy.clear();
        let second = act(&world, "invitation-create", scoped(&world, &invite)).await.data().clone();
        let third = act(&world, "invitation-create", scoped(&world, &invite)).await;
        assert_eq!(third.data(), &second);
        let listed = act(&world, "invitation-list", json!({"email": address})).await;
        assert_eq!(listed.data()["invitations"], json!([second]), "{fault:?}");
    }
}

/// The key of an action belongs to no org: tests make it their own.
fn scoped(world: &World, fields: &serde_json::Value) -> serde_json::Value {
    let mut fields = fields.clone();
    fields["idempotency_key"] = json!(format!("{}-once", world.orgcode));
    fields
}
