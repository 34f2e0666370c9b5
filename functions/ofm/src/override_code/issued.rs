//! How many codes somebody gives out in an hour (contract ofm §13, `override.issue_max_per_hour`).

use contract::{
    error::{Error, Result, Tag},
    ids::{LogicalGuid, UserGuid},
    revision,
    time::Time,
};
use serde::{Deserialize, Serialize};
use service::{Ctx, Writer};
use store::{Entity, Key, Org, classes};

use crate::keys;

const WINDOW_MINUTES: i64 = 60;
/// So many are noted. A higher limit is none: nobody gives out as many.
const MOST_NOTED: usize = 1_000;

/// When somebody gave out codes at a facility, within the last hour. Kept only where their profile limits it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Issued {
    /// Where.
    pub logical_guid: LogicalGuid,
    /// Who.
    pub user_guid: UserGuid,
    /// When, oldest first.
    pub recent: Vec<Time>,
}

classes!(Issued { logical_guid: Plain, user_guid: Plain, recent: Plain });

impl Entity for Issued {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "override-issued";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::override_code::issued(org, self.logical_guid, self.user_guid)
    }

    fn id(&self) -> String {
        format!("{}:{}", self.user_guid, self.logical_guid)
    }

    fn expires(&self) -> Option<Time> {
        self.recent.last().map(|last| last.plus_minutes(WINDOW_MINUTES))
    }
}

impl Issued {
    /// With one more, or `rate-limited` where there were `most` within the hour.
    fn with_one_more(mut self, most: usize, now: Time) -> Result<Self> {
        self.recent.retain(|at| now < at.plus_minutes(WINDOW_MINUTES));
        if self.recent.len() >= most {
            // The one that has to leave the hour before there is room.
            let gone = self.recent.len() - most;
            let free = self.recent.get(gone).copied().unwrap_or(now).plus_minutes(WINDOW_MINUTES);
            let seconds = u32::try_from(free.since(now).as_secs()).unwrap_or_default();
            return Err(Error::from(Tag::RateLimited).retry_after(seconds.max(1)));
        }
        self.recent.push(now);
        Ok(self)
    }
}

/// Counts one more code that somebody gives out at a facility; refuses it where their profile allows no more.
pub(super) async fn count(
    ctx: &Ctx,
    change: &mut Writer,
    (user_guid, logical_guid): (UserGuid, LogicalGuid),
    most: Option<i64>,
) -> Result<()> {
    let most = most.and_then(|most| usize::try_from(most).ok()).filter(|most| *most <= MOST_NOTED);
    let Some(most) = most else { return Ok(()) };
    let org = ctx.org()?;
    let before = ctx.get(&keys::override_code::issued(org, logical_guid, user_guid)).await?;
    let none = || Issued { logical_guid, user_guid, recent: Vec::new() };
    let issued = before.as_ref().map_or_else(none, |before| before.record.clone());
    change.keep(org, before.as_ref(), issued.with_one_more(most, ctx.now())?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::override_code::tests::at;

    proptest! {
        #[test]
        fn no_hour_has_more_than_the_limit(pauses in prop::collection::vec(0_i64..30, 1..60), most in 0_usize..5) {
            let mut issued =
                Issued { logical_guid: LogicalGuid::NOWHERE, user_guid: UserGuid::NOWHERE, recent: Vec::new() };
            let (mut given, mut now) = (Vec::new(), 0);
            for pause in pauses {
                now += pause;
                let in_hour = given.iter().filter(|at| now - **at < 60).count();
                match issued.clone().with_one_more(most, at(now)) {
                    Ok(more) => {
                        prop_assert!(in_hour < most);
                        given.push(now);
                        issued = more;
                    }
                    Err(refused) => {
                        prop_assert!(in_hour >= most);
                        // After that long there is room, and not before.
                        let wait = i64::from(refused.retry_after_seconds().unwrap_or_default());
                        if most > 0 {
                            let room = |after: i64| issued.clone().with_one_more(most, at(now).plus_seconds(after));
                            prop_assert!(room(wait).is_ok() && room(wait - 1).is_err());
                        }
                    }
                }
            }
        }
    }
}
