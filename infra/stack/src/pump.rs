//! Feeds the relay from the table's stream, as Lambda's event source mapping does: in order, at least once, in
//! batches, and never past a record that the function could not take and that is not given up. What is offered when, and
//! what is given up, is decided in [`mapping`](crate::mapping), by the settings of the template.
//!
//! One difference from Lambda: there is one loop for all shards, parents before their children.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_dynamodbstreams::{
    Client,
    primitives::DateTime,
    types::{OperationType, Record, Shard, ShardIteratorType, StreamViewType},
};
use serde_json::{Value, json};

use crate::{
    emulator,
    mapping::{Discarded, Mapping, Outcome, sequence_number},
    pattern,
    stream_records::StreamRecords,
    template::EventSource,
};

/// How long the pump waits when the stream had nothing new.
const IDLE: Duration = Duration::from_millis(100);
/// The first wait after a failure; each further one is twice as long, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The function at the end of the stream.
pub trait Target: Send + Sync {
    /// Hands one event to the function and returns its answer. An error is a failure of the whole batch.
    fn invoke(&self, event: &Value) -> impl Future<Output = Result<Value>> + Send;

    /// Sends what tells of discarded records to the mapping's destination for failures.
    fn discard(&self, message: &Value) -> impl Future<Output = Result<()>> + Send;
}

/// A function that is invoked over Lambda's `Invoke` API, as `cargo lambda watch` serves it.
#[derive(Clone, Debug)]
pub struct HttpTarget {
    client: reqwest::Client,
    url: String,
    emulator: String,
    dead_letters: String,
}

impl HttpTarget {
    /// The function that a source feeds, invoked at `gateway`, for example `http://127.0.0.1:9000`. What is discarded goes
    /// to the source's queue in the emulator.
    pub fn new(gateway: &str, emulator: &str, source: &EventSource) -> Self {
        let url = format!("{gateway}/2015-03-31/functions/{}/invocations", source.function);
        let dead_letters = emulator::queue_url(emulator, &source.dead_letters);
        Self { client: reqwest::Client::new(), url, emulator: emulator.to_owned(), dead_letters }
    }
}

impl Target for HttpTarget {
    async fn invoke(&self, event: &Value) -> Result<Value> {
        let response = self.client.post(&self.url).json(event).send().await?;
        let failed =
            !response.status().is_success() || response.headers().contains_key("x-amz-function-error");
        let body = response.text().await?;
        ensure!(!failed, "the function failed: {body}");
        if body.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&body)?) }
    }

    async fn discard(&self, message: &Value) -> Result<()> {
        let sqs = emulator::queues(&self.emulator);
        sqs.send_message().queue_url(&self.dead_letters).message_body(message.to_string()).send().await?;
        Ok(())
    }
}

/// Reads a table's stream and invokes a function with what it finds.
#[derive(Debug)]
pub struct Pump<T> {
    streams: Client,
    stream_arn: String,
    source: EventSource,
    target: T,
    positions: Positions,
    /// The shards as they were last listed, and where to read on in each; none before the first pass, and after a failure.
    open: Option<BTreeMap<String, Option<String>>>,
    mappings: BTreeMap<String, Mapping>,
    /// Where what was taken is removed, and of which table.
    taken: Option<(StreamRecords, String)>,
}

/// What a pass met in a shard.
#[derive(Default)]
struct Drained {
    /// How many records were read.
    read: usize,
    /// Where to read on.
    next: Option<String>,
    /// Whether it was read to its end in this pass.
    has_closed: bool,
}

impl<T: Target> Pump<T> {
    /// A pump from this stream to `target`, which starts at the oldest record that the stream still has, or after
    /// the last one that `checkpoint` says was taken.
    pub fn new(
        streams: Client,
        stream_arn: String,
        source: EventSource,
        target: T,
        checkpoint: Option<PathBuf>,
    ) -> Result<Self> {
        let positions = Positions::load(checkpoint)?;
        let (open, mappings) = (None, BTreeMap::new());
        Ok(Self { streams, stream_arn, source, target, positions, open, mappings, taken: None })
    }

    /// The same, which removes from the records of `table` what it has handed on: nobody else reads them.
    #[must_use]
    pub fn removing_from(mut self, records: StreamRecords, table: &str) -> Self {
        self.taken = Some((records, table.to_owned()));
        self
    }

    /// Pumps for ever; to stop it, drop the future. What was being delivered is delivered again by the next pump.
    pub async fn run(mut self) {
        let mut wait = FIRST_WAIT;
        loop {
            match self.pass().await {
                Ok(0) => tokio::time::sleep(IDLE).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "the stream waits, its next record was not taken"
                    );
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                    continue;
                }
            }
            wait = FIRST_WAIT;
        }
    }

    /// Reads what every open shard has now and delivers it; the number of records read.
    ///
    /// The shards are listed anew after one of them was closed, because only then others appear, while none is open, and
    /// after a failure. They are not listed with each pass, because the embedded database counts all stream records for it.
    pub async fn pass(&mut self) -> Result<usize> {
        let listed = match self.open.take() {
            Some(open) => open,
            None => self.shards().await?.into_iter().map(|shard| (shard, None)).collect(),
        };
        let (mut read, mut open) = (0, BTreeMap::new());
        let mut is_closed = false;
        for (shard, iterator) in listed {
            let drained = self.drain(&shard, iterator).await?;
            read += drained.read;
            is_closed |= drained.has_closed;
            open.insert(shard, drained.next);
        }
        let has_open = open.values().any(Option::is_some);
        self.open = (has_open && !is_closed).then_some(open);
        Ok(read)
    }

    /// The ids of the shards, parents before their children: ids carry the time of their making.
    async fn shards(&self) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        let mut last = None;
        loop {
            let described = self
                .streams
                .describe_stream()
                .stream_arn(&self.stream_arn)
                .set_exclusive_start_shard_id(last)
                .send()
                .await
                .map_err(aws_sdk_dynamodbstreams::Error::from)?;
            let stream = described.stream_description.context("a stream without description")?;
            ids.extend(
                stream.shards.unwrap_or_default().into_iter().filter_map(|shard: Shard| shard.shard_id),
            );
            last = stream.last_evaluated_shard_id;
            if last.is_none() {
                ids.sort_unstable();
                return Ok(ids);
            }
        }
    }

    async fn drain(&mut self, shard: &str, iterator: Option<String>) -> Result<Drained> {
        // What the function did not take in an earlier pass comes before anything else.
        self.deliver(shard).await?;
        let iterator = if iterator.is_some() { iterator } else { self.iterator(shard).await? };
        let mut drained = Drained::default();
        let Some(mut iterator) = iterator else { return Ok(drained) };
        loop {
            let got = self
                .streams
                .get_records()
                .shard_iterator(iterator)
                .send()
                .await
                .map_err(aws_sdk_dynamodbstreams::Error::from)?;
            let records = got.records.unwrap_or_default();
            drained.read += records.len();
            self.add(shard, &records)?;
            self.deliver(shard).await?;
            if let Some(last) = records.last().and_then(|record| record.dynamodb.as_ref()) {
                self.advance(shard, last.sequence_number.as_deref().unwrap_or_default()).await?;
            }
            match got.next_shard_iterator {
                None => {
                    self.positions.close(shard)?;
                    return Ok(Drained { has_closed: true, ..drained });
                }
                Some(next) if records.is_empty() => return Ok(Drained { next: Some(next), ..drained }),
                Some(next) => iterator = next,
            }
        }
    }

    /// Where to read on in this shard; none when it is closed and read to its end.
    async fn iterator(&self, shard: &str) -> Result<Option<String>> {
        let (kind, after) = match self.positions.of(shard) {
            Some(Position::Closed) => return Ok(None),
            Some(Position::After(number)) => (ShardIteratorType::AfterSequenceNumber, Some(number.clone())),
            None => (ShardIteratorType::TrimHorizon, None),
        };
        let got = self
            .streams
            .get_shard_iterator()
            .stream_arn(&self.stream_arn)
            .shard_id(shard)
            .shard_iterator_type(kind)
            .set_sequence_number(after)
            .send()
            .await
            .map_err(aws_sdk_dynamodbstreams::Error::from)?;
        Ok(got.shard_iterator)
    }

    /// Takes up the records that match the filter.
    fn add(&mut self, shard: &str, records: &[Record]) -> Result<()> {
        let mut events = Vec::new();
        for record in records {
            let event = event(record, &self.stream_arn)?;
            if self.source.patterns.iter().any(|pattern| pattern::matches(pattern, &event)) {
                events.push(event);
            }
        }
        let rules = || Mapping::new(self.source.rules.clone());
        self.mappings.entry(shard.to_owned()).or_insert_with(rules).add(&events);
        Ok(())
    }

    /// Delivers what was taken up, and notes the place after each batch. An error when a batch is to be offered again.
    async fn deliver(&mut self, shard: &str) -> Result<()> {
        while let Some(mapping) = self.mappings.get_mut(shard) {
            let expired = mapping.expire(now());
            self.settle(shard, expired).await?;
            let Some(batch) = self.mappings.get(shard).and_then(Mapping::next) else { return Ok(()) };
            let answer = self.target.invoke(&json!({ "Records": batch })).await;
            let Some(mapping) = self.mappings.get_mut(shard) else { return Ok(()) };
            let outcome = mapping.answered(answer.as_ref().ok());
            let again = outcome.again;
            self.settle(shard, outcome).await?;
            answer?;
            if again {
                let first = self.mappings.get(shard).and_then(Mapping::next).and_then(<[_]>::first);
                bail!("the function refused the record {}", first.map_or("", sequence_number));
            }
        }
        Ok(())
    }

    async fn settle(&mut self, shard: &str, outcome: Outcome) -> Result<()> {
        if let Some(discarded) = &outcome.discarded {
            self.discard(shard, discarded).await?;
        }
        match outcome.settled {
            Some(last) => self.advance(shard, &last).await,
            None => Ok(()),
        }
    }

    /// Notes the place, and removes the records before it.
    async fn advance(&mut self, shard: &str, last: &str) -> Result<()> {
        self.positions.advance(shard, last)?;
        if let Some((records, table)) = &self.taken {
            records.remove_before(table, last).await?;
        }
        Ok(())
    }

    async fn discard(&self, shard: &str, discarded: &Discarded) -> Result<()> {
        let message = discarded.message(&self.source.function, shard, &self.stream_arn);
        tracing::error!(%message, "records are discarded");
        self.target.discard(&message).await
    }
}

/// The machine's time, in Unix seconds: records carry it too.
#[expect(clippy::disallowed_methods, reason = "the stream has no other clock")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The record as Lambda hands it to a function.
fn event(record: &Record, stream_arn: &str) -> Result<Value> {
    let change = record.dynamodb.as_ref().context("a stream record without its change")?;
    let mut dynamodb = json!({
        "ApproximateCreationDateTime": change.approximate_creation_date_time.as_ref().map(DateTime::secs),
        "SequenceNumber": change.sequence_number,
        "SizeBytes": change.size_bytes,
        "StreamViewType": change.stream_view_type.as_ref().map(StreamViewType::as_str),
    });
    for (name, image) in
        [("Keys", &change.keys), ("NewImage", &change.new_image), ("OldImage", &change.old_image)]
    {
        if let Some(image) = image {
            dynamodb[name] = serde_json::to_value(serde_dynamo::Item::from(image.clone()))?;
        }
    }
    Ok(json!({
        "eventID": record.event_id,
        "eventName": record.event_name.as_ref().map(OperationType::as_str),
        "eventVersion": record.event_version,
        "eventSource": record.event_source,
        "awsRegion": record.aws_region,
        "eventSourceARN": stream_arn,
        "dynamodb": dynamodb,
    }))
}

/// How far each shard was read, kept in a file where the table outlives the process.
#[derive(Debug)]
struct Positions {
    shards: BTreeMap<String, Position>,
    file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum Position {
    /// The sequence number of the last record that was taken.
    After(String),
    /// The shard takes no more records and all were read.
    Closed,
}

impl Positions {
    fn load(file: Option<PathBuf>) -> Result<Self> {
        let shards = match file.as_deref().filter(|file| file.exists()) {
            Some(file) => {
                let text = std::fs::read_to_string(file)?;
                serde_json::from_str(&text).with_context(|| format!("{} is damaged", file.display()))?
            }
            None => BTreeMap::new(),
        };
        Ok(Self { shards, file })
    }

    fn of(&self, shard: &str) -> Option<&Position> {
        self.shards.get(shard)
    }

    fn advance(&mut self, shard: &str, number: &str) -> Result<()> {
        self.set(shard, Position::After(number.to_owned()))
    }

    fn close(&mut self, shard: &str) -> Result<()> {
        self.set(shard, Position::Closed)
    }

    fn set(&mut self, shard: &str, position: Position) -> Result<()> {
        self.shards.insert(shard.to_owned(), position);
        match &self.file {
            Some(file) => replace(file, &serde_json::to_vec(&self.shards)?),
            None => Ok(()),
        }
    }
}

/// Writes the file whole or not at all.
fn replace(file: &Path, content: &[u8]) -> Result<()> {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, content)?;
    std::fs::rename(&fresh, file)?;
    Ok(())
}
