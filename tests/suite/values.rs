//! What the types of values promise, in every field of every request (contract §8): texts are seen, times are those of
//! RFC 3339, and no map has a key twice. The fields are found in the documents.

use contract::{
    personal::DisplayName,
    problem::Problem,
    reason::Reason,
    text::{Caption, Prose},
};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use service::{Route, Service, openapi};
use std::{collections::BTreeSet, str::FromStr};
use testkit::{Reply, World};

use crate::{conform, services};

/// What shows nothing: zero-width and filling characters, direction, tags, selectors, blank Braille.
const UNSEEN: &[&str] = &[
    "\u{200b}",
    "\u{feff}",
    "\u{3164}",
    "\u{202e}",
    "\u{ad}",
    "\u{2800}",
    "\u{180e}",
    "\u{e0041}",
    "\u{fe0f}",
    "\u{200d}\u{200c}",
    "\u{2066}\u{2069}",
    " \u{2800}\u{200b} ",
];

/// Texts that are read as they are sent, whatever they hold: one that a program wrote of itself, and those that are only
/// looked up, compared or checked as secrets.
const AS_SENT: &[&str] = &[
    "user_agent",
    "org_guid",
    "orgcode",
    "code",
    "invitation_code",
    "passcode",
    "session_guid",
    "api_key",
    "config_s3_key",
    "config_s3_bucket",
];

/// One step from a request to a field.
#[derive(Clone)]
pub(crate) enum Step {
    Into(String),
    First,
}

/// A field of a request, and what the document says of it.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) steps: Vec<Step>,
    pub(crate) schema: Value,
}

impl Field {
    /// As refusals name it.
    pub(crate) fn name(&self) -> String {
        self.steps.iter().fold(String::new(), |name, step| match step {
            Step::First => format!("{name}[0]"),
            Step::Into(field) if name.is_empty() => field.clone(),
            Step::Into(field) => format!("{name}.{field}"),
        })
    }

    pub(crate) fn own_name(&self) -> &str {
        let names = self.steps.iter().rev().find_map(|step| match step {
            Step::Into(name) => Some(name.as_str()),
            Step::First => None,
        });
        names.unwrap_or_default()
    }

    /// A request that holds this field and nothing else.
    fn alone(&self, value: Value) -> Value {
        self.steps.iter().rev().fold(value, |value, step| match step {
            Step::First => json!([value]),
            Step::Into(name) => Value::Object(Map::from_iter([(name.clone(), value)])),
        })
    }

    /// Whether it is of the context, which is compared with the caller's and never kept.
    fn is_context(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Into(name) if name == "request_context"))
    }

    fn is_of(&self, kind: &str) -> bool {
        match &self.schema["type"] {
            Value::Array(kinds) => kinds.iter().any(|of| of == kind),
            of => of == kind,
        }
    }

    /// Whether it is a text whose pattern forbids what turns it round.
    fn is_shown(&self) -> bool {
        self.schema["pattern"].as_str().is_some_and(|pattern| pattern.contains(r"\u202a"))
    }
}

/// All fields below a schema.
fn fields_of(document: &Value, schema: &Value, steps: &[Step], found: &mut Vec<Field>) {
    assert!(steps.len() < 12, "a schema without an end");
    if let Some(path) = schema.get("$ref").and_then(Value::as_str) {
        fields_of(document, document.pointer(&path[1..]).expect("a schema"), steps, found);
    }
    for kind in ["anyOf", "oneOf", "allOf"] {
        for one in schema.get(kind).and_then(Value::as_array).into_iter().flatten() {
            fields_of(document, one, steps, found);
        }
    }
    found.push(Field { steps: steps.to_vec(), schema: schema.clone() });
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        fields_of(document, field, &[steps, &[Step::Into(name.clone())]].concat(), found);
    }
    for value in schema.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::values)
    {
        fields_of(document, value, &[steps, &[Step::Into("some".to_owned())]].concat(), found);
    }
    if let Some(items) = schema.get("items") {
        fields_of(document, items, &[steps, &[Step::First]].concat(), found);
    }
}

/// The fields of a route, in its body or in its query.
pub(crate) fn fields(service: &Service, route: &Route) -> Vec<Field> {
    let document = conform::document(service);
    let mut found = Vec::new();
    if let Some(body) = document.pointer(&conform::request_schema(service, route)) {
        fields_of(document, body, &[], &mut found);
    }
    let operation = &document["paths"][openapi::path(service, route)][route.call.method.to_ascii_lowercase()];
    for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|of| of["in"] == "query")
    {
        let name = parameter["name"].as_str().expect("a name").to_owned();
        fields_of(document, &parameter["schema"], &[Step::Into(name)], &mut found);
    }
    found
}

/// Sends a request of one field.
async fn send(world: &World, service: &'static Service, route: &Route, field: &Field, value: Value) -> Reply {
    let path = route
        .call
        .parameters()
        .fold(route.call.path.to_owned(), |path, name| path.replace(&format!("{{{name}}}"), "x"));
    if !route.call.takes_query() {
        let body = field.alone(value).to_string();
        return world.send(service, &world.owner, route.call.method, &path, body).await;
    }
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let coded = text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let path = format!("{path}?{}={coded}", field.own_name());
    world.send(service, &world.owner, route.call.method, &path, String::new()).await
}

fn http_routes() -> impl Iterator<Item = (&'static Service, &'static Route)> {
    services::http().flat_map(|service| service.routes().map(move |route| (service, route)))
}

/// What is said of a field in a refusal.
fn problems<'a>(reply: &'a Reply, name: &str) -> Vec<&'a str> {
    let all = reply.body["error"]["details"]["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|of| of["field"] == name).filter_map(|of| of["problem"].as_str()).collect()
}

#[tokio::test]
async fn a_text_that_shows_nothing_is_refused_in_every_field() {
    let world = World::new().await;
    let (mut asked, mut names) = (0, BTreeSet::new());
    for (service, route) in http_routes() {
        for field in fields(service, route).into_iter().filter(Field::is_shown) {
            names.insert(field.own_name().to_owned());
            for text in UNSEEN.iter().cycle().skip(asked).take(3) {
                let reply = send(&world, service, route, &field, json!(text)).await;
                let place =
                    format!("{}{} {} {}", service.name, route.call.path, field.name(), text.escape_unicode());
                assert_eq!(reply.tag(), Some("invalid-input"), "{place}: {}", reply.text);
                assert!(!problems(&reply, &field.name()).is_empty(), "{place}: {}", reply.text);
            }
            asked += 1;
        }
    }
    for name in [
        "caption",
        "reason",
        "role_label",
        "notes",
        "line1",
        "given_name",
        "title",
        "message",
        "id",
        "system",
    ] {
        assert!(names.contains(name), "no {name} among {names:?}");
    }
    assert!(asked > 200, "{asked} fields are texts");
}

/// Words of a parser, which tell a caller nothing about the field.
const PARSERS_WORDS: &[&str] = &[
    "untagged",
    "variant",
    "did not match",
    "invalid type",
    "invalid value",
    "missing field",
    "unknown field",
    " at line ",
];

#[tokio::test]
async fn what_is_wrong_with_a_field_is_never_told_in_the_words_of_a_parser() {
    let world = World::new().await;
    let wrong = [json!("XX-no-such"), json!(""), json!(-7.5), json!(true), json!({"x": 1}), json!([7])];
    let mut told = BTreeSet::new();
    for (service, route) in http_routes() {
        let mut asked = BTreeSet::new();
        for field in fields(service, route).into_iter().filter(|field| !field.steps.is_empty()) {
            if !asked.insert(field.name()) {
                continue;
            }
            for value in &wrong {
                let reply = send(&world, service, route, &field, value.clone()).await;
                let problems =
                    reply.body["error"]["details"]["fields"].as_array().cloned().unwrap_or_default();
                for problem in problems.iter().filter_map(|of| of["problem"].as_str()) {
                    let place = format!("{}{} {} {value}", service.name, route.call.path, field.name());
                    let words = PARSERS_WORDS.iter().find(|words| problem.contains(**words));
                    assert_eq!(words, None, "{place}: {problem}");
                    told.insert(problem.to_owned());
                }
            }
        }
    }
    let market = "must be GLOBAL, or a country of ISO 3166-1 alpha-2, such as DE";
    assert!(told.contains(market), "{told:?}");
}

#[test]
fn no_other_field_takes_a_text_that_shows_nothing() {
    for (service, route) in http_routes() {
        let texts = fields(service, route).into_iter().filter(|field| {
            field.is_of("string")
                && !field.is_shown()
                && !AS_SENT.contains(&field.own_name())
                && !field.is_context()
        });
        for field in texts {
            let is_bound = ["pattern", "format", "enum", "const", "anyOf"]
                .iter()
                .any(|bound| field.schema.get(bound).is_some());
            let place = format!("{}{} {}", service.name, route.call.path, field.name());
            assert!(is_bound, "{place} may be any text: {}", field.schema);
            if field.schema.get("pattern").is_some() {
                let validator = jsonschema::validator_for(&field.schema).expect("a schema");
                for text in UNSEEN {
                    assert!(!validator.is_valid(&json!(text)), "{place}: {}", text.escape_unicode());
                }
            }
        }
    }
}

/// What is no time of RFC 3339 (contract §8).
const NO_TIMES: &[&str] = &[
    "2026-03-04T05:06:07+24:00",
    "2026-03-04T05:06:07-25:59",
    "2026-03-04T12:34:60Z",
    "2016-12-31T23:59:60Z",
    "0000-12-31T23:59:59Z",
    "9999-12-31T23:59:59-00:01",
    "2026-03-04T05:06:07",
    "2026-03-04 05:06:07Z",
    "2026-03-04T05:06:07.Z",
];

/// What is one: the usual "never", the beginning, more digits than are kept, the farthest offset.
const TIMES: &[&str] = &[
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59.999999999999Z",
    "0001-01-01T00:00:00Z",
    "2026-03-04T05:06:07.1234567890123+23:59",
];

#[tokio::test]
async fn times_are_those_of_the_standard_in_every_field() {
    let world = World::new().await;
    let (mut asked, mut names) = (0, BTreeSet::new());
    for (service, route) in http_routes() {
        for field in fields(service, route).into_iter().filter(|field| field.schema["format"] == "date-time")
        {
            let name = field.name();
            names.insert(field.own_name().to_owned());
            let place = format!("{}{} {name}", service.name, route.call.path);
            for text in NO_TIMES.iter().cycle().skip(asked).take(4) {
                let reply = send(&world, service, route, &field, json!(text)).await;
                let said = problems(&reply, &name);
                assert!(
                    said.iter().any(|said| said.contains("must be a time such as")),
                    "{place} {text}: {}",
                    reply.text
                );
            }
            for text in TIMES {
                let reply = send(&world, service, route, &field, json!(text)).await;
                let said = problems(&reply, &name);
                assert!(
                    !said.iter().any(|said| said.contains("must be a time")),
                    "{place} {text}: {}",
                    reply.text
                );
                assert!(reply.status < 500, "{place} {text}: {}", reply.text);
            }
            asked += 1;
        }
    }
    for name in ["valid_until", "expires_at", "clock_in", "occurred_at", "start"] {
        assert!(names.contains(name), "no {name} among {names:?}");
    }
}

#[tokio::test]
async fn keys_alike_are_refused_in_every_map() {
    let world = World::new().await;
    let mut asked = 0;
    for (service, route) in http_routes() {
        let maps = fields(service, route)
            .into_iter()
            .filter(|field| field.schema.get("patternProperties").is_some());
        for field in maps {
            for alike in [json!({"size": "1", " size ": "2"}), json!({"\u{e9}": "1", "e\u{301}": "2"})] {
                let reply = send(&world, service, route, &field, alike).await;
                let said = problems(&reply, &field.name());
                assert!(
                    said.iter().any(|said| said.contains("two keys alike")),
                    "{}: {}",
                    field.name(),
                    reply.text
                );
            }
            asked += 1;
        }
        let open = fields(service, route).into_iter().find(|field| {
            field
                .schema
                .get("additionalProperties")
                .is_some_and(|more| more.is_object() || *more == json!(true))
        });
        assert!(open.is_none(), "{}{} has a map of another kind", service.name, route.call.path);
    }
    assert!(asked > 0, "no request has a map");
}

#[track_caller]
fn pattern_says_what_is_read<T: JsonSchema + FromStr<Err = Problem>>() {
    let schema = schemars::schema_for!(T);
    let validator = jsonschema::validator_for(schema.as_value()).expect("a schema");
    // Where joiners and selectors may stand, a pattern does not say.
    let depends = |code: &u32| matches!(code, 0x180b..=0x180d | 0x180f | 0x200c | 0x200d | 0xfe00..=0xfe0f | 0xe0100..=0xe01ef);
    let codes = (0..0x3200).chain(0xfb00..0x1_0010).chain(0x1_3420..0x1_3450).chain(0x1_bc90..0x1_bcb0);
    let codes = codes.chain(0x1_d150..0x1_d180).chain((0xd_fff0..0xe_1010).step_by(3));
    for c in codes.filter(|code| !depends(code)).filter_map(char::from_u32) {
        for text in [c.to_string(), format!("a{c}b")] {
            let read = text.parse::<T>().is_ok();
            assert_eq!(validator.is_valid(&json!(text)), read, "{}", text.escape_unicode());
        }
    }
    for text in ["می\u{200c}خواهم", "葛\u{e0100}城", "क्\u{200d}ष"] {
        assert!(text.parse::<T>().is_ok() && validator.is_valid(&json!(text)), "{text}");
    }
}

#[test]
fn the_patterns_of_texts_say_what_is_read() {
    pattern_says_what_is_read::<Caption>();
    pattern_says_what_is_read::<Prose<10>>();
    pattern_says_what_is_read::<Reason>();
    assert!(serde_json::from_value::<DisplayName>(json!("\u{202e}adA")).is_err());
}
