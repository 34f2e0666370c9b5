//! Times that a clock on the wall shows (ofm §16).

use std::{fmt, str::FromStr};

use jiff::{
    SignedDuration, civil,
    tz::{AmbiguousOffset, Offset},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    json::{json_string, whole_number},
    problem::Problem,
    time::{Date, Time, TimeZone},
};

/// A minute of the day: `09:30`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeOfDay(civil::Time);

/// Why the clocks of a zone do not show a time on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotShown {
    /// They are set on, and skip it.
    Skipped {
        /// The moment at which they are set on.
        change: Time,
        /// The day of the first minute that they show afterwards.
        date: Date,
        /// That minute.
        first: TimeOfDay,
    },
    /// It lies outside the years 1 to 9999.
    Outside,
}

impl TimeOfDay {
    /// The moment when the clocks of a zone show this on a day. Of a time that they show twice, the one that `fold`
    /// names.
    pub fn on(self, date: Date, zone: &TimeZone, fold: Fold) -> Result<Time, NotShown> {
        let local = date.civil().to_datetime(self.0);
        let ambiguous = zone.rules().to_ambiguous_timestamp(local);
        let offset = match (ambiguous.offset(), fold) {
            (AmbiguousOffset::Gap { before, after }, _) => {
                return Err(skipped(local, zone, before, after).unwrap_or(NotShown::Outside));
            }
            (AmbiguousOffset::Unambiguous { offset }, _) => offset,
            (AmbiguousOffset::Fold { after, .. }, Fold::Second) => after,
            (AmbiguousOffset::Fold { before, .. }, Fold::First) => before,
        };
        Time::from_local(local, offset).ok_or(NotShown::Outside)
    }
}

/// What skips a local time: the clocks are set from one offset to another.
fn skipped(local: civil::DateTime, zone: &TimeZone, before: Offset, after: Offset) -> Option<NotShown> {
    // Had the clocks not been set on, they would show it after the change.
    let late = Time::from_local(local, before)?.timestamp();
    let change = zone.rules().preceding(late.checked_add(SignedDuration::from_millis(1)).ok()?).next()?;
    let change = Time::from_millis(change.timestamp().as_millisecond())?;
    let shown = change.plus_seconds(after.seconds().into()).local(&TimeZone::UTC);
    let whole = if shown.second() == 0 { shown } else { shown.saturating_add(SignedDuration::from_mins(1)) };
    let first = civil::Time::constant(whole.hour(), whole.minute(), 0, 0);
    Some(NotShown::Skipped { change, date: whole.date().into(), first: TimeOfDay(first) })
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl fmt::Debug for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TimeOfDay {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        const PROBLEM: Problem = Problem::new("must be a time of the day such as 09:30");
        let [h1, h2, b':', m1, m2] = text.as_bytes() else { return Err(PROBLEM) };
        if ![h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) {
            return Err(PROBLEM);
        }
        let number =
            |tens: &u8, ones: &u8| i8::try_from((tens - b'0') * 10 + (ones - b'0')).unwrap_or(i8::MAX);
        civil::Time::new(number(h1, h2), number(m1, m2), 0, 0).map(Self).map_err(|_| PROBLEM)
    }
}

json_string!(TimeOfDay, to_string, {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"});

/// Which of two, where the clocks show a time twice because they are set back: 0 or 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "u8")]
pub enum Fold {
    /// The earlier one, and any time that is shown once.
    #[default]
    First,
    /// The later one.
    Second,
}

impl From<Fold> for u8 {
    fn from(fold: Fold) -> Self {
        match fold {
            Fold::First => 0,
            Fold::Second => 1,
        }
    }
}

impl<'de> Deserialize<'de> for Fold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match whole_number(deserializer)? {
            0 => Ok(Self::First),
            1 => Ok(Self::Second),
            _ => Err(serde::de::Error::custom("must be 0 or 1")),
        }
    }
}

impl JsonSchema for Fold {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fold".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "enum": [0, 1]})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn moment(time: &str, date: &str, zone: &str, fold: Fold) -> Option<String> {
        let time: TimeOfDay = time.parse().unwrap();
        let moment = time.on(date.parse().unwrap(), &zone.parse().unwrap(), fold);
        moment.ok().map(|moment| moment.to_string())
    }

    #[test]
    fn a_time_is_two_digits_twice() {
        for text in ["00:00", "09:30", "23:59"] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), text);
        }
        for text in ["", "9:30", "24:00", "12:60", "12:5", "12-30", "12:30:00", " 9:30", "+9:30", "１２:30"]
        {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
    }

    #[test]
    fn clocks_that_are_set_back_show_a_time_twice() {
        let berlin = |fold| moment("02:30", "2026-10-25", "Europe/Berlin", fold);
        assert_eq!(berlin(Fold::First).as_deref(), Some("2026-10-25T00:30:00.000Z"));
        assert_eq!(berlin(Fold::Second).as_deref(), Some("2026-10-25T01:30:00.000Z"));
    }

    #[test]
    fn clocks_that_are_set_on_skip_a_time() {
        for fold in [Fold::First, Fold::Second] {
            assert_eq!(moment("02:30", "2026-03-29", "Europe/Berlin", fold), None);
            let after = moment("03:00", "2026-03-29", "Europe/Berlin", fold);
            assert_eq!(after.as_deref(), Some("2026-03-29T01:00:00.000Z"));
        }
        // A whole day that a zone never had.
        assert_eq!(moment("12:00", "2011-12-30", "Pacific/Apia", Fold::First), None);
    }

    #[test]
    fn what_is_skipped_tells_the_change_and_what_is_shown_after_it() {
        for (time, date, zone, change, shown) in [
            ("02:30", "2026-03-29", "Europe/Berlin", "2026-03-29T01:00:00.000Z", "2026-03-29 03:00"),
            ("00:00", "2027-04-30", "Africa/Cairo", "2027-04-29T22:00:00.000Z", "2027-04-30 01:00"),
            ("02:15", "2026-10-04", "Australia/Lord_Howe", "2026-10-03T15:30:00.000Z", "2026-10-04 02:30"),
            ("12:00", "2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00.000Z", "2011-12-31 00:00"),
        ] {
            let time: TimeOfDay = time.parse().unwrap();
            match time.on(date.parse().unwrap(), &zone.parse().unwrap(), Fold::First) {
                Err(NotShown::Skipped { change: at, date, first }) => {
                    assert_eq!(
                        (at.to_string(), format!("{date} {first}")),
                        (change.to_owned(), shown.to_owned())
                    );
                }
                other => panic!("{zone}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_calendar_ends_with_the_year_9999() {
        let last = |zone| moment("20:00", "9999-12-31", zone, Fold::First);
        assert_eq!(last("Europe/Berlin").as_deref(), Some("9999-12-31T19:00:00.000Z"));
        assert_eq!(last("America/New_York"), None);
        assert_eq!(moment("00:00", "0001-01-01", "Asia/Tokyo", Fold::First), None);
    }

    #[test]
    fn a_fold_is_0_or_1() {
        let read = |value| serde_json::from_value::<Fold>(value);
        assert_eq!((read(json!(0)).unwrap(), read(json!(1)).unwrap()), (Fold::First, Fold::Second));
        for wrong in [json!(2), json!(-1), json!(1.0), json!("1"), json!(true)] {
            assert!(read(wrong).is_err());
        }
        assert_eq!(json!([Fold::First, Fold::Second]), json!([0, 1]));
    }

    proptest! {
        #[test]
        fn the_clocks_show_what_was_asked_for(
            day in 0_i64..20_000, hour in 0_u8..24, minute in 0_u8..60, second: bool,
            zone in prop::sample::select(vec!["America/New_York", "Africa/Cairo", "Asia/Beirut", "Pacific/Apia"]),
        ) {
            let zone: TimeZone = zone.parse().unwrap();
            let date = Time::EPOCH.plus_days(day).date_in(&TimeZone::UTC);
            let text = format!("{hour:02}:{minute:02}");
            let time: TimeOfDay = text.parse().unwrap();
            let fold = if second { Fold::Second } else { Fold::First };
            let shown = |moment: Time| moment.timestamp().to_zoned(zone.rules().clone()).datetime();
            match time.on(date, &zone, fold) {
                Ok(moment) => prop_assert_eq!(shown(moment), date.civil().to_datetime(time.0)),
                Err(NotShown::Skipped { change, date: day, first }) => {
                    // Just before the change they show less than was asked for, with it what comes first.
                    let before = shown(Time::from_millis(change.millis() - 1).unwrap());
                    prop_assert!(before < date.civil().to_datetime(time.0));
                    prop_assert_eq!(shown(change), day.civil().to_datetime(first.0));
                    prop_assert!(shown(change) > date.civil().to_datetime(time.0));
                }
                Err(NotShown::Outside) => prop_assert!(false, "no such day"),
            }
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,6}") {
            let _ = text.parse::<TimeOfDay>();
        }
    }
}
