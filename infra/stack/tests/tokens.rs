//! Transactions that come twice, before the embedded database.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::{net::SocketAddr, sync::Arc};

use aws_sdk_dynamodb::{
    Client,
    error::ProvideErrorMetadata,
    types::{AttributeValue, Put, TransactWriteItem, Update},
};
use futures::future::join_all;
use stack::{
    address, aws, embedded,
    guard::{self, Guarded},
    http::Server,
    table,
};

struct Fixture {
    client: Client,
    _guard: Server,
    _embedded: embedded::Embedded,
}

async fn fixture() -> Fixture {
    let embedded = embedded::start().unwrap();
    let upstream: SocketAddr = embedded.endpoint.strip_prefix("http://").unwrap().parse().unwrap();
    let port = address::free_port().unwrap();
    let guard = guard::start(port, upstream, Guarded::Database(Some(Arc::default()))).await.unwrap();
    let client = Client::new(&aws::local(&format!("http://127.0.0.1:{port}")));
    table::create(&client, "things").await.unwrap();
    Fixture { client, _guard: guard, _embedded: embedded }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// Adds one to a number: whoever carries it out twice is seen.
fn raise(id: &str) -> TransactWriteItem {
    let update = Update::builder()
        .table_name("things")
        .key("pk", text(id))
        .key("sk", text("n"))
        .update_expression("ADD n :one")
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
    TransactWriteItem::builder().update(update.build().unwrap()).build()
}

async fn send(client: &Client, item: TransactWriteItem, token: &str) -> Result<(), String> {
    let sent = client.transact_write_items().transact_items(item).client_request_token(token).send().await;
    sent.map(|_| ()).map_err(|error| error.code().unwrap_or_default().to_owned())
}

async fn number(client: &Client, id: &str) -> Option<String> {
    let key = [("pk", text(id)), ("sk", text("n"))].map(|(name, value)| (name.to_owned(), value));
    let got = client.get_item().table_name("things").set_key(Some(key.into())).send().await.unwrap();
    got.item.map(|item| item["n"].as_n().unwrap().clone())
}

#[tokio::test]
async fn a_token_carries_one_transaction_out_once() {
    let fixture = fixture().await;
    let client = &fixture.client;
    let answers = join_all((0..8).map(|_| send(client, raise("a"), "one"))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(number(client, "a").await.as_deref(), Some("1"));
    send(client, raise("a"), "two").await.unwrap();
    assert_eq!(number(client, "a").await.as_deref(), Some("2"));
    let other = send(client, raise("b"), "one").await;
    assert_eq!(other, Err("IdempotentParameterMismatchException".to_owned()));
    assert_eq!(number(client, "b").await, None);
}

#[tokio::test]
async fn a_transaction_that_was_refused_is_tried_again_with_its_token() {
    let fixture = fixture().await;
    let client = &fixture.client;
    let put = Put::builder().table_name("things").item("pk", text("a")).item("sk", text("n"));
    let put = put.item("n", AttributeValue::N("5".to_owned())).condition_expression("attribute_exists(pk)");
    let put = TransactWriteItem::builder().put(put.build().unwrap()).build();
    let refused = send(client, put.clone(), "one").await;
    assert_eq!(refused, Err("TransactionCanceledException".to_owned()));
    send(client, raise("a"), "two").await.unwrap();
    send(client, put, "one").await.unwrap();
    assert_eq!(number(client, "a").await.as_deref(), Some("5"));
}
