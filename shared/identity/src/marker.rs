//! Markers such as `sessions_valid_from`: by writing one, everything that was issued before is revoked at once.
//!
//! What is issued keeps the marker under which it was; it is good while the marker is still the same. So no clock
//! decides whether something was issued before or after.

use contract::time::Time;

/// The marker after this one: the time, or what follows the last marker where that is no earlier.
pub(crate) fn next(last: Option<Time>, now: Time) -> Time {
    let after = last.and_then(|last| Time::from_millis(last.millis() + 1));
    after.map_or(now, |after| after.max(now))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_always_later_than_the_last(last in 0i64..1_000_000, now in 0i64..1_000_000) {
            let (last, now) = (Time::from_millis(last).unwrap(), Time::from_millis(now).unwrap());
            let next = next(Some(last), now);
            prop_assert!(next > last && next >= now);
        }
    }
}
