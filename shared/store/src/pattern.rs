//! One line of the table of access patterns.

use crate::{
    bucket::Bucket,
    entity::Entity,
    key::{Index, Key, Listing, Order},
};

/// What a key or a list finds, by name.
pub trait Kind {
    /// For example `cost-centre`.
    const NAME: &'static str;
}

impl<E: Entity> Kind for E {
    const NAME: &'static str = E::TYPE;
}

/// How a pattern asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// One item by its whole key.
    Get,
    /// A page of one or more partitions.
    Query,
    /// A count that is read by its whole key and added to.
    Count,
}

/// A question that the table answers, as `docs/access-patterns.md` shows it.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// The function that makes the key: `ofm::keys::cost_centre::by_guid`.
    pub name: &'static str,
    /// The kind of record that it finds.
    pub entity: &'static str,
    /// How it is read.
    pub operation: Operation,
    /// Where it is read.
    pub index: Index,
    /// Partition keys of a sample.
    pub partitions: Vec<String>,
    /// Sort key or range of a sample.
    pub sort: String,
}

impl Pattern {
    /// A pattern that reads one item.
    pub fn get<E: Kind>(name: &'static str, sample: &Key<E>) -> Self {
        Self::item(name, E::NAME, Operation::Get, sample)
    }

    /// A pattern that counts how much of a rate is used.
    pub fn bucket(name: &'static str, sample: &Key<Bucket>) -> Self {
        Self::item(name, Bucket::TYPE, Operation::Count, sample)
    }

    fn item<E>(name: &'static str, entity: &'static str, operation: Operation, sample: &Key<E>) -> Self {
        let (pk, sk) = sample.parts();
        Self {
            name,
            entity,
            operation,
            index: Index::Main,
            partitions: vec![pk.to_owned()],
            sort: format!("= `{sk}`"),
        }
    }

    /// A pattern that reads a page.
    pub fn query<E: Kind>(name: &'static str, sample: &Listing<E>) -> Self {
        let (index, partitions, from, to) = sample.parts();
        let order = match sample.order {
            Order::Ascending => "ascending",
            Order::Descending => "descending",
        };
        let to = to.trim_end_matches(char::MAX);
        let sort = match (from.trim(), to) {
            ("", "") => order.to_owned(),
            (from, "") => format!("from `{from}`, {order}"),
            ("", to) => format!("up to `{to}`, {order}"),
            (from, to) if from == to => format!("begins with `{from}`, {order}"),
            (from, to) => format!("from `{from}` up to `{to}`, {order}"),
        };
        Self {
            name,
            entity: E::NAME,
            operation: Operation::Query,
            index,
            partitions: partitions.to_vec(),
            sort,
        }
    }

    /// Whether the read sees every write that was answered before: an index follows the table a little later.
    pub fn is_consistent(&self) -> bool {
        self.index == Index::Main
    }
}
