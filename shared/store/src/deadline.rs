//! Until when a request may work, and how it waits before it tries something again.
//!
//! A function that works on until Lambda ends it answers nothing at all. So no call lasts into the last second, nothing
//! is tried again shortly before it, and whoever asked is told `unavailable` in time.

use std::time::{Duration, Instant};

use contract::error::Result;
use tokio::time::sleep;

use crate::{
    chance::{Chance, SystemChance},
    client::Store,
};

/// When Lambda ends the request, by the machine's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// How long a request may take where nobody says until when: as long as `template.yaml` gives a function.
    pub const USUAL: Duration = Duration::from_secs(10);
    /// No invocation of Lambda lasts longer.
    const LONGEST: Duration = Duration::from_mins(15);
    /// So much of the time is for the answer: calls end before it.
    const ANSWER: Duration = Duration::from_secs(1);
    /// Nothing is tried again with less time left: a try that is cut off tells nobody whether it succeeded.
    const TRY: Duration = Duration::from_millis(1_500);

    /// So much time from now on.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time.min(Self::LONGEST))
    }

    /// How much time is left.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// How much of it is left for calls. A call by itself takes 5 s at most ([`Endpoint::config`](crate::Endpoint::config)).
    pub fn left_for_calls(self) -> Duration {
        calls_in(self.left())
    }
}

/// How much of the time that is left is for calls.
fn calls_in(left: Duration) -> Duration {
    left.saturating_sub(Deadline::ANSWER)
}

/// Whether something may be tried again after a pause, with so much time left before it.
fn may_try_after(pause: Duration, left: Duration) -> bool {
    left.checked_sub(pause).is_some_and(|left| left >= Deadline::TRY)
}

/// The pauses between the tries of one thing: of random length, growing, and at an end with the request's time (ofm §2,
/// *Guards are exact*).
///
/// Each pause is anything between nothing and its ceiling, so that requests which met once do not meet again in step.
/// The randomness is the machine's also in tests: pauses decide nothing but who comes first.
#[derive(Debug)]
pub struct Backoff {
    deadline: Deadline,
    ceiling: Duration,
}

impl Backoff {
    /// The ceiling of the first pause: about what one transaction takes.
    const FIRST: Duration = Duration::from_millis(10);
    /// The ceiling of all pauses.
    const MOST: Duration = Duration::from_millis(200);

    /// Pauses as long as there is time for another try.
    pub fn until(deadline: Deadline) -> Self {
        Self { deadline, ceiling: Self::FIRST }
    }

    /// Waits for the next try; false, at once, where there is no time for it.
    pub async fn pause(&mut self) -> bool {
        let mut random = [0; 4];
        SystemChance.fill(&mut random);
        let Some(pause) = self.next(u32::from_le_bytes(random), self.deadline.left()) else { return false };
        sleep(pause).await;
        true
    }

    /// The result of a try, where it is the last: nothing moved meanwhile, or there is no time for another. Else waits for
    /// the next try.
    pub async fn settle<T>(&mut self, result: Result<T>) -> Option<Result<T>> {
        let has_moved = matches!(&result, Err(error) if error.is_moved());
        if has_moved && self.pause().await { None } else { Some(result) }
    }

    /// The next pause, with so much time left; none where no time is left for a try after it.
    fn next(&mut self, random: u32, left: Duration) -> Option<Duration> {
        // Below a second, so the product of two numbers of 32 bits.
        let nanos = u64::from(self.ceiling.subsec_nanos()) * u64::from(random) / u64::from(u32::MAX);
        self.ceiling = (self.ceiling * 2).min(Self::MOST);
        Some(Duration::from_nanos(nanos)).filter(|pause| may_try_after(*pause, left))
    }
}

impl Store {
    /// The same table for a request that may work until then.
    #[must_use]
    pub fn until(&self, deadline: Deadline) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// Until when the request may work.
    pub fn deadline(&self) -> Deadline {
        self.deadline.unwrap_or_else(|| Deadline::after(Deadline::USUAL))
    }

    /// Pauses for something that is tried until the request's time is up.
    pub fn backoff(&self) -> Backoff {
        Backoff::until(self.deadline())
    }
}

#[cfg(test)]
mod tests {
    use contract::error::{Error, Tag};
    use proptest::prelude::*;

    use super::*;
    use crate::chance::SeededChance;

    const HOUR: Duration = Duration::from_hours(1);

    fn backoff() -> Backoff {
        Backoff::until(Deadline::after(Deadline::USUAL))
    }

    #[test]
    fn ceilings_grow_to_a_fifth_of_a_second() {
        let mut backoff = backoff();
        let pauses: Vec<_> = (0..7).map(|_| backoff.next(u32::MAX, HOUR).unwrap().as_millis()).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 200, 200]);
        assert_eq!(backoff.next(0, HOUR), Some(Duration::ZERO));
    }

    #[test]
    fn the_last_second_is_for_the_answer() {
        for (left, calls) in [(10_000, 9_000), (1_001, 1), (1_000, 0), (0, 0)] {
            assert_eq!(calls_in(Duration::from_millis(left)), Duration::from_millis(calls));
        }
    }

    #[test]
    fn a_deadline_is_never_further_off_than_an_invocation_lasts() {
        assert!(Deadline::after(Duration::MAX).left() <= Deadline::LONGEST);
        assert_eq!(Deadline::after(Duration::ZERO).left(), Duration::ZERO);
    }

    #[tokio::test]
    async fn only_what_moved_is_tried_again_and_only_in_time() {
        let (mut some, mut none) = (backoff(), Backoff::until(Deadline::after(Deadline::TRY / 2)));
        let moved = || Err::<(), _>(Error::moved("a test"));
        assert!(some.settle(moved()).await.is_none());
        assert!(none.settle(moved()).await.unwrap().unwrap_err().is_moved());
        assert!(some.settle(Ok(())).await.unwrap().is_ok());
        let refused = some.settle(Err::<(), _>(Tag::Conflict.into())).await.unwrap();
        assert_eq!(refused.unwrap_err().tag(), Tag::Conflict);
    }

    /// When each of some requests gets one record changed, all of which come at once and each of which takes so long for
    /// a try: from reading the record to the write that fails where another came between.
    fn contend(callers: usize, try_time: Duration, chance: &dyn Chance) -> Vec<Duration> {
        let begin = |at: Duration| (at + try_time, at);
        let mut tries: Vec<_> = (0..callers).map(|_| Some((begin(Duration::ZERO), backoff()))).collect();
        let (mut changed, mut done) = (Duration::ZERO, Vec::new());
        loop {
            let next = tries.iter_mut().filter(|caller| caller.is_some());
            let Some(caller) = next.min_by_key(|caller| caller.as_ref().map(|((ends, _), _)| *ends)) else {
                return done;
            };
            let Some(((ends, began), mut backoff)) = caller.take() else { return done };
            if began >= changed {
                changed = ends;
                done.push(ends);
                continue;
            }
            let mut random = [0; 4];
            chance.fill(&mut random);
            let left = Deadline::USUAL.saturating_sub(ends);
            let pause = backoff.next(u32::from_le_bytes(random), left).expect("time for another try");
            *caller = Some((begin(ends + pause), backoff));
        }
    }

    proptest! {
        #[test]
        fn a_pause_is_within_its_ceiling_and_leaves_time_for_a_try(
            randoms in prop::collection::vec(any::<u32>(), 1..40),
            left in 0_u64..4_000,
        ) {
            let (mut backoff, left) = (backoff(), Duration::from_millis(left));
            for random in randoms {
                let ceiling = backoff.ceiling;
                prop_assert!(ceiling <= Backoff::MOST);
                match backoff.next(random, left) {
                    Some(pause) => {
                        prop_assert!(pause <= ceiling);
                        prop_assert!(pause + Deadline::TRY <= left);
                    }
                    None => prop_assert!(left < ceiling + Deadline::TRY),
                }
            }
        }

        #[test]
        fn thirty_two_who_want_one_record_all_get_it_in_time(seed: u64, try_millis in 5_u64..40) {
            let done = contend(32, Duration::from_millis(try_millis), &SeededChance::new(seed));
            prop_assert_eq!(done.len(), 32);
        }
    }
}
