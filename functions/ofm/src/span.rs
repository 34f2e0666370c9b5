//! What lists of shifts and timesheet entries are asked for: whose, and on which days (contract ofm §16, §17).

use contract::{
    error::{Error, Result},
    ids::{LogicalGuid, UserGuid},
    time::{Date, Time},
};
use service::Ctx;
use store::Index;

use crate::crew;

/// Whose shifts or entries a list holds.
#[derive(Clone, Copy, Debug)]
pub enum Whose {
    /// Those at a facility.
    Facility(LogicalGuid),
    /// Those of a person.
    Person(UserGuid),
}

impl Whose {
    /// What a request names: one of both.
    pub(crate) fn named(logical: Option<LogicalGuid>, user: Option<UserGuid>) -> Result<Self> {
        match (logical, user) {
            (Some(_), Some(_)) => Err(Error::field("user_guid", "must not stand beside logical_guid")),
            (None, None) => Err(Error::field("logical_guid", "is required, or user_guid")),
            (Some(logical), None) => Ok(Self::Facility(logical)),
            (None, Some(user)) => Ok(Self::Person(user)),
        }
    }

    /// That the facility or the person is there.
    pub(crate) async fn must_be_there(self, ctx: &Ctx) -> Result<()> {
        match self {
            Self::Facility(logical) => ctx.place(logical).await?.facility().map(drop),
            Self::Person(user) => crew::person(ctx, user, "user_guid").await.map(drop),
        }
    }

    /// Where such a list is kept.
    pub(crate) fn index(self) -> Index {
        match self {
            Self::Facility(_) => Index::First,
            Self::Person(_) => Index::Second,
        }
    }
}

/// So many days are listed at once.
const MOST_DAYS: i32 = 62;
/// A day begins at most so many hours before it does in UTC, and ends at most so many after.
const AHEAD_HOURS: i64 = 14;
const BEHIND_HOURS: i64 = 12;

/// Some days of the calendar, whatever the time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days {
    from: Date,
    to: Date,
}

impl Days {
    /// One day, or from one to another.
    pub(crate) fn asked(date: Option<Date>, from: Option<Date>, to: Option<Date>) -> Result<Self> {
        match (date, from, to) {
            (Some(date), None, None) => Ok(Self { from: date, to: date }),
            (Some(_), ..) => Err(Error::field("date", "must not stand beside from or to")),
            (None, Some(from), Some(to)) => Self::between(from, to),
            (None, None, None) => Err(Error::field("date", "is required, or from and to")),
            (None, None, Some(_)) => Err(Error::field("from", "is required with to")),
            (None, Some(_), None) => Err(Error::field("to", "is required with from")),
        }
    }

    /// From one day to another, both included.
    pub(crate) fn between(from: Date, to: Date) -> Result<Self> {
        let days = (to.civil() - from.civil()).get_days();
        if to < from {
            return Err(Error::field("to", "must not be before from"));
        }
        if days >= MOST_DAYS {
            return Err(Error::field("to", "must be less than 62 days after from"));
        }
        Ok(Self { from, to })
    }

    /// Whether a day is one of them.
    pub(crate) fn contains(self, day: Date) -> bool {
        (self.from..=self.to).contains(&day)
    }

    /// All moments that are on one of the days somewhere: what is found there is still to be looked at.
    pub(crate) fn window(self) -> [Time; 2] {
        [self.from.in_utc().plus_hours(-AHEAD_HOURS), self.to.in_utc().plus_hours(24 + BEHIND_HOURS)]
    }
}

#[cfg(test)]
mod tests {
    use contract::time::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn up_to_62_days_are_asked_for() {
        let [first, last, late] = ["2026-03-01", "2026-05-01", "2026-05-02"].map(|text| Some(day(text)));
        assert!(Days::asked(first, None, None).is_ok() && Days::asked(None, first, last).is_ok());
        for wrong in [
            (None, None, None),
            (first, first, None),
            (None, first, None),
            (None, None, last),
            (None, last, first),
            (None, first, late),
        ] {
            assert!(Days::asked(wrong.0, wrong.1, wrong.2).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_on_a_day_is_in_its_window(minutes in 0_i64..30_000_000, zone in prop::sample::select(vec![
            "Pacific/Kiritimati", "Etc/GMT+12", "UTC", "Europe/Berlin", "Asia/Kolkata",
        ])) {
            let moment = Time::EPOCH.plus_minutes(minutes);
            let zone: TimeZone = zone.parse().unwrap();
            let date = moment.date_in(&zone);
            let [from, to] = Days::between(date, date).unwrap().window();
            prop_assert!(from <= moment && moment < to);
        }
    }
}
