//! Failed log-ins: counted, and after too many nobody may try for a while (usm §3, *Log-in*).

use std::net::IpAddr;

use contract::{
    email::Email,
    error::{Error, Result, Tag},
    ids::UserGuid,
    revision,
    secret::LookupKey,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Ctx, lockout};
use store::{Batch, Entity, Found, Key, Stored, System, classes};
use uuid::Uuid;

use crate::keys;

/// What failed log-ins are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CountedBy {
    /// The e-mail that was tried, whether a user has it or not.
    Email,
    /// The address that the request came from.
    SourceAddress,
}

impl CountedBy {
    /// So many failures lock out.
    const fn most(self) -> usize {
        match self {
            Self::Email => 10,
            Self::SourceAddress => 100,
        }
    }
}

/// An e-mail or an address, by its keyed hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subject {
    /// Which of them.
    pub by: CountedBy,
    /// Its keyed hash.
    pub hash: String,
}

impl Subject {
    /// What a log-in is counted by: the address is missing where the gateway named none.
    pub fn of(email: &Email, source_ip: Option<&str>, lookup_key: &LookupKey) -> Vec<Self> {
        let hash =
            |by: CountedBy, kind: &str, value: &str| Self { by, hash: lookup_key.hash("-", kind, value) };
        // One address, however it is written.
        let address = source_ip
            .map(|ip| ip.parse::<IpAddr>().map_or(ip.to_owned(), |ip| ip.to_canonical().to_string()));
        let address = address.map(|ip| hash(CountedBy::SourceAddress, "login-address", &ip));
        [hash(CountedBy::Email, "login-email", email.as_str())].into_iter().chain(address).collect()
    }
}

/// How often logging in failed lately.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoginFailures {
    /// For whom or from where.
    pub subject: Subject,
    /// When, as far as it still counts.
    pub recent: Vec<Time>,
    /// Nobody may try before.
    pub locked_until: Option<Time>,
}

classes!(LoginFailures { subject: Contact, recent: Plain, locked_until: Plain });

impl Entity for LoginFailures {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "login-failures";
    type Scope = System;
    type Revision = revision::Tag;

    fn key(&self, _: &System) -> Key<Self> {
        keys::session::failures(&self.subject)
    }

    fn id(&self) -> String {
        self.subject.hash.clone()
    }

    fn expires(&self) -> Option<Time> {
        lockout::expires(&self.recent, self.locked_until)
    }
}

impl LoginFailures {
    fn none(subject: Subject) -> Self {
        Self { subject, recent: Vec::new(), locked_until: None }
    }

    /// For how many seconds nobody may try, rounded up; none where one may.
    fn locked_for(&self, now: Time) -> Option<u32> {
        lockout::locked_for(self.locked_until, now)
    }

    /// The count after one more failure. The one that fills it locks.
    fn after_failure(&self, now: Time) -> Self {
        let (recent, locked_until) = lockout::after_failure(&self.recent, self.subject.by.most(), now);
        Self { subject: self.subject.clone(), recent, locked_until }
    }
}

/// A lock-out, kept while it lasts; its journal entry stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lockout {
    /// Its id.
    pub lockout_id: Uuid,
    /// Who or what is locked out.
    pub subject: Subject,
    /// The same, as its event tells it.
    pub counted_by: CountedBy,
    /// The user who has the e-mail, if one has.
    pub user_guid: Option<UserGuid>,
    /// How long.
    pub locked_until: Time,
}

classes!(Lockout {
    lockout_id: Plain,
    subject: Contact,
    counted_by: Plain,
    user_guid: Plain,
    locked_until: Plain,
});

impl Entity for Lockout {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "login-lockout";
    type Scope = System;
    type Revision = revision::Tag;

    fn key(&self, _: &System) -> Key<Self> {
        keys::session::lockout(&self.subject, self.lockout_id)
    }

    fn id(&self) -> String {
        self.lockout_id.to_string()
    }

    fn expires(&self) -> Option<Time> {
        Some(self.locked_until)
    }
}

/// The counts that a log-in has to do with, as they were read.
#[derive(Debug)]
pub struct Counts(Vec<(Subject, Option<Stored<LoginFailures>>)>);

impl Counts {
    /// Asks for the counts of these.
    pub fn want(subjects: &[Subject], batch: &mut Batch) {
        for subject in subjects {
            batch.want(&keys::session::failures(subject));
        }
    }

    /// The counts that were asked for.
    pub fn of(subjects: &[Subject], found: &Found) -> Result<Self> {
        let read = |subject: &Subject| {
            let seen = found.get(&keys::session::failures(subject))?;
            Ok((subject.clone(), seen))
        };
        subjects.iter().map(read).collect::<Result<_>>().map(Self)
    }

    /// Refuses to try while locked out.
    pub fn check(&self, now: Time) -> Result<()> {
        let seen = self.0.iter().filter_map(|(_, seen)| seen.as_ref());
        match seen.filter_map(|seen| seen.record.locked_for(now)).max() {
            Some(seconds) => Err(Error::from(Tag::RateLimited).retry_after(seconds)),
            None => Ok(()),
        }
    }

    /// The count of the e-mail: the one that success clears.
    pub fn of_email(&self) -> Option<(&Subject, Option<&Stored<LoginFailures>>)> {
        let mut counts = self.0.iter();
        let count = counts.find(|(subject, _)| subject.by == CountedBy::Email);
        count.map(|(subject, seen)| (subject, seen.as_ref()))
    }

    /// What is counted once a log-in succeeded with this count of its e-mail: nothing.
    pub fn cleared(seen: &Stored<LoginFailures>) -> LoginFailures {
        LoginFailures::none(seen.record.subject.clone())
    }

    /// Counts a failure, at once and whatever becomes of the request. Where others were counted meanwhile that lock
    /// out, this one is refused as they are: so no more guesses are answered than the contract allows, however many
    /// are made at the same time.
    pub async fn count_failure(mut self, ctx: &Ctx, user: Option<UserGuid>) -> Result<()> {
        let mut backoff = ctx.backoff();
        loop {
            let written = self.write_failure(ctx, user).await;
            if let Some(result) = backoff.settle(written).await {
                return result;
            }
            let subjects: Vec<_> = self.0.into_iter().map(|(subject, _)| subject).collect();
            let mut batch = Batch::default();
            Self::want(&subjects, &mut batch);
            self = Self::of(&subjects, &ctx.read(batch).await?)?;
            self.check(ctx.now())?;
        }
    }

    async fn write_failure(&self, ctx: &Ctx, user_guid: Option<UserGuid>) -> Result<()> {
        let mut change = ctx.change();
        for (subject, seen) in &self.0 {
            let before = seen
                .as_ref()
                .map_or_else(|| LoginFailures::none(subject.clone()), |seen| seen.record.clone());
            let after = before.after_failure(ctx.now());
            if let Some(locked_until) = after.locked_until {
                let (lockout_id, counted_by) = (change.uuid(), subject.by);
                let user_guid = user_guid.filter(|_| counted_by == CountedBy::Email);
                let lockout =
                    Lockout { lockout_id, subject: subject.clone(), counted_by, user_guid, locked_until };
                change.create(&System, lockout, "login-locked-out")?;
            }
            change.keep(&System, seen.as_ref(), after)?;
        }
        ctx.commit(change).await
    }
}

#[cfg(test)]
mod tests {
    use contract::secret::KeyMaterial;
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Time {
        "2026-03-04T08:00:00Z".parse::<Time>().unwrap().plus_seconds(seconds)
    }

    fn none(by: CountedBy) -> LoginFailures {
        LoginFailures::none(Subject { by, hash: "0a".to_owned() })
    }

    fn after(by: CountedBy, failures: &[i64]) -> LoginFailures {
        failures.iter().fold(none(by), |count, seconds| count.after_failure(at(*seconds)))
    }

    #[test]
    fn the_tenth_failure_of_an_email_and_the_hundredth_from_an_address_lock() {
        for (by, most) in [(CountedBy::Email, 10), (CountedBy::SourceAddress, 100)] {
            assert_eq!(after(by, &vec![0; most - 1]).locked_for(at(0)), None);
            let locked = after(by, &vec![0; most]);
            assert_eq!(locked.locked_for(at(0)), Some(900));
            assert_eq!(locked.locked_for(Time::from_millis(at(899).millis() + 1).unwrap()), Some(1));
            assert_eq!(locked.locked_for(at(900)), None);
        }
    }

    #[test]
    fn after_a_lock_out_it_takes_as_many_again() {
        let locked = after(CountedBy::Email, &[0; 10]);
        let once_more = (0..9).fold(locked, |count, _| count.after_failure(at(901)));
        assert_eq!(once_more.locked_for(at(901)), None);
        assert_eq!(once_more.after_failure(at(901)).locked_for(at(901)), Some(900));
    }

    #[test]
    fn an_address_is_one_however_it_is_written() {
        let lookup = LookupKey(KeyMaterial::from_hex(&"2".repeat(64)).unwrap());
        let email = "ada@example.org".parse().unwrap();
        let hash = |ip: &str| Subject::of(&email, Some(ip), &lookup)[1].hash.clone();
        assert_eq!(hash("192.0.2.1"), hash("::ffff:192.0.2.1"));
        assert_eq!(hash("2001:db8::1"), hash("2001:0DB8:0::1"));
        assert_ne!(hash("192.0.2.1"), hash("192.0.2.2"));
        assert_eq!(Subject::of(&email, None, &lookup).len(), 1);
    }

    proptest! {
        #[test]
        fn it_locks_exactly_when_ten_failures_fall_into_a_quarter_of_an_hour(
            pauses in prop::collection::vec(0i64..200, 1..40),
        ) {
            let (mut count, mut times, mut now) = (none(CountedBy::Email), Vec::new(), 0);
            for pause in pauses {
                now += pause;
                count = count.after_failure(at(now));
                times.push(now);
                let full = times.iter().filter(|time| now - **time < 900).count() >= 10;
                prop_assert_eq!(count.locked_for(at(now)).is_some(), full);
                if full {
                    break;
                }
            }
        }
    }
}
