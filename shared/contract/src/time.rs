//! Moments, days and time zones (contract §3).

use std::{fmt, str::FromStr};

use jiff::{
    SignedDuration, Timestamp, civil,
    fmt::{StdFmtWrite, temporal::DateTimePrinter},
    tz::Offset,
};

pub use crate::time_zone::TimeZone;
use crate::{json::json_string, problem::Problem};

/// Shows moments with exactly three digits of the second, so that they sort as text.
const MILLISECONDS: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// The digits that a moment and a day begin with, whatever follows. `jiff` also reads shorter forms and others.
const MOMENT: &[u8] = b"0000-00-00T00:00:00";
const DAY: &[u8] = b"0000-00-00";

/// Whether digits and signs stand where the model has them; letters in either case.
fn is_shaped(text: &[u8], model: &[u8]) -> bool {
    let fits = |(byte, model): (&u8, &u8)| match model {
        b'0' => byte.is_ascii_digit(),
        _ => byte.eq_ignore_ascii_case(model),
    };
    text.len() == model.len() && text.iter().zip(model).all(fits)
}

/// A moment in UTC, to the millisecond: `2026-03-04T05:06:07.123Z`, always with three digits, so that the written
/// form sorts by time.
///
/// Read as RFC 3339 with any offset; finer fractions are cut off.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time(Timestamp);

impl Time {
    /// The beginning of 1970.
    pub const EPOCH: Self = Self(Timestamp::UNIX_EPOCH);

    /// So many milliseconds after the beginning of 1970; nothing outside the years 0 to 9999.
    pub fn from_millis(millis: i64) -> Option<Self> {
        let timestamp = Timestamp::from_millisecond(millis).ok()?;
        // Years before 0 are written with a sign and would sort wrongly.
        (Offset::UTC.to_datetime(timestamp).year() >= 0).then_some(Self(timestamp))
    }

    /// Milliseconds since the beginning of 1970.
    pub fn millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Whole seconds since the beginning of 1970: the unit in which storage wants times of expiry.
    pub fn unix_seconds(self) -> i64 {
        self.millis().div_euclid(1000)
    }

    /// The same moment, for calendar arithmetic.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// The moment so many seconds later. Past the end of time it stays where it is.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        self.millis().checked_add(seconds.saturating_mul(1000)).and_then(Self::from_millis).unwrap_or(self)
    }

    /// The moment so many minutes later; as [`Self::plus_seconds`].
    #[must_use]
    pub fn plus_minutes(self, minutes: i64) -> Self {
        self.plus_seconds(minutes.saturating_mul(60))
    }

    /// The moment so many hours later; as [`Self::plus_seconds`].
    #[must_use]
    pub fn plus_hours(self, hours: i64) -> Self {
        self.plus_seconds(hours.saturating_mul(3600))
    }

    /// The moment so many times 24 hours later; as [`Self::plus_seconds`].
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(86_400))
    }

    /// How long ago `earlier` was; negative when it is yet to come.
    pub fn since(self, earlier: Self) -> SignedDuration {
        self.0.duration_since(earlier.0)
    }

    /// The day that the calendar shows in a time zone at this moment.
    pub fn date_in(self, zone: &TimeZone) -> Date {
        Date(self.0.to_zoned(zone.rules().clone()).date())
    }
}

/// Finer fractions are cut off.
impl TryFrom<Timestamp> for Time {
    type Error = Problem;

    fn try_from(timestamp: Timestamp) -> Result<Self, Problem> {
        Self::from_millis(timestamp.as_millisecond()).ok_or(Problem::new("must be in the years 0 to 9999"))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        MILLISECONDS.print_timestamp(&self.0, StdFmtWrite(f)).map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Time {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        const PROBLEM: Problem = Problem::new("must be a time such as 2026-03-04T05:06:07Z");
        let (start, rest) = text.as_bytes().split_at_checked(MOMENT.len()).ok_or(PROBLEM)?;
        // `jiff` reads more than RFC 3339: offsets of hours alone and with seconds, and zones in brackets.
        let offset = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.').ok_or(PROBLEM)?;
        let is_offset = match &rest[offset..] {
            [b'Z' | b'z'] => true,
            [b'+' | b'-', time @ ..] => is_shaped(time, b"00:00"),
            _ => false,
        };
        if !is_shaped(start, MOMENT) || !is_offset {
            return Err(PROBLEM);
        }
        text.parse::<Timestamp>().map_err(|_| PROBLEM)?.try_into()
    }
}

json_string!(Time, to_string, {"type": "string", "format": "date-time"});

/// A moment as the referral page shows it: the fraction of a second only where there is one, `2026-03-20T14:22:00Z`.
#[derive(Clone, Copy, Debug)]
pub struct Moment(pub Time);

impl serde::Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_string().replace(".000Z", "Z"))
    }
}

impl schemars::JsonSchema for Moment {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        Time::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Time::json_schema(generator)
    }
}

/// A day of the calendar: `2026-03-04`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date(civil::Date);

impl Date {
    /// The same day, for calendar arithmetic.
    pub fn civil(self) -> civil::Date {
        self.0
    }

    /// When the day begins in UTC.
    pub fn in_utc(self) -> Time {
        let midnight = Offset::UTC.to_timestamp(self.0.to_datetime(civil::Time::midnight()));
        midnight.ok().and_then(|midnight| Time::try_from(midnight).ok()).unwrap_or(Time::EPOCH)
    }
}

impl From<civil::Date> for Date {
    fn from(date: civil::Date) -> Self {
        Self(date)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Date {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let date = if is_shaped(text.as_bytes(), DAY) { text.parse().ok() } else { None };
        date.map(Self).ok_or(Problem::new("must be a date such as 2026-03-04"))
    }
}

json_string!(Date, to_string, {"type": "string", "format": "date"});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn any_offset_is_read_and_milliseconds_are_kept() {
        for (given, shown) in [
            ("2026-03-04T05:06:07Z", "2026-03-04T05:06:07.000Z"),
            ("2026-03-04T05:06:07.5z", "2026-03-04T05:06:07.500Z"),
            ("2026-03-04t07:06:07.1239999+02:00", "2026-03-04T05:06:07.123Z"),
            ("2026-03-03T23:36:07.001-05:30", "2026-03-04T05:06:07.001Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(time(given).to_string(), shown, "{given}");
            assert_eq!(serde_json::to_value(time(given)).unwrap(), json!(shown));
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "now",
            "2026-03-04",
            "2026-03-04T05:06:07",
            "2026-03-04T05:06Z",
            "2026-03-04 05:06:07Z",
            "20260304T050607Z",
            "2026-03-04T05:06:07+02",
            "2026-03-04T05:06:07+0200",
            "2026-03-04T05:06:07Z[UTC]",
            "2026-03-04T05:06:07,5Z",
            "2026-02-29T05:06:07Z",
            "2026-03-04T24:06:07Z",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59Z",
        ] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
        assert!(serde_json::from_value::<Time>(json!(1_772_600_767)).is_err());
    }

    #[test]
    fn arithmetic_is_in_seconds_and_stays_on_the_calendar() {
        let start = time("2026-03-04T05:06:07.123Z");
        assert_eq!(start.plus_seconds(60), start.plus_minutes(1));
        assert_eq!(start.plus_minutes(60), start.plus_hours(1));
        assert_eq!(start.plus_hours(24), start.plus_days(1));
        assert_eq!(start.plus_days(-4).to_string(), "2026-02-28T05:06:07.123Z");
        assert_eq!(start.plus_hours(48).since(start), SignedDuration::from_hours(48));
        assert!(start.since(start.plus_seconds(1)).is_negative());
        assert_eq!(start.plus_days(i64::MAX), start);
        assert_eq!(start.unix_seconds(), 1_772_600_767);
        assert_eq!(Time::from_millis(-1).unwrap().unix_seconds(), -1);
    }

    #[test]
    fn the_day_depends_on_the_zone() {
        let late = time("2026-03-04T23:30:00Z");
        assert_eq!(late.date_in(&TimeZone::UTC).to_string(), "2026-03-04");
        assert_eq!(late.date_in(&"Europe/Berlin".parse().unwrap()).to_string(), "2026-03-05");
    }

    #[test]
    fn a_fraction_is_shown_where_there_is_one() {
        let shown = |text| serde_json::to_value(Moment(time(text))).unwrap();
        assert_eq!(shown("2026-03-20T14:22:00Z"), json!("2026-03-20T14:22:00Z"));
        assert_eq!(shown("2026-03-20T14:22:00.120Z"), json!("2026-03-20T14:22:00.120Z"));
    }

    #[test]
    fn days() {
        let date: Date = serde_json::from_value(json!("2028-02-29")).unwrap();
        assert_eq!(serde_json::to_value(date).unwrap(), json!("2028-02-29"));
        assert_eq!(date.in_utc(), time("2028-02-29T00:00:00Z"));
        for text in ["2026-02-29", "2026-2-3", "20260203", "2026-02-03T00:00:00Z", "-02-03", ""] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_reads_as_it_is_shown_and_sorts_as_text(
            a in -62_167_219_200_000_i64..253_402_207_200_000,
            b in -62_167_219_200_000_i64..253_402_207_200_000,
        ) {
            let (a, b) = (Time::from_millis(a).unwrap(), Time::from_millis(b).unwrap());
            prop_assert_eq!(a.to_string().parse(), Ok(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,30}", tail in "[0-9.:Zz+-]{0,12}") {
            let _ = text.parse::<Time>();
            let _ = format!("2026-03-04T05:06:07{tail}").parse::<Time>();
        }
    }
}
