//! The journal, as tests look at it: past every service.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use identity::session::Session;
use serde_json::{Map, Value};
use store::{Entity, Org, journal::Entry};

use crate::{
    World, database,
    items::{self, Item, text},
    proxy::Proxy,
};

/// An entry, and the hash that stands beside it.
#[derive(Debug)]
pub struct Chained {
    /// The entry.
    pub entry: Entry,
    /// The hash stored with it.
    pub hash: String,
}

impl World {
    /// The entries of an aggregate of this org, in their order.
    pub async fn journal(&self, service: &str, aggregate_type: &str, aggregate_id: &str) -> Vec<Chained> {
        of(&self.org, service, aggregate_type, aggregate_id).await
    }

    /// The entries of an aggregate that belongs to no org.
    pub async fn system_journal(
        &self,
        service: &str,
        aggregate_type: &str,
        aggregate_id: &str,
    ) -> Vec<Chained> {
        entries(&format!("{service}|-|journal|{aggregate_type}|{aggregate_id}")).await
    }
}

/// The entries of an aggregate of any org, in their order.
pub async fn of(org: &Org, service: &str, aggregate_type: &str, aggregate_id: &str) -> Vec<Chained> {
    let tenant = org.guid();
    entries(&format!("{service}|{tenant}|journal|{aggregate_type}|{aggregate_id}")).await
}

/// Every entry of the table, of whatever aggregate.
pub async fn all() -> Vec<Entry> {
    let pages = database::patient(database::endpoint())
        .scan()
        .table_name(database::table())
        .filter_expression("#type = :journal")
        .expression_attribute_names("#type", "type")
        .expression_attribute_values(":journal", AttributeValue::S(store::journal::TYPE.to_owned()))
        .into_paginator()
        .items()
        .send()
        .try_collect()
        .await
        .expect("the table answers");
    pages.into_iter().map(|item| chained(item).entry).collect()
}

async fn entries(partition: &str) -> Vec<Chained> {
    let pages = database::patient(database::endpoint())
        .query()
        .table_name(database::table())
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()))
        .consistent_read(true)
        .into_paginator()
        .items()
        .send()
        .try_collect()
        .await
        .expect("the table answers");
    pages.into_iter().map(chained).collect()
}

fn chained(mut item: Item) -> Chained {
    let hash = item["hash"].as_s().expect("a hash").clone();
    let entry = serde_dynamo::from_attribute_value(item.remove("data").expect("data")).expect("an entry");
    Chained { entry, hash }
}

/// Panics where the chain of an aggregate's entries is broken.
pub fn verify(entries: &[Chained]) {
    let mut previous = String::new();
    for (n, Chained { entry, hash }) in entries.iter().enumerate() {
        assert_eq!(entry.sequence, n as u64 + 1, "entries are numbered without gaps");
        assert_eq!(entry.previous_hash, previous, "entry {} follows the one before", n + 1);
        assert_eq!(&entry.hash().expect("a hash"), hash, "entry {} is as it was written", n + 1);
        if let Some(why) = &entry.why {
            assert_eq!(
                entry.why_hash,
                Some(Entry::hash_of(why)),
                "the reason of entry {} is as it was written",
                n + 1
            );
        }
        previous.clone_from(hash);
    }
}

/// Panics unless the journal tells just what was done by whatever went through this proxy: the chain of each journal is
/// whole and ends with the record as it is now, and each record that changed has such a journal. The relay makes events
/// of nothing but these entries.
pub async fn equals_effects(proxy: &Proxy) {
    let left = items::left_by(&proxy.calls()).await;
    let (told, done): (Vec<_>, Vec<_>) =
        left.into_iter().partition(|item| text(item, "type") == store::journal::TYPE);
    let mut ends = BTreeMap::new();
    for partition in told.iter().map(|item| text(item, "pk")).collect::<BTreeSet<_>>() {
        let mut entries = entries(&partition).await;
        verify(&entries);
        let Chained { entry, hash } = entries.pop().expect("the entry that was there");
        ends.insert(hash, entry);
    }
    assert!(!ends.is_empty(), "something was written");
    for mut item in done {
        let chain = text(&item, "chain");
        // Claims and counters have no history.
        if chain.is_empty() {
            continue;
        }
        let kind = text(&item, "type");
        let last = match ends.remove(&chain) {
            Some(last) => last,
            // It was written without a change of its own, to guard that of another.
            None => {
                earlier(&item, &chain).await.unwrap_or_else(|| panic!("no journal ends with this {kind}"))
            }
        };
        let mut field = |name: &str| item.remove(name).expect("a field of every record");
        let sequence: u64 = serde_dynamo::from_attribute_value(field("sequence")).expect("a number");
        let revision: Value = serde_dynamo::from_attribute_value(field("revision")).expect("a revision");
        assert_eq!((last.sequence, &last.aggregate_revision), (sequence, &revision), "{kind}");
        let record: Map<String, Value> = serde_dynamo::from_attribute_value(field("data")).expect("a record");
        // That a session was used is noted and not told.
        let noted = if kind == Session::TYPE { Session::TOUCHED } else { &[] };
        for (name, value) in last.data.iter().filter(|(name, _)| !noted.contains(&name.as_str())) {
            if let Some(now) = record.get(name) {
                assert_eq!(value, now, "{kind}: {name}");
            }
        }
    }
    assert!(ends.is_empty(), "journals of what was not done: {:?}", ends.values());
}

/// Panics unless every journal that was written to through this proxy is whole, and every record that was written with an
/// entry says which one was the last. Unlike [`equals_effects`] it lets records go that were taken away since, or changed
/// without a history.
pub async fn whole(proxy: &Proxy) {
    let left = items::left_by(&proxy.calls()).await;
    let (told, done): (Vec<_>, Vec<_>) =
        left.into_iter().partition(|item| text(item, "type") == store::journal::TYPE);
    let mut ends = BTreeMap::new();
    let mut hashes = BTreeSet::new();
    for partition in told.iter().map(|item| text(item, "pk")).collect::<BTreeSet<_>>() {
        let entries = entries(&partition).await;
        verify(&entries);
        hashes.extend(entries.iter().map(|chained| chained.hash.clone()));
        if let Some(Chained { entry, hash }) = entries.into_iter().next_back() {
            ends.insert(hash, entry.sequence);
        }
    }
    for item in done {
        let (kind, chain) = (text(&item, "type"), text(&item, "chain"));
        if !hashes.contains(&chain) {
            // A claim or a counter, or a record that was written to guard another.
            continue;
        }
        let sequence = item.get("sequence").and_then(|sequence| sequence.as_n().ok()).cloned();
        assert_eq!(ends.get(&chain).map(ToString::to_string), sequence, "{kind} ends its journal");
    }
}

/// The last entry of a record whose journal nobody wrote to, if that is where the record says.
async fn earlier(item: &Item, chain: &str) -> Option<Entry> {
    let (key, kind) = (format!("{}|{}", text(item, "pk"), text(item, "sk")), text(item, "type"));
    let mut parts = key.split('|');
    let (service, tenant) = (parts.next()?, parts.next()?);
    // Its id is a part of its key or, where that is made of a secret, one of its fields.
    let fields = item["data"].as_m().expect("a record").values();
    let fields = fields.filter_map(|value| value.as_s().ok().map(String::as_str));
    for id in parts.chain(fields) {
        let mut entries = entries(&format!("{service}|{tenant}|journal|{kind}|{id}")).await;
        verify(&entries);
        if let Some(last) = entries.pop().filter(|last| last.hash == chain) {
            return Some(last.entry);
        }
    }
    None
}
