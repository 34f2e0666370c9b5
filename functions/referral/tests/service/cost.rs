//! What lists and totals cost does not depend on how many records there are (referral §7).

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use serde_json::{Value, json};
use testkit::{
    World, database,
    proxy::{Operation, Proxy},
};

use crate::people::{behind, code, counted, get};

const MANY: usize = 5_000;
/// `BatchWriteItem` takes so many.
const BATCH: usize = 25;

fn copy_of(n: usize) -> String {
    format!("attr_0{n:025}")
}

/// Copies a record, as it is stored, under ids before its own.
async fn multiply(world: &World, id: &str) {
    let items = world.items().await;
    let (_, item) = items.iter().find(|((_, sk), _)| sk == id).expect("the record");
    let client = database::patient(database::endpoint());
    let text = |value: String| AttributeValue::S(value);
    let copies: Vec<WriteRequest> = (0..MANY)
        .map(|n| {
            let other = copy_of(n);
            let mut copy: HashMap<String, AttributeValue> = item.clone();
            copy.insert("sk".to_owned(), text(other.clone()));
            copy.insert("gsi1sk".to_owned(), text(other.clone()));
            let mut data = copy["data"].as_m().expect("data").clone();
            data.insert("id".to_owned(), text(other));
            copy.insert("data".to_owned(), AttributeValue::M(data));
            let put = PutRequest::builder().set_item(Some(copy)).build().expect("an item");
            WriteRequest::builder().put_request(put).build()
        })
        .collect();
    for batch in copies.chunks(BATCH) {
        let write = client.batch_write_item().request_items(database::table(), batch.to_vec());
        let left = write.send().await.expect("the table answers").unprocessed_items.unwrap_or_default();
        assert!(left.is_empty());
    }
    // The totals that such records have, by the operator's own hand.
    let repair = json!({"orgcode": world.orgcode, "repair": true});
    let mended = world.act(&operator::SERVICE, "referral-recount", repair).await;
    assert_eq!(mended.data()["differences"].as_array().map(Vec::len), Some(4));
}

/// Round trips and units of each request, and what it asked of the table.
async fn costs(world: &World, proxy: &Proxy) -> Vec<(String, Value, Vec<Operation>)> {
    let mut costs = Vec::new();
    for path in
        ["/?limit=20", "/mentor/usr_1?limit=20", "/mentor/usr_1/total", "/mentor/usr_1/total?period=2026-03"]
    {
        let before = proxy.calls().len();
        get(world, path).await.data();
        let log = world.last_log();
        let operations = proxy.calls()[before..].iter().map(|call| call.operation.clone()).collect();
        let cost = json!([log["reads"], log["writes"], log["rcu_tenths"]]);
        costs.push((path.to_owned(), cost, operations));
    }
    costs
}

#[tokio::test]
async fn lists_and_totals_cost_the_same_with_many_records_as_with_few() {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let world = behind(&proxy).await;
    let code = code(&world, "usr_1").await;
    // As many tallies as a total may have, and more than a page.
    let mut last = String::new();
    for n in 0..150 {
        last = counted(&world, &code, n).await;
    }
    // The org and its code are remembered from here on.
    get(&world, "/").await.data();
    let few = costs(&world, &proxy).await;
    multiply(&world, &last).await;
    let many = costs(&world, &proxy).await;
    assert_eq!(get(&world, "/").await.data()["pagination"]["total"], MANY + 150);
    assert_eq!(get(&world, "/mentor/usr_1").await.data()["pagination"]["total"], MANY + 150);
    assert_eq!(few, many);
    for (path, cost, operations) in &many {
        let queries = operations.iter().filter(|operation| **operation == Operation::Query).count();
        // One query for the page, one for the total beside it.
        assert_eq!(queries, if path.contains("total") { 1 } else { 2 }, "{path}");
        assert!(cost[0].as_u64() <= Some(3), "{path}: {cost}");
    }
    // The last page lies behind 5,100 records, which are passed over in steps.
    let last: Vec<_> = (0..50).rev().map(copy_of).collect();
    for path in ["/?page=52&limit=100", "/mentor/usr_1?page=52&limit=100"] {
        let page = get(&world, path).await;
        let records = page.data()["data"].as_array().expect("records");
        let ids: Vec<_> = records.iter().map(|record| record["id"].as_str().expect("an id")).collect();
        assert_eq!(ids, last, "{path}");
    }
}
