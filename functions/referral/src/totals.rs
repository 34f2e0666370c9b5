//! Which totals a change adds to (referral §7). Each is changed in the transaction that changes the record, so a total
//! is always the recount of the records.

use std::{collections::BTreeMap, fmt};

use contract::{attribution_id::AttributionId, foreign_id::ForeignId};
use service::Writer;
use store::{Figures, Org, Tally};

use crate::{attribution::Attribution, keys, total::Month};

const CLICKS: &str = "clicks";
const CONVERSIONS: &str = "conversions";

/// Whose total.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// The org's.
    Org,
    /// A mentor's.
    Mentor(ForeignId),
}

/// Which of the tallies of a total.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shard {
    /// One of those that are added to at random.
    Random(u8),
    /// The one to which a mentor's conversions are added, one after the other: for each is told with the new total.
    InOrder,
}

impl Shard {
    /// The one to which an attribution is added.
    pub fn of(id: &AttributionId) -> Self {
        Self::Random(id.spread() % keys::total::SHARDS)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random(shard) => write!(f, "{shard:02}"),
            Self::InOrder => f.write_str("in-order"),
        }
    }
}

/// A total, or what is added to one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Clicks ever recorded and not deleted, converted ones included.
    pub clicks: i64,
    /// Confirmed ones.
    pub conversions: i64,
}

impl Count {
    /// One click.
    pub const CLICK: Self = Self { clicks: 1, conversions: 0 };
    /// One conversion of a click that is counted.
    pub const CONVERSION: Self = Self { clicks: 0, conversions: 1 };

    /// What a tally tells.
    pub fn of(tally: &Tally) -> Self {
        Self { clicks: tally.get(CLICKS), conversions: tally.get(CONVERSIONS) }
    }

    /// What an attribution counts.
    pub fn of_record(record: &Attribution) -> Self {
        Self { clicks: 1, conversions: i64::from(record.confirmed_at.is_some()) }
    }

    /// What is to be added to a tally.
    pub fn figures(self) -> Figures {
        Figures::new([(CLICKS, self.clicks), (CONVERSIONS, self.conversions)])
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { clicks: self.clicks + other.clicks, conversions: self.conversions + other.conversions }
    }

    /// What leads back.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { clicks: -self.clicks, conversions: -self.conversions }
    }
}

/// Clicks are of the month of the click, conversions of that of the confirmation.
pub fn by_month(record: &Attribution, count: Count) -> Vec<(Month, Count)> {
    let clicks = (Month::of(record.clicked_at), Count { conversions: 0, ..count });
    let confirmed_at = record.confirmed_at.unwrap_or(record.clicked_at);
    let conversions = (Month::of(confirmed_at), Count { clicks: 0, ..count });
    let mut months: BTreeMap<Month, Count> = BTreeMap::new();
    for (month, count) in [clicks, conversions] {
        let sum = months.entry(month).or_default();
        *sum = sum.plus(count);
    }
    months.into_iter().filter(|(_, count)| *count != Count::default()).collect()
}

/// Adds what a change of an attribution counts to every total that it is part of. `seen` is the mentor's tally in order,
/// where the change tells the new total.
pub(crate) fn add(change: &mut Writer, org: &Org, record: &Attribution, count: Count, seen: Option<&Tally>) {
    let shard = Shard::of(&record.id);
    let mentor = Of::Mentor(record.mentor_id.clone());
    for of in [&Of::Org, &mentor] {
        for (month, count) in by_month(record, count) {
            change.count(&keys::total::month(org, of, month, shard), count.figures());
        }
    }
    change.count(&keys::total::all_time(org, &Of::Org, shard), count.figures());
    let clicks = Count { conversions: 0, ..count }.figures();
    if !clicks.is_empty() {
        change.count(&keys::total::all_time(org, &mentor, shard), clicks);
    }
    let conversions = Count { clicks: 0, ..count }.figures();
    let in_order = keys::total::all_time(org, &mentor, Shard::InOrder);
    match seen {
        _ if conversions.is_empty() => {}
        Some(seen) => change.count_after(&in_order, conversions, seen),
        None => change.count(&in_order, conversions),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use store::{Chance, SeededChance};

    use super::*;

    fn record(clicked_at: &str, confirmed_at: Option<&str>) -> Attribution {
        Attribution {
            id: "attr_a1b2c3".parse().unwrap(),
            code: "JAN-VERV-8F3A".parse().unwrap(),
            mentor_id: "usr_4491".parse().unwrap(),
            window_days: 30,
            new_member_id: None,
            ip_address: None,
            user_agent: None,
            referrer_url: None,
            clicked_at: clicked_at.parse().unwrap(),
            confirmed_at: confirmed_at.map(|time| time.parse().unwrap()),
        }
    }

    #[test]
    fn months_are_those_of_click_and_confirmation() {
        let months = |record: &Attribution, count| -> Vec<(String, Count)> {
            by_month(record, count).into_iter().map(|(month, count)| (month.to_string(), count)).collect()
        };
        let click = record("2026-03-31T23:59:59.999Z", None);
        assert_eq!(months(&click, Count::CLICK), [("2026-03".to_owned(), Count::CLICK)]);
        let late = record("2026-03-31T23:59:59.999Z", Some("2026-04-01T00:00:00Z"));
        assert_eq!(months(&late, Count::CONVERSION), [("2026-04".to_owned(), Count::CONVERSION)]);
        assert_eq!(
            months(&late, Count::of_record(&late)),
            [("2026-03".to_owned(), Count::CLICK), ("2026-04".to_owned(), Count::CONVERSION)]
        );
        let same = record("2026-03-01T00:00:00Z", Some("2026-03-31T00:00:00Z"));
        let both = Count { clicks: 1, conversions: 1 };
        assert_eq!(months(&same, Count::of_record(&same)), [("2026-03".to_owned(), both)]);
        assert_eq!(months(&same, both.negated()), [("2026-03".to_owned(), both.negated())]);
    }

    #[test]
    fn every_shard_is_met() {
        let chance = SeededChance::new(7);
        let now = "2026-03-04T08:00:00Z".parse().unwrap();
        let shards: BTreeSet<_> =
            (0..2_000).map(|_| Shard::of(&AttributionId::from_uuid(chance.uuid(now)))).collect();
        assert_eq!(shards.len(), usize::from(keys::total::SHARDS));
    }

    proptest! {
        #[test]
        fn what_is_added_and_taken_away_is_nothing(clicks in -9_i64..9, conversions in -9_i64..9) {
            let count = Count { clicks, conversions };
            prop_assert_eq!(count.plus(count.negated()), Count::default());
        }
    }
}
