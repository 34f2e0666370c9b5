//! A service's OpenAPI document as the page shows it: at this stack, with requests of the demo tenant to begin with.

use serde_json::{Value, json};

use super::example::Examples;
use crate::seed::{Demo, ORGCODE};

/// The document with this stack for its server, and an example for the header `x-orgcode` and for every body.
pub fn prepared(mut document: Value, demo: &Demo) -> Value {
    let examples: Vec<(String, Value)> = bodies(&document)
        .map(|(pointer, schema)| (pointer, Examples::new(&document, demo).of(schema)))
        .collect();
    for (pointer, example) in examples {
        if let Some(content) = document.pointer_mut(&pointer) {
            content["example"] = example;
        }
    }
    document["servers"] = json!([{ "url": "/", "description": "This stack" }]);
    let parameters = document.pointer_mut("/components/parameters").and_then(Value::as_object_mut);
    for parameter in parameters.into_iter().flat_map(|all| all.values_mut()) {
        if parameter["name"] == "x-orgcode" {
            parameter["example"] = ORGCODE.into();
        }
    }
    document
}

/// Where each JSON body of a request stands in the document, and its schema.
fn bodies(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, operations)| {
        operations.as_object().into_iter().flatten().map(move |(method, operation)| {
            let path = path.replace('~', "~0").replace('/', "~1");
            (format!("/paths/{path}/{method}/requestBody/content/application~1json"), operation)
        })
    });
    operations.filter_map(|(pointer, operation)| {
        let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
        Some((pointer, schema))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demo() -> Demo {
        let text = str::to_owned;
        Demo {
            org_guid: text("0197d7a4-5b80-7000-8000-000000000001"),
            user_guid: text("0197d7a4-5b80-7000-8000-000000000002"),
            session_guid: text("session"),
            api_key: text("key"),
            invitation_code: text("INVITED"),
        }
    }

    #[test]
    fn a_request_begins_with_what_it_must_have_and_the_demo_org() {
        let text = |pattern: Option<&str>| json!({ "type": "string", "pattern": pattern });
        let document = json!({
            "servers": [{ "url": "https://api.example.com" }],
            "paths": { "/ofm/thing/create": { "post": { "requestBody": { "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/Create" }
            }}}}}},
            "components": {
                "parameters": { "Org": { "name": "x-orgcode" }, "Other": { "name": "x-cccode" } },
                "schemas": {
                    "Create": {
                        "type": "object",
                        "anyOf": [{ "required": ["org_guid"] }, { "required": ["orgcode"] }],
                        "required": ["caption", "kind", "parts", "when", "count"],
                        "properties": {
                            "org_guid": text(None), "orgcode": text(None), "caption": text(None), "note": text(None),
                            "kind": { "enum": ["a", "b"] }, "when": { "type": "string", "format": "date" },
                            "count": { "type": "integer", "minimum": 3 },
                            "parts": { "type": "array", "minItems": 1, "items": { "$ref": "#/components/schemas/Part" } },
                        },
                    },
                    "Part": { "type": "object", "required": ["id"], "properties": { "id": { "type": ["string", "null"], "format": "uuid" } } },
                },
            },
        });
        let document = prepared(document, &demo());
        assert_eq!(document["servers"][0]["url"], "/");
        assert_eq!(document["components"]["parameters"]["Org"]["example"], "DEMO");
        assert_eq!(document["components"]["parameters"]["Other"].get("example"), None);
        let body = "/paths/~1ofm~1thing~1create/post/requestBody/content/application~1json/example";
        assert_eq!(
            document.pointer(body).unwrap(),
            &json!({
                "org_guid": demo().org_guid, "caption": "Example", "kind": "a", "when": "2026-03-04", "count": 3,
                "parts": [{ "id": "00000000-0000-7000-8000-000000000000" }],
            })
        );
    }
}
