//! One line of the table of access patterns.

use crate::key::{Index, Key, Listing, Order};

/// How a pattern reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// One item by its whole key.
    Get,
    /// A page of one or more partitions.
    Query,
}

/// A question that the table answers, as `docs/access-patterns.md` shows it.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// The function that makes the key: `cost_centre::by_guid`.
    pub name: &'static str,
    /// The question.
    pub question: &'static str,
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
    pub fn get<E>(name: &'static str, question: &'static str, sample: &Key<E>) -> Self {
        let (pk, sk) = sample.parts();
        Self {
            name,
            question,
            operation: Operation::Get,
            index: Index::Main,
            partitions: vec![pk.to_owned()],
            sort: format!("= `{sk}`"),
        }
    }

    /// A pattern that reads a page.
    pub fn query<E>(name: &'static str, question: &'static str, sample: &Listing<E>) -> Self {
        let (index, partitions, from, _) = sample.parts();
        let order = match sample.order {
            Order::Ascending => "ascending",
            Order::Descending => "descending",
        };
        let sort = if from == " " { order.to_owned() } else { format!("from `{from}`, {order}") };
        Self { name, question, operation: Operation::Query, index, partitions: partitions.to_vec(), sort }
    }
}
