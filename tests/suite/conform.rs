//! What tests send and are answered, against the documents: in both directions.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use service::{Route, Service, openapi};
use testkit::Reply;

use crate::services;

static DOCUMENTS: LazyLock<BTreeMap<&'static str, Value>> =
    LazyLock::new(|| services::http().map(|service| (service.name, openapi::document(service))).collect());

/// The document of a service behind HTTP.
pub(crate) fn document(service: &Service) -> &'static Value {
    &DOCUMENTS[service.name]
}

/// Validators by where their schema stands; each is made when it is first needed.
static VALIDATORS: Mutex<BTreeMap<(&str, String), Arc<Validator>>> = Mutex::new(BTreeMap::new());

fn validator(service: &'static str, pointer: String, schema: &Value) -> Arc<Validator> {
    let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        let whole = json!({"allOf": [schema], "components": DOCUMENTS[service]["components"]});
        let options = jsonschema::options().should_validate_formats(true);
        Arc::new(options.build(&whole).expect("a schema"))
    };
    validators.entry((service, pointer)).or_insert_with(make).clone()
}

/// Panics where a document does not say what was answered, or refuses what was accepted.
#[track_caller]
pub(crate) fn check(service: &'static Service, route: &Route, fields: &Map<String, Value>, reply: &Reply) {
    let document = &DOCUMENTS[service.name];
    let method = route.call.method.to_ascii_lowercase();
    let operation = &document["paths"][openapi::path(service, route)][&method];
    let place = format!("{} {}", route.call.method, openapi::path(service, route));
    let response = &operation["responses"][reply.status.to_string()];
    let response = match response["$ref"].as_str() {
        Some(path) => document.pointer(&path[1..]).expect("a response"),
        None => response,
    };
    let schema = &response["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{place} is not said to answer {}: {}", reply.status, reply.text);
    let pointer = format!("{place} {}", reply.status);
    valid(&validator(service.name, pointer, schema), &reply.body, &format!("the answer of {place}"));
    if reply.is_success() && operation.get("requestBody").is_some() {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let in_path: Vec<_> = route.call.parameters().collect();
        let fields = fields.clone().into_iter().filter(|(name, _)| !in_path.contains(&name.as_str()));
        let fields = Value::Object(fields.collect());
        valid(&validator(service.name, place.clone(), schema), &fields, &format!("the request to {place}"));
    }
}

#[track_caller]
fn valid(validator: &Validator, value: &Value, place: &str) {
    if let Err(error) = validator.validate(value) {
        panic!("{place} is not as documented: {error} at `{}` in {value}", error.instance_path());
    }
}
