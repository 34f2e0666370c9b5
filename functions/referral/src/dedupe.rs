//! Repeated clicks (referral §4): the same code, address and agent, less than some minutes before or after a counted
//! click, in whatever order they arrive.
//!
//! The counted clicks of a visitor are kept by the UTC day on which they were made. The window is at most 24 hours, so a
//! click reads at most three days. It is written only if all of them are still as they were read, because of two clicks
//! that arrive at the same time one must see the other.

use std::collections::BTreeSet;

use contract::{
    attribution_id::AttributionId,
    codes::ReferralCode,
    error::Result,
    revision::Counter,
    secret::LookupKey,
    time::{Date, Time, TimeZone},
    web::{IpAddress, UserAgent},
};
use serde::{Deserialize, Serialize};
use service::{Ctx, Writer};
use store::{Entity, Key, Org, Stored, classes};

use crate::{attribution::Attribution, keys};

/// A click that was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedClick {
    /// The attribution that was recorded for it.
    pub attribution_id: AttributionId,
    /// Time of the click.
    pub clicked_at: Time,
    /// Time at which the click is forgotten: when the retention of its address and agent ends (referral §1).
    pub until: Time,
}

impl CountedClick {
    /// Whether a click at this time repeats this one: less than so many minutes before or after.
    pub fn is_repeated(&self, at: Time, minutes: u32) -> bool {
        (at.millis() - self.clicked_at.millis()).abs() < i64::from(minutes) * 60_000
    }
}

/// The counted clicks of one visitor on a code on one day of UTC.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClickDay {
    /// Keyed hash of code, address and agent.
    pub hash: String,
    /// The day.
    pub day: Date,
    /// The clicks, in the order in which they arrived.
    pub clicks: Vec<CountedClick>,
}

classes!(ClickDay { hash: Plain, day: Plain, clicks: Plain });

impl Entity for ClickDay {
    const SERVICE: &'static str = "referral";
    const TYPE: &'static str = "referral-click-day";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::attribution::click_day(org, &self.hash, self.day)
    }

    fn id(&self) -> String {
        format!("{}:{}", self.hash, self.day)
    }

    fn expires(&self) -> Option<Time> {
        self.clicks.iter().map(|click| click.until).max()
    }
}

/// The hash that stands for the visitor who made a click on a code.
pub fn visitor_hash(
    org: &Org,
    code: &ReferralCode,
    address: &IpAddress,
    agent: &UserAgent,
    key: &LookupKey,
) -> String {
    // The address is canonical and the code has no space, so no two lists of parts make the same text.
    let visitor = format!("{code} {address} {}", agent.as_str());
    key.hash(&org.guid().to_string(), "referral-click", &visitor)
}

/// The hash that stands for the visitor of a recorded click; `None` once address and agent are blanked.
pub fn visitor_of(org: &Org, click: &Attribution, key: &LookupKey) -> Option<String> {
    let (address, agent) = (click.ip_address.as_ref()?, click.user_agent.as_ref()?);
    Some(visitor_hash(org, &click.code, address, agent, key))
}

fn day_of(time: Time) -> Date {
    time.date_in(&TimeZone::UTC)
}

/// The days on which a click may be less than so many minutes, at most 24 hours, away from a time.
fn days_around(at: Time, minutes: u32) -> BTreeSet<Date> {
    let minutes = i64::from(minutes);
    [at.plus_minutes(-minutes), at, at.plus_minutes(minutes)].into_iter().map(day_of).collect()
}

/// The counted clicks of a visitor around a time, as they were read.
pub(crate) struct Around {
    hash: String,
    at: Time,
    days: Vec<(Date, Option<Stored<ClickDay>>)>,
}

impl Around {
    /// Reads the days around a click, in one round trip.
    pub(crate) async fn read(ctx: &Ctx, hash: String, at: Time, minutes: u32) -> Result<Self> {
        let org = ctx.org()?;
        let days = days_around(at, minutes);
        let keys: Vec<_> = days.iter().map(|day| keys::attribution::click_day(org, &hash, *day)).collect();
        let days = days.into_iter().zip(ctx.get_each(&keys).await?).collect();
        Ok(Self { hash, at, days })
    }

    /// The counted click that the click repeats: of two, the earlier.
    pub(crate) fn repeated(&self, minutes: u32, now: Time) -> Option<&CountedClick> {
        let days = self.days.iter().filter_map(|(_, stored)| stored.as_ref());
        let clicks = days.flat_map(|stored| &stored.record.clicks);
        let repeated = clicks.filter(|click| click.until > now && click.is_repeated(self.at, minutes));
        repeated.min_by_key(|click| click.clicked_at)
    }

    /// Adds the click, which repeats none; what was read must still hold.
    pub(crate) fn add(&self, change: &mut Writer, org: &Org, click: &CountedClick, now: Time) -> Result<()> {
        for (day, stored) in &self.days {
            if *day != day_of(click.clicked_at) {
                change
                    .require_still(&keys::attribution::click_day(org, &self.hash, *day), stored.as_ref())?;
                continue;
            }
            let mut clicks = stored.as_ref().map(|stored| stored.record.clicks.clone()).unwrap_or_default();
            clicks.retain(|other| other.until > now);
            clicks.push(click.clone());
            change.keep(org, stored.as_ref(), ClickDay { hash: self.hash.clone(), day: *day, clicks })?;
        }
        Ok(())
    }
}

/// Forgets recorded clicks: another click like them is none of their repeats. A day that expires by itself at `now` or
/// before is left to do so.
pub(crate) async fn forget(
    ctx: &Ctx,
    change: &mut Writer,
    org: &Org,
    clicks: &[&Attribution],
    now: Time,
) -> Result<()> {
    let of =
        |click: &&Attribution| Some((visitor_of(org, click, ctx.lookup_key())?, day_of(click.clicked_at)));
    let days: BTreeSet<_> = clicks.iter().filter_map(of).collect();
    let keys: Vec<_> = days.iter().map(|(hash, day)| keys::attribution::click_day(org, hash, *day)).collect();
    for stored in ctx.get_all(&keys).await? {
        if stored.record.expires().is_some_and(|expires| expires <= now) {
            continue;
        }
        let mut left = stored.record.clone();
        left.clicks.retain(|click| clicks.iter().all(|gone| gone.id != click.attribution_id));
        if left.clicks.is_empty() {
            change.discard(org, &stored)?;
        } else if left.clicks.len() < stored.record.clicks.len() {
            change.keep(org, Some(&stored), left)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn counted(clicked_at: Time) -> CountedClick {
        let attribution_id = "attr_a1b2c3".parse().unwrap();
        CountedClick { attribution_id, clicked_at, until: at("2026-06-18T14:22:00Z") }
    }

    #[test]
    fn a_repeat_is_less_than_the_window_away_on_either_side() {
        let click = counted(at("2026-03-20T14:22:00Z"));
        for (time, repeated) in [
            ("2026-03-20T14:22:00Z", true),
            ("2026-03-20T14:51:59.999Z", true),
            ("2026-03-20T14:52:00Z", false),
            ("2026-03-20T13:52:00.001Z", true),
            ("2026-03-20T13:52:00Z", false),
        ] {
            assert_eq!(click.is_repeated(at(time), 30), repeated, "{time}");
        }
        assert!(!click.is_repeated(click.clicked_at, 0), "0 counts every click");
    }

    proptest! {
        #[test]
        fn whatever_a_click_repeats_is_on_a_day_around_it(
            moment in 0_i64..4_102_444_800_000, away in -86_400_000_i64..=86_400_000, minutes in 1_u32..=1_440,
        ) {
            let [time, other] = [moment, moment + away].map(|millis| Time::from_millis(millis.max(0)).unwrap());
            let days = days_around(time, minutes);
            prop_assert!(days.len() <= 3);
            prop_assert!(days.contains(&day_of(other)) || !counted(other).is_repeated(time, minutes));
        }
    }
}
