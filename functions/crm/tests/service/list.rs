//! Listing customers (crm §4).

use crm::{
    customer::{Customer, Status},
    keys,
};
use identity::lifecycle::Status::Active;
use serde_json::{Value, json};
use testkit::World;

use crate::people::{call, create, facility, guid_of};

async fn guids(world: &World, fields: Value) -> Vec<Value> {
    let reply = call(world, "/customer/list", fields).await;
    reply.data()["customers"].as_array().expect("a list").iter().map(|c| c["customer_guid"].clone()).collect()
}

#[tokio::test]
async fn pages_are_full_and_run_from_the_newest_to_the_oldest() {
    let world = World::new().await;
    let mut expected = Vec::new();
    for _ in 0..11 {
        expected.insert(0, create(&world, json!({})).await["customer_guid"].clone());
        world.advance_seconds(1);
    }
    let (mut seen, mut token, mut sizes) = (Vec::new(), Value::Null, Vec::new());
    loop {
        let fields =
            if token.is_null() { json!({"limit": 4}) } else { json!({"limit": 4, "next_token": token}) };
        let reply = call(&world, "/customer/list", fields).await;
        assert_eq!(world.last_log()["reads"], 1);
        let page = reply.data()["customers"].as_array().expect("a page").clone();
        sizes.push(page.len());
        seen.extend(page.into_iter().map(|customer| customer["customer_guid"].clone()));
        token = reply.data()["next_token"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!((seen, sizes), (expected, vec![4, 4, 3]));
    assert_eq!(guids(&world, json!({})).await.len(), 8);
    let foreign = call(&world, "/customer/list", json!({"kind": "guest", "next_token": "AQ"})).await;
    foreign.refused("invalid-token");
}

#[tokio::test]
async fn kinds_statuses_and_times_narrow_the_list() {
    let world = World::new().await;
    let mut made = Vec::new();
    for customer in
        [json!({}), json!({"kind": "guest"}), json!({"kind": "business", "company_name": "E"}), json!({})]
    {
        made.push(create(&world, customer).await);
        world.advance_seconds(60);
    }
    let guid = |n: usize| made[n]["customer_guid"].clone();
    for (n, status) in [(1, Status::Inactive), (3, Status::Anonymized)] {
        let key = keys::customer::by_guid(&world.org, guid_of(&made[n]));
        world.meddle(&world.org, &key, |customer: &mut Customer| customer.status = status).await;
    }
    assert_eq!(guids(&world, json!({})).await, [guid(2), guid(1), guid(0)]);
    assert_eq!(guids(&world, json!({"status": "inactive"})).await, [guid(1)]);
    assert_eq!(guids(&world, json!({"status": "anonymized"})).await, [guid(3)]);
    assert_eq!(guids(&world, json!({"status": "all"})).await, [guid(3), guid(2), guid(1), guid(0)]);
    assert_eq!(guids(&world, json!({"kind": "individual"})).await, [guid(0)]);
    let doomed = json!({"kind": "individual", "include_doomed": true});
    assert_eq!(guids(&world, doomed).await, [guid(3), guid(0)]);
    let time = |n: usize| made[n]["created_at"].clone();
    assert_eq!(guids(&world, json!({"from": time(0), "to": time(2)})).await, [guid(1), guid(0)]);
    assert_eq!(guids(&world, json!({"from": time(1), "to": time(1)})).await, [] as [Value; 0]);
    assert_eq!(guids(&world, json!({"from": time(2), "to": time(1)})).await, [] as [Value; 0]);
    let wrong = call(&world, "/customer/list", json!({"status": "gone", "limit": "x", "surname": "y"})).await;
    let mut fields = wrong.refused_fields();
    fields.sort_unstable();
    assert_eq!(fields, ["limit", "status", "surname"]);
}

#[tokio::test]
async fn tags_and_homes_select_among_what_the_list_finds() {
    let world = World::new().await;
    let [home, other] = [facility(&world, Active).await, facility(&world, Active).await];
    let mut made = Vec::new();
    for customer in [
        json!({"tags": ["vip", "late"], "home_logical_guid": home}),
        json!({"tags": ["vip"], "home_logical_guid": other, "kind": "guest"}),
        json!({"tags": ["late"]}),
        json!({"home_logical_guid": home}),
    ] {
        made.push(create(&world, customer).await);
        world.advance_seconds(1);
    }
    let guid = |n: usize| made[n]["customer_guid"].clone();
    assert_eq!(made[0]["home_logical_guid"], json!(home));
    assert_eq!(guids(&world, json!({"tag": "vip"})).await, [guid(1), guid(0)]);
    assert_eq!(guids(&world, json!({"home_logical_guid": home})).await, [guid(3), guid(0)]);
    assert_eq!(guids(&world, json!({"tag": "late", "home_logical_guid": home})).await, [guid(0)]);
    assert_eq!(guids(&world, json!({"tag": "vip", "kind": "guest"})).await, [guid(1)]);
    assert_eq!(guids(&world, json!({"tag": "gone"})).await, [] as [Value; 0]);
    // A page is full, however many customers it passes by.
    let first = call(&world, "/customer/list", json!({"tag": "late", "limit": 1})).await;
    let token = first.data()["next_token"].clone();
    assert_eq!(first.data()["customers"][0]["customer_guid"], guid(2));
    assert_eq!(guids(&world, json!({"tag": "late", "limit": 1, "next_token": token})).await, [guid(0)]);
    let foreign =
        call(&world, "/customer/list", json!({"tag": "vip", "limit": 1, "next_token": token})).await;
    foreign.refused("invalid-token");
    let wrong = call(&world, "/customer/list", json!({"tag": "V I P"})).await;
    assert_eq!(wrong.refused_fields(), ["tag"]);
}
