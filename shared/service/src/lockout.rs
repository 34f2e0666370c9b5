//! Failures that are counted, and after too many nobody may try for a while: log-ins (usm §3, *Log-in*) and override
//! codes (ofm §14, *Validate*). Both contracts give the same window. What is counted, and how many are too many, is up
//! to the service.

use contract::{error::Result, revision::Tag, time::Time};
use serde::Serialize;
use store::{Append, Entity, Key};

use crate::ctx::Ctx;

/// Failures count for so long, and a lock-out lasts as long.
const WINDOW_MINUTES: i64 = 15;

/// Whether a failure still counts.
pub fn counts(failure: Time, now: Time) -> bool {
    now < failure.plus_minutes(WINDOW_MINUTES)
}

/// For how many seconds nobody may try, rounded up; none where one may.
pub fn locked_for(locked_until: Option<Time>, now: Time) -> Option<u32> {
    let left = u64::try_from(locked_until?.millis() - now.millis()).ok()?;
    u32::try_from(left.div_ceil(1000)).ok().filter(|seconds| *seconds > 0)
}

/// The failures that count after one more, and until when nobody may try: the one that makes them `most` locks, and
/// then it takes as many again.
pub fn after_failure(recent: &[Time], most: usize, now: Time) -> (Vec<Time>, Option<Time>) {
    let recent: Vec<_> =
        recent.iter().copied().filter(|failure| counts(*failure, now)).chain([now]).collect();
    if recent.len() < most {
        return (recent, None);
    }
    (Vec::new(), Some(now.plus_minutes(WINDOW_MINUTES)))
}

/// When failures and a lock-out are both of the past.
pub fn expires(recent: &[Time], locked_until: Option<Time>) -> Option<Time> {
    recent.last().map(|last| last.plus_minutes(WINDOW_MINUTES)).max(locked_until)
}

impl Ctx {
    /// Adds to a list that a record holds, at once and whatever becomes of the request; see
    /// [`Store::append`](store::Store::append).
    pub async fn append<E: Entity<Revision = Tag>, T: Serialize>(
        &self,
        key: &Key<E>,
        append: Append<'_, T>,
    ) -> Result<bool> {
        self.request.store.append(key, append, self.uuid(), self.now()).await
    }
}
