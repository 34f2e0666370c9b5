//! Deletions that are cut short, and go on (crm §7).

use serde_json::{Value, json};
use testkit::{
    Reply, World, database,
    proxy::{Fault, Operation, Proxy, When},
};

use crate::people::{ITEMS, ask, call, create, delete, get, hang, left_of, somebody};

/// More than fits into one batch.
const ADJACENT: usize = 100;

async fn world() -> (Proxy, World, Value) {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let world = World::at(proxy.endpoint()).await;
    let created = create(&world, somebody("111222333")).await;
    hang(&world, &created, ADJACENT).await;
    (proxy, world, created)
}

async fn until_completed(world: &World, guid: &Value) -> Reply {
    for _ in 0..10 {
        let reply = delete(world, guid).await;
        if reply.data()["state"] == "completed" {
            return reply;
        }
    }
    panic!("the deletion does not end");
}

/// Kills the function at a call to the database. Says whether it made that call.
async fn killed(fault: Fault, when: When) -> bool {
    let (proxy, world, created) = world().await;
    let (guid, at) = (&created["customer_guid"], format!("{fault:?} {when:?}"));
    proxy.inject(fault, when);
    let was_killed = tokio::select! {
        biased;
        // The request is dropped where it stands, as a function is that is killed.
        _ = proxy.until(|calls| calls.iter().any(|call| call.fault.is_some())) => true,
        reply = delete(&world, guid) => {
            assert_eq!(reply.data()["items_deleted"], ITEMS + ADJACENT);
            false
        }
    };
    // Where the request needed fewer calls, the next one is to go through.
    proxy.clear();
    let completed = until_completed(&world, guid).await;
    assert_eq!(completed.data()["items_deleted"], ITEMS + ADJACENT, "{at}");
    // A write that was held back arrives when all is over, and changes nothing.
    proxy.release();
    proxy.until(|calls| calls.iter().all(|call| call.fault.is_none() || call.upstream.is_some())).await;
    let again = delete(&world, guid).await;
    assert_eq!(again.data()["items_deleted"], ITEMS + ADJACENT, "{at}");
    assert_eq!(again.data()["replayed"], true);
    let (left, actions) = left_of(&world, &created).await;
    assert_eq!((left, actions["customer-deleted"]), (0, 1), "{at}");
    was_killed
}

#[tokio::test]
async fn killed_before_any_call_the_count_is_exact() {
    let mut n = 1;
    while killed(Fault::HoldBefore, When::nth(n)).await {
        n += 1;
    }
    // Caller, look-ups, tombstone, two batches of several reads and a write each.
    assert!(n > 10, "only {n} calls");
}

#[tokio::test]
async fn killed_after_any_write_the_count_is_exact() {
    let mut n = 1;
    while killed(Fault::HoldAfter, When::nth(n).of(Operation::TransactWriteItems)).await {
        n += 1;
    }
    assert_eq!(n, 4, "tombstone and two batches");
}

#[tokio::test]
async fn a_repeat_with_the_same_key_has_one_effect() {
    for n in 1..=3 {
        for fault in [Fault::LoseReply, Fault::TransactionConflict { item: 0 }] {
            let (proxy, world, created) = world().await;
            let fields = json!({"customer_guid": created["customer_guid"], "idempotency_key": "k"});
            proxy.inject(fault, When::nth(n).of(Operation::TransactWriteItems));
            let first = call(&world, "/customer/delete", fields.clone()).await;
            assert_eq!(first.data()["items_deleted"], ITEMS + ADJACENT);
            let again = call(&world, "/customer/delete", fields).await;
            assert_eq!((again.data(), again.header("idempotent-replay")), (first.data(), Some("true")));
            assert_eq!(left_of(&world, &created).await.1["customer-deleted"], 1, "{fault:?} at {n}");
        }
    }
}

#[tokio::test]
async fn when_the_time_is_up_the_answer_is_how_far_it_got() {
    let (proxy, world, created) = world().await;
    let guid = &created["customer_guid"];
    // The first transaction writes the tombstone, the second is the first batch.
    proxy.inject(Fault::HoldBefore, When::nth(2).of(Operation::TransactWriteItems));
    let meanwhile = async {
        proxy.until(|calls| calls.iter().any(|call| call.fault.is_some())).await;
        // The customer is gone at once; what was theirs is free, but for the code.
        get(&world, json!({"customer_guid": guid})).await.refused("not-found");
        get(&world, json!({"customer_code": created["customer_code"]})).await.refused("not-found");
        let heir = json!({"emails": [{"email": "111222333.one@mail.example"}]});
        ask(&world, heir).await.data();
        let namesake = json!({"customer_code": created["customer_code"]});
        ask(&world, namesake.clone()).await.refused("duplicate-code");
        world.advance_seconds(3);
        proxy.release();
        namesake
    };
    let (reply, namesake) = tokio::join!(delete(&world, guid), meanwhile);
    let progress = reply.data();
    assert_eq!((&progress["state"], &progress["completed_at"]), (&json!("in_progress"), &Value::Null));
    let so_far = progress["items_deleted"].as_u64().expect("a count");
    assert!(so_far > 90 && so_far < 106, "{so_far}");
    let rest = delete(&world, guid).await;
    assert_eq!((&rest.data()["state"], &rest.data()["replayed"]), (&json!("completed"), &json!(true)));
    assert_eq!(rest.data()["items_deleted"], ITEMS + ADJACENT);
    ask(&world, namesake).await.data();
}
