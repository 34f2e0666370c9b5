//! A bus that accepts, refuses and fails.

use std::{
    sync::{Arc, Mutex, atomic::AtomicI64},
    time::Duration,
};

use relay::relay::{BatchAnswer, Failure, Relay};
use serde_json::{Value, json};
use service::{Clock, LogSink};
use testkit::bus::{self, Mood};

use crate::{TIME_LEFT, function};

/// 4 March 2026, 08:00:01.500 UTC: 1.5 s after the entries were written.
const NOW: i64 = 1_772_611_201_500;

/// The function and its bus.
struct Shop {
    relay: Relay,
    bus: bus::Bus,
    log: Arc<Mutex<Vec<String>>>,
}

impl Shop {
    async fn new(moods: impl IntoIterator<Item = Mood>) -> Self {
        let bus = bus::Bus::start(moods).await;
        let log = Arc::default();
        let clock = Clock::Manual(Arc::new(AtomicI64::new(NOW)));
        Self { relay: function(&bus, clock, LogSink::Memory(Arc::clone(&log))), bus, log }
    }

    async fn offer(&self, records: &[Value]) -> Result<BatchAnswer, Failure> {
        self.relay.handle(json!({ "Records": records }), TIME_LEFT).await
    }

    /// What the source is to offer again, by sequence number.
    async fn left(&self, records: &[Value]) -> Option<String> {
        let mut failures = self.offer(records).await.unwrap().batch_item_failures;
        assert!(failures.len() < 2, "{failures:?}");
        failures.pop().map(|failure| failure.item_identifier)
    }

    /// The events that were accepted, as `<aggregate>.<number>`.
    fn accepted(&self) -> Vec<String> {
        self.bus.accepted().iter().map(name).collect()
    }

    fn log(&self) -> Value {
        let log = self.log.lock().unwrap();
        let [line] = &log[..] else { panic!("one line a batch: {log:?}") };
        serde_json::from_str(line).unwrap()
    }
}

fn name(event: &Value) -> String {
    let detail: Value = serde_json::from_str(event["Detail"].as_str().unwrap()).unwrap();
    detail["event_id"].as_str().unwrap().to_owned()
}

/// The insertion of a journal entry: `number` is its place in the shard and its revision.
fn entry(aggregate: &str, number: u32) -> Value {
    let s = |text: &str| json!({ "S": text });
    let data = json!({
        "event_id": s(&format!("{aggregate}.{number}")),
        "schema_version": {"N": "1"},
        "timestamp_utc": s("2026-03-04T08:00:00.000Z"),
        "build": {"M": {"build_major": {"N": "0"}}},
        "service": s("ofm"),
        "action": s("zone-updated"),
        "request_context": {"M": {"orgcode": s("DEMO"), "actor": s("somebody")}},
        "as_owner": {"BOOL": false},
        "why": {"M": {"text": s("moved"), "salt": s("5a17")}},
        "why_hash": s("ha5h"),
        "source_refs": {"L": []},
        "aggregate_type": s("zone"),
        "aggregate_id": s(aggregate),
        "aggregate_revision": {"N": number.to_string()},
        "sequence": {"N": number.to_string()},
        "correlation_id": s("request"),
        "changed": {"L": [{"M": {"field": s("caption"), "after": s("North")}}]},
        "data": {"M": {"caption": s("North")}},
        "previous_hash": s("0ld"),
    });
    let pk = s(&format!("ofm|org|journal|zone|{aggregate}"));
    json!({
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "SequenceNumber": number.to_string(),
            "NewImage": {"pk": pk, "sk": s("1"), "type": s("journal"), "hash": s("h"), "data": {"M": data}},
        },
    })
}

fn unreadable(number: u32) -> Value {
    let mut record = entry("ruined", number);
    record["dynamodb"]["NewImage"]["data"]["M"]["timestamp_utc"] = json!({"S": "Jo's birthday"});
    record
}

#[tokio::test]
async fn an_entry_is_published_as_an_event() {
    let shop = Shop::new([]).await;
    assert_eq!(shop.left(&[entry("a", 1)]).await, None);
    let [event] = &shop.bus.accepted()[..] else { panic!("one event") };
    assert_eq!(event["EventBusName"], "g3n-test");
    assert_eq!(event["Source"], "g3n.ofm");
    assert_eq!(event["DetailType"], "zone-updated");
    assert_eq!(event["Time"].as_f64(), Some(1_772_611_200.0));
    let detail: Value = serde_json::from_str(event["Detail"].as_str().unwrap()).unwrap();
    assert_eq!(detail["data"], json!({"caption": "North"}));
    assert_eq!(detail["aggregate_revision"], 1);
    assert_eq!(detail.get("why"), None, "the salt stays in the journal");
    let log = shop.log();
    assert_eq!((&log["published"], &log["failed"], &log["lag_ms"]), (&json!(1), &json!(0), &json!(1500)));
}

#[tokio::test]
async fn events_of_one_aggregate_go_out_one_by_one_and_of_others_together() {
    let shop = Shop::new([]).await;
    assert_eq!(shop.left(&[entry("a", 1), entry("b", 2), entry("a", 3), entry("a", 4)]).await, None);
    let calls: Vec<Vec<String>> =
        shop.bus.calls().iter().map(|call| call.iter().map(name).collect()).collect();
    assert_eq!(calls, [vec!["a.1", "b.2"], vec!["a.3"], vec!["a.4"]]);
}

#[tokio::test]
async fn what_the_bus_refuses_once_is_sent_again_before_what_follows_it() {
    let shop = Shop::new([Mood::RefusesThose("a.1")]).await;
    assert_eq!(shop.left(&[entry("a", 1), entry("b", 2), entry("a", 3)]).await, None);
    assert_eq!(shop.accepted(), ["b.2", "a.1", "a.3"]);
    assert_eq!(shop.log()["refusals"], json!({"ThrottlingException": 1}));
}

#[tokio::test]
async fn what_the_bus_keeps_refusing_is_reported_and_holds_its_aggregate() {
    let shop = Shop::new([const { Mood::RefusesThose("b.2") }; 9]).await;
    let batch = [entry("a", 1), entry("b", 2), entry("c", 3), entry("b", 4), entry("a", 5)];
    assert_eq!(shop.left(&batch).await.as_deref(), Some("2"));
    assert_eq!(shop.accepted(), ["a.1", "c.3", "a.5"]);
    let log = shop.log();
    assert_eq!((&log["published"], &log["failed"]), (&json!(3), &json!(2)));
    assert_eq!(log["first_failed"], "2");
}

#[tokio::test]
async fn a_bus_that_fails_is_not_asked_on() {
    let batch = [entry("a", 1), entry("b", 2), entry("a", 3)];
    let shop = Shop::new([Mood::Accepts, Mood::Fails]).await;
    assert_eq!(shop.left(&batch).await.as_deref(), Some("3"));
    assert_eq!(shop.accepted(), ["a.1", "b.2"]);
    assert_eq!(shop.log()["refusals"], json!({"AccessDeniedException": 1}));
    let shop = Shop::new([Mood::Fails]).await;
    assert_eq!(shop.offer(&batch).await, Err(Failure::NoProgress));
    assert_eq!(shop.bus.calls().len(), 1);
}

#[tokio::test]
async fn an_unreadable_record_is_reported_and_not_told_of() {
    let shop = Shop::new([]).await;
    let batch = [entry("a", 1), unreadable(2), entry("b", 3)];
    assert_eq!(shop.left(&batch).await.as_deref(), Some("2"));
    assert_eq!(shop.accepted(), ["a.1"]);
    assert_eq!(shop.log()["unsendable"], 1);
    assert!(!shop.log().to_string().contains("birthday"));
}

#[tokio::test]
async fn an_unreadable_record_is_parted_from_those_after_it() {
    let shop = Shop::new([]).await;
    assert_eq!(shop.offer(&[unreadable(1), entry("b", 2)]).await, Err(Failure::NoProgress));
    assert!(shop.bus.calls().is_empty(), "sent now, it would be sent again");
    let shop = Shop::new([]).await;
    assert_eq!(shop.left(&[unreadable(1)]).await.as_deref(), Some("1"));
    let mut nameless = unreadable(1);
    nameless["dynamodb"]["SequenceNumber"] = Value::Null;
    assert_eq!(shop.offer(&[nameless]).await, Err(Failure::NoProgress));
}

#[tokio::test]
async fn no_call_is_begun_that_the_time_left_may_not_suffice_for() {
    let shop = Shop::new([]).await;
    let answer = shop.relay.handle(json!({"Records": [entry("a", 1)]}), Duration::ZERO).await.unwrap();
    assert_eq!(answer.batch_item_failures[0].item_identifier, "1");
    assert!(shop.bus.calls().is_empty());
}

#[tokio::test]
async fn a_bus_that_cannot_be_reached_is_a_failure() {
    let shop = Shop::new([]).await;
    let Shop { relay, bus, .. } = shop;
    drop(bus);
    let answer = relay.handle(json!({"Records": [entry("a", 1)]}), TIME_LEFT).await.unwrap();
    assert_eq!(answer.batch_item_failures[0].item_identifier, "1");
}

#[tokio::test]
async fn an_empty_batch_is_done_and_no_batch_is_an_error() {
    let shop = Shop::new([]).await;
    assert_eq!(shop.left(&[]).await, None);
    assert_eq!(shop.log()["lag_ms"], Value::Null);
    for event in [json!({}), json!({"Records": 1}), Value::Null] {
        assert_eq!(shop.relay.handle(event, TIME_LEFT).await, Err(Failure::NoBatch));
    }
}
