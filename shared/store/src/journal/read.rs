//! The journal as it is read: entry by entry for a check, by time to be published again.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use contract::{error::Result, time::Time};

use super::{Entry, ItemKey, TYPE, by_day, sort_key};
use crate::{
    client::Store,
    codec::{self, Item},
    erase::query_of,
    key::{Index, Key, Org, Partition},
    read::{Batch, failed, string},
};

/// An aggregate, as its events name it.
#[derive(Clone, Copy, Debug)]
pub struct Aggregate<'a> {
    /// The service in whose name its events are published.
    pub service: &'a str,
    /// The tenant; none for what belongs to no org.
    pub org: Option<&'a Org>,
    /// The kind of record.
    pub aggregate_type: &'a str,
    /// Its id.
    pub aggregate_id: &'a str,
}

impl Aggregate<'_> {
    fn partition(&self) -> Partition {
        let beside = match self.org {
            Some(org) => Partition::of(self.service, org),
            None => Partition::of_system(self.service),
        };
        Partition::journal(beside.as_str(), self.aggregate_type, self.aggregate_id)
    }
}

/// An entry as it lies in the table, whatever happened to it there.
#[derive(Debug)]
pub struct Link {
    /// Where.
    pub key: ItemKey,
    /// The hash that was stored with it.
    pub hash: String,
    /// The entry, where it can be read.
    pub entry: Option<Entry>,
}

impl Link {
    /// Its number, as its key has it.
    pub fn sequence(&self) -> Option<u64> {
        self.key.sk.parse().ok()
    }

    fn new(mut item: Item) -> Self {
        let key = ItemKey { pk: string(&item, "pk"), sk: string(&item, "sk") };
        let hash = string(&item, "hash");
        Self { key, hash, entry: codec::field(&mut item, TYPE, "data").ok() }
    }
}

/// What a record says of its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many entries there are.
    pub sequence: u64,
    /// The hash of the last one.
    pub chain: String,
}

/// An entry as the index by time names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Where the entry lies.
    pub key: ItemKey,
    /// Its place in the index: where to go on after it.
    pub position: String,
}

impl Mention {
    /// What happened.
    pub fn action(&self) -> &str {
        self.position.split('|').nth(1).unwrap_or_default()
    }
}

fn entry_at(key: &ItemKey) -> Key<Entry> {
    Key::stored(key.pk.clone(), key.sk.clone())
}

impl Store {
    /// Up to `most` entries of an aggregate from the one of this number on, in their order, strongly consistent.
    pub async fn links(&self, of: Aggregate<'_>, from: u64, most: usize) -> Result<Vec<Link>> {
        let (mut links, mut start) = (Vec::new(), None);
        loop {
            self.meter.read_trip();
            let answer = query_of(self, of.partition().as_str(), "#pk = :pk AND #sk >= :from")
                .expression_attribute_names("#sk", "sk")
                .expression_attribute_values(":from", codec::text(sort_key(from)))
                .limit(i32::try_from(most - links.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| failed(&error))?;
            self.meter.read(answer.consumed_capacity());
            links.extend(answer.items.into_iter().flatten().map(Link::new));
            start = answer.last_evaluated_key;
            if start.is_none() || links.len() >= most {
                return Ok(links);
            }
        }
    }

    /// What the record at this place says of its journal, if it is there, strongly consistent. Nothing else is read of
    /// it, so that a role can be kept from the rest.
    pub async fn head(&self, record: &ItemKey) -> Result<Option<Head>> {
        self.meter.read_trip();
        let answer = self
            .client
            .get_item()
            .table_name(&*self.table)
            .set_key(Some(codec::key_item(&record.pk, &record.sk)))
            .projection_expression("#sequence, #chain")
            .expression_attribute_names("#sequence", "sequence")
            .expression_attribute_names("#chain", "chain")
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        self.meter.read(answer.consumed_capacity());
        let head = |mut item: Item| {
            let sequence = codec::field(&mut item, "record", "sequence")?;
            Ok(Head { sequence, chain: codec::field(&mut item, "record", "chain")? })
        };
        answer.item.map(head).transpose()
    }

    /// Entries as they are now, strongly consistent; one that is not there, or cannot be read, is left out.
    pub async fn entries(&self, keys: &[ItemKey]) -> Result<BTreeMap<ItemKey, Entry>> {
        let mut entries = BTreeMap::new();
        for part in keys.chunks(Batch::MOST) {
            let mut batch = Batch::default();
            for key in part {
                batch.want(&entry_at(key));
            }
            let found = self.read(batch).await?;
            for key in part {
                let item = found.item(&entry_at(key));
                if let Some(entry) = item.and_then(|mut item| codec::field(&mut item, TYPE, "data").ok()) {
                    entries.insert(key.clone(), entry);
                }
            }
        }
        Ok(entries)
    }

    /// Up to `most` entries of all journals of the day in UTC on which `from` is, from then on and up to `to`, in the
    /// order of their times, after a position; and whether there are more. The index follows the table a little later.
    pub async fn mentions(
        &self,
        from: Time,
        to: Time,
        after: Option<&str>,
        most: usize,
    ) -> Result<(Vec<Mention>, bool)> {
        let (items, more) = self.items(&by_day(from, from, to), after, most).await?;
        let mention = |item: &Item| Mention {
            key: ItemKey { pk: string(item, "pk"), sk: string(item, "sk") },
            position: string(item, Index::Third.names().2),
        };
        Ok((items.iter().map(mention).collect(), more))
    }
}
