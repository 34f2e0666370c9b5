//! The write path: one transaction, whatever happens to it.

use std::time::Duration;

use contract::{
    error::{Error, Tag},
    ids::OrgGuid,
    revision::Counter,
};
use futures::future::join_all;
use serde_json::json;
use store::{Claimed, Committed, Deadline, Meter, Replay, Store, Stored};
use testkit::{
    World, database,
    journal::verify,
    proxy::{Fault, Operation, Proxy, When},
};

use crate::thing::{Thing, add, key, rerank, thing};

fn store_at(endpoint: &str) -> Store {
    Store::new(database::client(endpoint), database::table())
}

#[tokio::test]
async fn a_record_and_its_journal_are_written_together() {
    let world = World::new().await;
    let mut change = world.change();
    let created = add(&world, &mut change, "red", 1);
    world.commit(change).await;
    let mut change = world.change();
    let updated = rerank(&world, &mut change, &created, 2);
    world.commit(change).await;

    let stored = world.stored(&key(&world.org, created.record.guid)).await.unwrap();
    assert_eq!((stored.record, stored.revision), (updated.record.clone(), Counter(2)));
    let entries = world.journal("test", "thing", &created.record.guid.to_string()).await;
    verify(&entries);
    let [first, second] = &entries[..] else { panic!("{} entries", entries.len()) };
    assert_eq!(first.entry.action, "thing-created");
    assert_eq!(second.entry.changed.len(), 1, "{:?}", second.entry.changed);
    assert_eq!(second.entry.changed[0].before, Some(json!(1)));
    assert_eq!(second.entry.changed[0].after, Some(json!(2)));
    assert_eq!(second.entry.aggregate_revision, json!(2));
}

#[tokio::test]
async fn personal_fields_are_named_and_not_shown() {
    let world = World::new().await;
    let mut change = world.change();
    let created = add(&world, &mut change, "red", 1);
    world.commit(change).await;
    let entries = world.journal("test", "thing", &created.record.guid.to_string()).await;
    let entry = serde_json::to_string(&entries[0].entry).unwrap();
    assert!(entry.contains("nickname") && !entry.contains("Bobby"), "{entry}");
}

#[tokio::test]
async fn who_comes_second_gets_the_record_as_it_stands_without_another_read() {
    let world = World::new().await;
    let mut change = world.change();
    let created = add(&world, &mut change, "red", 1);
    world.commit(change).await;
    let (mut one, mut two) = (world.change(), world.change());
    rerank(&world, &mut one, &created, 7);
    rerank(&world, &mut two, &created, 8);
    world.commit(one).await;
    let meter = Meter::default();
    let error = world.store().metered(meter.clone()).commit(&two, None).await.unwrap_err();
    assert_eq!(error.tag(), Tag::Conflict);
    assert_eq!(error.get("current"), Some(&json!(7)));
    assert_eq!(error.revision(), Some(&json!(2)));
    assert_eq!((meter.usage().reads, meter.usage().writes), (0, 1));
}

#[tokio::test]
async fn a_claim_is_held_by_one() {
    let world = World::new().await;
    let mut first = world.change();
    let held = thing(&first, "red", 1);
    first.claim(&world.org, held.clone(), |_| Error::from(Tag::DuplicateCode)).unwrap();
    world.commit(first).await;
    let mut second = world.change();
    let wanted = Thing { rank: 2, ..held };
    second
        .claim(&world.org, wanted, |standing| Error::from(Tag::DuplicateCode).detail("rank", standing.rank))
        .unwrap();
    let error = world.store().commit(&second, None).await.unwrap_err();
    assert_eq!((error.tag(), error.get("rank")), (Tag::DuplicateCode, Some(&json!(1))));
}

#[tokio::test]
async fn a_counter_is_raised_by_many_and_who_looked_before_learns_of_it() {
    let world = World::new().await;
    let counter = thing(&world.change(), "red", 1);
    let raise = async |rank: u32| {
        let mut change = world.change();
        change.raise(&world.org, Thing { rank, ..counter.clone() }).unwrap();
        world.store().commit(&change, None).await.unwrap();
    };
    let read = async || world.store().get(&key(&world.org, counter.guid)).await.unwrap();
    let keep = async |seen: Option<&Stored<Thing>>| {
        let mut change = world.change();
        change.keep(&world.org, seen, counter.clone()).unwrap();
        world.store().commit(&change, None).await
    };
    join_all((0..8).map(raise)).await;
    let seen = read().await.unwrap();
    assert_eq!(seen.revision, Counter(8));
    assert!(keep(None).await.unwrap_err().is_moved());
    world.advance_seconds(1);
    raise(9).await;
    let raised = read().await.unwrap();
    assert_eq!((raised.revision, raised.record.rank), (Counter(9), 9));
    assert_eq!((raised.created_at, raised.updated_at), (seen.created_at, world.now()));
    assert!(keep(Some(&seen)).await.unwrap_err().is_moved());
    keep(Some(&raised)).await.unwrap();
}

#[tokio::test]
async fn a_lost_reply_is_not_a_second_effect() {
    let world = World::new().await;
    let proxy = Proxy::start(database::endpoint()).unwrap();
    proxy.inject(Fault::LoseReply, When::nth(1).of(Operation::TransactWriteItems));
    let mut change = world.change();
    let created = add(&world, &mut change, "red", 1);
    assert!(matches!(store_at(proxy.endpoint()).commit(&change, None).await, Ok(Committed::Done)));
    assert_eq!(proxy.count(&Operation::TransactWriteItems), 2);
    let entries = world.journal("test", "thing", &created.record.guid.to_string()).await;
    assert_eq!(entries.len(), 1);
}

#[tokio::test]
async fn transactions_that_meet_are_tried_again() {
    let world = World::new().await;
    let proxy = Proxy::start(database::endpoint()).unwrap();
    for n in 1..=12 {
        let conflict = Fault::TransactionConflict { item: 0 };
        proxy.inject(conflict, When::nth(n).of(Operation::TransactWriteItems));
    }
    let mut change = world.change();
    add(&world, &mut change, "red", 1);
    store_at(proxy.endpoint()).commit(&change, None).await.unwrap();
    assert_eq!(proxy.count(&Operation::TransactWriteItems), 13);
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_unavailable_and_nothing_is_written() {
    let world = World::new().await;
    for fault in
        [Fault::RefuseBefore, Fault::ServerError, Fault::Throttling, Fault::TransactionConflict { item: 0 }]
    {
        let proxy = Proxy::start(database::endpoint()).unwrap();
        proxy.inject(fault, When::always());
        let mut change = world.change();
        let created = add(&world, &mut change, "red", 1);
        let store = store_at(proxy.endpoint()).until(Deadline::after(Duration::from_secs(2)));
        let error = store.commit(&change, None).await.unwrap_err();
        assert_eq!(error.tag(), Tag::Unavailable, "{fault:?}: {error:?}");
        assert!(!error.is_moved(), "{fault:?}");
        assert!(world.stored(&key(&world.org, created.record.guid)).await.is_none(), "{fault:?}");
    }
}

fn claimed(world: &World, payload: &str) -> Claimed {
    let replay = Replay {
        org_guid: Some(OrgGuid::from_uuid(world.org.guid().uuid())),
        service: "test".to_owned(),
        hash: "hash".to_owned(),
        principal: "me".to_owned(),
        payload: payload.to_owned(),
        data: Some("{}".to_owned()),
        revision: None,
        sent: None,
        until: world.now().plus_hours(Replay::HOURS),
    };
    Claimed { replay, now: world.now() }
}

#[tokio::test]
async fn of_two_requests_with_one_key_one_is_written_and_both_are_answered() {
    let world = World::new().await;
    let (mut one, mut two) = (world.change(), world.change());
    add(&world, &mut one, "red", 1);
    let second = add(&world, &mut two, "red", 2);
    let commit = |change| world.store().commit(change, Some(claimed(&world, "same")));
    assert!(matches!(commit(&one).await, Ok(Committed::Done)));
    assert!(matches!(commit(&two).await, Ok(Committed::Before(_))));
    assert!(world.stored(&key(&world.org, second.record.guid)).await.is_none());

    let other = world.store().commit(&two, Some(claimed(&world, "other"))).await.unwrap_err();
    assert_eq!(other.tag(), Tag::IdempotencyMismatch);

    world.advance_seconds(24 * 3600);
    let mut three = world.change();
    add(&world, &mut three, "red", 3);
    let again = world.store().commit(&three, Some(claimed(&world, "other"))).await;
    assert!(matches!(again, Ok(Committed::Done)), "after a day the key may be used anew: {again:?}");
}
