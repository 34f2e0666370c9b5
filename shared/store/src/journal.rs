//! The journal: audit trail and outbox in one (contract §10).
//!
//! Every change writes one entry per aggregate, in the transaction that makes it. The entries of an aggregate are
//! numbered and chained by their hashes: the record carries the number and hash of its last entry, so the chain
//! costs no read. The relay publishes each entry as an event; both are made from the same [`Entry`]. An index holds the
//! entries by time, so that they can be published again.

use contract::{
    canonical,
    context::RequestContext,
    error::{Error, Result},
    reason::{ReasonCode, SourceRefs},
    time::Time,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    codec::{self, Item},
    entity::{Class, Entity, Stored},
    key::{self, Index, Key, Listing, Order, Partition},
};

mod again;
mod read;

pub use again::Again;
pub use read::{Aggregate, Head, Link, Mention};

/// The type of journal items, by which the stream is filtered.
pub const TYPE: &str = "journal";
/// The form of [`Entry`].
pub const SCHEMA_VERSION: u32 = 1;

/// One field that a change touched. Fields that are classed as personal are named only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Touched {
    /// The field.
    pub field: String,
    /// Its value before, if it had one and is not personal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<Value>,
    /// Its value after, likewise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<Value>,
}

/// Why, apart from the chain, so that it can be blanked when a person is erased.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// The reason given.
    pub text: String,
    /// What it was hashed with.
    pub salt: String,
}

/// Where an item lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemKey {
    /// Its partition key.
    pub pk: String,
    /// Its sort key.
    pub sk: String,
}

impl<E> From<&Key<E>> for ItemKey {
    fn from(key: &Key<E>) -> Self {
        Self { pk: key.pk.clone(), sk: key.sk.clone() }
    }
}

/// One change of one aggregate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Fixed when the entry is written: consumers tell repeats by it.
    pub event_id: String,
    /// The form of this record.
    pub schema_version: u32,
    /// When.
    pub timestamp_utc: Time,
    /// Which build wrote it.
    pub build: Value,
    /// The service in whose name it is published.
    pub service: String,
    /// What happened, in the past tense: `customer-created`.
    pub action: String,
    /// Who did it, and in which context.
    pub request_context: RequestContext,
    /// Whether the caller passed a role check as an owner only.
    pub as_owner: bool,
    /// Through which surface the request came, where it said so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub surface: Option<String>,
    /// The reason, until it is blanked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Why>,
    /// Hash of the reason and its salt, in the chain for ever.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why_hash: Option<String>,
    /// The reason's code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason_code: Option<ReasonCode>,
    /// What the change refers to in other systems.
    pub source_refs: SourceRefs,
    /// The kind of record.
    pub aggregate_type: String,
    /// Its id.
    pub aggregate_id: String,
    /// Its revision after the change.
    pub aggregate_revision: Value,
    /// The number of this entry among those of the aggregate, from 1.
    pub sequence: u64,
    /// Where the record lay after the change: it carries the number and the hash of its last entry, so that a journal
    /// that lost its end can be told from one that is whole. Untold where the key is made of a secret.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<ItemKey>,
    /// The request, as its caller named it, or else the gateway.
    pub correlation_id: String,
    /// The gateway's id of the request, where its caller named it otherwise (contract §10): what the gateway logs is
    /// found by it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gateway_request_id: Option<String>,
    /// The event that this one follows from, where one request wrote several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub causation_id: Option<String>,
    /// The fields that changed.
    pub changed: Vec<Touched>,
    /// What the event tells: the fields that are not personal, as they are now.
    pub data: Map<String, Value>,
    /// Hash of the aggregate's previous entry; empty in the first.
    pub previous_hash: String,
}

impl Entry {
    /// The hash that the next entry of the aggregate carries. Does not cover what may be blanked.
    pub fn hash(&self) -> Result<String> {
        let mut bare = fields(self)?;
        bare.remove("why");
        Ok(canonical::hash(&bare.into()))
    }

    /// The hash of a reason.
    pub fn hash_of(why: &Why) -> String {
        canonical::hash(&Value::from(vec![why.salt.as_str(), why.text.as_str()]))
    }

    /// The key of the entry, for an aggregate whose record lies in the partition `beside`.
    pub(crate) fn key(&self, beside: &str) -> Key<Self> {
        let partition = Partition::journal(beside, &self.aggregate_type, &self.aggregate_id);
        Key::new(&partition, &[&sort_key(self.sequence)])
    }

    /// The item of the entry, whose hash is known.
    pub(crate) fn item(&self, key: &Key<Self>, hash: &str) -> Result<Item> {
        let mut item = codec::key_item(&key.pk, &key.sk);
        item.insert("type".to_owned(), codec::text(TYPE));
        item.insert("hash".to_owned(), codec::text(hash));
        item.insert("data".to_owned(), codec::value(self)?);
        let (_, partition, sort) = Index::Third.names();
        item.insert(partition.to_owned(), codec::text(self.day().as_str()));
        item.insert(sort.to_owned(), codec::text(self.moment()));
        Ok(item)
    }

    /// The partition of the index by time.
    fn day(&self) -> Partition {
        day_shard(self.timestamp_utc, shard(&self.event_id))
    }

    /// The sort key of the index by time: it tells the action, so that those of one type are found without a read.
    fn moment(&self) -> String {
        key::sort_key(&[&self.timestamp_utc, &self.action, &self.event_id])
    }
}

/// A day's entries are spread over so many partitions of the index. An index entry of less than 1 KB (it holds keys
/// alone) takes 1 WCU, and a partition 1,000 WCU/s: together they take 16,000 changes a second. The last character of
/// an `event_id`, a hexadecimal digit of chance, says which.
const SHARDS: usize = 16;

fn shard(event_id: &str) -> usize {
    event_id.chars().last().and_then(|last| last.to_digit(16)).map_or(0, |digit| digit as usize % SHARDS)
}

fn day_shard(time: Time, shard: usize) -> Partition {
    let moment = time.to_string();
    let day = moment.split('T').next().unwrap_or_default();
    Partition::of_system("sys").part("journal").part(day).part(format_args!("{shard:02}"))
}

/// The entries of all journals of a day in UTC, from a moment on and up to another, in the order of their times.
pub(crate) fn by_day(day: Time, from: Time, to: Time) -> Listing<Entry> {
    let shards = (0..SHARDS).map(|shard| day_shard(day, shard));
    Listing::new(Index::Third, shards, Order::Ascending).between(Some(&from), Some(&to))
}

/// The sort key of an entry: in the order of their numbers.
pub(crate) fn sort_key(sequence: u64) -> String {
    format!("{sequence:012}")
}

/// What of a record's change its journal may tell of, whatever kind of record it is.
pub(crate) struct Told {
    pub(crate) classes: &'static [(&'static str, Class)],
    /// Its fields before; none where it is new.
    pub(crate) before: Map<String, Value>,
    /// Its fields after.
    pub(crate) after: Map<String, Value>,
}

impl Told {
    pub(crate) fn of<E: Entity>(before: Option<&Stored<E>>, after: &E) -> Result<Self> {
        let before = before.map(|stored| fields(&stored.record)).transpose()?.unwrap_or_default();
        Ok(Self { classes: E::CLASSES, before, after: fields(after)? })
    }

    /// The fields that differ, with values only where they are not personal.
    pub(crate) fn touched(&self) -> Vec<Touched> {
        let told = self.classes.iter().filter(|(_, class)| *class != Class::Secret);
        told.filter(|(field, _)| value(&self.before, field) != value(&self.after, field))
            .map(|(field, class)| {
                let shown = |fields: &Map<String, Value>| {
                    value(fields, field).cloned().filter(|_| *class == Class::Plain)
                };
                Touched { field: (*field).to_owned(), before: shown(&self.before), after: shown(&self.after) }
            })
            .collect()
    }

    /// The fields that an event may tell, as they are now.
    pub(crate) fn plain(mut self) -> Map<String, Value> {
        let plain = self.classes.iter().filter(|(_, class)| *class == Class::Plain);
        let told = plain.filter_map(|(field, _)| self.after.remove_entry(*field));
        told.filter(|(_, value)| !value.is_null()).collect()
    }
}

fn value<'a>(fields: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    fields.get(field).filter(|value| !value.is_null())
}

fn fields<E: Serialize>(record: &E) -> Result<Map<String, Value>> {
    match serde_json::to_value(record).map_err(Error::internal)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(Error::internal("a record is not an object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_partition_for_each_digit_an_event_id_may_end_with() {
        let shards: std::collections::BTreeSet<_> = "0123456789abcdef"
            .chars()
            .map(|digit| shard(&format!("0195c5d6-0000-7000-8000-00000000000{digit}")))
            .collect();
        assert!(shards.into_iter().eq(0..SHARDS));
        assert_eq!(shard("no id at all"), 0);
        let time: Time = "2026-03-04T23:59:59.999Z".parse().unwrap();
        assert_eq!(day_shard(time, 7).as_str(), "sys|-|journal|2026-03-04|07");
    }

    #[test]
    fn an_entry_from_before_a_field_was_added_is_read_and_keeps_its_hash() {
        let written = serde_json::json!({
            "event_id": "0195c5d6-0000-7000-8000-000000000007", "schema_version": 1,
            "timestamp_utc": "2026-03-04T08:00:00.000Z", "build": {}, "service": "ofm", "action": "org-created",
            "request_context": {"orgcode": "DEMO", "context_source": "session"}, "as_owner": false,
            "source_refs": [], "aggregate_type": "org", "aggregate_id": "1", "aggregate_revision": 1, "sequence": 1,
            "correlation_id": "request", "changed": [], "data": {}, "previous_hash": "",
        });
        let entry: Entry = serde_json::from_value(written.clone()).unwrap();
        assert_eq!((&entry.gateway_request_id, &entry.surface), (&None, &None));
        assert_eq!(entry.hash().unwrap(), canonical::hash(&written));
    }
}
