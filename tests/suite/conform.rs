//! What tests send and are answered, against the documents: in both directions.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use jsonschema::{Registry, Validator};
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

/// The documents, read through once, so that a validator is made of what it refers to alone.
static REGISTRY: LazyLock<Registry<'static>> = LazyLock::new(|| {
    let documents = DOCUMENTS.iter().map(|(service, document)| (format!("urn:{service}"), document));
    Registry::new().extend(documents).expect("documents").prepare().expect("references that lead somewhere")
});

/// Validators by where their schema stands; each is made when it is first needed.
static VALIDATORS: Mutex<BTreeMap<String, Arc<Validator>>> = Mutex::new(BTreeMap::new());

/// The validator for the schema at this place of a service's document.
fn validator(service: &str, pointer: &str) -> Arc<Validator> {
    // As a fragment: parameters of paths stand in braces.
    let place = format!("urn:{service}#{}", pointer.replace('{', "%7B").replace('}', "%7D"));
    let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let make = |place: &String| {
        let options = jsonschema::options().should_validate_formats(true).with_registry(&REGISTRY);
        Arc::new(options.build(&json!({"$ref": place})).expect("a schema"))
    };
    validators.entry(place).or_insert_with_key(make).clone()
}

/// The name of a field as it stands in a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Where the operation of a route stands in its service's document.
fn operation(service: &Service, route: &Route) -> String {
    let method = route.call.method.to_ascii_lowercase();
    format!("/paths/{}/{method}", escaped(&openapi::path(service, route)))
}

/// Where the schema of a route's request stands, if it has a body.
pub(crate) fn request_schema(service: &Service, route: &Route) -> String {
    format!("{}/requestBody/content/application~1json/schema", operation(service, route))
}

/// Panics where a document does not say what was answered, or refuses what was accepted.
#[track_caller]
pub(crate) fn check(service: &'static Service, route: &Route, fields: &Map<String, Value>, reply: &Reply) {
    let document = &DOCUMENTS[service.name];
    let place = format!("{} {}", route.call.method, openapi::path(service, route));
    let response = format!("{}/responses/{}", operation(service, route), reply.status);
    let shared = document.pointer(&format!("{response}/$ref")).and_then(Value::as_str);
    let schema = format!("{}/content/application~1json/schema", shared.map_or(&*response, |path| &path[1..]));
    let is_said = document.pointer(&schema).is_some();
    assert!(is_said, "{place} is not said to answer {}: {}", reply.status, reply.text);
    valid(&validator(service.name, &schema), &reply.body, &format!("the answer of {place}"));
    let schema = request_schema(service, route);
    if reply.is_success() && document.pointer(&schema).is_some() {
        let in_path: Vec<_> = route.call.parameters().collect();
        let fields = fields.clone().into_iter().filter(|(name, _)| !in_path.contains(&name.as_str()));
        let fields = Value::Object(fields.collect());
        valid(&validator(service.name, &schema), &fields, &format!("the request to {place}"));
    }
}

#[track_caller]
fn valid(validator: &Validator, value: &Value, place: &str) {
    if let Err(error) = validator.validate(value) {
        panic!("{place} is not as documented: {error} at `{}` in {value}", error.instance_path());
    }
}
