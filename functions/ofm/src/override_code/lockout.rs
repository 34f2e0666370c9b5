//! Validations that fail: counted, and after too many nobody may try for a while (contract ofm §14, *Validate*).

use contract::{
    error::{Error, Result, Tag},
    ids::{LogicalGuid, OverrideId, StationGuid},
    revision,
    time::Time,
};
use serde::{Deserialize, Serialize};
use service::{Ctx, Writer, lockout};
use store::{Batch, Entity, Found, Key, Org, Stored, classes};

use crate::keys;

/// What failures are counted by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// A caller at a station.
    Caller {
        /// The id of the person or of the service account.
        caller: String,
        /// The station.
        station_guid: StationGuid,
    },
    /// A caller at a facility, where they name no station.
    CallerAt {
        /// The id of the person or of the service account.
        caller: String,
        /// The facility.
        logical_guid: LogicalGuid,
    },
    /// A facility.
    Facility {
        /// Which.
        logical_guid: LogicalGuid,
    },
}

impl Counted {
    /// So many failures lock out.
    const fn most(&self) -> usize {
        match self {
            Self::Caller { .. } | Self::CallerAt { .. } => 5,
            Self::Facility { .. } => 20,
        }
    }
}

/// How often validations failed lately.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OverrideFailures {
    /// Whose.
    pub counted: Counted,
    /// When, as far as it still counts.
    pub recent: Vec<Time>,
    /// Nobody may try before.
    pub locked_until: Option<Time>,
}

classes!(OverrideFailures { counted: Plain, recent: Plain, locked_until: Plain });

impl Entity for OverrideFailures {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "override-failures";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::override_code::failures(org, &self.counted)
    }

    fn id(&self) -> String {
        match &self.counted {
            Counted::Caller { caller, .. } | Counted::CallerAt { caller, .. } => caller.clone(),
            Counted::Facility { logical_guid } => logical_guid.to_string(),
        }
    }

    fn expires(&self) -> Option<Time> {
        lockout::expires(&self.recent, self.locked_until)
    }
}

impl OverrideFailures {
    fn none(counted: Counted) -> Self {
        Self { counted, recent: Vec::new(), locked_until: None }
    }

    /// For how many seconds nobody may try, rounded up; none where one may.
    fn locked_for(&self, now: Time) -> Option<u32> {
        lockout::locked_for(self.locked_until, now)
    }

    /// The count after one more failure. The one that fills it locks.
    fn after_failure(&self, now: Time) -> Self {
        let (recent, locked_until) = lockout::after_failure(&self.recent, self.counted.most(), now);
        Self { counted: self.counted.clone(), recent, locked_until }
    }
}

/// A lock-out, kept while it lasts; its journal entry stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OverrideLockout {
    /// Its id.
    pub lockout_id: OverrideId,
    /// Who is locked out.
    pub counted: Counted,
    /// Where it came to that.
    pub logical_guid: LogicalGuid,
    /// How long.
    pub locked_until: Time,
}

classes!(OverrideLockout { lockout_id: Plain, counted: Plain, logical_guid: Plain, locked_until: Plain });

impl Entity for OverrideLockout {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "override-lockout";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::override_code::lockout(org, self)
    }

    fn id(&self) -> String {
        self.lockout_id.to_string()
    }

    fn expires(&self) -> Option<Time> {
        Some(self.locked_until)
    }
}

/// The counts that a validation has to do with, as they were read.
#[derive(Debug)]
pub(super) struct Counts {
    logical_guid: LogicalGuid,
    of_caller: (Counted, Option<Stored<OverrideFailures>>),
    of_facility: (Counted, Option<Stored<OverrideFailures>>),
}

/// Whose counts a validation has to do with.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) logical_guid: LogicalGuid,
    pub(super) caller: String,
    pub(super) station_guid: Option<StationGuid>,
}

impl Subject {
    fn counted(&self) -> [Counted; 2] {
        let Self { logical_guid, caller, station_guid } = self.clone();
        let by_caller = match station_guid {
            Some(station_guid) => Counted::Caller { caller, station_guid },
            None => Counted::CallerAt { caller, logical_guid },
        };
        [by_caller, Counted::Facility { logical_guid }]
    }

    /// Asks for the counts.
    pub(super) fn want(&self, org: &Org, batch: &mut Batch) {
        for counted in self.counted() {
            batch.want(&keys::override_code::failures(org, &counted));
        }
    }

    /// The counts that were asked for.
    pub(super) fn counts(&self, org: &Org, found: &Found) -> Result<Counts> {
        let [caller, facility] = self.counted();
        let seen = |counted: &Counted| found.get(&keys::override_code::failures(org, counted));
        let (by_caller, at_facility) = (seen(&caller)?, seen(&facility)?);
        Ok(Counts {
            logical_guid: self.logical_guid,
            of_caller: (caller, by_caller),
            of_facility: (facility, at_facility),
        })
    }
}

impl Counts {
    fn both(&self) -> [&(Counted, Option<Stored<OverrideFailures>>); 2] {
        [&self.of_caller, &self.of_facility]
    }

    /// Refuses to try while locked out.
    pub(super) fn check(&self, now: Time) -> Result<()> {
        let seen = self.both().into_iter().filter_map(|(_, seen)| seen.as_ref());
        match seen.filter_map(|seen| seen.record.locked_for(now)).max() {
            Some(seconds) => Err(Error::from(Tag::RateLimited).retry_after(seconds)),
            None => Ok(()),
        }
    }

    /// Writes only if nobody failed meanwhile: so that of many guesses made at the same time no more are answered than
    /// the contract allows, also where one of them is right.
    pub(super) fn require(&self, change: &mut Writer, org: &Org) -> Result<()> {
        for (counted, seen) in self.both() {
            change.require_still(&keys::override_code::failures(org, counted), seen.as_ref())?;
        }
        Ok(())
    }

    /// The same, and forgets the failures of the caller.
    pub(super) fn clear(&self, change: &mut Writer, org: &Org) -> Result<()> {
        let (counted, seen) = &self.of_facility;
        change.require_still(&keys::override_code::failures(org, counted), seen.as_ref())?;
        let (counted, seen) = &self.of_caller;
        match seen {
            Some(_) => change.keep(org, seen.as_ref(), OverrideFailures::none(counted.clone())),
            None => change.require_still(&keys::override_code::failures(org, counted), None),
        }
    }

    /// Counts a failure, at once and whatever becomes of the request. Where others were counted meanwhile that lock
    /// out, this one is refused as they are.
    pub(super) async fn count_failure(mut self, ctx: &Ctx, subject: &Subject) -> Result<()> {
        let org = ctx.org()?;
        let mut backoff = ctx.backoff();
        loop {
            let written = self.write_failure(ctx, org).await;
            if let Some(result) = backoff.settle(written).await {
                return result;
            }
            let mut batch = Batch::default();
            subject.want(org, &mut batch);
            self = subject.counts(org, &ctx.read(batch).await?)?;
            self.check(ctx.now())?;
        }
    }

    async fn write_failure(&self, ctx: &Ctx, org: &Org) -> Result<()> {
        let mut change = ctx.change();
        for (counted, seen) in self.both() {
            let before = seen
                .as_ref()
                .map_or_else(|| OverrideFailures::none(counted.clone()), |seen| seen.record.clone());
            let after = before.after_failure(ctx.now());
            if let Some(locked_until) = after.locked_until {
                let lockout = OverrideLockout {
                    lockout_id: OverrideId::from_uuid(change.uuid()),
                    counted: counted.clone(),
                    logical_guid: self.logical_guid,
                    locked_until,
                };
                change.create(org, lockout, "override-code-locked-out")?;
            }
            change.keep(org, seen.as_ref(), after)?;
        }
        ctx.commit(change).await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::override_code::tests::at;

    fn caller() -> Counted {
        Counted::CallerAt { caller: "somebody".to_owned(), logical_guid: LogicalGuid::NOWHERE }
    }

    fn after(counted: &Counted, times: usize) -> OverrideFailures {
        (0..times).fold(OverrideFailures::none(counted.clone()), |count, _| count.after_failure(at(0)))
    }

    #[test]
    fn the_fifth_failure_of_a_caller_and_the_twentieth_at_a_facility_lock() {
        let facility = Counted::Facility { logical_guid: LogicalGuid::NOWHERE };
        for (counted, most) in [(caller(), 5), (facility, 20)] {
            assert_eq!(after(&counted, most - 1).locked_for(at(0)), None);
            let locked = after(&counted, most);
            assert_eq!(
                [at(0), at(14), at(15)].map(|now| locked.locked_for(now)),
                [Some(900), Some(60), None]
            );
            // Then it takes as many again.
            let again = (1..most).fold(locked, |count, _| count.after_failure(at(16)));
            assert_eq!(again.locked_for(at(16)), None);
            assert_eq!(again.after_failure(at(16)).locked_for(at(16)), Some(900));
        }
    }

    proptest! {
        #[test]
        fn it_locks_exactly_when_five_failures_fall_into_a_quarter_of_an_hour(
            pauses in prop::collection::vec(0_i64..10, 1..40),
        ) {
            let (mut count, mut times, mut now) = (OverrideFailures::none(caller()), Vec::new(), 0);
            for pause in pauses {
                now += pause;
                count = count.after_failure(at(now));
                times.push(now);
                let full = times.iter().filter(|time| now - **time < 15).count() >= 5;
                prop_assert_eq!(count.locked_for(at(now)).is_some(), full);
                if full {
                    break;
                }
            }
        }
    }
}
