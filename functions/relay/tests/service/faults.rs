//! A bus that accepts, refuses and fails.

use std::{
    sync::{Arc, Mutex, atomic::AtomicI64},
    time::Duration,
};

use contract::time::Time;
use relay::{
    ports::Outside,
    relay::{BatchAnswer, Failure, Relay},
};
use serde_json::{Value, json};
use service::{Clock, LogSink};
use store::{Chance, SystemChance};
use testkit::bus::{self, Mood};

use crate::{TIME_LEFT, function};

/// 4 March 2026, 08:00:01.500 UTC: 1.5 s after the entries were written.
const NOW: i64 = 1_772_611_201_500;
const NOW_SECONDS: i64 = 1_772_611_200;

/// The function and its bus.
struct Shop {
    relay: Relay<Outside>,
    bus: bus::Bus,
    log: Arc<Mutex<Vec<String>>>,
    /// Of this shop alone: what is noted of its records is nobody else's.
    tenant: String,
}

impl Shop {
    async fn new(moods: impl IntoIterator<Item = Mood>) -> Self {
        let bus = bus::Bus::start(moods).await;
        let log = Arc::default();
        let clock = Clock::Manual(Arc::new(AtomicI64::new(NOW)));
        let relay = function(&bus, clock, LogSink::Memory(Arc::clone(&log)));
        Self { relay, bus, log, tenant: SystemChance.uuid(Time::from_millis(NOW).unwrap()).to_string() }
    }

    /// One that has published so much that its calls are as large as they get.
    async fn warm() -> Self {
        let shop = Self::new([]).await;
        let records: Vec<_> = (1..=200).map(|number| entry(&format!("w{number}"), number)).collect();
        assert_eq!(shop.left(&records).await, None);
        shop
    }

    async fn offer(&self, records: &[Value]) -> Result<BatchAnswer, Failure> {
        let event = json!({ "Records": records }).to_string();
        let event = event.replace("ofm|org|", &format!("ofm|{}|", self.tenant));
        self.relay.handle(serde_json::from_str(&event).unwrap(), TIME_LEFT).await
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
        serde_json::from_str(log.last().expect("a line a batch")).unwrap()
    }
}

fn name(event: &Value) -> String {
    let detail: Value = serde_json::from_str(event["Detail"].as_str().unwrap()).unwrap();
    detail["event_id"].as_str().unwrap().to_owned()
}

/// The insertion of a journal entry: `number` is its place in the shard and its revision.
pub(crate) fn entry(aggregate: &str, number: u32) -> Value {
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
    let (pk, sk) = (s(&format!("ofm|org|journal|zone|{aggregate}")), s(&format!("{number:012}")));
    let image = json!({"pk": pk, "sk": sk, "type": s("journal"), "hash": s("h"), "data": {"M": data}});
    json!({
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/g3n-test/stream/1",
        "dynamodb": {
            "ApproximateCreationDateTime": NOW_SECONDS,
            "SequenceNumber": number.to_string(),
            "Keys": {"pk": pk, "sk": sk},
            "NewImage": image,
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
    assert_eq!(log["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["stage", "service"]]));
    assert_eq!((&log["published"], &log["failed"], &log["lag_ms"]), (&json!(1), &json!(0), &json!(1500)));
}

#[tokio::test]
async fn events_of_one_aggregate_go_out_one_by_one_and_of_others_together() {
    let shop = Shop::warm().await;
    let before = shop.bus.calls().len();
    assert_eq!(shop.left(&[entry("a", 1), entry("b", 2), entry("a", 3), entry("a", 4)]).await, None);
    let calls = shop.bus.calls();
    let calls: Vec<Vec<String>> =
        calls[before..].iter().map(|call| call.iter().map(name).collect()).collect();
    assert_eq!(calls, [vec!["a.1", "b.2"], vec!["a.3"], vec!["a.4"]]);
    assert!(shop.bus.calls().iter().all(|call| call.len() <= 10));
}

#[tokio::test]
async fn what_the_bus_refuses_once_is_sent_again_before_what_follows_it() {
    let shop = Shop::new([Mood::RefusesThose("a.1")]).await;
    assert_eq!(shop.left(&[entry("a", 1), entry("b", 2), entry("a", 3)]).await, None);
    assert_eq!(shop.accepted(), ["a.1", "b.2", "a.3"]);
    assert_eq!(shop.log()["refusals"], json!({"ThrottlingException": 1}));
}

#[tokio::test]
async fn what_the_bus_keeps_refusing_is_reported_and_holds_its_aggregate_and_nothing_is_repeated() {
    let shop = Shop::new([const { Mood::RefusesThose("b.2") }; 6]).await;
    let batch = [entry("a", 1), entry("b", 2), entry("c", 3), entry("b", 4), entry("a", 5)];
    assert_eq!(shop.left(&batch).await.as_deref(), Some("2"));
    assert_eq!(shop.accepted(), ["a.1", "c.3", "a.5"]);
    let log = shop.log();
    assert_eq!((&log["published"], &log["failed"]), (&json!(3), &json!(2)));
    assert_eq!(log["first_failed"], "2");
    assert_eq!(shop.left(&batch[1..]).await, None);
    assert_eq!(shop.accepted(), ["a.1", "c.3", "a.5", "b.2", "b.4"]);
    assert_eq!(shop.log()["repeated"], 2);
}

#[tokio::test]
async fn a_bus_that_fails_is_not_asked_on() {
    let batch = [entry("a", 1), entry("b", 2), entry("a", 3)];
    let shop = Shop::new([Mood::Accepts, Mood::Fails]).await;
    assert_eq!(shop.left(&batch).await.as_deref(), Some("2"));
    assert_eq!(shop.accepted(), ["a.1"]);
    assert_eq!(shop.log()["refusals"], json!({"AccessDeniedException": 1}));
    let shop = Shop::new([Mood::Fails]).await;
    assert_eq!(shop.left(&batch).await.as_deref(), Some("1"));
    assert_eq!(shop.bus.calls().len(), 1);
}

#[tokio::test]
async fn an_unreadable_record_is_put_aside_and_not_told_of() {
    let shop = Shop::new([]).await;
    assert_eq!(shop.left(&[entry("a", 1), unreadable(2), entry("b", 3)]).await, None);
    assert_eq!(shop.accepted(), ["a.1", "b.3"]);
    let key = json!({"pk": format!("ofm|{}|journal|zone|ruined", shop.tenant), "sk": "000000000002"});
    let arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/g3n-test/stream/1";
    let letter = json!({"reason": "unreadable", "entry": key, "stream_arn": arn, "sequence_number": "2"});
    assert_eq!(shop.bus.letters(), [letter]);
    let log = shop.log();
    assert_eq!((&log["put_aside"], &log["published"]), (&json!(1), &json!(2)));
    assert!(!log.to_string().contains("birthday"));
}

#[tokio::test]
async fn what_the_bus_will_never_take_is_put_aside_and_what_follows_it_goes_on() {
    let batch = [entry("a", 1), entry("a", 2), entry("b", 3)];
    let shop = Shop::new([Mood::FindsMalformed("a.1")]).await;
    assert_eq!(shop.left(&batch).await, None);
    assert_eq!(shop.accepted(), ["a.2", "b.3"]);
    let letters = shop.bus.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!((&letters[0]["reason"], &letters[0]["code"]), (&json!("refused"), &json!("MalformedDetail")));
    assert_eq!(letters[0]["event_id"], "a.1");

    let shop = Shop::warm().await;
    let mut large = batch.clone();
    large[0]["dynamodb"]["NewImage"]["data"]["M"]["data"] =
        json!({"M": {"x": {"S": "x".repeat(256 * 1024)}}});
    let before = shop.accepted().len();
    assert_eq!(shop.left(&large).await, None);
    assert_eq!(shop.accepted()[before..], ["a.2", "b.3"]);
    assert_eq!(shop.bus.letters()[0]["reason"], "too-large");
}

#[tokio::test]
async fn a_call_that_is_refused_for_what_it_holds_is_sent_one_by_one() {
    let shop = Shop::warm().await;
    let before = shop.accepted().len();
    shop.bus.feels([const { Mood::FindsInvalid("b.2") }; 9]);
    assert_eq!(shop.left(&[entry("a", 1), entry("b", 2), entry("c", 3)]).await, None);
    assert_eq!(shop.accepted()[before..], ["a.1", "c.3"]);
    let letters = shop.bus.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (&letters[0]["event_id"], &letters[0]["code"]),
        (&json!("b.2"), &json!("ValidationException"))
    );
}

#[tokio::test]
async fn a_letter_that_the_queue_refuses_is_reported_and_holds_its_aggregate_alone() {
    let shop = Shop::new([]).await;
    shop.bus.set_queue_away(true);
    let batch = [unreadable(1), entry("ruined", 2), entry("b", 3)];
    assert_eq!(shop.left(&batch).await.as_deref(), Some("1"));
    assert_eq!(shop.accepted(), ["b.3"]);
    shop.bus.set_queue_away(false);
    assert_eq!(shop.left(&batch).await, None);
    assert_eq!(shop.accepted(), ["b.3", "ruined.2"]);
    assert_eq!(shop.bus.letters().len(), 1);
}

#[tokio::test]
async fn a_record_without_a_number_is_put_aside_too_and_fails_the_batch_where_that_fails() {
    let shop = Shop::new([]).await;
    let mut nameless = unreadable(1);
    nameless["dynamodb"] = json!({});
    assert_eq!(shop.left(&[nameless.clone()]).await, None);
    assert_eq!(shop.bus.letters()[0]["reason"], "unreadable");
    shop.bus.set_queue_away(true);
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

/// Any JSON: half of what it is made of are words of a stream's events.
fn anything(chance: &mut fastrand::Rng, depth: usize) -> Value {
    const WORDS: &[&str] = &[
        "Records",
        "dynamodb",
        "NewImage",
        "Keys",
        "pk",
        "sk",
        "S",
        "N",
        "M",
        "data",
        "type",
        "journal",
        "INSERT",
        "eventName",
        "SequenceNumber",
        "ApproximateCreationDateTime",
        "eventSourceARN",
        "",
        "\u{e9}",
        "7",
        "1e999",
    ];
    let word = |chance: &mut fastrand::Rng| WORDS[chance.usize(..WORDS.len())];
    match chance.usize(..if depth == 0 { 5 } else { 9 }) {
        0 => Value::Null,
        1 => chance.bool().into(),
        2 => chance.i64(..).into(),
        3 => chance.f64().into(),
        4 => word(chance).into(),
        5 => (0..chance.usize(..4)).map(|_| anything(chance, depth - 1)).collect(),
        _ => (0..chance.usize(..5)).map(|_| (word(chance).to_owned(), anything(chance, depth - 1))).collect(),
    }
}

/// A good event with something else in some of its places.
fn disturbed(chance: &mut fastrand::Rng, value: &mut Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() && chance.u8(..8) > 0 => {
            let n = chance.usize(..fields.len());
            disturbed(chance, fields.values_mut().nth(n).unwrap());
        }
        Value::Array(items) if !items.is_empty() && chance.u8(..8) > 0 => {
            let n = chance.usize(..items.len());
            disturbed(chance, &mut items[n]);
        }
        value => *value = anything(chance, 4),
    }
}

#[tokio::test]
async fn no_event_makes_the_function_panic() {
    let shop = Shop::new([]).await;
    let mut chance = fastrand::Rng::with_seed(1);
    let mut done = 0;
    for n in 0..2_000_u32 {
        let records: Vec<_> = (1..=3).map(|number| entry(&format!("p{n}"), number)).collect();
        let text = json!({ "Records": records }).to_string();
        let text = text.replace("ofm|org|", &format!("ofm|{}|", shop.tenant));
        let mut event: Value = serde_json::from_str(&text).unwrap();
        for _ in 0..chance.usize(1..4) {
            disturbed(&mut chance, &mut event);
        }
        if chance.u8(..8) == 0 {
            event = anything(&mut chance, 6);
        }
        // A failure is reported as one; what would be lost is a panic.
        done += u32::from(shop.relay.handle(event, TIME_LEFT).await.is_ok());
    }
    assert!((200..2_000).contains(&done), "{done} were done");
}
