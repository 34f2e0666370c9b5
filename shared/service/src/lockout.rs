//! Failures that are counted, and after too many nobody may try for a while: log-ins (usm §3, *Log-in*) and override
//! codes (ofm §14, *Validate*). Both contracts give the same window. What is counted, and how many are too many, is up
//! to the service.

use contract::time::Time;

/// Failures count for so long, and a lock-out lasts as long.
const WINDOW_MINUTES: i64 = 15;

/// For how many seconds nobody may try, rounded up; none where one may.
pub fn locked_for(locked_until: Option<Time>, now: Time) -> Option<u32> {
    let left = u64::try_from(locked_until?.millis() - now.millis()).ok()?;
    u32::try_from(left.div_ceil(1000)).ok().filter(|seconds| *seconds > 0)
}

/// The failures that count after one more, and until when nobody may try: the one that makes them `most` locks, and
/// then it takes as many again.
pub fn after_failure(recent: &[Time], most: usize, now: Time) -> (Vec<Time>, Option<Time>) {
    let counts = |failure: &Time| now < failure.plus_minutes(WINDOW_MINUTES);
    let recent: Vec<_> = recent.iter().copied().filter(counts).chain([now]).collect();
    if recent.len() < most {
        return (recent, None);
    }
    (Vec::new(), Some(now.plus_minutes(WINDOW_MINUTES)))
}

/// When failures and a lock-out are both of the past.
pub fn expires(recent: &[Time], locked_until: Option<Time>) -> Option<Time> {
    recent.last().map(|last| last.plus_minutes(WINDOW_MINUTES)).max(locked_until)
}
