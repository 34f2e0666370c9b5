//! The OpenAPI documents.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use service::{Service, openapi};

use crate::{generated, services};

fn documents() -> impl Iterator<Item = (&'static Service, Value)> {
    services::http().map(|service| (service, openapi::document(service)))
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document["paths"].as_object().expect("paths").values();
    paths.flat_map(|path| path.as_object().expect("a path").values())
}

#[test]
fn the_committed_documents_are_what_the_code_says() {
    for (service, document) in documents() {
        let text = serde_json::to_string_pretty(&document).expect("JSON") + "\n";
        generated::check(&format!("docs/openapi/{}.json", service.name), &text);
    }
}

#[test]
fn every_route_is_one_operation_with_a_name_of_its_own() {
    for (service, document) in documents() {
        let ids: BTreeSet<_> = operations(&document)
            .map(|operation| operation["operationId"].as_str().expect("an id"))
            .collect();
        assert_eq!(ids.len(), service.routes().count(), "{}", service.name);
        assert_eq!(operations(&document).count(), ids.len(), "{}", service.name);
    }
}

/// Calls `visit` with every object that has a `$ref`, and with every schema of an object.
fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|value| walk(value, visit)),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    for (service, document) in documents() {
        let mut referred = BTreeSet::new();
        walk(&document, &mut |value| {
            if let Some(path) = value.get("$ref").and_then(Value::as_str) {
                let pointer = path.strip_prefix('#').expect("a reference within the document");
                assert!(document.pointer(pointer).is_some(), "{}: {path}", service.name);
                referred.insert(pointer.to_owned());
            }
        });
        for kind in ["schemas", "responses", "headers", "parameters"] {
            for name in document["components"][kind].as_object().expect("components").keys() {
                let pointer = format!("/components/{kind}/{name}");
                assert!(referred.contains(&pointer), "{}: {pointer} is used by nothing", service.name);
            }
        }
    }
}

#[test]
fn schemas_are_named_for_readers() {
    for (service, document) in documents() {
        for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
            let good = name.starts_with(|c: char| c.is_ascii_uppercase())
                && name.ends_with(|c: char| c.is_ascii_alphabetic())
                && name.bytes().all(|b| b.is_ascii_alphanumeric());
            assert!(good, "{}: a schema is named {name}", service.name);
        }
    }
}

#[test]
fn requests_take_no_unknown_field_at_any_depth() {
    for (service, document) in documents() {
        for operation in operations(&document) {
            let Some(body) = operation.pointer("/requestBody/content/application~1json/schema") else {
                continue;
            };
            let mut seen = BTreeSet::new();
            closed(&document, body, &mut seen, service.name);
        }
    }
}

fn closed(document: &Value, schema: &Value, seen: &mut BTreeSet<String>, place: &str) {
    if let Some(path) = schema.get("$ref").and_then(Value::as_str)
        && seen.insert(path.to_owned())
    {
        let target = document.pointer(&path[1..]).expect("a schema");
        closed(document, target, seen, path);
    }
    if schema["type"] == "object" && schema.get("properties").is_some() {
        assert_eq!(schema["additionalProperties"], false, "{place}: {schema}");
    }
    match schema {
        Value::Object(fields) => fields.values().for_each(|value| closed(document, value, seen, place)),
        Value::Array(items) => items.iter().for_each(|item| closed(document, item, seen, place)),
        _ => {}
    }
}

#[test]
fn every_example_is_as_its_schema_says() {
    for (service, document) in documents() {
        let mut examples = 0;
        walk(&document, &mut |value| {
            if let (Some(example), Some(schema)) = (value.get("example"), value.get("schema")) {
                let whole = json!({"allOf": [schema], "components": document["components"]});
                let validator = jsonschema::validator_for(&whole).expect("a schema");
                if let Err(error) = validator.validate(example) {
                    panic!("{}: {error} at {} of {example}", service.name, error.instance_path());
                }
                examples += 1;
            }
        });
        assert!(examples >= document["components"]["responses"].as_object().expect("responses").len());
    }
}
