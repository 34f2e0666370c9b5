//! What a function holds from its start to its end.

use std::{
    collections::HashMap,
    io::Write,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use contract::{
    codes::OrgCode,
    envelope::Build,
    ids::OrgGuid,
    paging::CursorKey,
    secret::{CodeKeys, LookupKey},
    time::Time,
};
use store::{Chance, Store};

use crate::{
    known::Known,
    limit::Limiter,
    objects::Objects,
    route::{Figure, Service},
};

/// Which build this is.
pub const fn build() -> Build {
    Build { build_major: 0, build_minor: 1, build_id: env!("G3N_BUILD_ID") }
}

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine.
    System,
    /// A test, in Unix milliseconds.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
    pub fn now(&self) -> Time {
        let millis = match self {
            Self::System => std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Self::Manual(millis) => millis.load(Ordering::Relaxed),
        };
        Time::from_millis(millis).unwrap_or(Time::EPOCH)
    }
}

/// Where log lines go.
#[derive(Clone, Debug)]
pub enum LogSink {
    /// Standard output, where Lambda takes them up.
    Stdout,
    /// A test's memory.
    Memory(Arc<Mutex<Vec<String>>>),
}

impl LogSink {
    /// Writes one line.
    pub fn write(&self, line: String) {
        match self {
            // A line that cannot be written is lost: nothing could be done about it here.
            Self::Stdout => drop(writeln!(std::io::stdout().lock(), "{line}")),
            Self::Memory(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).push(line),
        }
    }
}

/// What a deployment sets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the deployment, by which its metrics differ from those of another in the same account.
    pub stage: String,
    /// Seals cursors.
    pub cursor_key: CursorKey,
    /// Hashes contact values for look-ups.
    pub lookup_key: LookupKey,
    /// Hashes short codes, where the service keeps some.
    pub code_keys: Option<CodeKeys>,
    /// The origins that may call from a browser.
    pub cors_origins: Vec<String>,
    /// The one org of a deployment that is open to the public, for services that may be (referral §2).
    pub public_org: Option<OrgCode>,
    /// What the deployment sets of [`Service::figures`] and of [`FIGURES`](crate::FIGURES), by variable.
    pub figures: HashMap<&'static str, u32>,
    /// Whether time can be shifted by the operator (local stack and tests only).
    pub test_clock: bool,
    /// How many requests are let through, in percent of what the class of each route says (contract §11); 0 for all.
    pub rate_percent: u32,
    /// How long a request waits for the report of its rate: [`REPORT_PATIENCE`](crate::REPORT_PATIENCE), and in tests
    /// longer, where a busy machine is not to be taken for a slow table.
    pub report_patience: Duration,
    /// How long a request may take whose caller does not say until when: [`Deadline::USUAL`](store::Deadline::USUAL), and
    /// in tests longer, likewise.
    pub patience: Duration,
}

impl Settings {
    /// What the deployment says, or the default.
    pub(crate) fn figure(&self, figure: &Figure) -> u32 {
        self.figures.get(figure.variable).copied().unwrap_or(figure.default)
    }
}

/// A function at work.
pub struct App {
    /// What it serves.
    pub service: &'static Service,
    /// Its table.
    pub store: Store,
    /// Its bucket, where it has one.
    pub objects: Option<Box<dyn Objects>>,
    /// Its randomness.
    pub chance: Arc<dyn Chance>,
    /// Its clock.
    pub clock: Clock,
    /// Its deployment.
    pub settings: Settings,
    /// Where it logs.
    pub log: LogSink,
    pub(crate) limiter: Limiter,
    pub(crate) known: Known,
    orgs: Mutex<HashMap<String, OrgGuid>>,
}

/// So many codes are remembered; a code never changes its org, so forgetting costs one read and nothing else.
const MOST_ORGS: usize = 10_000;

impl App {
    /// A function that serves a service.
    pub fn new(
        service: &'static Service,
        store: Store,
        chance: Arc<dyn Chance>,
        clock: Clock,
        settings: Settings,
        log: LogSink,
    ) -> Self {
        let (limiter, known, orgs) = Default::default();
        Self { service, store, objects: None, chance, clock, settings, log, limiter, known, orgs }
    }

    /// The same function with a bucket.
    #[must_use]
    pub fn with_objects(mut self, objects: Option<Box<dyn Objects>>) -> Self {
        self.objects = objects;
        self
    }

    /// The org that the claim on a code names, by the claim's partition.
    pub(crate) fn remembered(&self, claim: &str) -> Option<OrgGuid> {
        self.orgs.lock().unwrap_or_else(PoisonError::into_inner).get(claim).copied()
    }

    pub(crate) fn remember(&self, claim: &str, guid: OrgGuid) {
        let mut orgs = self.orgs.lock().unwrap_or_else(PoisonError::into_inner);
        if orgs.len() >= MOST_ORGS {
            orgs.clear();
        }
        orgs.insert(claim.to_owned(), guid);
    }
}
