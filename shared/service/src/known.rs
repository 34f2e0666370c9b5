//! Which callers an instance has just seen pass (contract §4, *Order of checks*).
//!
//! It decides what is read early, never what is answered: the first reads of a handler go out beside the caller check
//! only if the same credential has just passed for the same org. Every other caller pays for one more round trip, and
//! whoever is refused has cost the caller check and nothing else.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use contract::{ids::OrgGuid, time::Time};

/// That a caller passed is remembered for so long (contract §4).
const REMEMBERED_SECONDS: i64 = 10;
/// So many callers are remembered. Only callers that passed are, so that no stranger drives them out.
const MOST: usize = 10_000;

/// A credential, by its hash, in an org; in none where the route is about none.
type Who = (String, Option<OrgGuid>);

/// The callers that passed the caller check lately.
#[derive(Default)]
pub(crate) struct Known(Mutex<HashMap<Who, Time>>);

impl Known {
    /// Whether the caller passed within the last seconds.
    pub(crate) fn has_just_passed(&self, credential: &str, org: Option<OrgGuid>, now: Time) -> bool {
        let passed = self.lock().get(&(credential.to_owned(), org)).copied();
        passed.is_some_and(|passed| is_fresh(passed, now))
    }

    /// Notes that the caller passed.
    pub(crate) fn note(&self, credential: String, org: Option<OrgGuid>, now: Time) {
        let mut known = self.lock();
        if known.len() >= MOST {
            known.retain(|_, passed| is_fresh(*passed, now));
            if known.len() >= MOST {
                known.clear();
            }
        }
        known.insert((credential, org), now);
    }

    /// Forgets a caller that was refused.
    pub(crate) fn forget(&self, credential: String, org: Option<OrgGuid>) {
        self.lock().remove(&(credential, org));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Who, Time>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_fresh(passed: Time, now: Time) -> bool {
    passed <= now && now < passed.plus_seconds(REMEMBERED_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time::EPOCH;

    fn org(n: u128) -> OrgGuid {
        OrgGuid::from_uuid(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn a_pass_counts_for_ten_seconds_and_for_this_credential_and_org_alone() {
        let known = Known::default();
        known.note("one".to_owned(), Some(org(1)), START);
        let has = |credential: &str, org, millis: i64| {
            known.has_just_passed(credential, org, Time::from_millis(START.millis() + millis).unwrap())
        };
        assert!(has("one", Some(org(1)), 0) && has("one", Some(org(1)), 9_999));
        assert!(!has("one", Some(org(1)), 10_000));
        assert!(!has("one", Some(org(2)), 0) && !has("one", None, 0) && !has("two", Some(org(1)), 0));
        // A clock that was set back makes nobody known.
        assert!(!has("one", Some(org(1)), -1));
        known.forget("one".to_owned(), Some(org(1)));
        assert!(!has("one", Some(org(1)), 0));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_latest_stay() {
        let known = Known::default();
        for n in 0..3 * MOST {
            let now = START.plus_seconds(i64::try_from(n / 1_000).unwrap());
            known.note(n.to_string(), None, now);
            assert!(known.has_just_passed(&n.to_string(), None, now));
            assert!(known.lock().len() <= MOST);
        }
    }
}
