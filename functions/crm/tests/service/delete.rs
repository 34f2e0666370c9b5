//! Deleting customers (crm §7).

use crm::{
    SERVICE,
    customer::{Customer, Status},
    keys,
};
use serde_json::{Value, json};
use testkit::World;

use crate::people::{ITEMS, ask, call, create, delete, get, guid_of, hang, keys_of, left_of, somebody};

#[tokio::test]
async fn a_deleted_customer_is_gone_under_every_key() {
    let world = World::new().await;
    let created = create(&world, somebody("111222333")).await;
    let guid = &created["customer_guid"];
    let deleted = delete(&world, guid).await;
    assert_eq!(
        deleted.data(),
        &json!({
            "customer_guid": guid, "items_deleted": ITEMS, "state": "completed", "started_at": world.now(),
            "completed_at": world.now(), "forfeited_points": 0, "cards_detached": 0, "replayed": false,
        })
    );
    get(&world, json!({"customer_guid": guid})).await.refused("not-found");
    for key in keys_of("111222333") {
        get(&world, key).await.refused("not-found");
    }
    let listed = call(&world, "/customer/list", json!({"status": "all"})).await;
    assert_eq!(listed.data()["customers"], json!([]));
    let (left, actions) = left_of(&world, &created).await;
    assert_eq!(left, 0);
    let once =
        ["customer-created", "customer-delete-started", "customer-deleted"].map(|name| (name.to_owned(), 1));
    assert_eq!(actions, once.into());
    // Everything the customer alone had is free.
    assert_ne!(&create(&world, somebody("111222333")).await["customer_guid"], guid);
}

#[tokio::test]
async fn asking_again_answers_the_count_at_any_time() {
    let world = World::new().await;
    let created = create(&world, somebody("111222333")).await;
    hang(&world, &created, 250).await;
    let first = delete(&world, &created["customer_guid"]).await.data().clone();
    assert_eq!(first["items_deleted"], ITEMS + 250);
    world.advance_seconds(1800);
    let mut expected = first;
    expected["replayed"] = json!(true);
    let again = json!({"customer_guid": created["customer_guid"], "expected_revision": 7});
    assert_eq!(call(&world, "/customer/delete", again).await.data(), &expected);
    assert_eq!(world.last_log()["writes"], 0);
}

#[tokio::test]
async fn a_dry_run_counts_and_deletes_nothing() {
    let world = World::new().await;
    let created = create(&world, somebody("111222333")).await;
    hang(&world, &created, 120).await;
    let dry = json!({"customer_guid": created["customer_guid"], "dry_run": true, "idempotency_key": "k"});
    let counted = call(&world, "/customer/delete", dry.clone()).await;
    assert_eq!(counted.data()["items_deleted"], ITEMS + 120);
    assert_eq!((&counted.data()["dry_run"], &counted.data()["state"]), (&json!(true), &Value::Null));
    assert_eq!(world.last_log()["writes"], 0);
    get(&world, json!({"customer_guid": created["customer_guid"]})).await.data();
    delete(&world, &created["customer_guid"]).await.data();
    let after = call(&world, "/customer/delete", dry).await;
    assert_eq!((&after.data()["state"], &after.data()["dry_run"]), (&json!("completed"), &json!(true)));
}

#[tokio::test]
async fn what_may_not_be_deleted_stays() {
    let world = World::new().await;
    let (created, other) = (create(&world, json!({})).await, create(&world, json!({})).await);
    let guid = &created["customer_guid"];
    let stale = json!({"customer_guid": guid, "expected_revision": 2});
    let reply = call(&world, "/customer/delete", stale).await;
    assert_eq!(reply.refused("conflict")["details"]["current"], created);
    delete(&world, &json!("00000000-0000-7000-8000-000000000000")).await.refused("not-found");
    delete(&world, &json!("nobody")).await.refused("not-found");
    delete(&world.another().await, guid).await.refused("not-found");
    let editor = world.member(&["crm_edit"]).await;
    let fields = json!({"customer_guid": guid});
    world.post(&SERVICE, &editor, "/customer/delete", fields).await.refused("forbidden");
    let key = keys::customer::by_guid(&world.org, guid_of(&created));
    let survivor = guid_of(&other);
    world
        .meddle(&world.org, &key, |customer: &mut Customer| {
            customer.status = Status::Merged;
            customer.merged_into = Some(survivor);
        })
        .await;
    let merged = delete(&world, guid).await;
    assert_eq!(merged.refused("invalid-state")["details"]["merged_into"], other["customer_guid"]);
}

#[tokio::test]
async fn an_answer_that_told_of_the_customer_is_not_given_again() {
    let world = World::new().await;
    let request = json!({"customer": somebody("111222333"), "reason": "signed up", "idempotency_key": "k"});
    let created = call(&world, "/customer/create", request.clone()).await.data()["customer"].clone();
    assert_eq!(call(&world, "/customer/create", request.clone()).await.data()["customer"], created);
    // The note of the answer is no item of the customer's.
    assert_eq!(delete(&world, &created["customer_guid"]).await.data()["items_deleted"], ITEMS);
    call(&world, "/customer/create", request.clone()).await.refused("not-found");
    let other = json!({"customer": {}, "reason": "signed up", "idempotency_key": "k"});
    call(&world, "/customer/create", other).await.refused("idempotency-mismatch");
    world.advance_seconds(25 * 3600);
    let relogin = world.member(&["crm_edit"]).await;
    world.post(&SERVICE, &relogin, "/customer/create", request).await.data();
}

#[tokio::test]
async fn many_journal_entries_and_answers_fit_into_batches() {
    let world = World::new().await;
    let created = create(&world, somebody("111222333")).await;
    let key = keys::customer::by_guid(&world.org, guid_of(&created));
    for _ in 0..130 {
        let before = world.stored(&key).await.expect("the customer");
        let mut change = world.change();
        change.adjust(&world.org, &before, before.record.clone(), "customer-updated").expect("a change");
        world.commit(change).await;
    }
    hang(&world, &created, 100).await;
    assert_eq!(delete(&world, &created["customer_guid"]).await.data()["items_deleted"], ITEMS + 100);
    let (left, actions) = left_of(&world, &created).await;
    assert_eq!((left, actions["customer-updated"], actions["customer-deleted"]), (0, 130, 1));
}

#[tokio::test]
async fn of_many_who_delete_at_once_none_counts_twice() {
    let world = World::new().await;
    let created = create(&world, somebody("111222333")).await;
    hang(&world, &created, 300).await;
    let guid = &created["customer_guid"];
    let replies =
        tokio::join!(delete(&world, guid), delete(&world, guid), delete(&world, guid), delete(&world, guid));
    for reply in [replies.0, replies.1, replies.2, replies.3] {
        assert_eq!(reply.data()["state"], "completed");
        assert_eq!(reply.data()["items_deleted"], ITEMS + 300);
    }
    let (left, actions) = left_of(&world, &created).await;
    assert_eq!((left, actions["customer-delete-started"], actions["customer-deleted"]), (0, 1, 1));
    ask(&world, somebody("111222333")).await.data();
}
