//! How long was worked: in UTC, so that no change of the clocks counts (contract ofm §17).

use contract::{
    error::{Error, Result},
    text::Text,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MOST_HOURS;

/// A break within an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Break {
    /// When it began.
    pub start: Time,
    /// When it ended.
    pub end: Time,
    /// Whether it counts as worked; it does not unless given.
    pub paid: Option<bool>,
    /// What it was.
    pub label: Option<Text<1, 64>>,
}

/// So many breaks has an entry at most.
pub const MOST_BREAKS: usize = 16;
/// A time that is given is at most so far ahead.
const AHEAD_MINUTES: i64 = 2;
/// … and so far back: for oneself, and for another person.
const OWN_MINUTES: i64 = 10;
const OTHERS_DAYS: i64 = 31;

/// How long an entry is, in whole minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// From its beginning to its end.
    pub duration: i64,
    /// All breaks, each rounded down.
    pub breaks: i64,
    /// The duration without the breaks that are not paid.
    pub worked: i64,
}

impl Hours {
    /// Those of an entry that ended.
    pub fn of(clock_in: Time, clock_out: Time, breaks: &[Break]) -> Self {
        let minutes = |from: Time, to: Time| to.since(from).as_mins();
        let length = |pause: &Break| minutes(pause.start, pause.end);
        let duration = minutes(clock_in, clock_out);
        let unpaid: i64 = breaks.iter().filter(|pause| pause.paid != Some(true)).map(length).sum();
        Self { duration, breaks: breaks.iter().map(length).sum(), worked: duration - unpaid }
    }
}

/// Breaks as they are kept: each says whether it is paid.
pub(super) fn told(breaks: Vec<Break>) -> Vec<Break> {
    breaks.into_iter().map(|pause| Break { paid: Some(pause.paid == Some(true)), ..pause }).collect()
}

/// Refuses breaks that are not inside the entry, or not apart from each other. An open entry lasts to `until`.
pub(super) fn check_breaks(breaks: &[Break], clock_in: Time, until: Time) -> Result<()> {
    if breaks.len() > MOST_BREAKS {
        return Err(Error::field("breaks", format!("must have at most {MOST_BREAKS} entries")));
    }
    for (n, pause) in breaks.iter().enumerate() {
        let refuse = |field: &str, problem: &str| Err(Error::field(format!("breaks[{n}].{field}"), problem));
        if pause.end <= pause.start {
            return refuse("end", "must be later than start");
        }
        if pause.start < clock_in {
            return refuse("start", "must not be before clock_in");
        }
        if pause.end > until {
            return refuse("end", "must not be after clock_out");
        }
        if breaks[..n].iter().any(|other| other.start < pause.end && pause.start < other.end) {
            return refuse("start", "must not be in another break");
        }
    }
    Ok(())
}

/// Reads a time that was given: one that is a little ahead is now, because the clock of a till may be (ofm §17). Fails if
/// it is too far from now.
pub(super) fn given(field: &str, given: Option<Time>, now: Time, is_own: bool) -> Result<Option<Time>> {
    let Some(given) = given else { return Ok(None) };
    let back = if is_own { now.plus_minutes(-OWN_MINUTES) } else { now.plus_days(-OTHERS_DAYS) };
    if given > now.plus_minutes(AHEAD_MINUTES) {
        return Err(Error::field(field, "must not be more than 2 minutes ahead"));
    }
    if given < back {
        let most = if is_own { "10 minutes" } else { "31 days" };
        return Err(Error::field(field, format!("must not be more than {most} back")));
    }
    Ok(Some(given.min(now)))
}

/// Refuses an end that makes the entry end before it began, or last too long.
pub(super) fn check_length(clock_in: Time, clock_out: Time) -> Result<()> {
    if clock_out < clock_in {
        return Err(Error::field("clock_out", "must not be before clock_in"));
    }
    if clock_out > clock_in.plus_hours(MOST_HOURS) {
        return Err(Error::field("clock_out", "must be at most 24 hours after clock_in"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Time {
        Time::EPOCH.plus_seconds(seconds)
    }

    fn pause(start: i64, end: i64, paid: Option<bool>) -> Break {
        Break { start: at(start), end: at(end), paid, label: None }
    }

    #[test]
    fn minutes_are_whole_and_rounded_down() {
        let hours = Hours::of(
            at(0),
            at(8 * 3600 + 59),
            &[pause(3600, 3600 + 30 * 60 + 59, None), pause(7200, 7200 + 15 * 60, Some(true))],
        );
        assert_eq!(hours, Hours { duration: 480, breaks: 45, worked: 450 });
    }

    #[test]
    fn the_night_in_which_the_clocks_change_is_as_long_as_it_is() {
        let night =
            |from: &str, to: &str| Hours::of(from.parse().unwrap(), to.parse().unwrap(), &[]).duration;
        assert_eq!(night("2026-03-28T22:00:00+01:00", "2026-03-29T06:00:00+02:00"), 420);
        assert_eq!(night("2026-10-24T22:00:00+02:00", "2026-10-25T06:00:00+01:00"), 540);
    }

    #[test]
    fn breaks_are_inside_and_apart() {
        let check = |breaks: &[Break]| {
            let refused = check_breaks(breaks, at(100), at(200)).err();
            refused.map(|error| error.get("fields").unwrap()[0]["field"].as_str().unwrap().to_owned())
        };
        assert_eq!(check(&[pause(100, 120, None), pause(120, 200, None)]), None);
        assert_eq!(check(&[pause(99, 120, None)]).as_deref(), Some("breaks[0].start"));
        assert_eq!(check(&[pause(150, 201, None)]).as_deref(), Some("breaks[0].end"));
        assert_eq!(check(&[pause(150, 150, None)]).as_deref(), Some("breaks[0].end"));
        let twice = [pause(100, 120, None), pause(119, 130, None)];
        assert_eq!(check(&twice).as_deref(), Some("breaks[1].start"));
        let many: Vec<_> = (0..17).map(|n| pause(100 + n, 101 + n, None)).collect();
        assert_eq!(check(&many).as_deref(), Some("breaks"));
        assert_eq!(check(&many[..16]), None);
    }

    #[test]
    fn times_are_given_within_reason() {
        let now = at(10_000_000);
        let read = |time: Time, is_own| given("clock_in", Some(time), now, is_own);
        let good = |time: Time, is_own| read(time, is_own).is_ok();
        assert_eq!(given("clock_in", None, now, true).unwrap(), None);
        assert_eq!(read(now.plus_seconds(-1), true).unwrap(), Some(now.plus_seconds(-1)));
        for ahead in [0, 1, 120] {
            assert_eq!(read(now.plus_seconds(ahead), true).unwrap(), Some(now), "no time ahead is kept");
        }
        assert!(good(now.plus_minutes(2), true) && !good(now.plus_seconds(121), false));
        assert!(good(now.plus_minutes(-10), true) && !good(now.plus_seconds(-601), true));
        assert!(good(now.plus_days(-31), false) && !good(now.plus_seconds(-31 * 86_400 - 1), false));
        assert!(check_length(now, now.plus_hours(24)).is_ok());
        assert!(check_length(now, now).is_ok(), "an entry may have no length");
        assert!(check_length(now, now.plus_seconds(-1)).is_err());
        assert!(check_length(now, now.plus_seconds(86_401)).is_err());
    }

    proptest! {
        #[test]
        fn nobody_works_longer_than_they_are_there(
            length in 60_i64..86_400,
            cuts in proptest::collection::vec((0_i64..86_400, proptest::option::of(any::<bool>())), 0..8),
        ) {
            let mut cuts: Vec<_> = cuts.into_iter().filter(|(cut, _)| *cut < length).collect();
            cuts.sort_unstable();
            let breaks: Vec<_> = cuts.windows(2)
                .filter(|pair| pair[0].0 < pair[1].0)
                .step_by(2)
                .map(|pair| pause(pair[0].0, pair[1].0, pair[0].1))
                .collect();
            prop_assert!(check_breaks(&breaks, at(0), at(length)).is_ok());
            let hours = Hours::of(at(0), at(length), &breaks);
            prop_assert!(0 <= hours.worked && hours.worked <= hours.duration);
            prop_assert!(hours.duration - hours.worked <= hours.breaks && hours.breaks <= hours.duration);
        }
    }
}
