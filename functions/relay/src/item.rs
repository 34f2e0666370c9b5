//! A record of a batch, ready to be sent if it can be.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use contract::time::Time;
use store::journal::{Entry, ItemKey};

use crate::{
    event::Event,
    letter::{Letter, Poison},
    outbox::{MOST_BYTES, Parcel},
    progress::Lane,
    stream::{Content, Record},
};

/// A record, and what is to become of it.
#[derive(Debug)]
pub(crate) struct Item {
    /// Its place in the shard.
    pub(crate) sequence_number: Option<String>,
    /// The item that changed; its partition is the lane.
    pub(crate) key: Option<ItemKey>,
    changed_at: Option<i64>,
    stream_arn: Option<String>,
    /// The journal entry, where it is another item than the one that changed.
    entry: Option<ItemKey>,
    fate: Fate,
}

#[derive(Debug)]
enum Fate {
    Nothing,
    Publish { event: Event, event_id: String },
    PutAside { reason: Poison, code: Option<String>, event_id: Option<String> },
}

impl Item {
    /// What a record is to become. `entries` are those that records order to be published again.
    pub(crate) fn new(record: Record, entries: &BTreeMap<ItemKey, Entry>) -> Self {
        let (entry, fate) = match record.content {
            Content::Other => (None, Fate::Nothing),
            Content::Unreadable => (None, Fate::unreadable()),
            Content::Entry(entry) => (None, Fate::of(&entry)),
            Content::Again(again) => {
                let fate = entries.get(&again.entry).map_or_else(Fate::unreadable, Fate::of);
                (Some(again.entry), fate)
            }
        };
        let Record { sequence_number, changed_at, key, stream_arn, .. } = record;
        Self { sequence_number, key, changed_at, stream_arn, entry, fate }
    }

    /// Within which order is kept, where there is anything to do.
    pub(crate) fn lane(&self) -> Option<&str> {
        match self.fate {
            Fate::Nothing => None,
            _ => self.key.as_ref().map(|key| key.pk.as_str()),
        }
    }

    /// Whether it was noted as done.
    pub(crate) fn is_done(&self, lanes: &HashMap<String, Lane>) -> bool {
        let noted = self.key.as_ref().and_then(|key| Some((lanes.get(&key.pk)?, key)));
        noted.is_some_and(|(lane, key)| lane.has(&key.sk))
    }

    pub(crate) fn parcel(&self) -> Parcel {
        let lane = self.lane().map(str::to_owned);
        match (&self.fate, lane) {
            (Fate::Nothing, _) => Parcel::Nothing,
            (Fate::Publish { event, .. }, Some(lane)) => Parcel::Event { lane, bytes: event.size() },
            (_, lane) => Parcel::Unsendable { lane },
        }
    }

    pub(crate) fn event(&self) -> Option<&Event> {
        match &self.fate {
            Fate::Publish { event, .. } => Some(event),
            _ => None,
        }
    }

    /// For how long it has been in the stream.
    pub(crate) fn age(&self, now: Time) -> Duration {
        let since = self.changed_at.map(|at| now.unix_seconds().saturating_sub(at));
        Duration::from_secs(since.and_then(|seconds| seconds.try_into().ok()).unwrap_or(0))
    }

    /// It cannot be published after all.
    pub(crate) fn poison(&mut self, reason: Poison, code: Option<String>) {
        let event_id = self.event_id().map(str::to_owned);
        self.fate = Fate::PutAside { reason, code, event_id };
    }

    fn event_id(&self) -> Option<&str> {
        match &self.fate {
            Fate::Nothing => None,
            Fate::Publish { event_id, .. } => Some(event_id),
            Fate::PutAside { event_id, .. } => event_id.as_deref(),
        }
    }

    /// What is put into the dead-letter queue for it.
    pub(crate) fn letter(&self) -> Letter {
        let (reason, code) = match &self.fate {
            Fate::PutAside { reason, code, .. } => (*reason, code.clone()),
            // An event whose record does not say in which lane it is.
            _ => (Poison::Unreadable, None),
        };
        Letter {
            reason,
            code,
            entry: self.entry.clone().or_else(|| self.key.clone()),
            event_id: self.event_id().map(str::to_owned),
            stream_arn: self.stream_arn.clone(),
            sequence_number: self.sequence_number.clone(),
        }
    }
}

impl Fate {
    fn unreadable() -> Self {
        Self::PutAside { reason: Poison::Unreadable, code: None, event_id: None }
    }

    fn of(entry: &Entry) -> Self {
        let event_id = entry.event_id.clone();
        match Event::new(entry) {
            Ok(event) if event.size() <= MOST_BYTES => Self::Publish { event, event_id },
            Ok(_) => Self::PutAside { reason: Poison::TooLarge, code: None, event_id: Some(event_id) },
            Err(_) => Self::unreadable(),
        }
    }
}
