//! Failed tries to use an invitation, counted per person so that codes cannot be guessed (ofm §4.1).

use contract::{
    error::{Error, Result, Tag},
    ids::UserGuid,
    revision,
    time::Time,
};
use serde::{Deserialize, Serialize};
use service::Ctx;
use store::{Entity, Key, Stored, System, classes};

use crate::keys;

/// So many failures within the window are answered; then the person has to wait.
const MOST: usize = 10;
const WINDOW_MINUTES: i64 = 15;

/// When a person failed to use an invitation, within the last window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InvitationTries {
    /// The person.
    pub user_guid: UserGuid,
    /// The failures, oldest first.
    pub failed_at: Vec<Time>,
}

classes!(InvitationTries { user_guid: Plain, failed_at: Plain });

impl Entity for InvitationTries {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "invitation-tries";
    type Scope = System;
    type Revision = revision::Counter;

    fn key(&self, _: &System) -> Key<Self> {
        keys::tries::of_user(self.user_guid)
    }

    fn id(&self) -> String {
        self.user_guid.to_string()
    }

    fn expires(&self) -> Option<Time> {
        self.failed_at.last().map(|last| last.plus_minutes(WINDOW_MINUTES))
    }
}

impl InvitationTries {
    /// `rate-limited` once there were too many.
    pub fn check(&self, now: Time) -> Result<()> {
        let recent = self.recent(now);
        match recent.first() {
            Some(oldest) if recent.len() >= MOST => {
                let wait = oldest.plus_minutes(WINDOW_MINUTES).since(now).as_secs();
                Err(Error::from(Tag::RateLimited).retry_after(u32::try_from(wait).unwrap_or_default().max(1)))
            }
            _ => Ok(()),
        }
    }

    fn recent(&self, now: Time) -> Vec<Time> {
        self.failed_at.iter().copied().filter(|at| now < at.plus_minutes(WINDOW_MINUTES)).collect()
    }

    /// With one more failure, and without those that count no more.
    fn failed(self, now: Time) -> Self {
        let failed_at = self.recent(now).into_iter().chain([now]).collect();
        Self { failed_at, ..self }
    }
}

/// Counts a failure. It is written at once, for the request that failed changes nothing else; and it is refused where
/// others, made at the same time, were too many, so that no more are answered than are counted.
pub(crate) async fn count_failure(ctx: &Ctx, user_guid: UserGuid) -> Result<()> {
    let mut backoff = ctx.backoff();
    loop {
        let before = ctx.get(&keys::tries::of_user(user_guid)).await?;
        let none = || InvitationTries { user_guid, failed_at: Vec::new() };
        let tries = before.as_ref().map_or_else(none, |stored| stored.record.clone());
        tries.check(ctx.now())?;
        let written = write(ctx, before.as_ref(), tries.failed(ctx.now())).await;
        if let Some(result) = backoff.settle(written).await {
            return result;
        }
    }
}

async fn write(ctx: &Ctx, before: Option<&Stored<InvitationTries>>, tries: InvitationTries) -> Result<()> {
    let mut change = ctx.change();
    change.keep(&System, before, tries)?;
    ctx.commit(change).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(times: usize, every_seconds: i64) -> (InvitationTries, Time) {
        let mut now = Time::EPOCH;
        let mut tries = InvitationTries { user_guid: UserGuid::NOWHERE, failed_at: Vec::new() };
        for _ in 0..times {
            now = now.plus_seconds(every_seconds);
            tries = tries.failed(now);
        }
        (tries, now)
    }

    #[test]
    fn ten_failures_in_a_quarter_of_an_hour_are_too_many() {
        let (nine, now) = failing(9, 60);
        assert!(nine.check(now).is_ok());
        let (ten, now) = failing(10, 60);
        let refused = ten.check(now).unwrap_err();
        // The first was nine minutes ago.
        assert_eq!((refused.tag(), refused.retry_after_seconds()), (Tag::RateLimited, Some(6 * 60)));
        assert!(ten.check(now.plus_minutes(6)).is_ok());
    }

    #[test]
    fn failures_that_count_no_more_are_forgotten() {
        let (tries, now) = failing(100, 120);
        assert!(tries.check(now).is_ok());
        assert_eq!(tries.failed_at.len(), 8);
        assert_eq!(tries.expires(), Some(now.plus_minutes(15)));
    }
}
