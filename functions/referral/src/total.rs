//! The totals of a mentor (referral §7).

use std::{fmt, str::FromStr};

use contract::{
    error::Result,
    foreign_id::{ForeignId, InPath},
    problem::Problem,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;
use service::{Answer, Class, Ctx, OrgFrom, Route, get, read};

use crate::{
    OTHERS_PER_MINUTE,
    access::READERS,
    keys,
    totals::{Count, Of},
};

/// The routes.
pub static ROUTES: &[Route] = &[Route {
    call: get("/mentor/{mentorId}/total").named("/attribution/total"),
    summary: "Tell how many clicks and confirmed recruitments a mentor has",
    class: Class::B,
    org: OrgFrom::Deployment,
    access: READERS,
    errors: &[],
    handler: &read(total).limited_per_address(&OTHERS_PER_MINUTE),
}];

/// A month of the calendar in UTC: `2026-03`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month of a moment.
    pub fn of(time: Time) -> Self {
        let date = time.date_in(&contract::time::TimeZone::UTC).civil();
        Self { year: date.year(), month: date.month() }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// Which part of time a total is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// All of it.
    AllTime,
    /// One month.
    Month(Month),
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllTime => f.write_str("all_time"),
            Self::Month(month) => month.fmt(f),
        }
    }
}

impl FromStr for Period {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        const PROBLEM: Problem = Problem::new("must be all_time or a month such as 2026-03");
        if text == "all_time" {
            return Ok(Self::AllTime);
        }
        let digits = |part: &str, length: usize| {
            (part.len() == length && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?
        };
        let (year, month) = text.split_once('-').ok_or(PROBLEM)?;
        let year: i16 = digits(year, 4).ok_or(PROBLEM)?;
        let month = digits(month, 2).and_then(|month| i8::try_from(month).ok());
        let month = month.filter(|month| (1..=12).contains(month)).ok_or(PROBLEM)?;
        Ok(Self::Month(Month { year, month }))
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A month of the calendar in UTC, or all time.",
            "type": "string",
            "pattern": "^(all_time|[0-9]{4}-(0[1-9]|1[0-2]))$",
        })
    }
}

/// A share in thousandths, written as a number with at most 3 decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate(i64);

impl Rate {
    /// How many of the clicks became conversions: rounded half to even; 0 without clicks.
    pub(crate) fn of(count: Count) -> Self {
        let Count { clicks, conversions } = count;
        if clicks <= 0 {
            return Self(0);
        }
        let (whole, rest) = (1000 * conversions / clicks, 1000 * conversions % clicks);
        let is_up = match (2 * rest).cmp(&clicks) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => whole % 2 == 1,
            std::cmp::Ordering::Greater => true,
        };
        Self(whole + i64::from(is_up))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0 / 1000, self.0 % 1000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(ser::Error::custom)?.serialize(serializer)
    }
}

impl JsonSchema for Rate {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "number", "minimum": 0})
    }
}

/// What a mentor has.
#[derive(Clone, Deserialize, JsonSchema)]
struct Total {
    /// The mentor.
    #[serde(rename = "mentorId")]
    mentor_id: InPath,
    /// Of which time: a month, or all of it unless given.
    period: Option<Period>,
}

/// How many clicks and confirmed recruitments there are.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MentorTotal")]
struct TotalView {
    /// The mentor.
    mentor_id: ForeignId,
    /// Clicks ever recorded and not deleted, converted ones included.
    total_clicks: i64,
    /// Confirmed recruitments.
    total_conversions: i64,
    /// Conversions by clicks, to 3 decimals. In a month it may pass 1: clicks count in theirs, conversions in their own.
    conversion_rate: Rate,
    /// Of which time.
    period: Period,
}

async fn total(ctx: Ctx, input: Total) -> Result<Answer<TotalView>> {
    let mentor_id = input.mentor_id.named()?;
    let period = input.period.unwrap_or(Period::AllTime);
    let tallies = keys::total::of_period(ctx.org()?, &Of::Mentor(mentor_id.clone()), period);
    let count = Count::of(&ctx.tallies(&tallies).await?.sum());
    Ok(Answer::new(TotalView {
        mentor_id,
        total_clicks: count.clicks,
        total_conversions: count.conversions,
        conversion_rate: Rate::of(count),
        period,
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rate(conversions: i64, clicks: i64) -> String {
        serde_json::to_string(&Rate::of(Count { clicks, conversions })).unwrap()
    }

    #[test]
    fn rates_have_at_most_three_decimals_rounded_half_to_even() {
        for (conversions, clicks, shown) in [
            (12, 94, "0.128"),
            (1, 3, "0.333"),
            (2, 3, "0.667"),
            (1, 2, "0.5"),
            (0, 5, "0"),
            (0, 0, "0"),
            (3, 0, "0"),
            (5, 5, "1"),
            (4, 3, "1.333"),
            // 0.0005 and 0.0015: halves, to even.
            (1, 2000, "0"),
            (3, 2000, "0.002"),
            (5, 2000, "0.002"),
            (1, 100, "0.01"),
        ] {
            assert_eq!(rate(conversions, clicks), shown, "{conversions} / {clicks}");
        }
        assert_eq!(serde_json::to_value(Rate(128)).unwrap(), json!(0.128));
    }

    #[test]
    fn periods() {
        for good in ["all_time", "2026-03", "0000-01", "9999-12"] {
            let period: Period = serde_json::from_value(json!(good)).unwrap();
            assert_eq!(serde_json::to_value(period).unwrap(), json!(good));
        }
        for bad in
            ["", "all", "2026", "2026-3", "2026-00", "2026-13", "26-03", "2026-03-01", "+026-03", "2026/03"]
        {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
        let month = Month::of("2026-03-31T23:59:59.999Z".parse().unwrap());
        assert_eq!("2026-03".parse(), Ok(Period::Month(month)));
    }

    proptest! {
        #[test]
        fn a_rate_is_the_nearest_thousandth(conversions in 0_i64..1_000_000, clicks in 1_i64..1_000_000) {
            let Rate(thousandths) = Rate::of(Count { clicks, conversions });
            let twice_off = (2 * (1000 * conversions - thousandths * clicks)).abs();
            prop_assert!(twice_off <= clicks);
            prop_assert!(twice_off < clicks || thousandths % 2 == 0);
            let shown = rate(conversions, clicks);
            let (whole, decimals) = shown.split_once('.').unwrap_or((&shown, ""));
            let read: i64 = format!("{whole}{decimals:0<3}").parse().unwrap();
            prop_assert_eq!(read, thousandths);
        }
    }
}
