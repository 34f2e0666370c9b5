//! What is known of a request from its arrival to its answer: for the envelope and the log line.

use std::{borrow::Cow, time::Instant};

use contract::{
    envelope::{self, Stats},
    error::Result,
};
use identity::token;
use store::{Meter, Sent};

use crate::{
    app::{App, build},
    log,
    route::{Route, Style},
    run::{Done, Seen},
};

/// One request under way.
pub(crate) struct Trace {
    pub(crate) app: &'static App,
    pub(crate) request_id: String,
    pub(crate) meter: Meter,
    pub(crate) seen: Seen,
    /// The route, once it is found.
    pub(crate) route: Option<&'static Route>,
    call: String,
    started: Instant,
}

/// A request that is at its end.
pub(crate) struct Finished {
    pub(crate) status: u16,
    /// Headers that are the answer's own.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) replayed: bool,
}

impl Trace {
    /// Begins with what was asked for and the id of the request.
    pub(crate) fn start(app: &'static App, call: String, request_id: String) -> Self {
        let (meter, seen, started) = (Meter::default(), Seen::default(), Instant::now());
        Self { app, request_id, meter, seen, route: None, call, started }
    }

    /// Puts the result into the form of the service's answers, and writes the log line.
    pub(crate) fn finish(&self, result: &Result<Done>) -> Finished {
        let stats = self.stats();
        let (sent, replayed) = match result {
            Ok(done) => (done.sent.clone(), done.replayed),
            Err(error) => (Sent { status: error.tag().status(), headers: Vec::new() }, false),
        };
        let Sent { status, headers } = sent;
        let body = match (self.app.service.style, result) {
            (Style::Enveloped, Ok(done)) => envelope::success(&done.data, done.revision.as_ref(), &stats),
            (Style::Enveloped, Err(error)) => masked(envelope::failure(error, &stats)),
            (Style::Rest { .. }, Ok(done)) => done.data.get().to_owned(),
            (Style::Rest { .. }, Err(error)) => masked(error.bare_body().to_string()),
        };
        let line = log::Line {
            route: self.route,
            stats: &stats,
            status,
            error: result.as_ref().err(),
            usage: self.meter.usage(),
            replayed,
            tries: self.seen.tries,
        };
        log::write(self.app, &line);
        Finished { status, headers, body, replayed }
    }

    fn stats(&self) -> Stats {
        let seen = &self.seen;
        Stats {
            call: self.call.clone(),
            service: self.app.service.name,
            request_id: self.request_id.clone(),
            timestamp_utc: seen.now.unwrap_or_else(|| self.app.clock.now()),
            latency_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            build: build(),
            orgcode: seen.orgcode.clone(),
            actor: seen.actor.clone(),
            cccode: seen.cccode.clone(),
            context_source: seen.source,
            session_fingerprint: seen.session_fingerprint.clone(),
            api_key_fingerprint: seen.api_key_fingerprint.clone(),
        }
    }
}

/// A refusal without what looks like a credential: it names fields, and a caller may have put one into a name.
fn masked(refusal: String) -> String {
    match token::masked(&refusal) {
        Cow::Borrowed(_) => refusal,
        Cow::Owned(masked) => masked,
    }
}
