//! Failed log-ins: counted, and after too many nobody may try for a while (usm §3, *Log-in*).
//!
//! Guesses that are made at once must all be counted. So a failure is added to a count by one conditional update, which
//! nobody else's failure can spoil. Only what begins a count, takes old failures off it or fills it is decided on the
//! count as it was read; who is overtaken there finds a count that is further on.

use contract::{
    email::Email,
    error::{Error, Result, Tag},
    ids::UserGuid,
    network::SourceNetwork,
    revision,
    secret::LookupKey,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Ctx, Writer, lockout};
use store::{Append, Batch, Entity, Found, Key, Stored, System, classes};
use uuid::Uuid;

use crate::keys;

/// What failed log-ins are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CountedBy {
    /// The e-mail that was tried, from one source network. So no stranger's network keeps an owner out elsewhere.
    EmailAndNetwork,
    /// The e-mail alone, whether a user has it or not.
    Email,
    /// The source network alone (common §4).
    SourceNetwork,
}

impl CountedBy {
    /// So many failures lock out.
    const fn most(self) -> usize {
        match self {
            Self::EmailAndNetwork => 10,
            Self::Email | Self::SourceNetwork => 100,
        }
    }

    /// Whether a success clears the count: it says nothing of other e-mails from the same network.
    const fn is_of_email(self) -> bool {
        matches!(self, Self::EmailAndNetwork | Self::Email)
    }
}

/// What a count is of, by its keyed hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subject {
    /// Which kind.
    pub by: CountedBy,
    /// Its keyed hash.
    pub hash: String,
}

impl Subject {
    /// What a log-in is counted by, that which fills first at the front. All requests of which the gateway named no
    /// address come from one network, which is not counted alone.
    pub fn of(email: &Email, network: Option<SourceNetwork>, lookup_key: &LookupKey) -> Vec<Self> {
        let hash =
            |by: CountedBy, kind: &str, value: &str| Self { by, hash: lookup_key.hash("-", kind, value) };
        let email = email.as_str();
        let from = network.map_or_else(|| "-".to_owned(), |network| network.to_string());
        let pair = hash(CountedBy::EmailAndNetwork, "login-email-network", &format!("{from} {email}"));
        let alone = hash(CountedBy::Email, "login-email", email);
        let network = network.map(|_| hash(CountedBy::SourceNetwork, "login-network", &from));
        [pair, alone].into_iter().chain(network).collect()
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

    /// Whether a failure is simply one more: it neither begins the count, nor fills it, nor takes old ones off it.
    fn is_filling(&self, now: Time) -> bool {
        let is_fresh = self.recent.first().is_some_and(|first| lockout::counts(*first, now));
        is_fresh && self.recent.len() < self.most_before_full()
    }

    /// A count with so many failures is filled by the next.
    fn most_before_full(&self) -> usize {
        self.subject.by.most() - 1
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

    /// Success clears the counts of the e-mail. A failure that is counted meanwhile comes first: it may have locked
    /// out.
    pub fn clear(&self, change: &mut Writer) -> Result<()> {
        for (subject, seen) in self.0.iter().filter(|(subject, _)| subject.by.is_of_email()) {
            match seen {
                Some(seen) => change.keep(&System, Some(seen), LoginFailures::none(subject.clone()))?,
                None => change.require_absent(&keys::session::failures(subject), || {
                    Error::moved("a failed log-in was counted")
                }),
            }
        }
        Ok(())
    }

    /// Counts a failure, at once and whatever becomes of the request. Where others were counted meanwhile that lock
    /// out, this one is refused as they are: so no more guesses are answered than the contract allows, however many
    /// are made at the same time.
    pub async fn count_failure(self, ctx: &Ctx, user: Option<UserGuid>) -> Result<()> {
        // In turn, so that a guess that one count refuses does not fill the next.
        for (subject, seen) in self.0 {
            let user = user.filter(|_| subject.by.is_of_email());
            count(ctx, &subject, seen, user).await?;
        }
        Ok(())
    }
}

/// Counts a failure by one subject.
async fn count(
    ctx: &Ctx,
    subject: &Subject,
    mut seen: Option<Stored<LoginFailures>>,
    user: Option<UserGuid>,
) -> Result<()> {
    let key = keys::session::failures(subject);
    let mut backoff = ctx.backoff();
    loop {
        let written = write_failure(ctx, subject, seen.as_ref(), user).await;
        if let Some(result) = backoff.settle(written).await {
            return result;
        }
        seen = ctx.get(&key).await?;
        let locked = seen.as_ref().and_then(|seen| seen.record.locked_for(ctx.now()));
        if let Some(seconds) = locked {
            return Err(Error::from(Tag::RateLimited).retry_after(seconds));
        }
    }
}

/// Writes a failure to a count as it was read. A count goes through four stages (begun, filling, full, over), and nothing
/// but a success takes it back: so whoever is overtaken is so a few times only.
async fn write_failure(
    ctx: &Ctx,
    subject: &Subject,
    seen: Option<&Stored<LoginFailures>>,
    user_guid: Option<UserGuid>,
) -> Result<()> {
    let none = || LoginFailures::none(subject.clone());
    let before = seen.map_or_else(none, |seen| seen.record.clone());
    let after = before.after_failure(ctx.now());
    if before.is_filling(ctx.now())
        && let (Some(first), Some(expires)) = (before.recent.first(), after.expires())
    {
        let (value, shorter_than) = (&ctx.now(), before.most_before_full());
        let append = Append { field: "recent", first, value, shorter_than, expires };
        let is_added = ctx.append(&keys::session::failures(subject), append).await?;
        let overtaken = || Error::moved("a count of failed log-ins was begun anew or filled");
        return is_added.then_some(()).ok_or_else(overtaken);
    }
    let mut change = ctx.change_by_system();
    if let Some(locked_until) = after.locked_until {
        let (lockout_id, counted_by) = (change.uuid(), subject.by);
        let lockout = Lockout { lockout_id, subject: subject.clone(), counted_by, user_guid, locked_until };
        change.create(&System, lockout, "login-locked-out")?;
    }
    change.keep(&System, seen, after)?;
    ctx.commit(change).await
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
    fn the_tenth_failure_of_an_email_from_a_network_and_the_hundredth_of_either_lock() {
        for (by, most) in
            [(CountedBy::EmailAndNetwork, 10), (CountedBy::Email, 100), (CountedBy::SourceNetwork, 100)]
        {
            assert_eq!(after(by, &vec![0; most - 1]).locked_for(at(0)), None);
            let locked = after(by, &vec![0; most]);
            assert_eq!(locked.locked_for(at(0)), Some(900));
            assert_eq!(locked.locked_for(Time::from_millis(at(899).millis() + 1).unwrap()), Some(1));
            assert_eq!(locked.locked_for(at(900)), None);
        }
    }

    #[test]
    fn after_a_lock_out_it_takes_as_many_again() {
        let locked = after(CountedBy::EmailAndNetwork, &[0; 10]);
        let once_more = (0..9).fold(locked, |count, _| count.after_failure(at(901)));
        assert_eq!(once_more.locked_for(at(901)), None);
        assert_eq!(once_more.after_failure(at(901)).locked_for(at(901)), Some(900));
    }

    #[test]
    fn an_email_is_counted_by_the_network_and_alone_and_the_network_alone() {
        let lookup = LookupKey(KeyMaterial::from_hex(&"2".repeat(64)).unwrap());
        let hashes = |email: &str, ip: &str| {
            let subjects = Subject::of(&email.parse().unwrap(), ip.parse().ok(), &lookup);
            subjects.into_iter().map(|subject| subject.hash).collect::<Vec<_>>()
        };
        let here = hashes("ada@example.org", "2001:db8::1");
        assert_eq!(
            here,
            hashes("ada@example.org", "2001:0DB8:0::ffff"),
            "one network, however it is written"
        );
        let elsewhere = hashes("ada@example.org", "192.0.2.1");
        let another = hashes("bob@example.org", "2001:db8::1");
        let same = |other: &[String]| here.iter().zip(other).map(|(a, b)| a == b).collect::<Vec<_>>();
        assert_eq!(same(&elsewhere), [false, true, false]);
        assert_eq!(same(&another), [false, false, true]);
        assert_eq!(hashes("ada@example.org", "nowhere").len(), 2);
    }

    #[test]
    fn only_a_failure_that_neither_begins_nor_fills_a_count_is_simply_added() {
        let pair = CountedBy::EmailAndNetwork;
        assert!(!none(pair).is_filling(at(0)));
        assert!(after(pair, &[0]).is_filling(at(899)));
        assert!(!after(pair, &[0]).is_filling(at(900)), "an old one is taken off");
        assert!(after(pair, &[0; 8]).is_filling(at(0)));
        assert!(!after(pair, &[0; 9]).is_filling(at(0)), "the tenth fills it");
        assert!(!after(pair, &[0; 10]).is_filling(at(900)), "after a lock-out it is begun anew");
    }

    proptest! {
        #[test]
        fn it_locks_exactly_when_ten_failures_fall_into_a_quarter_of_an_hour(
            pauses in prop::collection::vec(0i64..200, 1..40),
        ) {
            let (mut count, mut times, mut now) = (none(CountedBy::EmailAndNetwork), Vec::new(), 0);
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
