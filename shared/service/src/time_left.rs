//! How much time a request has: until Lambda ends the invocation.

use std::time::Duration;

use contract::time::Time;
use store::Deadline;

use crate::{
    app::{App, Clock},
    ctx::Ctx,
};

/// Until when a request may work whose invocation ends at this time, in Unix milliseconds. Whatever clock a test gives
/// the function, Lambda ends it by the machine's.
pub(crate) fn deadline(app: &App, ends_ms: Option<u64>) -> Deadline {
    Deadline::after(time_left(ends_ms, Clock::System.now(), app.settings.patience))
}

/// The time between now and the end. Off AWS, as under `cargo lambda watch`, the end is one of 1970: then as much as is
/// usual.
fn time_left(ends_ms: Option<u64>, now: Time, usual: Duration) -> Duration {
    let now = u64::try_from(now.millis()).unwrap_or(0);
    let left = ends_ms.and_then(|ends| ends.checked_sub(now));
    left.map_or(usual, Duration::from_millis)
}

impl Ctx {
    /// Until when the request may work.
    pub fn deadline(&self) -> Deadline {
        self.request.store.deadline()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_in_the_future_is_lambdas() {
        let (usual, now) = (Deadline::USUAL, Time::from_millis(1_000_000).unwrap());
        let left = |ends| time_left(ends, now, usual);
        assert_eq!(left(Some(1_003_000)), Duration::from_secs(3));
        assert_eq!(left(Some(u64::MAX)), Duration::from_millis(u64::MAX - 1_000_000));
        assert_eq!(left(Some(1_000_000)), Duration::ZERO);
        assert_eq!([None, Some(0), Some(999_999)].map(left), [usual; 3]);
    }
}
