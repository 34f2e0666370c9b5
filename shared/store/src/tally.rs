//! Tallies: figures that many requests add to at once, so that a total is read and not counted.
//!
//! A tally is an item without a history. What is added is written with the change that it counts, as one transaction;
//! a hot total is kept as several tallies of one list, whose sum it is.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{
    error::{Error, Result},
    paging::Limit,
};

use crate::{
    client::Store,
    codec::Item,
    key::{Index, Listing},
    pattern::Kind,
    read::string,
};

/// The type of the items.
pub(crate) const TYPE: &str = "tally";
/// The attribute that holds how many changes were added.
pub(crate) const CHANGES: &str = "changes";
/// Figures are attributes of the item itself, for nothing can be added inside of a map that is not there yet. Their
/// names begin so, that none is taken for another attribute.
const PREFIX: &str = "n_";

/// What a change adds to a tally: names of figures, and by how much.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures(Vec<(&'static str, i64)>);

impl Figures {
    /// By so much each.
    pub fn new(increments: impl IntoIterator<Item = (&'static str, i64)>) -> Self {
        Self(increments.into_iter().filter(|(_, by)| *by != 0).collect())
    }

    /// Whether nothing is added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attributes to be raised.
    pub(crate) fn increments(self) -> Vec<(String, i64)> {
        let figures = self.0.into_iter().map(|(name, by)| (format!("{PREFIX}{name}"), by));
        figures.chain([(CHANGES.to_owned(), 1)]).collect()
    }
}

/// The figures of one tally, or the sum of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many changes were added. While it is the same, so are the figures.
    pub changes: i64,
    figures: BTreeMap<String, i64>,
}

impl Tally {
    /// A figure; 0 where nothing was ever added to it.
    pub fn get(&self, name: &str) -> i64 {
        self.figures.get(name).copied().unwrap_or(0)
    }

    fn decode(item: &Item) -> Result<Self> {
        let number = |value: &AttributeValue| -> Result<i64> {
            let digits = value.as_n().map_err(|_| Error::internal("a tally holds what is no number"))?;
            digits.parse().map_err(Error::internal)
        };
        let figures = item.iter().filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value)));
        let figures = figures.map(|(name, value)| Ok((name.to_owned(), number(value)?)));
        Ok(Self {
            changes: item.get(CHANGES).map(number).transpose()?.unwrap_or(0),
            figures: figures.collect::<Result<_>>()?,
        })
    }

    fn add(&mut self, other: &Self) {
        self.changes += other.changes;
        for (name, figure) in &other.figures {
            *self.figures.entry(name.clone()).or_default() += figure;
        }
    }
}

impl Kind for Tally {
    const NAME: &'static str = TYPE;
}

/// The tallies of a list, by their sort keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tallies(BTreeMap<String, Tally>);

impl Tallies {
    /// The sum of all.
    pub fn sum(&self) -> Tally {
        self.0.values().fold(Tally::default(), |mut sum, tally| {
            sum.add(tally);
            sum
        })
    }

    /// The sums of those whose sort keys begin alike: up to the first separator.
    pub fn by_first_part(&self) -> BTreeMap<&str, Tally> {
        let mut sums: BTreeMap<&str, Tally> = BTreeMap::new();
        for (sort, tally) in &self.0 {
            let part = sort.split(crate::key::SEPARATOR).next().unwrap_or_default();
            sums.entry(part).or_default().add(tally);
        }
        sums
    }

    /// The one with this sort key.
    pub fn at(&self, sort: &str) -> Tally {
        self.0.get(sort).cloned().unwrap_or_default()
    }
}

impl Store {
    /// Every tally of a list, strongly consistent. The items are a few dozen bytes each, so a total is one query.
    ///
    /// # Panics
    /// Where the list is one of an index: tallies are in none.
    pub async fn tallies(&self, list: &Listing<Tally>) -> Result<Tallies> {
        assert_eq!(list.index, Index::Main, "tallies are in no index");
        let (mut tallies, mut after) = (BTreeMap::new(), None);
        loop {
            let (items, more) = self.items(list, after.as_deref(), Limit::MOST.get()).await?;
            after = items.last().map(|item| string(item, "sk"));
            for item in &items {
                tallies.insert(string(item, "sk"), Tally::decode(item)?);
            }
            if !more {
                return Ok(Tallies(tallies));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(changes: i64, figures: &[(&str, i64)]) -> Tally {
        let figures = figures.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect();
        Tally { changes, figures }
    }

    #[test]
    fn nothing_is_added_for_nothing() {
        assert!(Figures::new([("clicks", 0)]).is_empty());
        let increments = Figures::new([("clicks", -1), ("conversions", 0)]).increments();
        assert_eq!(increments, [("n_clicks".to_owned(), -1), ("changes".to_owned(), 1)]);
    }

    #[test]
    fn a_total_is_the_sum_of_its_tallies() {
        let tallies = Tallies(BTreeMap::from([
            ("2026-03|1".to_owned(), tally(2, &[("clicks", 3)])),
            ("2026-03|2".to_owned(), tally(1, &[("clicks", -1), ("conversions", 1)])),
            ("2026-04|1".to_owned(), tally(1, &[("clicks", 5)])),
        ]));
        assert_eq!(tallies.sum(), tally(4, &[("clicks", 7), ("conversions", 1)]));
        let by_month = tallies.by_first_part();
        assert_eq!(by_month["2026-03"], tally(3, &[("clicks", 2), ("conversions", 1)]));
        assert_eq!(by_month["2026-04"].get("conversions"), 0);
        assert_eq!(tallies.at("2026-04|1").get("clicks"), 5);
        assert_eq!(tallies.at("2026-05|1"), Tally::default());
    }
}
