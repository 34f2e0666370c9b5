//! Typed keys. Every partition begins with a service and a tenant, so that a function's role can be limited to its
//! own service by `dynamodb:LeadingKeys`, and no key can be written down without saying whose it is.

use std::{fmt::Display, marker::PhantomData};

use contract::ids::OrgGuid;
use serde::Serialize;

use crate::entity::{Entity, Stored};

/// Proof that the caller belongs to this org: without one no key of a tenant can be made.
///
/// Only the caller check makes it (and what acts for the system: operator actions and tests).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Org(OrgGuid);

impl Org {
    /// To be called by the caller check alone.
    pub fn checked(guid: OrgGuid) -> Self {
        Self(guid)
    }

    /// The org's id.
    pub fn guid(&self) -> OrgGuid {
        self.0
    }
}

/// What belongs to no org: users, their sessions, invitations, the test clock.
#[derive(Clone, Copy, Debug)]
pub struct System;

/// Where a kind of record lives: in an org, or in the system.
pub trait Scope: Sized + Send + Sync {
    /// The scope within the org of a request; none where the request has no org but the record needs one.
    fn within(org: Option<&Org>) -> Option<Self>;
}

impl Scope for Org {
    fn within(org: Option<&Org>) -> Option<Self> {
        org.copied()
    }
}

impl Scope for System {
    fn within(_: Option<&Org>) -> Option<Self> {
        Some(Self)
    }
}

/// A partition of the table or of an index, built part by part; the only place where a key is put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition(String);

pub(crate) const SEPARATOR: char = '|';

impl Partition {
    /// A partition of `service` that belongs to `org`.
    pub fn of(service: &str, org: &Org) -> Self {
        Self(service.to_owned()).part(org.0)
    }

    /// A partition of `service` that belongs to no org.
    pub fn of_system(service: &str) -> Self {
        Self(service.to_owned()).part("-")
    }

    /// The journal of an aggregate, in the service and tenant of the aggregate's own partition.
    pub(crate) fn journal(beside: &str, aggregate_type: &str, aggregate_id: &str) -> Self {
        let end = beside.match_indices(SEPARATOR).nth(1).map_or(beside.len(), |(at, _)| at);
        Self(beside[..end].to_owned()).part("journal").part(aggregate_type).part(aggregate_id)
    }

    /// Goes one level deeper. Parts are ids, codes, hashes and names of states: none holds the separator.
    ///
    /// # Panics
    /// Where a part holds it all the same: the key would be another record's.
    #[must_use]
    pub fn part(mut self, part: impl Display) -> Self {
        use std::fmt::Write;
        let start = self.0.len() + SEPARATOR.len_utf8();
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{SEPARATOR}{part}");
        assert!(!self.0[start..].contains(SEPARATOR), "a part of a key holds the separator");
        self
    }

    /// Goes one level deeper, by the name of a state as it is serialised.
    #[must_use]
    pub fn state(self, state: impl Serialize) -> Self {
        let name = serde_json::to_value(state).ok();
        self.part(name.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default())
    }

    /// The partition key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A sort key of several parts, in the order in which they sort.
pub(crate) fn sort_key(parts: &[&dyn Display]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(&SEPARATOR.to_string())
}

/// What a key stands for of which it does not matter what it is of.
#[derive(Clone, Copy, Debug)]
pub struct Anything;

/// The whole key of one item of type `E`.
#[derive(Debug)]
pub struct Key<E> {
    pub(crate) pk: String,
    pub(crate) sk: String,
    of: PhantomData<fn() -> E>,
}

impl<E> Key<E> {
    /// The item of a partition under a sort key of one or more parts.
    pub fn new(partition: &Partition, sort: &[&dyn Display]) -> Self {
        Self { pk: partition.0.clone(), sk: sort_key(sort), of: PhantomData }
    }

    /// The key of an item that was read.
    pub(crate) fn stored(pk: String, sk: String) -> Self {
        Self { pk, sk, of: PhantomData }
    }

    /// Partition and sort key, for documents and tests.
    pub fn parts(&self) -> (&str, &str) {
        (&self.pk, &self.sk)
    }

    /// The same key, whatever it is of.
    pub fn of_anything(self) -> Key<Anything> {
        Key::stored(self.pk, self.sk)
    }
}

impl<E> Clone for Key<E> {
    fn clone(&self) -> Self {
        Self { pk: self.pk.clone(), sk: self.sk.clone(), of: PhantomData }
    }
}

/// The table itself, or one of its sparse indexes. The template defines the same (a test compares).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// The table.
    Main,
    /// The first global index.
    First,
    /// The second global index.
    Second,
    /// The third global index: the journal by time. It holds keys alone.
    Third,
}

impl Index {
    /// Name (none for the table), partition attribute, sort attribute.
    pub const fn names(self) -> (Option<&'static str>, &'static str, &'static str) {
        match self {
            Self::Main => (None, "pk", "sk"),
            Self::First => (Some("gsi1"), "gsi1pk", "gsi1sk"),
            Self::Second => (Some("gsi2"), "gsi2pk", "gsi2sk"),
            Self::Third => (Some("gsi3"), "gsi3pk", "gsi3sk"),
        }
    }
}

/// Under which keys a record is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indexes {
    pub(crate) first: Option<(String, String)>,
    pub(crate) second: Option<(String, String)>,
}

impl Indexes {
    /// In no list.
    pub fn none() -> Self {
        Self::default()
    }

    /// In a list of the first index.
    #[must_use]
    pub fn first(mut self, partition: Partition, sort: &[&dyn Display]) -> Self {
        self.first = Some((partition.0, sort_key(sort)));
        self
    }

    /// In a list of the second index.
    #[must_use]
    pub fn second(mut self, partition: Partition, sort: &[&dyn Display]) -> Self {
        self.second = Some((partition.0, sort_key(sort)));
        self
    }
}

/// Which way a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest sort key first.
    Ascending,
    /// Largest sort key first: newest first where the sort key begins with a time.
    Descending,
}

/// A list of records of type `E`: one or more partitions of one index, merged by their sort keys.
///
/// Listing by status is a union of one partition per status, so every page is full whatever is asked for, and
/// nothing is read to be thrown away. The last part of the sort key makes it unique in the whole list.
#[derive(Debug)]
pub struct Listing<E> {
    pub(crate) index: Index,
    pub(crate) partitions: Vec<String>,
    pub(crate) order: Order,
    pub(crate) from: String,
    pub(crate) to: String,
    of: PhantomData<fn() -> E>,
}

/// Sorts behind every sort key.
const LAST: char = char::MAX;

impl<E> Listing<E> {
    /// The same list, whatever it is of.
    pub fn of_anything(self) -> Listing<Anything> {
        let Self { index, partitions, order, from, to, .. } = self;
        Listing { index, partitions, order, from, to, of: PhantomData }
    }

    /// Whether another is the same list, whatever it is of.
    pub(crate) fn is_like<F>(&self, other: &Listing<F>) -> bool {
        (self.index, &self.partitions, self.order) == (other.index, &other.partitions, other.order)
            && (&self.from, &self.to) == (&other.from, &other.to)
    }

    /// All records of some partitions.
    pub fn new(index: Index, partitions: impl IntoIterator<Item = Partition>, order: Order) -> Self {
        let partitions = partitions.into_iter().map(|partition| partition.0).collect();
        Self { index, partitions, order, from: " ".to_owned(), to: LAST.to_string(), of: PhantomData }
    }

    /// Only those whose sort key begins with these parts.
    #[must_use]
    pub fn beginning(mut self, sort: &[&dyn Display]) -> Self {
        self.from = sort_key(sort);
        self.to = format!("{}{LAST}", self.from);
        self
    }

    /// Only those whose sort key is not below `from` and not above what begins with `to`.
    #[must_use]
    pub fn between(mut self, from: Option<&dyn Display>, to: Option<&dyn Display>) -> Self {
        if let Some(from) = from {
            self.from = from.to_string();
        }
        if let Some(to) = to {
            self.to = format!("{to}{LAST}");
        }
        self
    }

    /// Only those whose sort key begins with a part that is below `to`.
    #[must_use]
    pub fn before(mut self, to: Option<&dyn Display>) -> Self {
        if let Some(to) = to {
            self.to = to.to_string();
        }
        self
    }

    /// Only those whose sort key begins with these parts and goes on not below `from` and not above what begins with
    /// `to`.
    #[must_use]
    pub fn beginning_between(
        mut self,
        sort: &[&dyn Display],
        from: Option<&dyn Display>,
        to: Option<&dyn Display>,
    ) -> Self {
        let with = |part: Option<&dyn Display>| {
            let next = part.map(ToString::to_string).unwrap_or_default();
            let parts: Vec<&dyn Display> = sort.iter().copied().chain([&next as &dyn Display]).collect();
            sort_key(&parts)
        };
        if from.is_some() || !sort.is_empty() {
            self.from = with(from);
        }
        self.to = format!("{}{LAST}", with(to));
        self
    }

    /// Index, partitions and range, for documents and tests.
    pub fn parts(&self) -> (Index, &[String], &str, &str) {
        (self.index, &self.partitions, &self.from, &self.to)
    }
}

impl<E: Entity> Listing<E> {
    /// Where a record stands in the list; none where it is not in it.
    pub(crate) fn position_of(&self, scope: &E::Scope, stored: &Stored<E>) -> Option<String> {
        let indexes = stored.record.indexes(scope, stored.created_at);
        let (partition, sort) = match self.index {
            Index::Main => {
                let Key { pk, sk, .. } = stored.record.key(scope);
                (pk, sk)
            }
            Index::First => indexes.first?,
            Index::Second => indexes.second?,
            // It lists journal entries, which are no records.
            Index::Third => return None,
        };
        let is_in = self.partitions.contains(&partition) && self.from <= sort && sort <= self.to;
        is_in.then_some(sort)
    }
}
