//! How an operation fails: by status, exactly the tags that it can return (contract §9).

use std::collections::BTreeMap;

use contract::error::{Error, Tag};
use serde_json::{Map, Value, json};

use crate::{
    openapi::{body::pascal, response_headers},
    route::{Route, Service, Style},
};

/// The failures of a service: operations that fail alike share a description.
pub(crate) struct Failures {
    service: &'static Service,
    components: Map<String, Value>,
}

impl Failures {
    pub(crate) fn new(service: &'static Service) -> Self {
        Self { service, components: Map::new() }
    }

    /// The `responses` of an operation, but for success.
    pub(crate) fn of(&mut self, route: &Route) -> Map<String, Value> {
        let mut by_status: BTreeMap<u16, Vec<Tag>> = BTreeMap::new();
        for tag in self.service.tags(route) {
            by_status.entry(tag.status()).or_default().push(tag);
        }
        let reference = |(status, tags): (u16, Vec<Tag>)| {
            let name = tags.iter().map(|tag| pascal(tag.name())).collect::<Vec<_>>().join("Or");
            let component = || response(self.service, route, status, &tags);
            self.components.entry(name.clone()).or_insert_with(component);
            (status.to_string(), json!({"$ref": format!("#/components/responses/{name}")}))
        };
        by_status.into_iter().map(reference).collect()
    }

    pub(crate) fn components(self) -> Map<String, Value> {
        self.components
    }
}

fn response(service: &Service, route: &Route, status: u16, tags: &[Tag]) -> Value {
    let lines: Vec<_> = tags.iter().map(|tag| format!("- `{}`: {}", tag.name(), tag.parts().2)).collect();
    let names: Vec<_> = tags.iter().map(|tag| tag.name()).collect();
    let of_these = match service.style {
        Style::Enveloped => json!({
            "major": {"properties": {"tag": {"enum": names}}},
            "http_status": {"const": status},
        }),
        Style::Rest { .. } => json!({"code": {"enum": names}}),
    };
    let of_these = json!({"properties": {"error": {"properties": of_these}}});
    let mut headers = response_headers();
    if tags.contains(&Tag::RateLimited) {
        headers.insert("retry-after".to_owned(), json!({"$ref": "#/components/headers/RetryAfter"}));
    }
    let example = tags.first().map(|tag| example(service, route, *tag));
    json!({
        "description": lines.join("\n"),
        "headers": headers,
        "content": {
            "application/json": {
                "schema": {"allOf": [{"$ref": "#/components/schemas/Failure"}, of_these]},
                "example": example,
            },
        },
    })
}

/// An answer as a caller sees it.
fn example(service: &Service, route: &Route, tag: Tag) -> Value {
    let error = match tag {
        Tag::InvalidInput if service.style == Style::Enveloped => Error::field("reason", "must be a string"),
        Tag::InvalidInput => Error::field("code", "is required"),
        tag => Error::from(tag),
    };
    if service.style != Style::Enveloped {
        return error.bare_body();
    }
    let service = service.name;
    let build = json!({"build_major": 0, "build_minor": 1, "build_id": "WEDNESDAY-1772611200"});
    json!({
        "success": false,
        "error": error.body(service),
        "build": build,
        "stats": {
            "call": format!("{} {}", route.call.method, route.call.path),
            "service": service,
            "request_id": "0195ffb6-5c00-7000-8000-000000000001",
            "timestamp_utc": "2026-03-04T08:00:00Z",
            "latency_ms": 12,
            "build": build,
        },
    })
}

/// The form of every failure.
pub(crate) fn failure_schema(style: Style) -> Value {
    match style {
        Style::Enveloped => enveloped(),
        Style::Rest { .. } => bare(),
    }
}

fn bare() -> Value {
    json!({
        "type": "object",
        "description": "A refusal or a failure.",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "code": {"type": "string", "description": "What a program branches on."},
                    "message": {"type": "string"},
                    "details": {"type": "object", "properties": {"fields": fields_schema()}},
                },
                "required": ["code", "message"],
            },
        },
        "required": ["error"],
    })
}

fn fields_schema() -> Value {
    json!({
        "type": "array",
        "description": "Everything that is wrong with the request's fields.",
        "items": {
            "type": "object",
            "properties": {"field": {"type": "string"}, "problem": {"type": "string"}},
            "required": ["field", "problem"],
        },
    })
}

fn enveloped() -> Value {
    let text = json!({
        "type": "object",
        "properties": {
            "tag": {"type": "string", "description": "What a program branches on."},
            "message": {
                "type": "object",
                "properties": {"en_US": {"type": "string"}},
                "required": ["en_US"],
            },
        },
        "required": ["tag", "message"],
    });
    json!({
        "type": "object",
        "description": "A refusal or a failure.",
        "properties": {
            "success": {"const": false},
            "error": {
                "type": "object",
                "properties": {
                    "major": text,
                    "minor": text,
                    "error_code": {"type": "string", "description": "`<service>.<tag>`"},
                    "http_status": {"type": "integer"},
                    "retryable": {
                        "type": "boolean",
                        "description": "Whether the same request may succeed when it is sent again later.",
                    },
                    "details": {
                        "type": "object",
                        "properties": {
                            "fields": fields_schema(),
                            "current": {"description": "With `conflict`: the record as it stands."},
                        },
                    },
                },
                "required": ["major", "error_code", "http_status", "retryable"],
            },
            "revision": {
                "type": ["string", "integer"],
                "description": "The current revision of the one record that the request is about.",
            },
            "build": {"$ref": "#/components/schemas/Build"},
            "stats": {"$ref": "#/components/schemas/Stats"},
        },
        "required": ["success", "error", "build", "stats"],
    })
}
