//! What one sandbox knows of one bucket, and what it decides by that. No clock and no table: see the tests.

use super::rate::Rate;

/// A sandbox that was told that a bucket is filling looks at it for so long.
const WATCHED: i64 = 60_000_000_000;
/// What was read of a bucket counts as fresh for so long.
const FRESH: i64 = 50_000_000;
/// After a report that failed none is tried for so long.
const SILENCE: i64 = 1_000_000_000;

/// One bucket as one sandbox sees it. All times are Unix nanoseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Local {
    /// Until when the bucket of all sandboxes is not empty, as the table last told.
    shared_until: i64,
    /// When it told.
    told_at: i64,
    /// The same, of a bucket that this sandbox alone pours into.
    own_until: i64,
    /// Requests that were let through and are not reported yet.
    unreported: u32,
    watched_until: i64,
    silent_until: i64,
}

impl Local {
    /// A bucket that the sandbox meets for the first time. `phase` is any number.
    ///
    /// Reporting begins at a random place within a slice: so of all the sandboxes that a route has, however few
    /// requests each of them gets, just as many have a slice to report as there are slices in what they let through
    /// together.
    pub(super) fn new(rate: Rate, phase: u32) -> Self {
        Self { unreported: phase % rate.slice(), ..Self::default() }
    }

    /// Lets a request through that counts as so many, or says for how many seconds there is no room.
    pub(super) fn admit(&mut self, rate: Rate, now: i64, weight: u32) -> Result<(), u32> {
        self.room(rate, now, weight)?;
        let weight = rate.fitting(weight);
        self.own_until = self.own_until.max(now).saturating_add(poured(rate, weight));
        self.unreported = self.unreported.saturating_add(weight);
        Ok(())
    }

    /// Whether there is room for a request that counts as so many; if not, for how many seconds, rounded up.
    pub(super) fn room(&self, rate: Rate, now: i64, weight: u32) -> Result<(), u32> {
        let full = self.shared_until.max(self.own_until).saturating_sub(now).max(0);
        let over = full.saturating_add(poured(rate, rate.fitting(weight))).saturating_sub(rate.depth());
        if over <= 0 {
            return Ok(());
        }
        let seconds = u64::try_from(over).unwrap_or(0).div_ceil(1_000_000_000);
        Err(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    /// Takes what is to be reported with the next request: nanoseconds, and whether the bucket is thought to run.
    /// None while there is not a whole slice.
    pub(super) fn take_report(&mut self, rate: Rate, now: i64) -> Option<(i64, bool)> {
        if self.unreported < rate.slice() || now < self.silent_until {
            return None;
        }
        let requests = std::mem::take(&mut self.unreported);
        Some((poured(rate, requests), now < self.shared_until))
    }

    /// Whether the bucket is to be read with the next request: others may fill it faster than this sandbox learns.
    pub(super) fn is_watched(&self, now: i64) -> bool {
        now < self.watched_until && now.saturating_sub(self.told_at) >= FRESH
    }

    /// What the table tells of the bucket.
    pub(super) fn told(&mut self, rate: Rate, until: i64, now: i64) {
        // Answers may overtake each other; a bucket's time never goes back.
        self.shared_until = self.shared_until.max(until);
        self.told_at = now;
        if self.shared_until.saturating_sub(now) > rate.depth() / 4 {
            self.watched_until = now.saturating_add(WATCHED);
        }
    }

    /// A report failed: what was in it is not counted, and the sandbox's own bucket is all that limits it meanwhile.
    pub(super) fn failed(&mut self, now: i64) {
        self.silent_until = now.saturating_add(SILENCE);
    }

    /// Whether nothing would be lost but the place within a slice.
    pub(super) fn is_idle(&self, now: i64) -> bool {
        self.own_until.max(self.shared_until).max(self.watched_until) <= now
    }
}

/// What so many requests pour into a bucket, in nanoseconds.
fn poured(rate: Rate, requests: u32) -> i64 {
    rate.cost().saturating_mul(i64::from(requests))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;
    use crate::route::Class;

    const SECOND: i64 = 1_000_000_000;
    const START: i64 = 1_772_611_200 * SECOND;

    fn class(class: Class) -> Rate {
        Rate::of_class(class, 100).unwrap()
    }

    fn all() -> [Rate; 5] {
        let minute = Rate::per_minute(60, 100).unwrap();
        [class(Class::A), class(Class::B), class(Class::C), class(Class::D), minute]
    }

    proptest! {
        #[test]
        fn in_no_span_more_is_let_through_than_the_burst_and_the_rate(
            which in 0..5usize,
            pauses in prop::collection::vec(prop_oneof![Just(0i64), 0..50_000_000i64, 0..3 * SECOND], 1..400),
        ) {
            let rate = all()[which];
            let mut local = Local::new(rate, 0);
            let (mut now, mut passed) = (START, VecDeque::new());
            for pause in pauses {
                now += pause;
                if local.admit(rate, now, 1).is_ok() {
                    passed.push_back(now);
                }
            }
            for (n, from) in passed.iter().enumerate() {
                for (more, to) in passed.iter().skip(n).enumerate() {
                    let poured = i64::try_from(more + 1).unwrap() * rate.cost();
                    prop_assert!(poured <= rate.depth() + (to - from));
                }
            }
        }

        #[test]
        fn who_keeps_to_the_figure_in_every_second_is_never_refused(
            which in 0..4usize,
            starts in prop::collection::vec(0..SECOND, 1..12),
        ) {
            let rate = all()[which];
            let mut local = Local::new(rate, 0);
            let requests = SECOND / rate.cost();
            for (second, start) in (0i64..).zip(starts) {
                // All of a second's at one moment of it.
                for _ in 0..requests {
                    prop_assert_eq!(local.admit(rate, START + second * SECOND + start, 1), Ok(()));
                }
            }
        }

        #[test]
        fn after_the_seconds_that_it_names_there_is_room(
            which in 0..5usize,
            more in 0..20_000u32,
            weight in 0..200u32,
        ) {
            let rate = all()[which];
            let mut local = Local::new(rate, 0);
            let mut refused = None;
            for _ in 0..more {
                refused = local.admit(rate, START, weight).err();
            }
            if let Some(seconds) = refused {
                prop_assert!(seconds >= 1);
                prop_assert_eq!(local.room(rate, START + i64::from(seconds) * SECOND, weight), Ok(()));
            }
        }

        #[test]
        fn one_that_counts_as_many_takes_and_reports_as_much_as_many(
            which in 0..5usize,
            weights in prop::collection::vec(0..200u32, 1..20),
        ) {
            let rate = all()[which];
            let (mut heavy, mut light) = (Local::new(rate, 0), Local::new(rate, 0));
            for weight in weights {
                if heavy.admit(rate, START, weight).is_ok() {
                    for _ in 0..rate.fitting(weight) {
                        prop_assert_eq!(light.admit(rate, START, 1), Ok(()));
                    }
                }
            }
            prop_assert_eq!(heavy.room(rate, START, 1), light.room(rate, START, 1));
            prop_assert_eq!(heavy.take_report(rate, START), light.take_report(rate, START));
        }
    }

    /// Sandboxes that share a bucket, as [`Store::pour`](store::Store::pour) keeps it, and get their requests by chance.
    struct Fleet {
        rate: Rate,
        sandboxes: Vec<Option<Local>>,
        bucket: i64,
        writes: u32,
        chance: fastrand::Rng,
    }

    impl Fleet {
        fn new(rate: Rate, sandboxes: usize) -> Self {
            let chance = fastrand::Rng::with_seed(7);
            Self { rate, sandboxes: vec![None; sandboxes], bucket: 0, writes: 0, chance }
        }

        fn request(&mut self, now: i64) -> bool {
            let Self { rate, bucket, chance, .. } = self;
            let which = chance.usize(..self.sandboxes.len());
            let local = self.sandboxes[which].get_or_insert_with(|| Local::new(*rate, chance.u32(..)));
            let watched = local.is_watched(now);
            if let Some((nanos, _)) = local.take_report(*rate, now) {
                *bucket = (*bucket).max(now) + nanos;
                self.writes += 1;
                local.told(*rate, *bucket, now);
            }
            if watched {
                local.told(*rate, *bucket, now);
            }
            local.admit(*rate, now, 1).is_ok()
        }

        /// Requests at `percent` of the rate for some seconds, by chance: how many came, and how many passed.
        fn run(&mut self, percent: i64, seconds: i64) -> (u32, u32) {
            let (mut now, mut came, mut passed) = (START, 0, 0);
            let mean = self.rate.cost() * 100 / percent;
            while now < START + seconds * SECOND {
                // Exponential distances, as of many callers that do not know of each other.
                #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a draw")]
                let pause = (-(1.0 - self.chance.f64()).ln() * mean as f64) as i64;
                now += pause;
                came += 1;
                passed += u32::from(self.request(now));
            }
            (came, passed)
        }
    }

    #[test]
    fn nobody_below_the_rate_is_refused_however_many_sandboxes_answer() {
        for rate in [class(Class::A), class(Class::B), class(Class::D)] {
            for sandboxes in [1, 3, 30, 300] {
                let (came, passed) = Fleet::new(rate, sandboxes).run(80, 200);
                let refused = came - passed;
                assert!(
                    refused * 1000 <= came,
                    "{rate:?}, {sandboxes} sandboxes: {refused} of {came} refused"
                );
            }
        }
    }

    #[test]
    fn ten_times_the_rate_is_held_to_it_however_many_sandboxes_answer() {
        for rate in [class(Class::A), class(Class::B), class(Class::D)] {
            for sandboxes in [1, 3, 30, 300] {
                let mut fleet = Fleet::new(rate, sandboxes);
                let (_, passed) = fleet.run(1_000, 60);
                let due = i64::from(passed) * rate.cost();
                // The burst, and a minute of the rate.
                let (least, most) = (61 * SECOND, 63 * SECOND);
                assert!((least..most).contains(&due), "{rate:?}, {sandboxes} sandboxes: {passed} passed");
                assert!(fleet.writes <= 63 * 25, "{rate:?}, {sandboxes} sandboxes: {} writes", fleet.writes);
            }
        }
    }

    #[test]
    fn a_sandbox_that_cannot_report_holds_its_own_callers_to_the_rate() {
        let rate = class(Class::A);
        let mut local = Local::new(rate, 0);
        let mut passed = 0;
        for n in 0..5_000 {
            let now = START + n * 2_000_000;
            if local.take_report(rate, now).is_some() {
                local.failed(now);
            }
            passed += u32::from(local.admit(rate, now, 1).is_ok());
        }
        assert_eq!(passed, 100 + 10 * 50 - 1);
    }
}
