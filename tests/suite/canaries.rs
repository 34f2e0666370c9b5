//! What a caller writes of a person, and what is secret, goes into the record that it is meant for and nowhere else: not
//! into logs, metrics, traces, refusals or events (contract §3, §10).
//!
//! 60 canaries are sent through every field of every route, alone and together. A metric is part of a log line, so the
//! search of those covers both.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use aho_corasick::AhoCorasick;
use contract::ids::{OrgGuid, ServiceAccountGuid, UserGuid};
use identity::token::{ApiKeyToken, SessionToken};
use relay::event::Event;
use serde_json::{Map, Value, json};
use service::{Route, Service, Style};
use store::{SeededChance, journal::Entry};
use testkit::{Caller, Reply, World};
use tracing_subscriber::layer::SubscriberExt;
use uuid::Uuid;

use crate::{
    request::{self, Sample},
    samples::sample,
    services,
};

const OF_A_KIND: usize = 6;

/// What kind of thing a canary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// What no program can tell from any other text: a name, a birthday, where somebody lives.
    Person,
    /// An e-mail address or a phone number.
    Contact,
    /// A passcode: like any other text, but in the one field that it is meant for.
    Passcode,
    /// A session or an API key.
    Credential,
}

struct Canary {
    kind: Kind,
    text: String,
    /// By which it is found, in letters of any size.
    mark: String,
}

fn canaries() -> Vec<Canary> {
    let mut all = Vec::new();
    let chance = SeededChance::new(60);
    for n in 0..OF_A_KIND {
        let mut add = |kind, text: String, mark: &str| {
            all.push(Canary { kind, mark: mark.to_owned(), text });
        };
        add(Kind::Contact, format!("kanari{n}.post@kaefig.example"), &format!("kanari{n}.post"));
        add(Kind::Contact, format!("+4930770077{n}"), &format!("30770077{n}"));
        add(Kind::Person, format!("Kanarina{n}"), &format!("Kanarina{n}"));
        add(Kind::Person, format!("Gelbvogel{n}"), &format!("Gelbvogel{n}"));
        add(Kind::Person, format!("Tschilp Zwitscher{n}"), &format!("Zwitscher{n}"));
        add(Kind::Person, format!("Vogelbauerstr. 77{n}"), &format!("Vogelbauerstr. 77{n}"));
        add(Kind::Person, format!("1777-07-0{}", n + 1), &format!("1777-07-0{}", n + 1));
        add(Kind::Passcode, format!("Pieps-Pieps-77{n}"), &format!("Pieps-Pieps-77{n}"));
        let user = UserGuid::from_uuid(Uuid::from_u128(77));
        let session = SessionToken::mint(user, &chance).secret.reveal().to_owned();
        add(Kind::Credential, session.clone(), &session[40..]);
        let (org, account) =
            (OrgGuid::from_uuid(Uuid::from_u128(7)), ServiceAccountGuid::from_uuid(Uuid::from_u128(8)));
        let key = ApiKeyToken::mint(org, account, &chance).secret.reveal().to_owned();
        add(Kind::Credential, key.clone(), &key[60..]);
    }
    all
}

/// What journal and events tell word by word, because it is about a thing and not about a person (class `Plain`). Whoever
/// adds a field here says that callers are not asked for anything personal in it. Contacts in a reason are masked. The id
/// of a mentor is that of another system, given by operators; that of a referral code is the code.
const TOLD: &[&str] = &[
    "address",
    "aggregate_id",
    "caption",
    "code",
    "controls",
    "description",
    "external_ids",
    "hardware_profile",
    "legal_name",
    "mentor_id",
    "path",
    "reason",
    "registration_number",
    "source_refs",
    "station_code",
    "trading_name",
];

/// Traces as a function writes them whose log level is `trace`.
#[derive(Clone, Default)]
struct Traces(Arc<Mutex<Vec<u8>>>);

impl Write for Traces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the traces").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the texts and numbers of a request stand.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| leaves(value, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| leaves(value, &format!("{at}/{n}"), found));
        }
        _ => found.push(at.to_owned()),
    }
}

/// The field that stands at a place of an entry or of its event.
fn field_at<'a>(place: &'a str, entry: &'a Entry) -> &'a str {
    match place.split('/').collect::<Vec<_>>()[..] {
        ["", "changed", n, ..] => n.parse().map_or("", |n: usize| entry.changed[n].field.as_str()),
        ["", "data", field, ..] => field,
        ["", "why", ..] => "reason",
        ["", field, ..] => field,
        _ => "",
    }
}

struct Aviary {
    world: World,
    canaries: Vec<Canary>,
    /// The marks of the canaries, by their place among these.
    marks: AhoCorasick,
    /// What was found where it must not be, with the first place of each kind.
    escaped: BTreeMap<String, String>,
    sent: usize,
    accepted: usize,
}

impl Aviary {
    fn search(&mut self, what: &str, text: &str) {
        for found in self.marks.find_overlapping_iter(text) {
            let canary = &self.canaries[found.pattern()];
            let place = format!("{what}: {:?}", canary.kind);
            self.escaped.entry(place).or_insert_with(|| format!("{}: {text}", canary.text));
        }
    }

    async fn send(
        &mut self,
        service: &'static Service,
        route: &Route,
        caller: &Caller,
        fields: Map<String, Value>,
    ) {
        let sample = Sample { caller: caller.clone(), fields };
        let reply = request::deliver(&self.world, service, route, &sample, None).await;
        self.judge(&format!("{}{}", service.name, route.call.path), &reply);
    }

    /// A refusal shows nothing of what was sent; but a conflict shows the record, which the caller may read.
    fn judge(&mut self, place: &str, reply: &Reply) {
        self.sent += 1;
        if reply.is_success() {
            self.accepted += 1;
            return;
        }
        let mut body = reply.body.clone();
        if let Some(details) = body.pointer_mut("/error/details").and_then(Value::as_object_mut) {
            details.remove("current");
        }
        if let Some(stats) = body["stats"].as_object_mut() {
            // An operator is shown the name that they gave.
            stats.remove("actor");
        }
        self.search(&format!("a refusal of {place}"), &body.to_string());
        self.search(&format!("a header of {place}"), &format!("{:?}", reply.headers));
    }

    /// A request for a route with a canary in every header that a caller writes freely.
    fn dressed(&self, caller: &Caller, n: usize) -> Caller {
        let text = |n: usize| self.canaries[n % self.canaries.len()].text.clone();
        let mut caller = caller.clone().with("user-agent", text(n)).with("traceparent", text(n + 1));
        // The id of a request may be of letters and digits, and is written everywhere.
        let id = &self.canaries[(n + 2) % self.canaries.len()];
        if matches!(id.kind, Kind::Contact | Kind::Credential) {
            caller = caller.with("x-request-id", id.text.clone());
        }
        let headers =
            ["cookie", "authorization", "x-channel-code", "x-cccode", "x-logical-guid", "idempotency-key"];
        caller.with(headers[n % headers.len()], text(n + 3))
    }

    async fn fill(&mut self, service: &'static Service, route: &'static Route) {
        let Sample { caller, mut fields } = sample(&self.world, service, route).await;
        if route.handler.traits().writes && service.style == Style::Enveloped {
            fields.insert("reason".to_owned(), json!("because"));
            fields.insert("source_refs".to_owned(), json!([{"kind": "ticket", "id": "4711"}]));
        }
        let whole = Value::from(fields);
        let mut places = Vec::new();
        leaves(&whole, "", &mut places);
        let with = |changes: &mut dyn Iterator<Item = (&String, &str)>| {
            let mut whole = whole.clone();
            for (place, text) in changes {
                *whole.pointer_mut(place).expect("a place") = json!(text);
            }
            whole.as_object().expect("an object").clone()
        };
        let texts: Vec<String> = self.canaries.iter().map(|canary| canary.text.clone()).collect();
        let of = |n: usize| texts[n % texts.len()].as_str();
        // All of them together, each in every place once; every other time in a field that there is not, too.
        for turn in 0..texts.len() {
            let changes = places.iter().enumerate().map(|(n, place)| (place, of(n + turn)));
            let mut fields = with(&mut changes.into_iter());
            if turn % 2 == 0 {
                fields.insert("no_such_field".to_owned(), json!({"inside": [of(turn)]}));
            }
            let caller = if turn % 3 == 0 { self.dressed(&caller, turn) } else { caller.clone() };
            self.send(service, route, &caller, fields).await;
        }
        // Some alone in each place, the rest as it should be: of each kind where there are few places.
        let kinds = texts.len() / OF_A_KIND;
        let alone = (texts.len() / places.len().max(1)).clamp(3, kinds);
        for (n, place) in places.iter().enumerate() {
            for turn in 0..alone {
                let text = of((n * alone + turn) * (kinds + 1));
                self.send(service, route, &caller, with(&mut [(place, text)].into_iter())).await;
            }
        }
    }

    /// Paths, actions and credentials that there are not.
    async fn knock(&mut self) {
        for n in 0..self.canaries.len() {
            let text = self.canaries[n].text.clone();
            for service in services::http() {
                let path = format!("/customer/{text}");
                let reply =
                    self.world.send(service, &Caller::anonymous(), "POST", &path, String::new()).await;
                self.judge("an unknown path", &reply);
                for name in ["session_guid", "customer"] {
                    let path = format!("/stat?{name}={text}");
                    let reply =
                        self.world.send(service, &Caller::anonymous(), "GET", &path, String::new()).await;
                    self.judge("a query", &reply);
                }
                for header in ["x-session-guid", "x-api-key", "x-orgcode"] {
                    let caller = self.world.owner.clone().with(header, text.clone());
                    let reply =
                        self.world.send(service, &caller, "POST", "/stat", format!("[\"{text}\"]")).await;
                    self.judge("a wrong body", &reply);
                }
            }
            for service in services::ALL.iter().filter(|service| services::is_direct(service)) {
                let reply = request::act(&self.world, service, json!({"action": text, "actor": text})).await;
                self.judge("an unknown action", &reply);
            }
        }
    }

    async fn search_journal(&mut self) {
        for entry in testkit::journal::all().await {
            let event = Event::new(&entry).expect("an event");
            let detail: Value = serde_json::from_str(&event.detail).expect("JSON");
            self.search_told("an event", &entry, &detail);
            let mut whole = serde_json::to_value(&entry).expect("JSON");
            if let Some(context) = whole["request_context"].as_object_mut() {
                // The journal, and it alone, keeps an operator's name.
                context.remove("actor");
            }
            self.search_told("the journal", &entry, &whole);
        }
    }

    /// Searches for what must not be told of a change at all, and for the rest where no field tells it.
    fn search_told(&mut self, what: &str, entry: &Entry, told: &Value) {
        if !self.marks.is_match(&told.to_string()) {
            return;
        }
        let mut places = Vec::new();
        leaves(told, "", &mut places);
        for place in places {
            let text = told.pointer(&place).expect("a place").to_string();
            for met in self.marks.find_overlapping_iter(&text) {
                let canary = &self.canaries[met.pattern()];
                let field = field_at(&place, entry);
                let may_be_told = match canary.kind {
                    Kind::Person | Kind::Passcode => true,
                    Kind::Contact => field != "reason",
                    Kind::Credential => false,
                };
                if may_be_told && TOLD.contains(&field) {
                    continue;
                }
                let found = format!("{what} of {} at {place}: {:?}", entry.action, canary.kind);
                self.escaped.entry(found).or_insert_with(|| canary.text.clone());
            }
        }
    }
}

#[tokio::test]
async fn nothing_of_persons_and_secrets_escapes_from_any_field_of_any_route() {
    let traces = Traces::default();
    let writer = traces.clone();
    let lines = tracing_subscriber::fmt::layer().json().with_writer(move || writer.clone());
    let subscriber = tracing_subscriber::registry().with(lines).with(service::lambda::filter("trace"));
    let _guard = tracing::subscriber::set_default(subscriber);

    let world = World::new().await;
    let (escaped, sent, accepted) = Default::default();
    let canaries = canaries();
    let marks = canaries.iter().map(|canary| &canary.mark);
    let marks = AhoCorasick::builder().ascii_case_insensitive(true).build(marks).expect("marks");
    let mut aviary = Aviary { world, canaries, marks, escaped, sent, accepted };
    assert_eq!(aviary.canaries.len(), 60);
    assert!(aviary.canaries.iter().all(|canary| aviary.marks.is_match(&canary.text)), "each is found");
    let mut accepted: BTreeMap<&str, usize> = BTreeMap::new();
    for (service, route) in services::routes() {
        aviary.world = aviary.world.another().await;
        let before = aviary.accepted;
        aviary.fill(service, route).await;
        *accepted.entry(service.name).or_default() += aviary.accepted - before;
    }
    assert!(accepted.values().all(|count| *count > 0), "of some service nothing is accepted: {accepted:?}");
    aviary.knock().await;
    tracing::trace!("the end of the flight");
    for line in aviary.world.log() {
        let line: Value = serde_json::from_str(&line).expect("JSON");
        aviary.search(&format!("the log of {}", line["call"]), &line.to_string());
    }
    let traced = String::from_utf8(traces.0.lock().expect("the traces").clone()).expect("text");
    assert!(traced.contains("the end of the flight"), "nothing is traced");
    for line in traced.lines() {
        let target = line.split("\"target\":").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or("?");
        aviary.search(&format!("a trace of {target}"), line);
    }
    aviary.search_journal().await;
    let found: Vec<_> = aviary.escaped.iter().map(|(place, text)| format!("{place}: {text:.300}")).collect();
    assert!(
        found.is_empty(),
        "{} sent, {} accepted, {} escaped:\n{}",
        aviary.sent,
        aviary.accepted,
        found.len(),
        found.join("\n")
    );
}
