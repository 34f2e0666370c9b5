//! Moments, days and time zones (contract §3).

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp, civil, tz::Offset};

pub use crate::time_zone::TimeZone;
use crate::{json::json_string, problem::Problem};

/// Where the count of milliseconds begins.
const EPOCH: civil::DateTime = civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

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

/// The number that these digits write.
fn number(digits: &[u8]) -> i16 {
    digits.iter().fold(0, |number, digit| number * 10 + i16::from(digit - b'0'))
}

/// The same of two digits.
fn two(digits: &[u8]) -> i8 {
    i8::try_from(number(digits)).unwrap_or(i8::MAX)
}

/// A moment in UTC, to the millisecond: `2026-03-04T05:06:07.123Z`, always with three digits, so that the written
/// form sorts by time. The years are 0001 to 9999, to the last millisecond: the timestamps of `jiff` end two days
/// earlier, so only its calendar is used, which does not.
///
/// Read as RFC 3339 with any offset; finer fractions are cut off.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time(i64);

impl Time {
    /// The beginning of 1970.
    pub const EPOCH: Self = Self(0);
    /// The beginning of the year 1.
    pub const MIN: Self = Self(-62_135_596_800_000);
    /// The end of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// So many milliseconds after the beginning of 1970; nothing outside the years 1 to 9999.
    pub fn from_millis(millis: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&millis).then_some(Self(millis))
    }

    /// Milliseconds since the beginning of 1970.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the beginning of 1970: the unit in which storage wants times of expiry.
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment when clocks that are so far from UTC show this.
    pub(crate) fn from_local(local: civil::DateTime, offset: Offset) -> Option<Self> {
        let shown = local.duration_since(EPOCH).as_millis();
        Self::from_millis(i64::try_from(shown).ok()? - i64::from(offset.seconds()) * 1000)
    }

    /// What the clocks of a zone show at this moment; at the ends of the calendar, the nearest that they can.
    pub(crate) fn local(self, zone: &TimeZone) -> civil::DateTime {
        let offset = zone.rules().to_offset(self.timestamp());
        self.civil().saturating_add(SignedDuration::from_secs(offset.seconds().into()))
    }

    fn civil(self) -> civil::DateTime {
        EPOCH.saturating_add(SignedDuration::from_millis(self.0))
    }

    /// The same moment, or the last one that `jiff` knows. No rule of a zone changes after it.
    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::MAX)
    }

    /// The moment so many seconds later. Past an end of the calendar it is that end.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        let millis = self.0.saturating_add(seconds.saturating_mul(1000));
        Self(millis.clamp(Self::MIN.0, Self::MAX.0))
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
        SignedDuration::from_millis(self.0 - earlier.0)
    }

    /// The day that the calendar shows in a time zone at this moment.
    pub fn date_in(self, zone: &TimeZone) -> Date {
        Date(self.local(zone).date().max(Date::FIRST))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.civil().date(), self.civil().time());
        write!(f, "{:04}-{:02}-{:02}T", date.year(), date.month(), date.day())?;
        write!(f, "{:02}:{:02}:{:02}.{:03}Z", time.hour(), time.minute(), time.second(), time.millisecond())
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Strictly RFC 3339 (contract §8): seconds 00 to 59, offsets of at most 23:59, no zone in brackets. `jiff` reads more.
impl FromStr for Time {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        const PROBLEM: Problem = Problem::new("must be a time such as 2026-03-04T05:06:07Z");
        let (start, rest) = text.as_bytes().split_at_checked(MOMENT.len()).ok_or(PROBLEM)?;
        if !is_shaped(start, MOMENT) {
            return Err(PROBLEM);
        }
        let (nanos, zone) = match rest {
            [b'.', fraction @ ..] => {
                let end = fraction.iter().position(|byte| !byte.is_ascii_digit()).ok_or(PROBLEM)?;
                (nanos_of(&fraction[..end]).ok_or(PROBLEM)?, &fraction[end..])
            }
            _ => (0, rest),
        };
        let date = date(&start[..DAY.len()]).ok_or(PROBLEM)?;
        let clock = civil::Time::new(two(&start[11..13]), two(&start[14..16]), two(&start[17..19]), nanos);
        let local = date.to_datetime(clock.map_err(|_| PROBLEM)?);
        Self::from_local(local, offset(zone).ok_or(PROBLEM)?).ok_or(PROBLEM)
    }
}

/// The day that ten digits and signs write, if there is one in the years from 1 on.
fn date(text: &[u8]) -> Option<civil::Date> {
    let date = civil::Date::new(number(&text[..4]), two(&text[5..7]), two(&text[8..10])).ok()?;
    (date >= Date::FIRST).then_some(date)
}

/// The milliseconds of a fraction of one digit or more, in nanoseconds.
fn nanos_of(fraction: &[u8]) -> Option<i32> {
    let first = fraction.first()?;
    let digits =
        [Some(first), fraction.get(1), fraction.get(2)].map(|digit| digit.map_or(0, |digit| digit - b'0'));
    Some(digits.iter().fold(0, |millis, digit| millis * 10 + i32::from(*digit)) * 1_000_000)
}

/// How far the clocks of a moment are from UTC.
fn offset(text: &[u8]) -> Option<Offset> {
    let (sign, time) = match text {
        [b'Z' | b'z'] => return Some(Offset::UTC),
        [b'+', time @ ..] => (1, time),
        [b'-', time @ ..] => (-1, time),
        _ => return None,
    };
    if !is_shaped(time, b"00:00") {
        return None;
    }
    let (hours, minutes) = (two(&time[..2]), two(&time[3..]));
    let seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
    if hours < 24 && minutes < 60 { Offset::from_seconds(seconds).ok() } else { None }
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
    /// The first day of the year 1.
    const FIRST: civil::Date = civil::Date::constant(1, 1, 1);

    /// The same day, for calendar arithmetic.
    pub fn civil(self) -> civil::Date {
        self.0
    }

    /// The next day; none after the last one of the calendar.
    pub fn tomorrow(self) -> Option<Self> {
        self.0.tomorrow().ok().map(Self)
    }

    /// When the day begins in UTC.
    pub fn in_utc(self) -> Time {
        let midnight = Time::from_local(self.0.to_datetime(civil::Time::midnight()), Offset::UTC);
        midnight.unwrap_or(Time::EPOCH)
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
        let day = is_shaped(text.as_bytes(), DAY).then(|| date(text.as_bytes())).flatten();
        day.map(Self).ok_or(Problem::new("must be a date such as 2026-03-04"))
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
            ("2026-03-04T05:06:07.1234567890123Z", "2026-03-04T05:06:07.123Z"),
            ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
            ("2026-03-05T05:05:07+23:59", "2026-03-04T05:06:07.000Z"),
            ("2026-03-03T05:07:07-23:59", "2026-03-04T05:06:07.000Z"),
            ("2026-03-04T05:06:07-00:00", "2026-03-04T05:06:07.000Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
            ("9999-12-31T23:59:59.9999999999+00:00", "9999-12-31T23:59:59.999Z"),
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
            "2026-03-04T05:06:60Z",
            "2016-12-31T23:59:60Z",
            "2026-03-04T05:60:07Z",
            "2026-03-04T05:06:07.Z",
            "2026-03-04T05:06:07.5",
            "2026-03-04T05:06:07+24:00",
            "2026-03-04T05:06:07-25:59",
            "2026-03-04T05:06:07+01:60",
            "2026-03-04T05:06:07+1:00",
            "2026-03-04T05:06:07+01:00:00",
            "2026-03-04T05:06:07+0é0",
            "2026-03-04T05:06:07+",
            "2026-03-04T05:06:07",
            "0000-01-01T00:00:00Z",
            "0000-12-31T23:59:59-01:00",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
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
        assert_eq!((start.plus_days(i64::MAX), start.plus_days(i64::MIN)), (Time::MAX, Time::MIN));
        assert_eq!((Time::MAX.plus_seconds(1), Time::MIN.plus_hours(-1)), (Time::MAX, Time::MIN));
        assert_eq!(Time::MAX.since(Time::MIN).as_millis(), 315_537_897_599_999);
        assert_eq!((Time::from_millis(Time::MAX.0 + 1), Time::from_millis(Time::MIN.0 - 1)), (None, None));
        assert_eq!(start.unix_seconds(), 1_772_600_767);
        assert_eq!(Time::from_millis(-1).unwrap().unix_seconds(), -1);
    }

    #[test]
    fn the_day_depends_on_the_zone() {
        let late = time("2026-03-04T23:30:00Z");
        assert_eq!(late.date_in(&TimeZone::UTC).to_string(), "2026-03-04");
        let [berlin, york] = ["Europe/Berlin", "America/New_York"].map(|zone| zone.parse().unwrap());
        assert_eq!(late.date_in(&berlin).to_string(), "2026-03-05");
        // At the ends of the calendar there is no other day.
        assert_eq!(Time::MAX.date_in(&berlin).to_string(), "9999-12-31");
        assert_eq!(Time::MIN.date_in(&york).to_string(), "0001-01-01");
        assert_eq!(time("9999-12-31T04:00:00Z").date_in(&york).to_string(), "9999-12-30");
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
        let last: Date = "9999-12-31".parse().unwrap();
        assert_eq!((last.in_utc(), last.tomorrow()), (time("9999-12-31T00:00:00Z"), None));
        for text in ["0000-12-31", "2026-02-29", "2026-2-3", "20260203", "2026-02-03T00:00:00Z", "-02-03", ""]
        {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_reads_as_it_is_shown_and_sorts_as_text(
            a in Time::MIN.0..=Time::MAX.0, b in Time::MIN.0..=Time::MAX.0,
        ) {
            let (a, b) = (Time::from_millis(a).unwrap(), Time::from_millis(b).unwrap());
            prop_assert_eq!(a.to_string().parse(), Ok(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn rfc_3339_is_read_and_nothing_else(
            year in 0_i64..=9999, month in 0_i64..=13, day in 0_i64..=32, hour in 0_i64..=25, minute in 0_i64..=61,
            second in 0_i64..=61, fraction in "(\\.[0-9]{0,12})?", off in 0_i64..=26, by in 0_i64..=61,
            sign in prop::sample::select(vec!["+", "-", "Z", ""]),
        ) {
            let zone = if sign == "+" || sign == "-" { format!("{sign}{off:02}:{by:02}") } else { sign.to_owned() };
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}");
            // Read by the grammar and the calendar of the standard, without a library.
            let leap = i64::from((year % 4 == 0 && year % 100 != 0) || year % 400 == 0);
            let lengths = [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            let there = usize::try_from(month - 1).ok().and_then(|month| lengths.get(month));
            let good = year > 0 && there.is_some_and(|last| (1..=*last).contains(&day))
                && hour < 24 && minute < 60 && second < 60 && fraction != "." && !sign.is_empty()
                && (sign == "Z" || (off < 24 && by < 60));
            let before: i64 = (1..year).map(|year| 365 + i64::from((year % 4 == 0 && year % 100 != 0) || year % 400 == 0)).sum();
            let days = before + lengths.iter().take(usize::try_from(month - 1).unwrap_or_default()).sum::<i64>() + day - 1;
            let ahead = match sign { "+" => off * 60 + by, "-" => -(off * 60 + by), _ => 0 };
            let digits = format!("{:0<3}", fraction.trim_start_matches('.'));
            let millis = ((days * 24 + hour) * 60 + minute - ahead) * 60_000 + second * 1000 + digits[..3].parse::<i64>().unwrap();
            let expected = Some(millis + Time::MIN.0).filter(|millis| good && (Time::MIN.0..=Time::MAX.0).contains(millis));
            prop_assert_eq!(text.parse::<Time>().ok().map(Time::millis), expected, "{}", text);
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,30}", tail in "[0-9.:Zz+-]{0,12}") {
            let _ = text.parse::<Time>();
            let _ = format!("2026-03-04T05:06:07{tail}").parse::<Time>();
        }
    }
}
