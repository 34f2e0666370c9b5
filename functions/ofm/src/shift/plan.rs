//! When a shift is: from what the clocks on the wall show to what is the case (contract ofm §16).

use contract::{
    error::{Error, Result},
    time::{Date, Time, TimeZone},
    time_of_day::{Fold, TimeOfDay},
};

/// A shift is at least and at most so long.
const LEAST_MINUTES: i64 = 15;
const MOST_MINUTES: i64 = 24 * 60;

/// What the clocks show.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The day on which it begins.
    pub(super) date: Date,
    pub(super) start: (TimeOfDay, Fold),
    pub(super) end: (TimeOfDay, Fold),
    pub(super) zone: TimeZone,
}

/// What is the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) start_at: Time,
    pub(super) end_at: Time,
    /// How long that is.
    pub(super) minutes: i64,
}

impl Plan {
    /// When it begins and ends. An end that is not later than the beginning is on the next day; of the same time twice,
    /// the second is later.
    pub(super) fn times(&self) -> Result<Times> {
        let Self { date, start, end, zone } = self;
        if start == end {
            return Err(Error::field("end_time", "must differ from start_time"));
        }
        let is_overnight = end < start;
        let last = if is_overnight { date.civil().tomorrow().ok().map(Date::from) } else { Some(*date) };
        let skipped =
            |field| move || Error::field(field, "is not shown by the clocks on that day, which are set on");
        let start_at = start.0.on(*date, zone, start.1).ok_or_else(skipped("start_time"))?;
        let end_at = last.and_then(|last| end.0.on(last, zone, end.1)).ok_or_else(skipped("end_time"))?;
        let minutes = end_at.since(start_at).as_mins();
        if !(LEAST_MINUTES..=MOST_MINUTES).contains(&minutes) {
            return Err(Error::field("end_time", "must be 15 minutes to 24 hours after start_time"));
        }
        Ok(Times { start_at, end_at, minutes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(date: &str, start: (&str, Fold), end: (&str, Fold), zone: &str) -> Plan {
        Plan {
            date: date.parse().unwrap(),
            start: (start.0.parse().unwrap(), start.1),
            end: (end.0.parse().unwrap(), end.1),
            zone: zone.parse().unwrap(),
        }
    }

    fn minutes(date: &str, start: (&str, Fold), end: (&str, Fold)) -> Result<i64, String> {
        let times = plan(date, start, end, "Europe/Berlin").times();
        times.map(|times| times.minutes).map_err(|error| error.get("fields").unwrap()[0]["field"].to_string())
    }

    const ONE: Fold = Fold::First;
    const TWO: Fold = Fold::Second;

    #[test]
    fn a_shift_lasts_by_the_sun_and_not_by_the_clocks() {
        assert_eq!(minutes("2026-03-04", ("09:00", ONE), ("17:30", ONE)), Ok(510));
        assert_eq!(minutes("2026-03-04", ("22:00", ONE), ("06:00", ONE)), Ok(480));
        // The night in which the clocks are set on, and the one in which they are set back.
        assert_eq!(minutes("2026-03-28", ("22:00", ONE), ("06:00", ONE)), Ok(420));
        assert_eq!(minutes("2026-10-24", ("22:00", ONE), ("06:00", ONE)), Ok(540));
        assert_eq!(minutes("2026-10-25", ("02:30", ONE), ("02:30", TWO)), Ok(60));
        assert_eq!(minutes("2026-10-25", ("02:15", TWO), ("02:45", TWO)), Ok(30));
        assert_eq!(minutes("2026-10-25", ("02:00", ONE), ("02:15", TWO)), Ok(75));
    }

    #[test]
    fn what_cannot_be_worked_is_refused_by_name() {
        let (start, end) = (Err("\"start_time\"".to_owned()), Err("\"end_time\"".to_owned()));
        assert_eq!(minutes("2026-03-29", ("02:30", ONE), ("10:00", ONE)), start);
        assert_eq!(minutes("2026-03-28", ("22:00", ONE), ("02:30", ONE)), end);
        assert_eq!(minutes("2026-03-04", ("09:00", ONE), ("09:00", ONE)), end);
        assert_eq!(minutes("2026-03-04", ("09:00", ONE), ("09:14", ONE)), end);
        assert_eq!(minutes("2026-03-04", ("09:00", ONE), ("09:15", ONE)), Ok(15));
        // Shown once, so that both are the same moment.
        assert_eq!(minutes("2026-03-04", ("09:00", ONE), ("09:00", TWO)), end);
        // The second 02:30 is over when the first one comes on the next day.
        assert_eq!(minutes("2026-10-25", ("02:30", TWO), ("02:30", ONE)), Ok(1440));
        // 24 hours by the clocks are 25 in this night.
        assert_eq!(minutes("2026-10-24", ("12:00", ONE), ("11:59", ONE)), end);
        assert_eq!(minutes("2026-10-24", ("12:00", ONE), ("11:00", ONE)), Ok(1440));
        assert_eq!(minutes("9999-12-31", ("22:00", ONE), ("06:00", ONE)), start);
    }
}
