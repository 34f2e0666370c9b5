//! Reads: one item, many at once, a page of a list.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity},
};
use contract::{
    error::{Error, Result},
    paging::Limit,
};
use futures::future::try_join_all;
use serde::de::DeserializeOwned;

use crate::{
    ahead::Ahead,
    client::Store,
    codec::{self, Item, key_item, text},
    entity::{Entity, Stored},
    key::{Anything, Key, Listing, Order},
};

/// Keys to be read in one round trip.
#[derive(Clone, Debug, Default)]
pub struct Batch(HashSet<(String, String)>);

impl Batch {
    /// DynamoDB takes so many keys in one `BatchGetItem`.
    pub const MOST: usize = 100;

    /// Asks for one more item.
    pub fn want<E>(&mut self, key: &Key<E>) {
        self.0.insert((key.pk.clone(), key.sk.clone()));
    }

    /// Asks for some more items.
    pub fn want_all<'k, E: 'k>(&mut self, keys: impl IntoIterator<Item = &'k Key<E>>) {
        for key in keys {
            self.want(key);
        }
    }

    /// Asks for nothing that another asks for.
    pub fn leave_out(&mut self, other: &Self) {
        self.0.retain(|key| !other.0.contains(key));
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Asks for all that another asks for.
    pub fn want_as(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }
}

/// What a [`Batch`] found.
#[derive(Debug, Default)]
pub struct Found(HashMap<(String, String), Item>);

/// What was read for somebody who has not asked for it yet. It is given once: who asks again wants to know how it is now.
#[derive(Debug, Default)]
pub struct Beside(HashMap<(String, String), Option<Item>>);

impl Beside {
    /// What is known of a key, if that was read.
    pub fn take<E>(&mut self, key: &Key<E>) -> Option<Found> {
        let (key, item) = self.0.remove_entry(&(key.pk.clone(), key.sk.clone()))?;
        Some(Found(item.map(|item| (key, item)).into_iter().collect()))
    }

    /// What is known of some keys, which are asked for no more.
    pub fn take_all(&mut self, batch: &mut Batch) -> Found {
        let mut found = Found::default();
        if !self.0.is_empty() {
            batch.0.retain(|key| match self.0.remove_entry(key) {
                Some((key, item)) => {
                    found.0.extend(item.map(|item| (key, item)));
                    false
                }
                None => true,
            });
        }
        found
    }
}

impl Found {
    /// The part of it that was asked for by this batch.
    pub fn beside(&self, batch: Batch) -> Beside {
        Beside(batch.0.into_iter().map(|key| (key.clone(), self.0.get(&key).cloned())).collect())
    }

    /// This, and what was found elsewhere.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The record under this key, if it was asked for and is there.
    pub fn get<E: Entity>(&self, key: &Key<E>) -> Result<Option<Stored<E>>> {
        self.item(key).map(Stored::decode).transpose()
    }

    pub(crate) fn item<E>(&self, key: &Key<E>) -> Option<Item> {
        self.0.get(&(key.pk.clone(), key.sk.clone())).cloned()
    }
}

/// Some records of a list.
#[derive(Debug)]
pub struct Page<E: Entity> {
    /// The records, in the list's order.
    pub records: Vec<Stored<E>>,
    /// Where to go on: none on the last page.
    pub position: Option<String>,
}

impl<E: Entity> Page<E> {
    pub(crate) fn of_items(list: &Listing<E>, items: Vec<Item>, more: bool) -> Result<Self> {
        let position = items.last().filter(|_| more).map(|item| string(item, list.index.names().2));
        let records = items.into_iter().map(Stored::decode).collect::<Result<_>>()?;
        Ok(Self { records, position })
    }

    /// A page of a list, after a position, of records that were found in another way: those that are in the list.
    pub fn of_some(
        list: &Listing<E>,
        scope: &E::Scope,
        some: Vec<Stored<E>>,
        after: Option<&str>,
        limit: Limit,
    ) -> Self {
        let is_ahead = |position: &str| match (after, list.order) {
            (None, _) => true,
            (Some(after), Order::Ascending) => position > after,
            (Some(after), Order::Descending) => position < after,
        };
        let placed = some.into_iter().filter_map(|stored| Some((list.position_of(scope, &stored)?, stored)));
        let mut placed: Vec<_> = placed.filter(|(position, _)| is_ahead(position)).collect();
        placed.sort_by(|(one, _), (other, _)| one.cmp(other));
        if list.order == Order::Descending {
            placed.reverse();
        }
        let more = placed.len() > limit.get();
        placed.truncate(limit.get());
        let position = placed.last().filter(|_| more).map(|(position, _)| position.clone());
        Self { records: placed.into_iter().map(|(_, stored)| stored).collect(), position }
    }
}

impl Store {
    /// One record, strongly consistent.
    pub async fn get<E: Entity>(&self, key: &Key<E>) -> Result<Option<Stored<E>>> {
        self.item(key).await?.map(Stored::decode).transpose()
    }

    /// Some fields of one record, strongly consistent: for whoever need not know the whole of it.
    pub async fn part<T: DeserializeOwned>(&self, key: &Key<Anything>) -> Result<Option<T>> {
        self.item(key).await?.map(|mut item| codec::field(&mut item, "an item", "data")).transpose()
    }

    async fn item<E>(&self, key: &Key<E>) -> Result<Option<Item>> {
        self.meter.read_trip();
        let answer = self
            .client
            .get_item()
            .table_name(&*self.table)
            .set_key(Some(key_item(&key.pk, &key.sk)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        self.meter.read(answer.consumed_capacity());
        Ok(answer.item)
    }

    /// Many records in one round trip, strongly consistent. What was left out is asked for again until the request's time
    /// is up.
    pub async fn read(&self, batch: Batch) -> Result<Found> {
        if batch.0.len() > Batch::MOST {
            return Err(Error::internal(format_args!("{} keys in one batch", batch.0.len())));
        }
        let mut keys: Vec<Item> = batch.0.iter().map(|(pk, sk)| key_item(pk, sk)).collect();
        let mut found = Found::default();
        let mut backoff = self.backoff();
        while !keys.is_empty() {
            self.meter.read_trip();
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(true)
                .build()
                .map_err(Error::internal)?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&*self.table, wanted)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| failed(&error))?;
            self.meter.read(answer.consumed_capacity());
            for item in answer.responses.into_iter().flatten().flat_map(|(_, items)| items) {
                found.0.insert((string(&item, "pk"), string(&item, "sk")), item);
            }
            // What did not fit into 16 MB or was throttled comes back, to be asked for again.
            keys = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, rest)| rest.keys).collect();
            if !keys.is_empty() && !backoff.pause().await {
                return Err(Error::unavailable("a batch was not read to its end"));
            }
        }
        Ok(found)
    }

    /// A page of a list, after a position. The partitions are asked at the same time and count as one round trip.
    pub async fn page<E: Entity>(
        &self,
        list: &Listing<E>,
        after: Option<&str>,
        limit: Limit,
    ) -> Result<Page<E>> {
        let (items, more) = self.items(list, after, limit.get()).await?;
        Page::of_items(list, items, more)
    }

    /// A page of those records of a list that pass a test for which the list has no key, after a position. Reads on
    /// until the page is full or the list ends: first as much as a page holds, for mostly all pass, then as much as a
    /// query may. The first of them may have been read ahead.
    pub async fn page_where<E: Entity>(
        &self,
        list: &Listing<E>,
        after: Option<&str>,
        limit: Limit,
        passes: impl Fn(&E) -> bool,
        mut ahead: Option<Ahead>,
    ) -> Result<Page<E>> {
        let mut after = after.map(str::to_owned);
        let mut records = Vec::new();
        let mut position = None;
        let mut most = limit.get();
        loop {
            let items = self.items_unless_ahead(list, after.as_deref(), most, ahead.take()).await?;
            let more = items.len() > most;
            for item in items {
                let at = string(&item, list.index.names().2);
                let stored = Stored::decode(item)?;
                if passes(&stored.record) {
                    if records.len() == limit.get() {
                        return Ok(Page { records, position });
                    }
                    records.push(stored);
                    position = Some(at.clone());
                }
                after = Some(at);
            }
            if !more {
                return Ok(Page { records, position: None });
            }
            most = Limit::MOST.get();
        }
    }

    /// A page of what `show` makes of the records of a list, in its order; it makes nothing of those that are not to be
    /// seen. Reads on until the page is full or the list ends, each time twice as far. The first of them may have been
    /// read ahead.
    pub async fn page_shown<E: Entity, T, Shown>(
        &self,
        list: &Listing<E>,
        after: Option<&str>,
        limit: Limit,
        show: impl Fn(Vec<Stored<E>>) -> Shown,
        mut ahead: Option<Ahead>,
    ) -> Result<(Vec<T>, Option<String>)>
    where
        Shown: Future<Output = Result<Vec<Option<T>>>>,
    {
        let mut after = after.map(str::to_owned);
        let (mut shown, mut position, mut most) = (Vec::new(), None, limit.get());
        loop {
            // Of the next one it must be known whether it is to be seen: then a page of a list that is seen as a whole
            // is read at once.
            let items = self.items_unless_ahead(list, after.as_deref(), most, ahead.take()).await?;
            let more = items.len() > most;
            let places: Vec<_> = items.iter().map(|item| string(item, list.index.names().2)).collect();
            after = places.last().cloned();
            let records = items.into_iter().map(Stored::decode).collect::<Result<Vec<_>>>()?;
            for (place, view) in places.into_iter().zip(show(records).await?) {
                let Some(view) = view else { continue };
                if shown.len() == limit.get() {
                    return Ok((shown, position));
                }
                shown.push(view);
                position = Some(place);
            }
            if !more {
                return Ok((shown, None));
            }
            most = (2 * most).min(Limit::MOST.get());
        }
    }

    /// The next items of a list, and whether there are more.
    pub(crate) async fn items<E>(
        &self,
        list: &Listing<E>,
        after: Option<&str>,
        most: usize,
    ) -> Result<(Vec<Item>, bool)> {
        let mut items = self.items_and_next(list, after, most).await?;
        let more = items.len() > most;
        items.truncate(most);
        Ok((items, more))
    }

    /// The next items of a list, and the one after them: those that were read ahead, where they were.
    async fn items_unless_ahead<E>(
        &self,
        list: &Listing<E>,
        after: Option<&str>,
        most: usize,
        ahead: Option<Ahead>,
    ) -> Result<Vec<Item>> {
        match ahead {
            Some(ahead) => Ok(ahead.items),
            None => self.items_and_next(list, after, most).await,
        }
    }

    /// The next items of a list, and the one after them, which tells that there are more.
    async fn items_and_next<E>(
        &self,
        list: &Listing<E>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Item>> {
        self.meter.read_trip();
        self.items_beside(list, after, most).await
    }

    /// The same, at the same time as something else that is counted.
    pub(crate) async fn items_beside<E>(
        &self,
        list: &Listing<E>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Item>> {
        let (_, _, sort) = list.index.names();
        let queries = list.partitions.iter().map(|partition| self.query(list, partition, after, most + 1));
        let mut items: Vec<Item> = try_join_all(queries).await?.into_iter().flatten().collect();
        items.sort_by_cached_key(|item| string(item, sort));
        if list.order == Order::Descending {
            items.reverse();
        }
        items.truncate(most + 1);
        Ok(items)
    }

    /// A page of a list by how many records come before it. What is skipped is read, though only its keys travel: a page
    /// costs by how deep it lies, in queries of as many records as a page may have. The first one is one query.
    pub async fn page_after<E: Entity>(
        &self,
        list: &Listing<E>,
        skip: usize,
        limit: Limit,
    ) -> Result<Vec<Stored<E>>> {
        let after = match skip {
            0 => None,
            _ => match self.position_after(list, skip).await? {
                None => return Ok(Vec::new()),
                position => position,
            },
        };
        Ok(self.page(list, after.as_deref(), limit).await?.records)
    }

    /// The position of the record number `count` of a list of one partition: none where the list is shorter.
    async fn position_after<E>(&self, list: &Listing<E>, count: usize) -> Result<Option<String>> {
        let [partition] = &list.partitions[..] else {
            return Err(Error::internal("only a list of one partition has numbered pages"));
        };
        let (_, _, sort) = list.index.names();
        let (mut left, mut start) = (count, None);
        loop {
            self.meter.read_trip();
            let most = i32::try_from(left.min(Limit::MOST.get())).unwrap_or(i32::MAX);
            let query = self.query_between(list, partition, &list.from, &list.to, most);
            let answer = query
                .projection_expression("#sk")
                .set_exclusive_start_key(start.take())
                .send()
                .await
                .map_err(|error| failed(&error))?;
            self.meter.read(answer.consumed_capacity());
            let items = answer.items.unwrap_or_default();
            left -= items.len();
            match (left, items.last(), answer.last_evaluated_key) {
                (0, Some(last), _) => return Ok(Some(string(last, sort))),
                (_, _, None) => return Ok(None),
                (_, _, key) => start = key,
            }
        }
    }

    /// How many records a list holds, but no more than `most` (for guards: what blocks a change).
    pub async fn some<E: Entity>(&self, list: &Listing<E>, most: usize) -> Result<Vec<Stored<E>>> {
        Ok(self.page(list, None, Limit::clamp(i64::try_from(most).unwrap_or(i64::MAX))).await?.records)
    }

    async fn query<E>(
        &self,
        list: &Listing<E>,
        partition: &str,
        after: Option<&str>,
        wanted: usize,
    ) -> Result<Vec<Item>> {
        let (_, _, sort_name) = list.index.names();
        let (from, to) = match (after, list.order) {
            (None, _) => (list.from.clone(), list.to.clone()),
            // The next possible text after the position.
            (Some(after), Order::Ascending) => (format!("{after}\0").max(list.from.clone()), list.to.clone()),
            (Some(after), Order::Descending) => (list.from.clone(), after.to_owned().min(list.to.clone())),
        };
        let mut items = Vec::new();
        if from > to {
            return Ok(items);
        }
        let mut start: Option<Item> = None;
        loop {
            // Downwards the position itself is met once more.
            let most = i32::try_from(wanted + 1).unwrap_or(i32::MAX);
            let answer = self
                .query_between(list, partition, &from, &to, most)
                .set_exclusive_start_key(start.take())
                .send()
                .await
                .map_err(|error| failed(&error))?;
            self.meter.read(answer.consumed_capacity());
            let fresh = answer.items.into_iter().flatten();
            items.extend(fresh.filter(|item| Some(string(item, sort_name).as_str()) != after));
            start = answer.last_evaluated_key;
            if items.len() >= wanted || start.is_none() {
                return Ok(items);
            }
        }
    }
}

impl Store {
    /// Up to `most` items of a partition of a list, between two sort keys, both included.
    fn query_between<E>(
        &self,
        list: &Listing<E>,
        partition: &str,
        from: &str,
        to: &str,
        most: i32,
    ) -> QueryFluentBuilder {
        let (index, partition_name, sort_name) = list.index.names();
        self.client
            .query()
            .table_name(&*self.table)
            .set_index_name(index.map(str::to_owned))
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :from AND :to")
            .expression_attribute_names("#pk", partition_name)
            .expression_attribute_names("#sk", sort_name)
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(to))
            .scan_index_forward(list.order == Order::Ascending)
            .limit(most)
            .consistent_read(index.is_none())
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }
}

pub(crate) fn string(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| AttributeValue::as_s(value).ok()).cloned().unwrap_or_default()
}

/// A dependency that did not answer is `unavailable`; a request that it refuses is our own fault.
pub(crate) fn failed<E, R>(error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata,
{
    let code = error.code().unwrap_or_default().to_owned();
    match error {
        SdkError::ServiceError(_)
            if matches!(code.as_str(), "ValidationException" | "AccessDeniedException") =>
        {
            Error::internal(format_args!("{code}: {}", error.message().unwrap_or_default()))
        }
        SdkError::ServiceError(_) => Error::unavailable(code),
        SdkError::TimeoutError(_) => Error::unavailable("the table did not answer in time"),
        SdkError::DispatchFailure(_) => Error::unavailable("the table could not be reached"),
        SdkError::ConstructionFailure(_) => Error::internal("a request to the table could not be built"),
        _ => Error::unavailable("the table's answer could not be read"),
    }
}
