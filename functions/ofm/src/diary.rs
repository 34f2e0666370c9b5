//! What a person does when, so that it never overlaps (contract ofm §16, §17).
//!
//! A diary has one item for each day of UTC, with everything that touches the day. Whatever lasts 24 hours at most
//! touches two days; whatever overlaps it touches one of them. So a change reads those days, and is written on the
//! condition that they are as it read them.

use std::collections::BTreeSet;

use contract::{
    error::Result,
    ids::UserGuid,
    revision,
    time::{Date, Time, TimeZone},
};
use serde::{Deserialize, Serialize};
use service::{Ctx, Writer};
use store::{Batch, Entity, Key, Org, Stored, classes};
use uuid::Uuid;

use crate::keys;

/// What a diary is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Diary {
    /// Shifts that are scheduled or active.
    Shifts,
    /// Timesheet entries that are not void. An open one counts as if it lasted 24 hours.
    Timesheet,
}

/// A span of time, exclusive of its end, and what fills it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The id of what fills it.
    pub id: Uuid,
    /// When it begins.
    pub start: Time,
    /// When it ends.
    pub end: Time,
}

impl Span {
    fn overlaps(&self, other: &Self) -> bool {
        self.id != other.id && self.start < other.end && other.start < self.end
    }

    /// The days of UTC that it touches.
    fn days(&self) -> impl Iterator<Item = Date> {
        let last = Time::from_millis(self.end.millis() - 1).unwrap_or(self.start);
        [self.start, last].into_iter().map(|time| time.date_in(&TimeZone::UTC))
    }
}

/// A day of a person's diary.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DiaryDay {
    /// What it is about.
    pub diary: Diary,
    /// The person.
    pub user_guid: UserGuid,
    /// The day, of UTC.
    pub day: Date,
    /// What touches it.
    pub spans: Vec<Span>,
}

classes!(DiaryDay { diary: Plain, user_guid: Plain, day: Plain, spans: Plain });

impl Entity for DiaryDay {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "diary-day";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::diary::day(org, self.diary, self.user_guid, self.day)
    }

    fn id(&self) -> String {
        format!("{}:{}", self.user_guid, self.day)
    }
}

/// The days of a person's diary that a change of it touches, as they were read.
pub(crate) struct Page {
    diary: Diary,
    user_guid: UserGuid,
    days: Vec<(Date, Option<Stored<DiaryDay>>)>,
}

impl Page {
    /// Reads the days that these spans touch, in one round trip.
    pub(crate) async fn read(ctx: &Ctx, diary: Diary, user_guid: UserGuid, spans: &[Span]) -> Result<Self> {
        let org = ctx.org()?;
        let days: BTreeSet<Date> = spans.iter().flat_map(Span::days).collect();
        let key = |day: &Date| keys::diary::day(org, diary, user_guid, *day);
        let mut batch = Batch::default();
        for day in &days {
            batch.want(&key(day));
        }
        let found = ctx.read(batch).await?;
        let days = days.iter().map(|day| Ok((*day, found.get(&key(day))?)));
        Ok(Self { diary, user_guid, days: days.collect::<Result<_>>()? })
    }

    /// The id of what overlaps with a span, if anything does.
    pub(crate) fn overlapping(&self, span: &Span) -> Option<Uuid> {
        let days = self.days.iter().filter_map(|(_, stored)| stored.as_ref());
        days.flat_map(|stored| &stored.record.spans).find(|other| other.overlaps(span)).map(|other| other.id)
    }

    /// Writes one span in the place of another, or of none. Who comes second decides again.
    pub(crate) fn put(
        &self,
        change: &mut Writer,
        org: &Org,
        was: Option<&Span>,
        is: Option<&Span>,
    ) -> Result<()> {
        for (day, stored) in &self.days {
            let before = stored.as_ref().map(|stored| stored.record.spans.clone()).unwrap_or_default();
            let mut spans = before.clone();
            spans.retain(|span| was.is_none_or(|was| was.id != span.id));
            spans.extend(is.filter(|is| is.days().any(|touched| touched == *day)));
            if spans != before {
                let record = DiaryDay { diary: self.diary, user_guid: self.user_guid, day: *day, spans };
                change.keep(org, stored.as_ref(), record)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(id: u128, start: i64, minutes: i64) -> Span {
        let start = Time::EPOCH.plus_minutes(start);
        Span { id: Uuid::from_u128(id), start, end: start.plus_minutes(minutes) }
    }

    #[test]
    fn what_ends_as_the_next_begins_does_not_overlap() {
        assert!(!span(1, 0, 60).overlaps(&span(2, 60, 60)) && !span(2, 60, 60).overlaps(&span(1, 0, 60)));
        assert!(span(1, 0, 61).overlaps(&span(2, 60, 60)) && span(1, 0, 600).overlaps(&span(2, 60, 60)));
        assert!(!span(1, 0, 60).overlaps(&span(1, 30, 60)), "what is moved does not overlap with itself");
        let midnight = span(1, 0, 24 * 60);
        assert_eq!(midnight.days().collect::<BTreeSet<_>>().len(), 1);
    }

    proptest! {
        #[test]
        fn whatever_overlaps_touches_a_day_of_both(
            a in 0_i64..5_000, b in 0_i64..5_000,
            long in 1_i64..=24 * 60, wide in 1_i64..=24 * 60,
        ) {
            let (one, two) = (span(1, a, long), span(2, b, wide));
            let shares = one.days().any(|day| two.days().any(|other| other == day));
            prop_assert!(shares || !one.overlaps(&two));
            prop_assert_eq!(one.overlaps(&two), a < b + wide && b < a + long);
        }
    }
}
