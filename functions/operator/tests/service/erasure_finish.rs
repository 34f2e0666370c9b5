//! The second look of an erasure: what an index told too late.

use contract::ids::UserGuid;
use identity::keys;
use serde_json::{Value, json};
use store::Partition;
use testkit::{
    World, database,
    proxy::{Fault, Operation, Proxy, When},
};

use crate::people::{act, email, guid, join, member, verified};

/// A user who was erased, as answered before.
async fn erased(world: &World, name: &str) -> Value {
    let user = verified(world, name).await;
    let fields = json!({"user_guid": user["user_guid"], "status": "doomed", "erase": true,
        "expected_revision": user["revision"]});
    act(world, "user-status-set", fields).await.data();
    user
}

/// Looks again for what tells of this user: other tests have their own.
async fn finish(world: &World, user: &Value) -> Value {
    let fields = json!({"user_guid": user["user_guid"]});
    act(world, "erasure-finish", fields).await.data().clone()
}

fn told(finished: u64, pending: u64, scrubbed: u64) -> Value {
    json!({"finished": finished, "pending": pending, "scrubbed": scrubbed, "complete": true})
}

/// Whether the item that notes the erasure is there.
async fn is_pending(world: &World, user: UserGuid) -> bool {
    let partition = Partition::of_system("operator").part("pending-erasure").part(user);
    !world.store().keys_of(&partition, 1).await.unwrap().is_empty()
}

/// How many items of the org tell the address, but for answers that are kept for a day.
async fn telling(world: &World, address: &str) -> usize {
    let items = world.items().await;
    let items = items.values().map(|item| format!("{item:?}"));
    items.filter(|item| item.contains(address) && !item.contains("idempotency")).count()
}

#[tokio::test]
async fn what_comes_to_light_after_the_erasure_is_scrubbed_until_nothing_does() {
    let world = World::new().await;
    let user = erased(&world, "rosalind").await;
    // As if the index had not told of them in time.
    join(&world, &user).await;
    let address = email(&world, "rosalind");
    let invitation = act(&world, "invitation-create", json!({"email": address})).await.data().clone();
    let invite = json!({"email": address, "message": "Dear Rosalind"});
    world.post(&ofm::SERVICE, &world.owner, "/member/invite/create", invite).await.data();

    assert_ne!(telling(&world, &address).await, 0);
    assert_eq!(finish(&world, &user).await, told(0, 0, 0), "an index may still lag");
    world.advance_seconds(59);
    assert_eq!(finish(&world, &user).await, told(0, 0, 0));
    world.advance_seconds(1);
    assert_eq!(finish(&world, &user).await, told(0, 1, 3));
    let member = member(&world, guid(&user)).await;
    assert_eq!((member.display_name.as_str(), &member.email), ("Former member", &None));
    let id = invitation["invitation_id"].as_str().unwrap().parse().unwrap();
    let rebound = world.stored(&keys::invitation(id)).await.unwrap().record;
    assert_eq!((rebound.user_guid, &rebound.email), (Some(guid(&user)), &None));
    assert_eq!(telling(&world, &address).await, 0);

    assert_eq!(finish(&world, &user).await, told(0, 0, 0), "the next look comes a minute later");
    assert!(is_pending(&world, guid(&user)).await);
    world.advance_seconds(60);
    assert_eq!(finish(&world, &user).await, told(1, 0, 0));
    assert!(!is_pending(&world, guid(&user)).await);
    world.advance_seconds(3600);
    assert_eq!(finish(&world, &user).await, told(0, 0, 0), "it is over");
}

#[tokio::test]
async fn an_erasure_that_missed_nothing_is_over_with_the_second_look() {
    let world = World::new().await;
    let user = erased(&world, "ada").await;
    world.advance_seconds(60);
    assert_eq!(finish(&world, &user).await, told(1, 0, 0));
}

#[tokio::test]
async fn a_user_who_ends_without_being_erased_is_not_looked_at() {
    let world = World::new().await;
    let user = verified(&world, "ada").await;
    crate::people::status_set(&world, &user, "doomed").await.data();
    assert!(!is_pending(&world, guid(&user)).await);
}

#[tokio::test]
async fn a_look_that_fails_is_made_again() {
    let world = World::new().await;
    let user = erased(&world, "ada").await;
    join(&world, &user).await;
    world.advance_seconds(60);
    let proxy = Proxy::start(database::endpoint()).unwrap();
    proxy.inject(Fault::ServerError, When::always().of(Operation::TransactWriteItems));
    let failing = world.through(proxy.endpoint());
    let fields = json!({"user_guid": user["user_guid"]});
    act(&failing, "erasure-finish", fields).await.refused("unavailable");
    assert_eq!(member(&world, guid(&user)).await.display_name.as_str(), "ada");
    proxy.clear();
    assert_eq!(finish(&failing, &user).await, told(0, 1, 1));
    assert_eq!(member(&world, guid(&user)).await.display_name.as_str(), "Former member");
}
