//! What was done of batches that are not done as a whole, so that a batch that is offered again goes on where it
//! stopped.
//!
//! The event source notes a batch when it is done; what happens in between is noted here, call by call, one item for
//! each lane (the journal of one aggregate). A batch that one call can hold is never noted.

use contract::{canonical, revision::Counter, time::Time};
use serde::{Deserialize, Serialize};
use store::{Entity, Key, System, classes};

use crate::keys;

/// So many entries of a lane are remembered: more than a batch has records (`BatchSize`).
const MOST_REMEMBERED: usize = 120;
/// The stream forgets a record after a day, and offers it no longer.
const HOURS: i64 = 48;

/// The entries of one lane that were published or put aside of late.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lane {
    /// The partition whose entries are kept in order.
    pub lane: String,
    /// The sort keys of those that are done. All of them, not the last alone: entries of one lane might reach two
    /// shards, when DynamoDB splits a partition, and then the last says nothing of those before it.
    pub done: Vec<String>,
    /// When it may be forgotten.
    pub until: Time,
}

classes!(Lane { lane: Plain, done: Plain, until: Plain });

impl Entity for Lane {
    const SERVICE: &'static str = "relay";
    const TYPE: &'static str = "relay-lane";
    type Scope = System;
    type Revision = Counter;

    fn key(&self, _: &System) -> Key<Self> {
        keys::lane(&hash(&self.lane))
    }

    fn id(&self) -> String {
        hash(&self.lane)
    }

    fn expires(&self) -> Option<Time> {
        Some(self.until)
    }
}

impl Lane {
    /// A lane of which nothing is known.
    pub fn new(lane: &str, now: Time) -> Self {
        Self { lane: lane.to_owned(), done: Vec::new(), until: now.plus_hours(HOURS) }
    }

    /// Whether this entry is done.
    pub fn has(&self, entry: &str) -> bool {
        self.done.iter().any(|done| done == entry)
    }

    /// Notes that an entry is done.
    pub fn add(&mut self, entry: &str, now: Time) {
        if !self.has(entry) {
            self.done.push(entry.to_owned());
        }
        let surplus = self.done.len().saturating_sub(MOST_REMEMBERED);
        self.done.drain(..surplus);
        self.until = now.plus_hours(HOURS);
    }
}

/// A lane's name within a key: the key of a partition holds separators.
pub fn hash(lane: &str) -> String {
    canonical::hash(&lane.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_entries_are_remembered() {
        let mut lane = Lane::new("crm|o|journal|customer|1", Time::EPOCH);
        for n in 0..MOST_REMEMBERED + 10 {
            lane.add(&n.to_string(), Time::EPOCH);
            lane.add(&n.to_string(), Time::EPOCH);
        }
        assert_eq!(lane.done.len(), MOST_REMEMBERED);
        assert!(lane.has("10") && !lane.has("9"));
    }
}
