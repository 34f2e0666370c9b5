//! The function: one batch of the stream to the bus.

use std::time::{Duration, Instant};

use lambda_runtime::Diagnostic;
use serde::Serialize;
use serde_json::Value;
use service::{Clock, LogSink};

use crate::{
    bus::Bus,
    event::Event,
    log::Figures,
    outbox::{Outbox, Parcel, Verdict},
    stream::{Content, Record, StreamEvent},
};

/// The wait after a call in which the bus refused events; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// What one more call needs: it may take its 5 s, and then the function still has to answer.
const CALL_TIME: Duration = Duration::from_secs(7);

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
    /// Not even the first record is done ([`Verdict::Failed`]), or the first that is not has no sequence number.
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
pub struct Relay {
    bus: Bus,
    clock: Clock,
    log: LogSink,
}

/// A record, ready to be sent if it can be.
struct Item {
    sequence_number: Option<String>,
    parcel: Parcel,
    event: Option<Event>,
}

impl Item {
    fn new(record: Record) -> Self {
        let (parcel, event) = match record.content {
            Content::Other => (Parcel::Nothing, None),
            Content::Unreadable => (Parcel::Unsendable, None),
            Content::Entry { aggregate, entry } => match Event::new(&entry) {
                Ok(event) => (Parcel::Event { aggregate, bytes: event.size() }, Some(event)),
                Err(_) => (Parcel::Unsendable, None),
            },
        };
        Self { sequence_number: record.sequence_number, parcel, event }
    }
}

impl Relay {
    /// A function that publishes on this bus.
    pub fn new(bus: Bus, clock: Clock, log: LogSink) -> Self {
        Self { bus, clock, log }
    }

    /// Publishes what a batch holds, and answers where the source is to go on. An error makes the source offer the
    /// whole batch again, in halves ([`Verdict::Failed`]).
    ///
    /// `time_left` is the time until Lambda ends the invocation: what cannot be sent within it is offered again, and
    /// what was sent before counts.
    pub async fn handle(&self, event: Value, time_left: Duration) -> Result<BatchAnswer, Failure> {
        let last_call = Instant::now() + time_left.saturating_sub(CALL_TIME);
        let event: StreamEvent = serde_json::from_value(event).map_err(|_| Failure::NoBatch)?;
        let batch: Vec<_> = event.records.into_iter().map(|record| Item::new(Record::read(record))).collect();
        let mut outbox = Outbox::new(batch.iter().map(|item| item.parcel.clone()));
        let mut figures = Figures::of(&outbox);
        self.send(&batch, &mut outbox, &mut figures, last_call).await;

        let verdict = outbox.verdict();
        figures.failed = outbox.left();
        figures.first_failed = match verdict {
            Verdict::Done => None,
            Verdict::From(place) => batch[place].sequence_number.as_deref(),
            Verdict::Failed => batch[0].sequence_number.as_deref(),
        };
        self.log.write(figures.line(self.clock.now()));
        answer(verdict, figures.first_failed)
    }

    async fn send<'b>(
        &self,
        batch: &'b [Item],
        outbox: &mut Outbox,
        figures: &mut Figures<'b>,
        last_call: Instant,
    ) {
        let mut wait = FIRST_WAIT;
        while Instant::now() < last_call {
            let call: Vec<(usize, &Event)> = outbox
                .next_call()
                .into_iter()
                .filter_map(|place| Some((place, batch[place].event.as_ref()?)))
                .collect();
            if call.is_empty() {
                return;
            }
            figures.calls += 1;
            let events: Vec<_> = call.iter().map(|(_, event)| *event).collect();
            let answers = match self.bus.publish(&events).await {
                Ok(answers) => answers,
                // The client has tried several times: the source tries again when the bus has had a rest.
                Err(refusal) => return figures.refused(refusal),
            };
            let now = self.clock.now();
            let mut refused = false;
            for ((place, event), answer) in call.into_iter().zip(answers) {
                match answer {
                    Ok(()) => {
                        outbox.accepted(place);
                        figures.published(now.since(event.time));
                    }
                    Err(refusal) => {
                        outbox.refused(place);
                        figures.refused(refusal);
                        refused = true;
                    }
                }
            }
            if refused && !outbox.next_call().is_empty() {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
}

fn answer(verdict: Verdict, first_failed: Option<&str>) -> Result<BatchAnswer, Failure> {
    match (verdict, first_failed) {
        (Verdict::Done, _) => Ok(BatchAnswer::default()),
        (Verdict::From(_), Some(number)) => {
            let failure = BatchItemFailure { item_identifier: number.to_owned() };
            Ok(BatchAnswer { batch_item_failures: vec![failure] })
        }
        (Verdict::From(_), None) | (Verdict::Failed, _) => Err(Failure::NoProgress),
    }
}
