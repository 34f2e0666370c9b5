//! The function: one batch of the stream to the bus.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use lambda_runtime::Diagnostic;
use serde::Serialize;
use serde_json::Value;
use service::{Clock, LogSink};
use store::journal::{Entry, ItemKey};

use crate::{
    bus::{self, Refusal},
    event::Event,
    item::Item,
    letter::Poison,
    log::Figures,
    outbox::{Outbox, Step, Verdict},
    pace::Pace,
    ports::{Ports, refusal},
    progress::Lane,
    stream::{Content, Record, StreamEvent},
};

/// The wait after a call in which the bus refused events; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// What one more call needs: it may take its 5 s, what it did is noted in 5 s, and then the function still has to
/// answer.
const CALL_TIME: Duration = Duration::from_secs(12);

/// What the event source is answered: the first record that it is to offer again, if any.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// None or one.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// A record that is to be offered again, with all that come after it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Its sequence number in the shard.
    pub item_identifier: String,
}

/// Why an invocation fails, so that the source offers its whole batch again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The invocation is not an event of a stream.
    NoBatch,
    /// The first record that is not done has no sequence number by which it could be reported.
    NoProgress,
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        let error_message = match failure {
            Failure::NoBatch => "the invocation is not an event of a stream",
            Failure::NoProgress => "the batch is to be offered again, as a whole",
        };
        Self { error_type: format!("{failure:?}"), error_message: error_message.to_owned() }
    }
}

/// The function.
#[derive(Debug)]
pub struct Relay<P> {
    ports: P,
    stage: String,
    clock: Clock,
    log: LogSink,
    pace: Mutex<Pace>,
}

impl<P: Ports> Relay<P> {
    /// A function of a deployment, that publishes through these.
    pub fn new(ports: P, stage: &str, clock: Clock, log: LogSink) -> Self {
        Self { ports, stage: stage.to_owned(), clock, log, pace: Mutex::default() }
    }

    /// Publishes what a batch holds, and answers where the source is to go on.
    ///
    /// `time_left` is the time until Lambda ends the invocation: what cannot be sent within it is offered again, and
    /// what was sent before counts.
    pub async fn handle(&self, event: Value, time_left: Duration) -> Result<BatchAnswer, Failure> {
        let last_call = Instant::now() + time_left.saturating_sub(CALL_TIME);
        let event: StreamEvent = serde_json::from_value(event).map_err(|_| Failure::NoBatch)?;
        let records: Vec<_> = event.records.into_iter().map(Record::read).collect();
        let mut delivery = Delivery::new(self, records.len());
        match self.open(records).await {
            Ok((batch, lanes)) => delivery.run(batch, lanes, last_call).await,
            // Without it, what is done already would be published again: the batch waits for the table instead.
            Err((error, first)) => delivery.give_up(error, first),
        }
        self.log.write(delivery.figures.line(&self.stage, self.clock.now()));
        answer(delivery.verdict, delivery.figures.first_failed)
    }

    /// Reads what a batch needs of the table: entries that are to be published again, and what of the batch is done. An
    /// error comes with the sequence number of the first record.
    async fn open(
        &self,
        records: Vec<Record>,
    ) -> Result<(Vec<Item>, HashMap<String, Lane>), (Refusal, Option<String>)> {
        let first = records.first().and_then(|record| record.sequence_number.clone());
        let entries = self.ordered_again(&records).await.map_err(|error| (error, first.clone()))?;
        let batch: Vec<_> = records.into_iter().map(|record| Item::new(record, &entries)).collect();
        let lanes: BTreeSet<&str> = batch.iter().filter_map(Item::lane).collect();
        let lanes: Vec<_> = lanes.into_iter().collect();
        let noted = match lanes[..] {
            [] => HashMap::new(),
            _ => self.ports.progress(&lanes).await.map_err(|error| (refusal(&error), first))?,
        };
        Ok((batch, noted))
    }

    async fn ordered_again(&self, records: &[Record]) -> Result<BTreeMap<ItemKey, Entry>, Refusal> {
        let keys: BTreeSet<_> = records
            .iter()
            .filter_map(|record| match &record.content {
                Content::Again(again) => Some(again.entry.clone()),
                _ => None,
            })
            .collect();
        let keys: Vec<_> = keys.into_iter().collect();
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.ports.entries(&keys).await.map_err(|error| refusal(&error))
    }

    fn pace<T>(&self, ask: impl FnOnce(&mut Pace) -> T) -> T {
        ask(&mut self.pace.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One batch on its way.
struct Delivery<'r, P> {
    relay: &'r Relay<P>,
    figures: Figures,
    verdict: Verdict,
    wait: Duration,
    /// Whether the bus refused a call for what it holds: then each event is sent alone, to find out which it is.
    one_by_one: bool,
}

impl<'r, P: Ports> Delivery<'r, P> {
    fn new(relay: &'r Relay<P>, records: usize) -> Self {
        let figures = Figures::of(records);
        Self { relay, figures, verdict: Verdict::Done, wait: FIRST_WAIT, one_by_one: false }
    }

    fn give_up(&mut self, error: Refusal, first: Option<String>) {
        self.figures.refused(error);
        self.figures.failed = self.figures.records;
        self.figures.first_failed = first;
        self.verdict = Verdict::From(0);
    }

    async fn run(&mut self, mut batch: Vec<Item>, mut lanes: HashMap<String, Lane>, last_call: Instant) {
        let mut outbox = Outbox::new(batch.iter().map(Item::parcel));
        for (place, item) in batch.iter().enumerate().filter(|(_, item)| item.is_done(&lanes)) {
            outbox.done(place);
            self.figures.repeated += u32::from(item.lane().is_some());
        }
        while Instant::now() < last_call {
            let size = if self.one_by_one { 1 } else { self.relay.pace(|pace| pace.size()) };
            let done = match outbox.next(size) {
                None => break,
                Some(Step::Publish(call)) => self.publish(&mut batch, &mut outbox, &call).await,
                Some(Step::PutAside(call)) => self.put_aside(&batch, &mut outbox, &call).await,
            };
            let Some(done) = done else { break };
            if !self.note(&batch, &outbox, &mut lanes, &done).await {
                break;
            }
            if done.is_empty() && outbox.next(1).is_some() {
                self.relay.ports.pause(self.wait).await;
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
            }
        }
        self.verdict = outbox.verdict();
        self.figures.failed = outbox.left();
        if let Verdict::From(place) = self.verdict {
            self.figures.first_failed.clone_from(&batch[place].sequence_number);
        }
    }

    /// Publishes the events at these places; which of them the bus has. None when it is not to be asked on.
    async fn publish(
        &mut self,
        batch: &mut [Item],
        outbox: &mut Outbox,
        call: &[usize],
    ) -> Option<Vec<usize>> {
        self.figures.calls += 1;
        let events: Vec<&Event> = call.iter().filter_map(|place| batch[*place].event()).collect();
        let answers = match self.relay.ports.publish(&events).await {
            Ok(answers) => answers,
            Err(code) => {
                self.relay.pace(Pace::met_trouble);
                if !bus::is_about_content(&code) {
                    // The client has tried several times: the source tries again when the bus has had a rest.
                    self.figures.refused(code);
                    return None;
                }
                if call.len() > 1 {
                    self.figures.refused(code);
                    self.one_by_one = true;
                    return Some(Vec::new());
                }
                vec![Err(code)]
            }
        };
        let now = self.relay.clock.now();
        let mut done = Vec::new();
        for (place, answer) in call.iter().copied().zip(answers) {
            match answer {
                Ok(()) => {
                    outbox.done(place);
                    self.figures.published(batch[place].event().map(|event| now.since(event.time)));
                    done.push(place);
                }
                Err(code) => {
                    outbox.refused(place);
                    if bus::is_for_ever(&code, batch[place].age(now)) {
                        outbox.refused_for_ever(place);
                        batch[place].poison(Poison::Refused, Some(code.clone()));
                    }
                    self.figures.refused(code);
                }
            }
        }
        let all = done.len() == call.len();
        self.relay.pace(|pace| if all { pace.went_well(done.len()) } else { pace.met_trouble() });
        Some(done)
    }

    /// Puts the records at these places into the dead-letter queue; which of them are there.
    async fn put_aside(&mut self, batch: &[Item], outbox: &mut Outbox, call: &[usize]) -> Option<Vec<usize>> {
        self.figures.calls += 1;
        let letters: Vec<_> = call.iter().map(|place| batch[*place].letter()).collect();
        let answers = match self.relay.ports.put_aside(&letters).await {
            Ok(answers) => answers,
            Err(code) => vec![Err(code); call.len()],
        };
        let mut done = Vec::new();
        for (place, answer) in call.iter().copied().zip(answers) {
            match answer {
                Ok(()) => {
                    outbox.done(place);
                    self.figures.put_aside += 1;
                    done.push(place);
                }
                Err(code) => {
                    outbox.refused(place);
                    self.figures.refused(code);
                }
            }
        }
        Some(done)
    }

    /// Notes what is done, so that it is not done again when the batch is offered again. Whether it could be noted. When
    /// all is done the source notes it, and nobody else need.
    async fn note(
        &mut self,
        batch: &[Item],
        outbox: &Outbox,
        lanes: &mut HashMap<String, Lane>,
        done: &[usize],
    ) -> bool {
        let now = self.relay.clock.now();
        let mut moved = BTreeSet::new();
        for key in done.iter().filter_map(|place| batch[*place].key.as_ref()) {
            let lane = lanes.entry(key.pk.clone()).or_insert_with(|| Lane::new(&key.pk, now));
            lane.add(&key.sk, now);
            moved.insert(key.pk.as_str());
        }
        if moved.is_empty() || outbox.left() == 0 {
            return true;
        }
        let moved: Vec<_> = moved.into_iter().filter_map(|lane| lanes.get(lane)).collect();
        match self.relay.ports.note(&moved, now).await {
            Ok(()) => true,
            Err(error) => {
                self.figures.refused(refusal(&error));
                false
            }
        }
    }
}

fn answer(verdict: Verdict, first_failed: Option<String>) -> Result<BatchAnswer, Failure> {
    match (verdict, first_failed) {
        (Verdict::Done, _) => Ok(BatchAnswer::default()),
        (Verdict::From(_), Some(item_identifier)) => {
            Ok(BatchAnswer { batch_item_failures: vec![BatchItemFailure { item_identifier }] })
        }
        (Verdict::From(_), None) => Err(Failure::NoProgress),
    }
}
