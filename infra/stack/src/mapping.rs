//! What Lambda's event source mapping does with the records of one shard, as far as it is written down: which batch is
//! offered next, and what becomes of it. No I/O.
//!
//! - A batch is offered until all of it is taken. Of a batch that the function took up to a record, the rest is offered.
//! - A batch on which the function failed is halved, where the mapping says so, and the halves are offered one after
//!   the other. Halving is no retry.
//! - What was tried too often or is too old is discarded: the destination for failures is told which records it was,
//!   not what they held.

use std::{collections::VecDeque, time::Duration};

use serde_json::{Value, json};

/// The settings of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The most records that one invocation gets.
    pub batch_size: usize,
    /// Whether a batch is halved on which the function failed.
    pub bisect: bool,
    /// How often a batch is tried again; none for as long as its records last.
    pub most_retries: Option<u32>,
    /// The age at which a record is given up.
    pub longest_age: Option<Duration>,
}

/// A shard's records on their way to the function.
#[derive(Debug)]
pub struct Mapping {
    rules: Rules,
    batches: VecDeque<Batch>,
}

#[derive(Debug)]
struct Batch {
    records: Vec<Value>,
    tries: u32,
}

/// What became of a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The sequence number of the last record that need not be offered again.
    pub settled: Option<String>,
    /// Whether records of it are to be offered again.
    pub again: bool,
    /// What was discarded.
    pub discarded: Option<Discarded>,
}

/// Records that the function never took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discarded {
    /// `RetryAttemptsExhausted` or `RecordAgeExceeded`.
    pub condition: &'static str,
    /// How often they were offered.
    pub tries: u32,
    /// The records.
    pub records: Vec<Value>,
}

impl Mapping {
    /// A mapping that holds nothing yet.
    pub fn new(rules: Rules) -> Self {
        Self { rules, batches: VecDeque::new() }
    }

    /// Adds records of the shard, in their order.
    pub fn add(&mut self, records: &[Value]) {
        let batches = records.chunks(self.rules.batch_size);
        self.batches.extend(batches.map(|records| Batch { records: records.to_vec(), tries: 0 }));
    }

    /// The batch to offer now.
    pub fn next(&self) -> Option<&[Value]> {
        self.batches.front().map(|batch| &batch.records[..])
    }

    /// Discards the records of the next batch that are too old at this time, in Unix seconds.
    pub fn expire(&mut self, now: i64) -> Outcome {
        let Some(longest) = self.rules.longest_age else { return Outcome::default() };
        let longest = i64::try_from(longest.as_secs()).unwrap_or(i64::MAX);
        let is_old = |record: &&Value| changed_at(record).is_some_and(|at| now.saturating_sub(at) > longest);
        let old = self.next().map_or(0, |records| records.iter().take_while(is_old).count());
        self.discard(old, "RecordAgeExceeded")
    }

    /// Notes what the function made of the batch that was offered: its answer, or none where it failed.
    pub fn answered(&mut self, answer: Option<&Value>) -> Outcome {
        let Some(batch) = self.batches.front_mut() else { return Outcome::default() };
        batch.tries += 1;
        match answer.map(|answer| taken(answer, &batch.records)) {
            Some(taken) if taken == batch.records.len() => {
                let settled = batch.records.last().map(|record| sequence_number(record).to_owned());
                self.batches.pop_front();
                Outcome { settled, ..Outcome::default() }
            }
            Some(taken) if taken > 0 => {
                let settled = Some(sequence_number(&batch.records[taken - 1]).to_owned());
                batch.records.drain(..taken);
                batch.tries = 0;
                Outcome { settled, again: true, discarded: None }
            }
            None if self.rules.bisect && batch.records.len() > 1 => {
                batch.tries -= 1;
                let (half, tries) = (batch.records.len() / 2, batch.tries);
                let records = batch.records.split_off(half);
                self.batches.insert(1, Batch { records, tries });
                Outcome { again: true, ..Outcome::default() }
            }
            _ if self.rules.most_retries.is_some_and(|most| batch.tries > most) => {
                self.discard(usize::MAX, "RetryAttemptsExhausted")
            }
            _ => Outcome { again: true, ..Outcome::default() },
        }
    }

    fn discard(&mut self, records: usize, condition: &'static str) -> Outcome {
        let Some(batch) = self.batches.front_mut().filter(|_| records > 0) else { return Outcome::default() };
        let tries = batch.tries;
        let records: Vec<_> = batch.records.drain(..records.min(batch.records.len())).collect();
        let again = !batch.records.is_empty();
        if !again {
            self.batches.pop_front();
        }
        let settled = records.last().map(|record| sequence_number(record).to_owned());
        Outcome { settled, again, discarded: Some(Discarded { condition, tries, records }) }
    }
}

impl Discarded {
    /// What the destination for failures is sent.
    pub fn message(&self, function: &str, shard: &str, stream_arn: &str) -> Value {
        let (first, last) = (self.records.first(), self.records.last());
        json!({
            "version": "1.0",
            "requestContext": {
                "functionArn": function,
                "condition": self.condition,
                "approximateInvokeCount": self.tries,
            },
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": first.map(sequence_number),
                "endSequenceNumber": last.map(sequence_number),
                "approximateArrivalOfFirstRecord": first.and_then(changed_at),
                "approximateArrivalOfLastRecord": last.and_then(changed_at),
                "batchSize": self.records.len(),
                "streamArn": stream_arn,
            },
        })
    }
}

/// How many records of the batch, from its start, the function took: all before the first that it names in
/// `batchItemFailures`. An answer that names none has taken all; one that cannot be read, or names a record of another
/// batch, none.
fn taken(answer: &Value, batch: &[Value]) -> usize {
    let Some(failures) = answer.get("batchItemFailures") else { return batch.len() };
    let Some(failures) = failures.as_array() else { return 0 };
    let places = failures.iter().map(|failure| {
        batch.iter().position(|record| sequence_number(record) == failure["itemIdentifier"]).unwrap_or(0)
    });
    places.min().unwrap_or(batch.len())
}

/// A record's place in its shard.
pub fn sequence_number(record: &Value) -> &str {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default()
}

fn changed_at(record: &Value) -> Option<i64> {
    record["dynamodb"]["ApproximateCreationDateTime"].as_i64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(most_retries: Option<u32>) -> Mapping {
        let longest_age = Some(Duration::from_secs(100));
        let mut mapping = Mapping::new(Rules { batch_size: 4, bisect: true, most_retries, longest_age });
        let record = |n: i64| {
            let change = json!({"SequenceNumber": n.to_string(), "ApproximateCreationDateTime": 1000 + n});
            json!({ "dynamodb": change })
        };
        mapping.add(&(1..=5).map(record).collect::<Vec<_>>());
        mapping
    }

    fn offered(mapping: &Mapping) -> String {
        mapping.next().unwrap_or_default().iter().map(sequence_number).collect::<Vec<_>>().join(" ")
    }

    fn up_to(number: &str) -> Value {
        json!({"batchItemFailures": [{"itemIdentifier": number}]})
    }

    #[test]
    fn a_batch_is_offered_until_it_is_taken() {
        let mut mapping = mapping(None);
        assert_eq!(offered(&mapping), "1 2 3 4");
        let outcome = mapping.answered(Some(&up_to("3")));
        assert_eq!((outcome.settled.as_deref(), outcome.again), (Some("2"), true));
        for _ in 0..1000 {
            assert_eq!(offered(&mapping), "3 4");
            assert!(mapping.answered(Some(&up_to("3"))).again);
        }
        let all = json!({"batchItemFailures": []});
        assert_eq!(mapping.answered(Some(&all)).settled.as_deref(), Some("4"));
        assert_eq!(offered(&mapping), "5");
        assert_eq!(mapping.answered(Some(&Value::Null)).settled.as_deref(), Some("5"));
        assert_eq!(mapping.next(), None);
    }

    #[test]
    fn a_batch_on_which_the_function_failed_is_halved() {
        let mut mapping = mapping(None);
        let mut seen = Vec::new();
        for fails in [true, true, false, false, true, false, false, false] {
            seen.push(offered(&mapping));
            mapping.answered((!fails).then_some(&Value::Null));
        }
        assert_eq!(seen, ["1 2 3 4", "1 2", "1", "2", "3 4", "3", "4", "5"]);
        assert_eq!(mapping.next(), None);
    }

    #[test]
    fn what_was_tried_too_often_is_discarded_and_the_rest_goes_on() {
        let mut mapping = mapping(Some(2));
        mapping.answered(None);
        mapping.answered(None);
        for _ in 0..2 {
            assert_eq!(offered(&mapping), "1");
            assert!(mapping.answered(None).again);
        }
        let outcome = mapping.answered(None);
        let discarded = outcome.discarded.unwrap();
        assert_eq!((discarded.condition, discarded.tries), ("RetryAttemptsExhausted", 3));
        assert_eq!(outcome.settled.as_deref(), Some("1"));
        let message = discarded.message("relay", "shard", "arn");
        assert_eq!(message["DDBStreamBatchInfo"]["startSequenceNumber"], "1");
        assert_eq!(message["DDBStreamBatchInfo"]["batchSize"], 1);
        assert_eq!(offered(&mapping), "2");
    }

    #[test]
    fn what_is_too_old_is_discarded() {
        let mut mapping = mapping(None);
        assert_eq!(mapping.expire(1101), Outcome::default());
        let outcome = mapping.expire(1103);
        assert_eq!((outcome.settled.as_deref(), outcome.again), (Some("2"), true));
        assert_eq!(outcome.discarded.unwrap().condition, "RecordAgeExceeded");
        assert_eq!(offered(&mapping), "3 4");
        assert!(!mapping.expire(2000).again);
        assert_eq!(offered(&mapping), "5");
    }

    #[test]
    fn an_answer_that_cannot_be_read_has_taken_nothing() {
        for answer in [json!({"batchItemFailures": 1}), up_to("99"), json!({"batchItemFailures": [{}]})] {
            let mut mapping = mapping(None);
            assert_eq!(mapping.answered(Some(&answer)), Outcome { again: true, ..Outcome::default() });
        }
    }
}
