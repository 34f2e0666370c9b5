//! Events of any form through every function: each is answered with an envelope (referral: with a body of its own form),
//! none makes a function panic, and none is answered with a 500 (contract §2, §9).
//!
//! `EVENTS` says how many, `SEED` where their chance starts: the same seed sends the same events.

use std::{env, panic::AssertUnwindSafe};

use base64::{Engine, engine::general_purpose::STANDARD};
use fastrand::Rng;
use futures::FutureExt;
use serde_json::{Map, Value, json};
use service::{Access, Route, Service, Style};
use testkit::{Reply, World};

use crate::{
    event::{self, Event},
    request::{Sample, act_text},
    samples::sample,
    services,
};

/// So many events in `make test`.
const EVENTS: usize = 2_000;

/// Actions that are left out: they change the time of all functions of a deployment, so of other tests too.
const SHARED_BY_ALL: &[&str] = &["clock-set"];

/// Headers that mean something to somebody on the way.
const HEADERS: &[&str] = &[
    "Content-Type",
    "accept",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "idempotency-key",
    "origin",
    "traceparent",
    "transfer-encoding",
    "user-agent",
    "x-api-key",
    "x-cccode",
    "x-channel-code",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-g3n-surface",
    "x-logical-guid",
    "x-orgcode",
    "x-request-id",
    "x-session-guid",
    "X-Session-Guid",
    "",
    "a b",
    "\u{e9}",
    "x-\u{0}",
];

/// Texts that something on the way may read otherwise than as a text.
const TEXTS: &[&str] = &[
    "",
    " ",
    "\t",
    "%",
    "%00",
    "%ff",
    "%zz",
    "+",
    "&",
    "=",
    "a b",
    "\"",
    "\\",
    "\u{0}",
    "\n",
    "\r\nx: y",
    "\u{7f}",
    "\u{85}",
    "\u{e9}",
    "M\u{fc}ller",
    "\u{202e}",
    "\u{feff}",
    "\u{1f980}",
    "https,https",
    "ht^tp",
    "file",
    "[::1",
    "a:99999999",
    "xn--",
    "@",
    "//",
    "/..",
    "/%2e%2e/",
    "null",
    "true",
    "-0",
    "-1",
    "1e999",
    "0.5",
    "99999999999999999999",
    "NaN",
    "[]",
    "{}",
    "{",
    "gzip",
    "identity",
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "https://shop.example",
    "s1_",
    "s1_\u{e9}",
    "k1_AAAA",
    "cli",
    "00000000-0000-0000-0000-000000000000",
    "9999-12-31T23:59:59Z",
    "2026-02-30",
    "' OR 1=1 --",
    "<script>",
    "EUR",
    "GET",
    "HEAD",
    "OPTIONS",
    "POST",
    "ACTION",
    "post",
    "$default",
    "a,b",
    "*",
];

/// So large is what is large.
const SIZES: &[usize] = &[1, 15, 16, 17, 128, 129, 1_024, 2_049, 10_240, 65_536, 262_145];

struct Chance(Rng);

impl Chance {
    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.0.usize(..list.len())]
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.0.usize(..n) == 0
    }

    fn text(&mut self) -> String {
        match self.0.usize(..8) {
            0 => (0..self.0.usize(..40)).map(|_| self.0.char(..)).collect(),
            1 => (0..self.0.usize(..40)).map(|_| self.0.char(' '..='~')).collect(),
            2 => {
                let sizes = if self.one_in(8) { SIZES } else { &SIZES[..6] };
                let size = *self.of(sizes);
                self.of(&["a", "A", "%", "\u{e9}", " ", "0", "[", "\u{1}"]).repeat(size)
            }
            3 => format!("{}{}", self.of(TEXTS), self.of(TEXTS)),
            _ => (*self.of(TEXTS)).to_owned(),
        }
    }

    fn json(&mut self, depth: usize) -> Value {
        match self.0.usize(..if depth == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => self.0.bool().into(),
            2 => self.0.i64(..).into(),
            3 => self.0.i32(-2..300).into(),
            4 => self.0.f64().into(),
            5 => self.text().into(),
            6 => (0..self.0.usize(..4)).map(|_| self.json(depth - 1)).collect(),
            _ => {
                let members = (0..self.0.usize(..4)).map(|_| (self.text(), self.json(depth - 1)));
                Value::Object(members.collect())
            }
        }
    }

    /// Another value in one place of this one, or one more member, or one less.
    fn disturb(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) if !fields.is_empty() && !self.one_in(4) => {
                let name = fields.keys().nth(self.0.usize(..fields.len())).cloned().unwrap_or_default();
                match self.0.usize(..6) {
                    0 => drop(fields.remove(&name)),
                    1 => drop(fields.insert(self.text(), self.json(2))),
                    2 => drop(fields.insert((*self.of(FRAME)).to_owned(), self.json(2))),
                    _ => self.disturb(&mut fields[&name]),
                }
            }
            Value::Array(items) if !items.is_empty() && !self.one_in(4) => match self.0.usize(..4) {
                0 => items.push(self.json(1)),
                1 => *items = vec![items[0].clone(); self.0.usize(..300)],
                _ => {
                    let n = self.0.usize(..items.len());
                    self.disturb(&mut items[n]);
                }
            },
            value => *value = self.json(3),
        }
    }

    /// The text of an object with something that only a text can have.
    fn written(&mut self, value: &Value) -> String {
        let text = value.to_string();
        match self.0.usize(..10) {
            0 => text.replacen('{', &format!("{{{}:{},", json!(self.of(FRAME)), self.json(1)), 1),
            1 => text.replacen(':', ":-0,\"x\":", 1),
            2 => {
                let deep = self.0.usize(..300);
                text.replacen(':', &format!(":{}{},\"x\":", "[".repeat(deep), "]".repeat(deep)), 1)
            }
            3 => {
                let end = (0..=text.len()).filter(|end| text.is_char_boundary(*end)).collect::<Vec<_>>();
                text[..*self.of(&end)].to_owned()
            }
            4 => self.text(),
            5 => text.replacen(':', ":1e400,\"x\":", 1),
            6 => text.replacen('"', "\"\\ud800", 1),
            _ => text,
        }
    }

    fn disturb_event(&mut self, event: &mut Value) {
        // Of what is no event any more only the whole is disturbed further.
        let is_event = event["requestContext"]["http"].is_object();
        match if is_event { self.0.usize(..14) } else { 13 } {
            0..=3 => {
                let name = (*self.of(HEADERS)).to_owned();
                let value = self.text();
                if let Some(headers) = event["headers"].as_object_mut() {
                    headers.insert(name, value.into());
                }
            }
            4 => {
                let path = event["rawPath"].as_str().unwrap_or_default().to_owned();
                event["rawPath"] = match self.0.usize(..4) {
                    0 => self.text(),
                    1 => format!("/prod{path}"),
                    2 => format!("{path}{}", self.text()),
                    _ => {
                        let other: &str = self.of::<&str>(TEXTS);
                        path.replace('/', other)
                    }
                }
                .into();
            }
            5 | 6 => {
                let pairs = (0..self.0.usize(..4)).map(|_| format!("{}={}&", self.of(FRAME), self.text()));
                let query: String = pairs.collect();
                event["rawQueryString"] =
                    format!("{query}{}", event["rawQueryString"].as_str().unwrap_or("")).into();
            }
            7 | 8 => {
                let body = event["body"].as_str().unwrap_or("{}");
                let mut fields = serde_json::from_str(body).unwrap_or_else(|_| json!({}));
                self.disturb(&mut fields);
                event["body"] = self.written(&fields).into();
            }
            9 => {
                let mut bytes = event["body"].as_str().unwrap_or_default().as_bytes().to_vec();
                if !bytes.is_empty() && self.0.bool() {
                    let at = self.0.usize(..bytes.len());
                    bytes[at] = self.0.u8(..);
                }
                event["body"] = STANDARD.encode(bytes).into();
                event["isBase64Encoded"] = true.into();
            }
            10 => event["isBase64Encoded"] = self.json(0),
            11 => event["requestContext"]["http"]["method"] = self.text().into(),
            12 => {
                let field = *self.of(&["sourceIp", "method", "path"]);
                event["requestContext"]["http"][field] = self.json(0);
            }
            _ => self.disturb(event),
        }
    }
}

/// The names of fields that many routes take.
const FRAME: &[&str] = &[
    "action",
    "actor",
    "api_key",
    "expected_revision",
    "idempotency_key",
    "include_doomed",
    "limit",
    "next_token",
    "org_guid",
    "orgcode",
    "page",
    "reason",
    "reason_code",
    "request_context",
    "session_guid",
    "source_refs",
    "status",
];

#[expect(clippy::disallowed_methods, reason = "a setting of the test")]
fn setting(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One good request for each route.
struct Good {
    service: &'static Service,
    route: &'static Route,
    sample: Sample,
}

async fn good_requests(world: &World) -> Vec<Good> {
    let mut all = Vec::new();
    for (service, route) in services::routes().filter(|(_, route)| !SHARED_BY_ALL.contains(&route.call.path))
    {
        all.push(Good { service, route, sample: sample(world, service, route).await });
    }
    all
}

/// The text of an event that began as a good one.
fn event(chance: &mut Chance, good: &Good) -> String {
    let Good { service, route, sample } = good;
    let mut event = Event::of(service, route, &sample.caller, &sample.fields).0;
    for _ in 0..chance.0.usize(1..5) {
        chance.disturb_event(&mut event);
    }
    if chance.one_in(20) { chance.written(&event) } else { event.to_string() }
}

/// The text of an invocation that began as a good one.
fn invocation(chance: &mut Chance, good: &Good) -> String {
    let mut fields: Map<String, Value> = good.sample.fields.clone();
    for (name, value) in [("action", good.route.call.path), ("actor", "op@example"), ("reason", "test")] {
        fields.insert(name.to_owned(), value.into());
    }
    let mut fields = Value::Object(fields);
    for _ in 0..chance.0.usize(..4) {
        chance.disturb(&mut fields);
    }
    if fields["action"].as_str().is_some_and(|action| SHARED_BY_ALL.contains(&action)) {
        return "{}".to_owned();
    }
    chance.written(&fields)
}

/// What is wrong with an answer, if anything is.
fn fault(service: &Service, reply: &Reply) -> Option<&'static str> {
    let Reply { status, body, text, .. } = reply;
    if !(200..500).contains(status) {
        return Some("the status is that of a failure");
    }
    if text.is_empty() {
        // An answer to HEAD, or to what a browser asks before it calls.
        return reply
            .header("x-request-id")
            .is_none()
            .then_some("there is no answer")
            .filter(|_| *status != 204);
    }
    let is_refusal = *status >= 400;
    let is_formed = match service.style {
        Style::Enveloped => {
            body["success"] == !is_refusal
                && body["build"].is_object()
                && body["stats"]["request_id"].is_string()
        }
        Style::Rest { .. } if is_refusal => {
            body["error"]["code"].is_string() && body["error"]["message"].is_string()
        }
        Style::Rest { .. } => body.is_object(),
    };
    (!is_formed).then_some("the answer has no envelope")
}

#[tokio::test]
async fn no_event_makes_a_function_fail() {
    let (count, seed) = (setting("EVENTS", EVENTS as u64), setting("SEED", 1));
    let world = World::new().await;
    let good = good_requests(&world).await;
    let mut chance = Chance(Rng::with_seed(seed));
    let mut answered = [0_usize; 6];
    for n in 0..count {
        let good = chance.of(&good);
        let is_direct = good.route.access == Access::Operator;
        let text = if is_direct { invocation(&mut chance, good) } else { event(&mut chance, good) };
        let answer = async {
            if is_direct {
                act_text(&world, good.service, &text).await
            } else {
                event::invoke(&world, good.service, &text).await
            }
        };
        let place =
            || format!("SEED={seed}, event {n}, {} {}: {text:.4000}", good.service.name, good.route.call);
        let Ok(reply) = AssertUnwindSafe(answer).catch_unwind().await else { panic!("a panic: {}", place()) };
        if let Some(fault) = fault(good.service, &reply) {
            panic!("{fault}: {} {:.2000}\n{}\n{}", reply.status, reply.text, world.last_log(), place());
        }
        world.forget_log();
        answered[usize::from(reply.status / 100)] += 1;
    }
    // Neither are all of them refused at the door, nor is each let in.
    assert!(answered[2] * 50 > answered[4] && answered[4] > answered[2], "{answered:?}");
}
