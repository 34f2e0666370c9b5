//! The journal, as tests look at it: past every service.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use store::{Org, journal::Entry};

use crate::{World, database};

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

fn chained(mut item: HashMap<String, AttributeValue>) -> Chained {
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
