//! The stream pump against a real table: order, retries, and where it starts again.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::sync::{Arc, Mutex};

use anyhow::{Result, bail};
use aws_sdk_dynamodb::{Client, types::AttributeValue::S};
use serde_json::{Value, json};
use stack::{
    aws, embedded,
    mapping::Rules,
    pump::{Pump, Target},
    table,
    template::{EventSource, Template},
};

/// What the function does with the next batch.
enum Answer {
    TakeAll,
    Refuse(&'static str),
    Fail,
}

/// A function that notes the records it is given and answers as the test has laid out.
#[derive(Clone, Default)]
struct Notes {
    batches: Arc<Mutex<Vec<Vec<String>>>>,
    discarded: Arc<Mutex<Vec<Value>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
}

impl Target for Notes {
    async fn invoke(&self, event: &Value) -> Result<Value> {
        let records = event["Records"].as_array().unwrap();
        let name = |record: &Value| record["dynamodb"]["NewImage"]["sk"]["S"].as_str().unwrap().to_owned();
        self.batches.lock().unwrap().push(records.iter().map(name).collect());
        let mut answers = self.answers.lock().unwrap();
        match if answers.is_empty() { Answer::TakeAll } else { answers.remove(0) } {
            Answer::TakeAll => Ok(json!({ "batchItemFailures": [] })),
            Answer::Fail => bail!("out of order"),
            Answer::Refuse(refused) => {
                let record = records.iter().find(|record| name(record) == refused).unwrap();
                let number = &record["dynamodb"]["SequenceNumber"];
                Ok(json!({ "batchItemFailures": [{ "itemIdentifier": number }] }))
            }
        }
    }

    async fn discard(&self, message: &Value) -> Result<()> {
        self.discarded.lock().unwrap().push(message.clone());
        Ok(())
    }
}

impl Notes {
    fn answering(answers: impl Into<Vec<Answer>>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into())), ..Self::default() }
    }

    fn batches(&self) -> Vec<String> {
        self.batches.lock().unwrap().iter().map(|batch| batch.join(" ")).collect()
    }
}

/// A table of its own for one test.
struct Table {
    client: Client,
    endpoint: String,
    name: String,
    _embedded: Option<embedded::Embedded>,
}

impl Table {
    /// In the database that the suite runs on, or in one of its own when none is named.
    #[allow(
        clippy::disallowed_methods,
        reason = "the suite says by its environment which database it runs on"
    )]
    async fn new(name: &str) -> Self {
        let named = std::env::var("G3N_TEST_DYNAMODB").ok();
        let embedded = named.is_none().then(|| embedded::start().unwrap());
        let endpoint = named.or_else(|| Some(embedded.as_ref()?.endpoint.clone())).unwrap();
        let client = Client::new(&aws::local(&endpoint));
        let name = format!("pump-{name}-{}", std::process::id());
        table::create(&client, &name).await.unwrap();
        Self { client, endpoint, name, _embedded: embedded }
    }

    async fn put(&self, name: &str, r#type: &str, note: &str) {
        let key = |value: &str| S(value.to_owned());
        let put = self.client.put_item().table_name(&self.name).item("pk", key("a|b")).item("sk", key(name));
        let put = put.item("type", key(r#type)).item("note", key(note));
        put.send().await.unwrap();
    }

    async fn journal(&self, names: &[&str]) {
        for name in names {
            self.put(name, "journal", "first").await;
        }
    }

    async fn pump(
        &self,
        target: &Notes,
        batch_size: usize,
        checkpoint: Option<&std::path::Path>,
    ) -> Pump<Notes> {
        self.pump_by(target, Rules { batch_size, ..rules() }, checkpoint).await
    }

    async fn pump_by(
        &self,
        target: &Notes,
        rules: Rules,
        checkpoint: Option<&std::path::Path>,
    ) -> Pump<Notes> {
        let source = EventSource { rules, ..Template::local().unwrap().event_source().unwrap() };
        let arn = table::stream_arn(&self.client, &self.name).await.unwrap();
        let streams = aws_sdk_dynamodbstreams::Client::new(&aws::local(&self.endpoint));
        Pump::new(streams, arn, source, target.clone(), checkpoint.map(Into::into)).unwrap()
    }
}

/// As the template has them.
fn rules() -> Rules {
    Template::local().unwrap().event_source().unwrap().rules
}

#[tokio::test]
async fn journal_inserts_arrive_in_order_and_in_batches_and_nothing_else_does() {
    let table = Table::new("order").await;
    table.put("record", "customer", "first").await;
    table.journal(&["1", "2", "3"]).await;
    table.put("1", "journal", "changed").await;
    table.journal(&["4", "5"]).await;
    let target = Notes::default();
    let mut pump = table.pump(&target, 2, None).await;
    assert_eq!(pump.pass().await.unwrap(), 7);
    assert_eq!(target.batches(), ["1 2", "3 4", "5"], "the second put of 1 changed an item, it made none");
    assert_eq!(pump.pass().await.unwrap(), 0, "what was taken is not read again");
}

#[tokio::test]
async fn a_refused_record_is_offered_again_before_any_later_one() {
    let table = Table::new("refused").await;
    table.journal(&["1", "2", "3", "4"]).await;
    let target = Notes::answering([Answer::Refuse("3"), Answer::Refuse("3"), Answer::TakeAll]);
    let mut pump = table.pump(&target, 100, None).await;
    pump.pass().await.unwrap_err();
    pump.pass().await.unwrap_err();
    pump.pass().await.unwrap();
    assert_eq!(target.batches(), ["1 2 3 4", "3 4", "3 4"]);
}

#[tokio::test]
async fn a_failed_invocation_repeats_its_whole_batch_in_halves_and_only_that() {
    let table = Table::new("failed").await;
    table.journal(&["1", "2", "3", "4"]).await;
    let target = Notes::answering([Answer::TakeAll, Answer::Fail]);
    let mut pump = table.pump(&target, 2, None).await;
    pump.pass().await.unwrap_err();
    pump.pass().await.unwrap();
    assert_eq!(target.batches(), ["1 2", "3 4", "3", "4"]);
}

#[tokio::test]
async fn what_was_tried_too_often_is_told_of_and_the_rest_goes_on() {
    let table = Table::new("exhausted").await;
    table.journal(&["1", "2", "3"]).await;
    let target = Notes::answering([Answer::Fail, Answer::Fail, Answer::Fail]);
    let rules = Rules { batch_size: 2, most_retries: Some(1), ..rules() };
    let mut pump = table.pump_by(&target, rules, None).await;
    pump.pass().await.unwrap_err();
    pump.pass().await.unwrap_err();
    pump.pass().await.unwrap_err();
    pump.pass().await.unwrap();
    assert_eq!(target.batches(), ["1 2", "1", "1", "2", "3"]);
    let [message] = &target.discarded.lock().unwrap()[..] else { panic!("one message") };
    assert_eq!(message["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(message["DDBStreamBatchInfo"]["batchSize"], 1);
}

#[tokio::test]
async fn the_next_pump_goes_on_where_the_last_one_stopped() {
    let table = Table::new("checkpoint").await;
    let checkpoint = std::env::temp_dir().join(format!("pump-{}.json", std::process::id()));
    table.journal(&["1", "2", "3"]).await;
    let first = Notes::answering([Answer::Refuse("3")]);
    table.pump(&first, 100, Some(&checkpoint)).await.pass().await.unwrap_err();
    table.journal(&["4"]).await;
    let second = Notes::default();
    table.pump(&second, 100, Some(&checkpoint)).await.pass().await.unwrap();
    std::fs::remove_file(&checkpoint).unwrap();
    assert_eq!(first.batches(), ["1 2 3"]);
    assert_eq!(second.batches(), ["3 4"]);
}

#[tokio::test]
async fn a_record_has_the_shape_that_lambda_sends() {
    #[derive(Clone, Default)]
    struct Keep(Arc<Mutex<Value>>);

    impl Target for Keep {
        async fn invoke(&self, event: &Value) -> Result<Value> {
            *self.0.lock().unwrap() = event["Records"][0].clone();
            Ok(Value::Null)
        }

        async fn discard(&self, message: &Value) -> Result<()> {
            bail!("{message}")
        }
    }

    let table = Table::new("shape").await;
    table.journal(&["1"]).await;
    let keep = Keep::default();
    let arn = table::stream_arn(&table.client, &table.name).await.unwrap();
    let streams = aws_sdk_dynamodbstreams::Client::new(&aws::local(&table.endpoint));
    let source = Template::local().unwrap().event_source().unwrap();
    Pump::new(streams, arn.clone(), source, keep.clone(), None).unwrap().pass().await.unwrap();

    let record = keep.0.lock().unwrap().clone();
    let image = json!({ "pk": { "S": "a|b" }, "sk": { "S": "1" }, "type": { "S": "journal" }, "note": { "S": "first" } });
    assert_eq!(record["eventName"], "INSERT");
    assert_eq!(record["eventSource"], "aws:dynamodb");
    assert_eq!(record["eventSourceARN"], arn);
    assert!(record["eventID"].as_str().is_some_and(|id| !id.is_empty()));
    let change = &record["dynamodb"];
    assert_eq!(change["Keys"], json!({ "pk": { "S": "a|b" }, "sk": { "S": "1" } }));
    assert_eq!(change["NewImage"], image);
    assert_eq!(change.get("OldImage"), None);
    assert_eq!(change["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert!(change["SequenceNumber"].is_string());
    assert!(change["SizeBytes"].is_u64());
    assert!(change["ApproximateCreationDateTime"].is_u64());
}

#[tokio::test]
async fn records_that_were_taken_do_not_stay_in_the_embedded_database() {
    let file = std::env::temp_dir().join(format!("pump-taken-{}.sqlite", std::process::id()));
    let embedded = embedded::start_at(([127, 0, 0, 1], 0).into(), embedded::Storage::Scratch(&file)).unwrap();
    let records = embedded.stream_records.clone().unwrap();
    let endpoint = embedded.endpoint.clone();
    let client = Client::new(&aws::local(&endpoint));
    let name = "taken".to_owned();
    table::create(&client, &name).await.unwrap();
    let table = Table { client, endpoint, name, _embedded: Some(embedded) };
    let left = || records.count("taken").unwrap();

    for number in 0..300 {
        table.put(&number.to_string(), "customer", "first").await;
    }
    table.journal(&["a", "b", "c"]).await;
    assert_eq!(left(), 303);
    let target = Notes::answering([Answer::Refuse("b"), Answer::TakeAll]);
    let mut pump = table.pump(&target, 100, None).await.removing_from(records.clone(), "taken");
    pump.pass().await.unwrap_err();
    assert_eq!(left(), 3, "what was refused is still there");
    pump.pass().await.unwrap();
    // The last one stays, so that the next number is a larger one.
    assert_eq!(left(), 1);

    for number in 0..300 {
        table.put(&number.to_string(), "customer", "second").await;
    }
    table.journal(&["d"]).await;
    pump.pass().await.unwrap();
    assert_eq!(left(), 1);
    assert_eq!(target.batches(), ["a b c", "b c", "d"], "nothing is lost, and nothing comes twice");
    drop((table, records, pump));
    embedded::remove(&file).unwrap();
}
