//! The API as it was asked for: `data/routes.json`, with tier and sample answer of each route.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use service::{Style, openapi};

use crate::services;

/// The routes that are not there yet. A test fails when one of them is, so the list can only shrink.
const NOT_YET: &str = include_str!("data/not_yet.txt");

#[derive(Deserialize)]
struct Wanted {
    service: String,
    method: String,
    path: String,
    tier: Option<String>,
    response_data: Option<Value>,
}

impl Wanted {
    fn name(&self) -> String {
        format!("{} {} {}", self.service, self.method, self.path)
    }
}

fn wanted() -> Vec<Wanted> {
    serde_json::from_str(include_str!("data/routes.json")).expect("a list of routes")
}

fn present() -> BTreeSet<String> {
    let name = |(service, route): (&service::Service, &service::Route)| {
        // The rows of the REST service name whole paths.
        let path = match service.style {
            Style::Enveloped => route.call.path.to_owned(),
            Style::Rest { .. } => openapi::path(service, route),
        };
        format!("{} {} {path}", service.name, route.call.method)
    };
    services::routes().map(name).collect()
}

#[test]
fn a_route_is_there_or_listed_as_missing() {
    let present = present();
    let not_yet: BTreeSet<_> = NOT_YET.lines().map(str::to_owned).collect();
    let wanted: BTreeSet<_> = wanted().iter().map(Wanted::name).collect();
    let strangers: Vec<_> = not_yet.difference(&wanted).collect();
    assert!(strangers.is_empty(), "data/not_yet.txt lists what nobody asked for: {strangers:#?}");
    let done: Vec<_> = not_yet.intersection(&present).collect();
    assert!(done.is_empty(), "take these out of data/not_yet.txt, they are there: {done:#?}");
    let lost: Vec<_> =
        wanted.iter().filter(|name| !present.contains(*name) && !not_yet.contains(*name)).collect();
    assert!(lost.is_empty(), "these routes are missing: {lost:#?}");
}

#[test]
fn every_route_has_the_tier_that_was_asked_for() {
    for wanted in wanted() {
        let route = services::routes().find(|(service, route)| {
            service.name == wanted.service
                && (route.call.method, route.call.path) == (&*wanted.method, &*wanted.path)
        });
        if let (Some((_, route)), Some(tier)) = (route, &wanted.tier) {
            assert_eq!(route.class.figures().0, tier, "{}", wanted.name());
        }
    }
}

#[test]
fn every_field_that_was_asked_for_is_in_the_schema_of_the_answer() {
    let mut missing = Vec::new();
    for service in services::http() {
        let document = openapi::document(service);
        for wanted in wanted().iter().filter(|wanted| wanted.service == service.name) {
            let pointer = format!("/paths/~1{}{}", service.name, wanted.path.replace('/', "~1"));
            let Some(operation) = document.pointer(&pointer).map(|path| &path[wanted.method.to_lowercase()])
            else {
                continue;
            };
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            let envelope = [schema];
            let data = properties(&document, &envelope, "data");
            // The page shows no answer of its own for some routes, only this placeholder.
            let sample = wanted.response_data.as_ref().filter(|data| data["note"] != "See Envelope");
            if let Some(sample) = sample {
                compare(&document, &data, sample, &wanted.name(), &mut missing);
            }
        }
    }
    assert!(missing.is_empty(), "missing in the answers: {missing:#?}");
}

/// Notes each field of the sample that none of the schemas has.
fn compare(document: &Value, schemas: &[&Value], sample: &Value, place: &str, missing: &mut Vec<String>) {
    match sample {
        Value::Object(fields) => {
            for (name, value) in fields {
                let place = format!("{place}.{name}");
                match properties(document, schemas, name).as_slice() {
                    [] => missing.push(place),
                    found => compare(document, found, value, &place, missing),
                }
            }
        }
        Value::Array(items) => {
            let of_items: Vec<_> =
                resolve(document, schemas).into_iter().filter_map(|schema| schema.get("items")).collect();
            for item in items {
                compare(document, &of_items, item, &format!("{place}[]"), missing);
            }
        }
        _ => {}
    }
}

/// The schemas of a field.
fn properties<'a>(document: &'a Value, schemas: &[&'a Value], name: &str) -> Vec<&'a Value> {
    let all = resolve(document, schemas).into_iter();
    all.filter_map(|schema| {
        schema.get("properties")?.get(name).or_else(|| schema.get("additionalProperties"))
    })
    .collect()
}

/// The schemas with all that they refer to and consist of.
fn resolve<'a>(document: &'a Value, schemas: &[&'a Value]) -> Vec<&'a Value> {
    let mut all = Vec::new();
    for schema in schemas {
        all.push(*schema);
        if let Some(path) = schema.get("$ref").and_then(Value::as_str) {
            let target = document.pointer(&path[1..]).expect("a schema");
            all.extend(resolve(document, &[target]));
        }
        for name in ["allOf", "anyOf", "oneOf"] {
            let parts: Vec<_> = schema.get(name).and_then(Value::as_array).into_iter().flatten().collect();
            all.extend(resolve(document, &parts));
        }
    }
    all
}
