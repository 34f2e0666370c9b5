//! The OpenAPI 3.1 document of a service, made from its route table and the types of its handlers (contract §9, §11).
//!
//! Never linked into a function: tests and tools switch the feature on.

mod access;
mod body;
mod failure;
mod names;

use contract::envelope::API_VERSION;
use serde_json::{Map, Value, json};

pub use access::{Who, who};

use crate::{
    headers::SURFACES,
    openapi::{
        body::Shapes,
        failure::{Failures, failure_schema},
    },
    route::{OrgFrom, Route, Service, Style},
};

/// The document.
pub fn document(service: &'static Service) -> Value {
    let routes: Vec<&Route> = service.routes().collect();
    let shapes: Vec<Shapes> = routes.iter().map(|route| Shapes::of(service.style, route)).collect();
    let (shapes, mut schemas) = names::settle(shapes);
    let mut failures = Failures::new(service);
    let mut paths = Map::new();
    for (route, shape) in routes.iter().zip(shapes) {
        let operation = operation(service, route, &shape, &mut failures);
        let components = shape.components(service.style, route);
        let method = route.call.method.to_ascii_lowercase();
        paths.entry(path(service, route)).or_insert_with(|| json!({}))[method] = operation;
        schemas.extend(components);
    }
    schemas.insert("Failure".to_owned(), failure_schema(service.style));
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": service.name,
            "summary": service.summary,
            "description": match service.style {
                Style::Enveloped => {
                    "One answer form for all routes: see the schemas ending in `Envelope`, and `Failure`."
                }
                Style::Rest { .. } => "Answers are bare records; every refusal has the form of `Failure`.",
            },
            "version": API_VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{
            "url": "https://api.{domain}",
            "variables": {"domain": {"default": "example.com", "description": "The domain of the deployment."}},
        }],
        "tags": tags(&routes),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": failures.components(),
            "parameters": parameters(service.style),
            "headers": headers(),
            "securitySchemes": {
                "sessionAuth": {
                    "type": "apiKey", "in": "header", "name": "x-session-guid",
                    "description": "A person's session, from `/usm/session/create`.",
                },
                "apiKeyAuth": {
                    "type": "apiKey", "in": "header", "name": "x-api-key",
                    "description": "A service account's key, from `/usm/api_key/create`; bound to one org.",
                },
            },
        },
    });
    drop_unused(&mut document);
    document.sort_all_objects();
    document
}

/// Takes out what this service has no use for.
fn drop_unused(document: &mut Value) {
    let text = document.to_string();
    for kind in ["parameters", "headers"] {
        if let Some(components) = document["components"][kind].as_object_mut() {
            components.retain(|name, _| text.contains(&format!("\"#/components/{kind}/{name}\"")));
        }
    }
}

/// `ofm_cost_centre_create`: the service, and the call's name with `/` and `-` both as `_`.
pub fn operation_id(service: &Service, route: &Route) -> String {
    format!("{}{}", service.name, route.call.name).replace(['/', '-'], "_")
}

/// The whole path of a route.
pub fn path(service: &Service, route: &Route) -> String {
    format!("{}{}", service.base(), if route.call.path == "/" { "" } else { route.call.path })
}

/// The part of the path that says what it is about.
fn noun(route: &Route) -> &str {
    route.call.name.trim_start_matches('/').split('/').next().unwrap_or_default()
}

fn tags(routes: &[&Route]) -> Vec<Value> {
    let mut nouns: Vec<_> = routes.iter().map(|route| noun(route)).collect();
    nouns.sort_unstable();
    nouns.dedup();
    nouns.into_iter().map(|noun| json!({"name": noun})).collect()
}

fn operation(service: &Service, route: &Route, shapes: &Shapes, failures: &mut Failures) -> Value {
    let traits = route.handler.traits();
    let (class, qps, p95, p99) = route.class.figures();
    let who = who(route.access);
    let idempotent = !traits.writes || !traits.ignores_idempotency;
    let mut responses = failures.of(route);
    responses.insert("200".to_owned(), success(service.style, route, shapes));
    if traits.creates {
        let mut created = success(service.style, route, shapes);
        created["description"] = json!("Recorded.");
        created["headers"]["location"] = json!({"$ref": "#/components/headers/Location"});
        responses.insert("201".to_owned(), created);
        responses["200"]["description"] = json!("Recorded before: the first record.");
        responses["200"]["headers"]["x-deduplicated"] = json!({"$ref": "#/components/headers/Deduplicated"});
    }
    let mut operation = json!({
        "operationId": operation_id(service, route),
        "summary": route.summary,
        "tags": [noun(route)],
        "security": who.security(),
        "responses": responses,
        "x-route-class": class,
        "x-qps-target": qps,
        "x-latency-p95-ms": p95,
        "x-g3n-access": who.name,
        "x-g3n-roles": who.roles,
        "x-g3n-idempotent": idempotent,
        "x-g3n-errors": service.tags(route).iter().map(|tag| tag.name()).collect::<Vec<_>>(),
    });
    if let Some(grant) = who.grant {
        operation["x-g3n-grant"] = json!(grant);
    }
    if let Some(rule) = who.rule {
        operation["x-g3n-access-rule"] = json!(rule);
    }
    if let Some(p99) = p99 {
        operation["x-latency-p99-ms"] = json!(p99);
    }
    let mut taken =
        vec!["CostCentreHeader", "LogicalHeader", "ChannelHeader", "RequestIdHeader", "SurfaceHeader"];
    if matches!(route.org, OrgFrom::Header | OrgFrom::Deployment) {
        taken.push("OrgHeader");
    }
    if traits.writes && !traits.ignores_idempotency {
        taken.push("IdempotencyKeyHeader");
    }
    let reference = |name: &&str| json!({"$ref": format!("#/components/parameters/{name}")});
    let mut parameters: Vec<Value> = taken.iter().map(reference).collect();
    parameters.extend(shapes.path.iter().cloned());
    if route.call.takes_query() {
        parameters.extend(shapes.query());
    } else if route.call.method != "DELETE" {
        let schema = json!({"$ref": format!("#/components/schemas/{}", body::request_name(route))});
        operation["requestBody"] = json!({
            "required": shapes.needs_fields(),
            "content": {"application/json": {"schema": schema}},
        });
    }
    operation["parameters"] = Value::Array(parameters);
    operation
}

fn success(style: Style, route: &Route, shapes: &Shapes) -> Value {
    let mut headers = response_headers();
    let traits = route.handler.traits();
    if traits.writes && !traits.ignores_idempotency {
        headers
            .insert("idempotent-replay".to_owned(), json!({"$ref": "#/components/headers/IdempotentReplay"}));
    }
    let schema = match style {
        Style::Enveloped => json!({"$ref": format!("#/components/schemas/{}", body::envelope_name(route))}),
        Style::Rest { .. } => shapes.answer["data"].clone(),
    };
    json!({
        "description": "Done.",
        "headers": headers,
        "content": {"application/json": {"schema": schema}},
    })
}

fn response_headers() -> Map<String, Value> {
    let names = [("x-request-id", "RequestId"), ("x-api-version", "ApiVersion")];
    let reference = |name: &str| json!({"$ref": format!("#/components/headers/{name}")});
    names.iter().map(|(header, name)| ((*header).to_owned(), reference(name))).collect()
}

fn headers() -> Value {
    json!({
        "RequestId": {
            "description": "The request, as the caller or the gateway named it.",
            "required": true,
            "schema": {"type": "string"},
        },
        "ApiVersion": {
            "description": "The version of the API.", "required": true, "schema": {"const": API_VERSION},
        },
        "IdempotentReplay": {
            "description": "The answer to an earlier request with the same idempotency key, once more.",
            "schema": {"const": "true"},
        },
        "Location": {"description": "Where the record is.", "required": true, "schema": {"type": "string"}},
        "Deduplicated": {
            "description": "Nothing was recorded: the request is a repeat.", "schema": {"const": "true"},
        },
        "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
    })
}

fn parameters(style: Style) -> Value {
    let org = match style {
        Style::Enveloped => "The org, where the body names none in `orgcode` or `request_context.orgcode`.",
        Style::Rest { .. } => {
            "The org. A deployment that is open to the public has one only, and needs no name."
        }
    };
    let header = |name: &str, description: &str, schema: Value| json!({"in": "header", "name": name, "required": false, "description": description, "schema": schema});
    json!({
        "OrgHeader": header(
            "x-orgcode",
            org,
            json!({"type": "string", "pattern": "^[A-Z][A-Z0-9]{2,15}$"}),
        ),
        "LogicalHeader": header("x-logical-guid", "The facility.", json!({"type": "string", "format": "uuid"})),
        "ChannelHeader": header(
            "x-channel-code", "The sales channel.", json!({"type": "string", "pattern": "^[a-z0-9_]{1,32}$"}),
        ),
        "CostCentreHeader": header(
            "x-cccode",
            "The cost centre that the request is attributed to.",
            json!({"type": "string", "pattern": "^[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}$", "minLength": 14, "maxLength": 14}),
        ),
        "IdempotencyKeyHeader": header(
            "idempotency-key",
            "Makes a repeat harmless for 24 hours.",
            json!({"type": "string", "pattern": "^[!-~]([ -~]{0,126}[!-~])?$"}),
        ),
        "RequestIdHeader": header(
            "x-request-id",
            "Names the request: no e-mail address, phone number or credential. Without it, the request is named here.",
            json!({"type": "string", "pattern": "^[!-?A-~]([ -?A-~]{0,126}[!-?A-~])?$"}),
        ),
        "SurfaceHeader": header(
            "x-g3n-surface",
            "The program through which the request comes.",
            json!({"type": "string", "enum": SURFACES}),
        ),
    })
}
