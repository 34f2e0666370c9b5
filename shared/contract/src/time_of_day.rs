//! Times that a clock on the wall shows (ofm §16).

use std::{fmt, str::FromStr};

use jiff::{civil, tz::AmbiguousOffset};
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

impl TimeOfDay {
    /// The moment when the clocks of a zone show this on a day. `None` for a time that they skip; of a time that they
    /// show twice, the one that `fold` names.
    pub fn on(self, date: Date, zone: &TimeZone, fold: Fold) -> Option<Time> {
        let local = date.civil().to_datetime(self.0);
        let ambiguous = zone.rules().to_ambiguous_timestamp(local);
        let moment = match (ambiguous.offset(), fold) {
            (AmbiguousOffset::Gap { .. }, _) => return None,
            (AmbiguousOffset::Fold { after, .. }, Fold::Second) => after.to_timestamp(local),
            (AmbiguousOffset::Unambiguous { offset }, _) => offset.to_timestamp(local),
            (AmbiguousOffset::Fold { before, .. }, Fold::First) => before.to_timestamp(local),
        };
        Time::try_from(moment.ok()?).ok()
    }
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
        moment.map(|moment| moment.to_string())
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
        ) {
            let zone: TimeZone = "America/New_York".parse().unwrap();
            let date = Time::EPOCH.plus_days(day).date_in(&TimeZone::UTC);
            let text = format!("{hour:02}:{minute:02}");
            let time: TimeOfDay = text.parse().unwrap();
            let fold = if second { Fold::Second } else { Fold::First };
            if let Some(moment) = time.on(date, &zone, fold) {
                let local = moment.timestamp().to_zoned(zone.rules().clone()).datetime();
                prop_assert_eq!(local, date.civil().to_datetime(time.0));
            }
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,6}") {
            let _ = text.parse::<TimeOfDay>();
        }
    }
}
