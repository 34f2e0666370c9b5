//! When a shift is: from what the clocks on the wall show to what is the case (contract ofm §16).

use contract::{
    error::{Error, Result},
    time::{Date, Time, TimeZone},
    time_of_day::{Fold, NotShown, TimeOfDay},
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
    /// When it begins and ends. A beginning that the clocks skip is refused, an end that they skip is when they do. An end that is not later than the beginning is on the next day; of the same time twice,
    /// the second is later.
    pub(super) fn times(&self) -> Result<Times> {
        let Self { date, start, end, zone } = self;
        if start == end {
            return Err(Error::field("end_time", "must differ from start_time"));
        }
        let is_overnight = end < start;
        let last = if is_overnight { date.tomorrow() } else { Some(*date) };
        let start_at = start.0.on(*date, zone, start.1).map_err(|why| refused(*date, why))?;
        let end_at = match last.map(|last| end.0.on(last, zone, end.1)) {
            // Whoever works until the clocks are set on has worked until then.
            Some(Ok(moment) | Err(NotShown::Skipped { change: moment, .. })) => moment,
            Some(Err(NotShown::Outside)) | None => return Err(Error::field("end_time", OUTSIDE)),
        };
        let minutes = end_at.since(start_at).as_mins();
        if !(LEAST_MINUTES..=MOST_MINUTES).contains(&minutes) {
            return Err(Error::field("end_time", "must be 15 minutes to 24 hours after start_time"));
        }
        Ok(Times { start_at, end_at, minutes })
    }
}

const OUTSIDE: &str = "must be in the years 0001 to 9999, in UTC too";

/// Why nothing begins at a time of this day.
fn refused(day: Date, why: NotShown) -> Error {
    match why {
        NotShown::Skipped { date, first, .. } if date == day => Error::field(
            "start_time",
            format!(
                "is skipped by the clocks on that day, which are set on: the first valid time is {first}"
            ),
        ),
        NotShown::Skipped { date, first, .. } => Error::field(
            "start_time",
            format!("is skipped by the clocks, which are set on: the first valid time is {first} on {date}"),
        ),
        NotShown::Outside => Error::field("start_time", OUTSIDE),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
        // The end is skipped: it is 02:00, when the clocks are set on.
        assert_eq!(minutes("2026-03-28", ("22:00", ONE), ("02:30", ONE)), Ok(240));
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
        assert_eq!(minutes("9999-12-31", ("22:00", ONE), ("06:00", ONE)), end);
        assert_eq!(minutes("0001-01-01", ("00:00", ONE), ("08:00", ONE)), start);
        assert_eq!(minutes("9999-12-31", ("14:00", ONE), ("22:00", ONE)), Ok(480));
        assert_eq!(minutes("9999-12-30", ("22:00", ONE), ("06:00", ONE)), Ok(480));
    }

    #[test]
    fn the_years_are_told_at_both_ends_of_the_calendar() {
        for (date, start, end, field) in
            [("0001-01-01", "00:00", "08:00", "start_time"), ("9999-12-31", "22:00", "06:00", "end_time")]
        {
            let error = plan(date, (start, ONE), (end, ONE), "Europe/Berlin").times().unwrap_err();
            let problem = json!({"field": field, "problem": "must be in the years 0001 to 9999, in UTC too"});
            assert_eq!(error.get("fields"), Some(&json!([problem])), "{date}");
        }
    }

    #[test]
    fn a_midnight_that_is_skipped_ends_a_shift_and_begins_none() {
        let times =
            |start: &str, end: &str| plan("2027-04-29", (start, ONE), (end, ONE), "Africa/Cairo").times();
        let evening = times("16:00", "00:00").unwrap();
        assert_eq!((evening.end_at.to_string().as_str(), evening.minutes), ("2027-04-29T22:00:00.000Z", 480));
        assert_eq!(times("16:00", "01:00").unwrap(), evening);
        assert_eq!(times("16:00", "00:59").unwrap(), evening);
        let night = plan("2027-04-30", ("00:30", ONE), ("06:00", ONE), "Africa/Cairo").times().unwrap_err();
        let problem = night.get("fields").unwrap()[0]["problem"].to_string();
        assert!(problem.contains("the first valid time is 01:00\""), "{problem}");
        let gone = plan("2011-12-30", ("09:00", ONE), ("12:00", ONE), "Pacific/Apia").times().unwrap_err();
        let problem = gone.get("fields").unwrap()[0]["problem"].to_string();
        assert!(problem.contains("the first valid time is 00:00 on 2011-12-31"), "{problem}");
    }
}
