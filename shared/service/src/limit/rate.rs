//! How many requests are let through in which time.

use crate::route::Class;

const SECOND: i64 = 1_000_000_000;

/// So many requests in a time, and so many at once after a pause.
///
/// A bucket holds `burst` requests and is emptied by `requests` in each `period`; a request that it has no room for is
/// refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    requests: u32,
    period: i64,
    burst: u32,
}

impl Rate {
    /// Requests are reported to the table together: those that this time allows, in nanoseconds, but at least one.
    ///
    /// So a bucket is written at most 25 times a second, whatever its rate: far below the 1,000 that a partition
    /// takes.
    const SLICE: i64 = SECOND / 25;

    /// The rate of a route class (contract §11), with the whole of two seconds at once: whoever keeps to it in every
    /// second is never refused, for at the end of one second and the beginning of the next may come both.
    ///
    /// `percent` of the class's figure; none for 0, which is no limit.
    pub fn of_class(class: Class, percent: u32) -> Option<Self> {
        let (_, requests, ..) = class.figures();
        Self::scaled(requests, SECOND, 2, percent)
    }

    /// So many requests in a minute, which may come at once. `percent` of the figure; none for 0, which is no limit.
    pub fn per_minute(requests: u32, percent: u32) -> Option<Self> {
        Self::scaled(requests, 60 * SECOND, 1, percent)
    }

    fn scaled(requests: u32, period: i64, periods: u32, percent: u32) -> Option<Self> {
        let scaled = (u64::from(requests) * u64::from(percent)).div_ceil(100);
        let requests = u32::try_from(scaled).unwrap_or(u32::MAX / 2).min(u32::MAX / 2);
        (requests > 0).then_some(Self { requests, period, burst: requests * periods })
    }

    /// What one request pours into the bucket, in nanoseconds.
    pub(crate) fn cost(self) -> i64 {
        (self.period / i64::from(self.requests)).max(1)
    }

    /// As how many requests one counts that stands for so many: never more than the bucket holds, so that after a pause
    /// there is room for each.
    pub(crate) fn fitting(self, weight: u32) -> u32 {
        weight.clamp(1, self.burst)
    }

    /// What the bucket holds, in nanoseconds.
    pub(crate) fn depth(self) -> i64 {
        self.cost() * i64::from(self.burst)
    }

    /// So many requests are reported together.
    pub(crate) fn slice(self) -> u32 {
        u32::try_from(Self::SLICE / self.cost()).unwrap_or(u32::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_the_contract() {
        let figures = |class| {
            let rate = Rate::of_class(class, 100).unwrap();
            (rate.cost(), rate.depth(), rate.slice())
        };
        assert_eq!(figures(Class::A), (20_000_000, 2 * SECOND, 2));
        assert_eq!(figures(Class::B), (3_333_333, 1_999_999_800, 12));
        assert_eq!(figures(Class::C), (333_333, 1_999_998_000, 120));
        assert_eq!(figures(Class::D), (1_000_000, 2 * SECOND, 40));
    }

    #[test]
    fn a_deployment_may_have_other_figures() {
        assert_eq!(Rate::of_class(Class::A, 0), None);
        assert_eq!(Rate::of_class(Class::A, 10).unwrap().cost(), SECOND / 5);
        assert_eq!(Rate::of_class(Class::A, 1).unwrap().cost(), SECOND, "never less than one");
        assert_eq!(Rate::of_class(Class::C, u32::MAX).unwrap().cost(), 1);
        let slow = Rate::per_minute(60, 100).unwrap();
        assert_eq!((slow.cost(), slow.depth(), slow.slice()), (SECOND, 60 * SECOND, 1));
        assert_eq!([0, 1, 60, 99].map(|weight| slow.fitting(weight)), [1, 1, 60, 60]);
    }
}
