//! Checking the journal, and ordering that it is published again.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use identity::org::OrgStatus;
use serde_json::{Value, json};
use testkit::{World, database};

use crate::people::act;

/// The fields that name the world's org as an aggregate.
fn of_the_org(world: &World) -> Value {
    let org = world.org.guid();
    json!({"service": "ofm", "org_guid": org, "aggregate_type": "org", "aggregate_id": org})
}

fn with(mut fields: Value, name: &str, value: impl Into<Value>) -> Value {
    fields[name] = value.into();
    fields
}

/// A world whose org has so many journal entries.
async fn world_with(entries: usize) -> World {
    let world = World::new().await;
    for n in 1..entries {
        let status = if n % 2 == 0 { OrgStatus::Verified } else { OrgStatus::Parked };
        world.set_org_status(status).await;
    }
    world
}

async fn verify(world: &World, fields: Value) -> Value {
    act(world, "journal-verify", fields).await.data().clone()
}

/// The key of an entry of the world's org.
fn key(world: &World, number: u32) -> [(String, AttributeValue); 2] {
    let org = world.org.guid();
    let text = |text: String| AttributeValue::S(text);
    let pk = text(format!("ofm|{org}|journal|org|{org}"));
    [("pk".to_owned(), pk), ("sk".to_owned(), text(format!("{number:012}")))]
}

async fn remove(world: &World, number: u32) {
    let client = database::client(database::endpoint());
    let delete = client.delete_item().table_name(database::table());
    delete.set_key(Some(key(world, number).into())).send().await.unwrap();
}

async fn alter(world: &World, number: u32) {
    let client = database::client(database::endpoint());
    let update = client.update_item().table_name(database::table()).set_key(Some(key(world, number).into()));
    let update = update.update_expression("SET #data.#action = :other");
    let update =
        update.expression_attribute_names("#data", "data").expression_attribute_names("#action", "action");
    let other = AttributeValue::S("org-created".to_owned());
    update.expression_attribute_values(":other", other).send().await.unwrap();
}

#[tokio::test]
async fn a_journal_as_it_was_written_is_intact_to_its_end() {
    let world = world_with(5).await;
    let found = verify(&world, of_the_org(&world)).await;
    assert_eq!(found, json!({"checked": 5, "intact_up_to": 5, "end_checked": true}));
    let found = verify(&world, with(of_the_org(&world), "after", 3)).await;
    assert_eq!(found, json!({"checked": 3, "intact_up_to": 5, "end_checked": true}));
    let user = world.owner.user_guid;
    let of_a_user = json!({"service": "usm", "aggregate_type": "user", "aggregate_id": user});
    assert_eq!(verify(&world, of_a_user).await["end_checked"], true);
}

#[tokio::test]
async fn the_first_break_is_named() {
    let world = world_with(6).await;
    let ids: Vec<_> = world.journal("ofm", "org", &world.org.guid().to_string()).await;
    let id = |number: usize| ids[number - 1].entry.event_id.clone();
    let first_break = async || verify(&world, of_the_org(&world)).await["first_break"].clone();

    remove(&world, 6).await;
    assert_eq!(first_break().await, json!({"sequence": 6, "problem": "missing"}));
    alter(&world, 4).await;
    let altered = json!({"sequence": 4, "problem": "altered", "event_id": id(4)});
    assert_eq!(first_break().await, altered);
    remove(&world, 2).await;
    assert_eq!(first_break().await, json!({"sequence": 2, "problem": "missing"}));
    let after = verify(&world, with(of_the_org(&world), "after", 3)).await;
    assert_eq!((&after["first_break"], &after["intact_up_to"]), (&altered, &json!(3)));
    remove(&world, 1).await;
    assert_eq!(first_break().await, json!({"sequence": 1, "problem": "missing"}));
}

#[tokio::test]
async fn what_there_is_no_journal_of_is_not_found() {
    let world = World::new().await;
    for (name, value) in [("aggregate_id", "nobody"), ("service", "crm"), ("aggregate_type", "customer")] {
        for action in ["journal-verify", "event-replay"] {
            act(&world, action, with(of_the_org(&world), name, value)).await.refused("not-found");
        }
        let odd = act(&world, "journal-verify", with(of_the_org(&world), name, "a|b")).await;
        assert_eq!(odd.refused_fields(), [name]);
    }
    let elsewhere = with(of_the_org(&world), "org_guid", "nowhere");
    act(&world, "journal-verify", elsewhere).await.refused("not-found");
}

/// The entries that a replay has ordered: their sort keys.
async fn ordered(replay: &Value) -> BTreeSet<String> {
    let prefix = format!("relay|-|again|{}|", replay["replay_id"].as_str().unwrap());
    let items = database::client(database::endpoint())
        .scan()
        .table_name(database::table())
        .filter_expression("begins_with(pk, :prefix)")
        .expression_attribute_values(":prefix", AttributeValue::S(prefix))
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .unwrap();
    items
        .iter()
        .map(|item| {
            assert_eq!(item["type"].as_s().unwrap(), "event-again");
            item["sk"].as_s().unwrap().clone()
        })
        .collect()
}

fn numbers(numbers: impl IntoIterator<Item = u32>) -> BTreeSet<String> {
    numbers.into_iter().map(|number| format!("{number:012}")).collect()
}

#[tokio::test]
async fn the_events_of_an_aggregate_are_ordered_again_call_by_call() {
    let world = world_with(100).await;
    let first = act(&world, "event-replay", of_the_org(&world)).await.data().clone();
    assert_eq!((&first["events"], &first["next"]), (&json!(90), &json!("90")));
    assert_eq!(ordered(&first).await, numbers(1..=90));
    let rest = act(&world, "event-replay", with(of_the_org(&world), "after", "90")).await.data().clone();
    assert_eq!((&rest["events"], &rest["next"]), (&json!(10), &Value::Null));
    assert_eq!(ordered(&rest).await, numbers(91..=100));
    let journal = world.system_journal("operator", "event-replay", rest["replay_id"].as_str().unwrap()).await;
    assert_eq!(journal[0].entry.action, "events-replayed");
    assert_eq!(journal[0].entry.data["events"], 10);
    // The same command is one order.
    let again = with(of_the_org(&world), "idempotency_key", "once");
    let one = act(&world, "event-replay", again.clone()).await.data().clone();
    assert_eq!(act(&world, "event-replay", again).await.data(), &one);
}

#[tokio::test]
async fn the_events_of_a_time_are_ordered_again_all_or_those_of_a_type() {
    let world = World::new().await;
    // Days that no other test writes in.
    let lonely = i64::from(world.org.guid().uuid().as_bytes()[15]) * 10 + 4_000;
    world.advance_seconds(lonely * 86_400);
    let from = world.now();
    for _ in 0..3 {
        for status in [OrgStatus::Parked, OrgStatus::Verified].repeat(16) {
            world.set_org_status(status).await;
        }
        world.member(&[]).await;
        world.advance_seconds(86_400);
    }
    let to = world.now();
    let mut seen = BTreeSet::new();
    let mut asked = json!({"from": from, "to": to, "event_type": "org-status-set"});
    let mut calls = 0;
    loop {
        let reply = act(&world, "event-replay", asked.clone()).await.data().clone();
        let ordered = ordered(&reply).await;
        assert_eq!(reply["events"], json!(ordered.len()));
        assert!(ordered.iter().all(|number| seen.insert(number.clone())), "{ordered:?}");
        calls += 1;
        let Some(next) = reply["next"].as_str() else { break };
        asked["after"] = json!(next);
    }
    assert_eq!((seen, calls), (numbers(2..=97), 2));

    let later = to.plus_seconds(1);
    let none = act(&world, "event-replay", json!({"from": later, "to": later})).await;
    assert_eq!(none.data()["events"], 0);
    let second_day = from.plus_days(1);
    let day = json!({"from": second_day, "to": second_day});
    // A member is a user, a session and a membership.
    assert_eq!(act(&world, "event-replay", day).await.data()["events"], 32 + 3);
}

#[tokio::test]
async fn what_is_asked_for_must_fit_together() {
    let world = World::new().await;
    let now = world.now();
    let refused = async |fields: Value| -> Vec<String> {
        let reply = act(&world, "event-replay", fields).await;
        reply.refused_fields().into_iter().map(str::to_owned).collect()
    };
    assert_eq!(refused(json!({})).await, ["from"]);
    assert_eq!(refused(with(of_the_org(&world), "from", json!(now))).await, ["from"]);
    assert_eq!(refused(with(of_the_org(&world), "to", json!(now))).await, ["to"]);
    assert_eq!(refused(with(of_the_org(&world), "event_type", "org-created")).await, ["event_type"]);
    assert_eq!(refused(with(of_the_org(&world), "after", "x")).await, ["after"]);
    assert_eq!(refused(json!({"aggregate_id": "1"})).await, ["service"]);
    assert_eq!(refused(json!({"aggregate_id": "1", "service": "ofm"})).await, ["aggregate_type"]);
    assert_eq!(refused(json!({"from": now, "service": "ofm"})).await, ["service"]);
    assert_eq!(refused(json!({"from": now, "to": now.plus_seconds(-1)})).await, ["to"]);
    for after in ["x", "2020-01-01T00:00:00.000Z"] {
        assert_eq!(refused(json!({"from": now, "after": after})).await, ["after"]);
    }
}
