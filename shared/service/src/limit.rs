//! The rate limit (contract §9 `rate-limited`, §11): per org and route, as the route's class says.
//!
//! It stands behind association and before role: what an associated caller sends is counted, also what is refused later;
//! nobody else can use up an org's rate, or learn from a 429 that there is such an org. A route that is about no org is
//! limited per user or key, one that needs no credential per source address; operator actions are not limited. Routes
//! that say so are limited per source address alone, before association (referral §2).
//!
//! A caller below the rate waits for nothing. Each sandbox decides by what it knows of a bucket that all sandboxes pour
//! into: it reports what it let through one slice at a time, beside the next request for the same route, and reads the
//! bucket with that request's caller check once it was told that it is filling. A caller who was refused is refused
//! again without a question to the table, by the same sandbox and for at most a second. Where the bucket cannot be
//! written, requests pass, and each sandbox by itself holds them to the rate. `docs/design.md` has the reasons.
//!
//! What is refused because its caller is not known, or foreign to the org, is under a limit of its own per source
//! network ([`UNKNOWN_CALLERS_PER_MINUTE`]), counted when it is refused: a good caller never meets it.

mod local;
mod rate;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use contract::{
    error::{Error, Result, Tag},
    network::SourceNetwork,
    time::Time,
};
use store::{Batch, Bucket, Found, Key, Org, Store};

use self::local::Local;
pub use self::rate::Rate;
use crate::{
    access::Access,
    app::App,
    caller::Credential,
    keys,
    route::{Figure, Route},
    run::Seen,
};

/// So many requests a minute of callers that are not known, or foreign to the org, are answered one source network with
/// what is wrong; then it is `rate-limited` (contract §11).
pub static UNKNOWN_CALLERS_PER_MINUTE: Figure =
    Figure { variable: "G3N_UNKNOWN_CALLERS_PER_MINUTE", default: 300, least: 1, most: 1_000_000 };

/// A sandbox remembers so many buckets. What it forgets was idle, or costs a little of the count.
const MOST_BUCKETS: usize = 10_000;
/// So many refused callers of one bucket are remembered.
const MOST_REFUSED: usize = 16;
/// That a credential is good and belongs to the org is taken for true so long after it was checked, for refusing only.
const REMEMBERED: i64 = 1_000_000_000;
/// A report of the rate that takes longer is given up, so that no request is held up by it for longer.
pub const REPORT_PATIENCE: Duration = Duration::from_millis(250);

/// What a sandbox knows of the rates that its callers use.
#[derive(Default)]
pub(crate) struct Limiter(Mutex<HashMap<String, Known>>);

#[derive(Default)]
struct Known {
    local: Local,
    refused: Vec<Refused>,
}

/// A caller who was refused here.
struct Refused {
    who: Option<String>,
    until: i64,
    /// What the checks found, for the envelope and the log.
    seen: Seen,
}

impl Limiter {
    /// What is known of a bucket, if anything is: nothing is remembered for a caller who has yet to be checked.
    fn known<T>(&self, key: &Key<Bucket>, with: impl FnOnce(&mut Known) -> T) -> Option<T> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get_mut(key.parts().0).map(with)
    }

    fn remember<T>(&self, limit: &Limit, with: impl FnOnce(&mut Known) -> T) -> T {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_BUCKETS {
            buckets.retain(|_, known| !known.local.is_idle(limit.nanos()));
            if buckets.len() >= MOST_BUCKETS {
                buckets.clear();
            }
        }
        let new = || {
            let mut phase = [0; 4];
            limit.app.chance.fill(&mut phase);
            Known { local: Local::new(limit.rate, u32::from_le_bytes(phase)), refused: Vec::new() }
        };
        with(buckets.entry(limit.key.parts().0.to_owned()).or_insert_with(new))
    }
}

/// The limit that one request is under.
pub(crate) struct Limit {
    app: &'static App,
    key: Key<Bucket>,
    rate: Rate,
    now: Time,
    /// Who asks: by the hash of the credential.
    who: Option<String>,
    /// As how many requests this one counts.
    weight: u32,
    is_per_address: bool,
}

impl Limit {
    /// The limit of a request for a route, by what it says of itself; none where there is none.
    pub(crate) fn of(
        app: &'static App,
        route: &Route,
        credential: &Credential,
        org: Option<&Org>,
        source_ip: Option<&str>,
        weight: u32,
    ) -> Option<Self> {
        let (service, percent) = (app.service.name, app.settings.rate_percent);
        let (who, now) = (credential.hash(), app.clock.now());
        if let Some(figure) = route.handler.traits().per_address {
            let rate = Rate::per_minute(app.settings.figure(figure), percent)?;
            let key = keys::rate_of_address(service, &network_hash(app, source_ip?), figure.variable);
            return Some(Self { app, key, rate, now, who, weight, is_per_address: true });
        }
        let rate = Rate::of_class(route.class, percent)?;
        let path = route.call.name;
        // Where nobody has to belong to the org that is named, anybody could use up its rate.
        let org = org.filter(|_| route.access.needs_association());
        let key = match (credential, org) {
            _ if route.access == Access::Operator => return None,
            (_, Some(org)) => keys::rate_of_org(service, org, path),
            (Credential::Session(token), None) => keys::rate_of_user(service, token.user_guid, path),
            (Credential::Key(token), None) => keys::rate_of_org(service, &Org::checked(token.org_guid), path),
            (Credential::None | Credential::Operator(_), None) => {
                keys::rate_of_address(service, &network_hash(app, source_ip?), path)
            }
        };
        Some(Self { app, key, rate, now, who, weight, is_per_address: false })
    }

    /// The limit on what a source network is refused because its callers are not known, or foreign to the org they name
    /// (contract §11): of all routes of the service together, and whatever percentage the rates of orgs are at. `who`
    /// asks, and for which org.
    pub(crate) fn of_strangers(
        app: &'static App,
        who: Option<String>,
        source_ip: Option<&str>,
    ) -> Option<Self> {
        let rate = Rate::per_minute(app.settings.figure(&UNKNOWN_CALLERS_PER_MINUTE), 100)?;
        let network = network_hash(app, source_ip?);
        let key = keys::rate_of_address(app.service.name, &network, UNKNOWN_CALLERS_PER_MINUTE.variable);
        Some(Self { app, key, rate, now: app.clock.now(), who, weight: 1, is_per_address: true })
    }

    /// Whether it is the caller's own, by their address: then it stands before association, for nobody else can use it
    /// up, and a 429 tells of nothing but the address.
    pub(crate) fn is_per_address(&self) -> bool {
        self.is_per_address
    }

    fn nanos(&self) -> i64 {
        self.now.millis().saturating_mul(1_000_000)
    }

    /// Refuses a caller who was refused a moment ago, before anything is read.
    pub(crate) fn refuse_again(&self, seen: &mut Seen) -> Result<()> {
        let now = self.nanos();
        let again = self.app.limiter.known(&self.key, |known| {
            let seconds = known.local.room(self.rate, now, self.weight).err()?;
            known.refused.retain(|refused| now < refused.until);
            let refused = known.refused.iter().find(|refused| refused.who == self.who)?;
            Some((seconds, refused.seen.clone()))
        });
        let Some((seconds, before)) = again.flatten() else { return Ok(()) };
        *seen = Seen { now: None, tries: seen.tries, cccode: seen.cccode.take(), ..before };
        Err(refusal(seconds))
    }

    /// Asks for the bucket with what the caller check asks for, where others may be filling it.
    pub(crate) fn wants(&self, batch: &mut Batch) {
        let is_watched = |known: &mut Known| known.local.is_watched(self.nanos());
        if self.app.limiter.known(&self.key, is_watched) == Some(true) {
            batch.want(&self.key);
        }
    }

    /// Lets a request through and counts it, or refuses it.
    pub(crate) fn admit(&self, found: &Found, seen: &Seen) -> Result<()> {
        let now = self.nanos();
        // A bucket that cannot be read limits nobody.
        let until = found.bucket(&self.key).ok().flatten();
        self.app.limiter.remember(self, |known| {
            if let Some(until) = until {
                known.local.told(self.rate, until, now);
            }
            known.local.admit(self.rate, now, self.weight).map_err(|seconds| {
                known.refused.retain(|refused| refused.who != self.who && now < refused.until);
                if known.refused.len() < MOST_REFUSED {
                    let (who, seen) = (self.who.clone(), seen.clone());
                    known.refused.push(Refused { who, until: now.saturating_add(REMEMBERED), seen });
                }
                refusal(seconds)
            })
        })
    }

    /// Reports what was let through before, where it is a whole slice: beside the request, whose answer needs none of
    /// it.
    pub(crate) async fn report(&self, store: &Store) {
        let (limiter, now) = (&self.app.limiter, self.nanos());
        let take = |known: &mut Known| known.local.take_report(self.rate, now);
        let Some((nanos, runs)) = limiter.known(&self.key, take).flatten() else { return };
        let pour = store.pour(&self.key, nanos, self.now, runs);
        let poured = tokio::time::timeout(self.app.settings.report_patience, pour).await;
        limiter.known(&self.key, |known| match poured {
            Ok(Ok(until)) => known.local.told(self.rate, until, now),
            _ => known.local.failed(now),
        });
    }
}

/// What stands for the source network of an address (contract §4), however the address is written: a keyed hash,
/// because an address is personal.
pub(crate) fn network_hash(app: &App, address: &str) -> String {
    let network = address.parse().map_or(address.to_owned(), |network: SourceNetwork| network.to_string());
    app.settings.lookup_key.hash("-", "rate-address", &network)
}

fn refusal(seconds: u32) -> Error {
    Error::from(Tag::RateLimited).retry_after(seconds)
}
