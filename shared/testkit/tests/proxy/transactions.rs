//! Faults of transactions, and of single writes beside them.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Get, TransactGetItem, TransactWriteItem, Update,
};
use testkit::proxy::{Fault, Operation, When};

use crate::fixture::{Fixture, TABLE, get, key, put, put_in_transaction};

async fn put_all(client: &Client, ids: &[&str]) -> Result<(), SdkError<TransactWriteItemsError>> {
    let items = ids.iter().map(|id| put_in_transaction(id)).collect();
    client.transact_write_items().set_transact_items(Some(items)).send().await.map(drop)
}

fn reasons(reasons: &[CancellationReason]) -> Vec<(&str, Option<&str>)> {
    reasons.iter().map(|reason| (reason.code().unwrap(), reason.message())).collect()
}

#[tokio::test]
async fn a_conflict_names_its_item_among_the_reasons() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::TransactionConflict { item: 1 }, When::nth(1));

    let error = put_all(&fixture.client(), &["a", "b", "c"]).await.unwrap_err();

    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    assert_eq!(
        error.message(),
        Some(
            "Transaction cancelled, please refer cancellation reasons for specific reasons \
             [None, TransactionConflict, None]"
        )
    );
    let TransactWriteItemsError::TransactionCanceledException(canceled) = error.into_service_error() else {
        panic!("not a cancelled transaction");
    };
    assert_eq!(
        reasons(canceled.cancellation_reasons()),
        [
            ("None", None),
            ("TransactionConflict", Some("Transaction is ongoing for the item")),
            ("None", None)
        ]
    );
    for id in ["a", "b", "c"] {
        assert!(!fixture.stored(id).await, "{id}");
    }
}

#[tokio::test]
async fn a_throttled_item_cancels_the_transaction() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::TransactionThrottled { item: 0 }, When::nth(1));

    let error = put_all(&fixture.client(), &["a", "b"]).await.unwrap_err();

    let TransactWriteItemsError::TransactionCanceledException(canceled) = error.into_service_error() else {
        panic!("not a cancelled transaction");
    };
    let codes: Vec<_> = reasons(canceled.cancellation_reasons()).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["ThrottlingError", "None"]);
    assert!(!fixture.stored("a").await);
}

#[tokio::test]
async fn a_transactional_read_conflicts_as_well() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::TransactionConflict { item: 0 }, When::nth(1));

    let get = Get::builder().table_name(TABLE).set_key(Some(key("a"))).build().unwrap();
    let get = TransactGetItem::builder().get(get).build();
    let error = fixture.client().transact_get_items().transact_items(get).send().await.unwrap_err();

    let TransactGetItemsError::TransactionCanceledException(canceled) = error.into_service_error() else {
        panic!("not a cancelled transaction");
    };
    assert_eq!(reasons(canceled.cancellation_reasons())[0].0, "TransactionConflict");
}

#[tokio::test]
async fn a_single_write_meets_a_conflict_and_a_read_none() {
    let fixture = Fixture::start().await;
    let client = fixture.client();
    fixture.proxy.inject(Fault::TransactionConflict { item: 0 }, When::nth(1));

    assert!(!get(&client, "a").await.unwrap());
    let error = put(&client, "a").await.unwrap_err();

    assert_eq!(error.message(), Some("Transaction is ongoing for the item"));
    assert!(matches!(error.into_service_error(), PutItemError::TransactionConflictException(_)));
    assert!(!fixture.stored("a").await);
}

/// Adds 1 to a counter: an effect that shows if it happened twice.
fn increment() -> TransactWriteItem {
    let update = Update::builder()
        .table_name(TABLE)
        .set_key(Some(key("counter")))
        .update_expression("ADD #n :one")
        .expression_attribute_names("#n", "n")
        .expression_attribute_values(":one", AttributeValue::N("1".into()));
    TransactWriteItem::builder().update(update.build().unwrap()).build()
}

async fn counter(client: &Client) -> AttributeValue {
    let item = client.get_item().table_name(TABLE).set_key(Some(key("counter"))).consistent_read(true);
    item.send().await.unwrap().item.unwrap().remove("n").unwrap()
}

#[tokio::test]
async fn a_retried_transaction_has_one_effect_by_its_token() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::LoseReply, When::nth(1).of(Operation::TransactWriteItems));

    let transaction = fixture.retrying(2).transact_write_items().client_request_token("once");
    transaction.transact_items(increment()).send().await.unwrap();

    assert_eq!(counter(&fixture.direct).await, AttributeValue::N("1".into()));
    let calls = fixture.proxy.calls();
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|call| call.request["ClientRequestToken"] == "once"));
    assert!(calls.iter().all(|call| call.upstream == Some(200)), "both reached the table: {calls:#?}");
    assert_eq!((calls[0].answered, calls[1].answered), (None, Some(200)));
}

#[tokio::test]
async fn without_the_token_the_effect_would_be_double() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::LoseReply, When::nth(1).of(Operation::TransactWriteItems));
    let client = fixture.client();

    let increment_as =
        |token| client.transact_write_items().client_request_token(token).transact_items(increment());
    increment_as("first").send().await.unwrap_err();
    increment_as("second").send().await.unwrap();

    assert_eq!(counter(&fixture.direct).await, AttributeValue::N("2".into()));
}
