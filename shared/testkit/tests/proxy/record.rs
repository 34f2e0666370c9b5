//! What the proxy records, and which calls its rules choose.

use serde_json::json;
use testkit::proxy::{Call, Fault, Operation, Proxy, When};

use crate::fixture::{Fixture, get, put};

#[tokio::test]
async fn calls_pass_unchanged_and_are_recorded_in_order() {
    let fixture = Fixture::start().await;
    let client = fixture.client();

    put(&client, "a").await.unwrap();
    assert!(get(&client, "a").await.unwrap());
    client.describe_table().table_name("missing").send().await.unwrap_err();

    let calls = fixture.proxy.calls();
    let seen: Vec<_> =
        calls.iter().map(|Call { operation, upstream, .. }| (operation.clone(), *upstream)).collect();
    assert_eq!(
        seen,
        [
            (Operation::PutItem, Some(200)),
            (Operation::GetItem, Some(200)),
            (Operation::Other("DescribeTable".into()), Some(400)),
        ]
    );
    assert!(calls.iter().all(|call| call.fault.is_none() && call.answered == call.upstream));
    assert_eq!(*calls[0].request, json!({ "TableName": "table", "Item": { "id": { "S": "a" } } }));
    assert_eq!(fixture.proxy.count(&Operation::PutItem), 1);
    assert_eq!(fixture.proxy.count(&Operation::Query), 0);
}

#[tokio::test]
async fn a_rule_for_the_nth_of_an_operation_spares_the_others() {
    let fixture = Fixture::start().await;
    let client = fixture.client();
    fixture.proxy.inject(Fault::ServerError, When::nth(2).of(Operation::GetItem));

    put(&client, "a").await.unwrap();
    assert!(get(&client, "a").await.unwrap());
    put(&client, "b").await.unwrap();
    get(&client, "a").await.unwrap_err();
    assert!(get(&client, "a").await.unwrap());
}

#[tokio::test]
async fn clear_disarms_every_rule_and_keeps_the_record() {
    let fixture = Fixture::start().await;
    let client = fixture.client();
    fixture.proxy.inject(Fault::ServerError, When::always());
    fixture.proxy.inject(Fault::RefuseBefore, When::nth(2));
    put(&client, "a").await.unwrap_err();

    fixture.proxy.clear();

    put(&client, "a").await.unwrap();
    put(&client, "b").await.unwrap();
    assert_eq!(fixture.proxy.count(&Operation::PutItem), 3);
}

#[tokio::test]
async fn the_same_seed_befalls_the_same_calls() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let fixture = Fixture::start().await;
        let client = fixture.client();
        fixture.proxy.inject(Fault::ServerError, When::seeded(400, 11));
        let mut failed = Vec::new();
        for _ in 0..30 {
            failed.push(get(&client, "a").await.is_err());
        }
        runs.push(failed);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&true) && runs[0].contains(&false), "{:?}", runs[0]);
}

#[tokio::test]
async fn proxies_of_one_upstream_share_nothing() {
    let first = Fixture::start().await;
    let second = Fixture { proxy: Proxy::start(&first.upstream).unwrap(), ..Fixture::start().await };
    first.proxy.inject(Fault::ServerError, When::always());

    put(&second.client(), "a").await.unwrap();

    assert!(first.stored("a").await);
    assert_eq!(first.proxy.calls().len(), 0);
    assert_eq!(second.proxy.calls().len(), 1);
}
