//! What erasing a person takes: all that a partition holds, whatever it is, and what the journal tells of them.

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{ReturnConsumedCapacity, Select},
};
use contract::{error::Result, paging::Limit};

use crate::{
    client::Store,
    codec::{self, text},
    entity::Entity,
    journal::{self, Entry},
    key::{Anything, Key, Org, Partition},
    read::{failed, string},
};

impl Store {
    /// The keys of up to `most` items of a partition of the table, strongly consistent.
    pub async fn keys_of(&self, partition: &Partition, most: usize) -> Result<Vec<Key<Anything>>> {
        let (mut keys, mut start) = (Vec::new(), None);
        loop {
            self.meter.read_trip();
            let answer = self
                .all_of(partition.as_str())
                .projection_expression("#pk, #sk")
                .expression_attribute_names("#sk", "sk")
                .limit(i32::try_from(most - keys.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| failed(&error))?;
            self.meter.read(answer.consumed_capacity());
            let items = answer.items.into_iter().flatten();
            keys.extend(items.map(|item| Key::stored(string(&item, "pk"), string(&item, "sk"))));
            start = answer.last_evaluated_key;
            if start.is_none() || keys.len() >= most {
                return Ok(keys);
            }
        }
    }

    /// How many items a partition of the table holds: counted a page of the longest list at a time.
    pub async fn count_of(&self, partition: &Partition) -> Result<u64> {
        let (mut count, mut start) = (0, None);
        loop {
            self.meter.read_trip();
            let query = self
                .all_of(partition.as_str())
                .select(Select::Count)
                .limit(i32::try_from(Limit::MOST.get()).unwrap_or(i32::MAX));
            let answer = query.set_exclusive_start_key(start).send().await.map_err(|error| failed(&error))?;
            self.meter.read(answer.consumed_capacity());
            count += u64::try_from(answer.count).unwrap_or(0);
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(count);
            }
        }
    }

    /// Up to `most` journal entries of a record after the one of this number, in their order.
    pub async fn journal_of<E: Entity>(
        &self,
        org: &Org,
        id: &str,
        after: u64,
        most: usize,
    ) -> Result<Vec<Entry>> {
        let partition = Partition::journal(Partition::of(E::SERVICE, org).as_str(), E::AGGREGATE, id);
        let (mut entries, mut start) = (Vec::new(), None);
        loop {
            self.meter.read_trip();
            let answer = query_of(self, partition.as_str(), "#pk = :pk AND #sk > :after")
                .expression_attribute_names("#sk", "sk")
                .expression_attribute_values(":after", text(journal::sort_key(after)))
                .limit(i32::try_from(most - entries.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| failed(&error))?;
            self.meter.read(answer.consumed_capacity());
            for mut item in answer.items.into_iter().flatten() {
                entries.push(codec::field(&mut item, journal::TYPE, "data")?);
            }
            start = answer.last_evaluated_key;
            if start.is_none() || entries.len() >= most {
                return Ok(entries);
            }
        }
    }

    fn all_of(&self, partition: &str) -> QueryFluentBuilder {
        query_of(self, partition, "#pk = :pk")
    }
}

/// A query of a partition of the table, strongly consistent. `condition` speaks of `#pk = :pk`.
pub(crate) fn query_of(store: &Store, partition: &str, condition: &str) -> QueryFluentBuilder {
    store
        .client
        .query()
        .table_name(&*store.table)
        .key_condition_expression(condition)
        .expression_attribute_names("#pk", "pk")
        .expression_attribute_values(":pk", text(partition))
        .consistent_read(true)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
}
