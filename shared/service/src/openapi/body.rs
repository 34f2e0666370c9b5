//! What a route takes and answers: the schemas of its handler's types, with the shared fields and the envelope.

use contract::envelope::{Build, Stats};
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    access::Access,
    frame::{self, Frame},
    route::{OrgFrom, Route, Style},
};

pub(crate) type Schemas = Map<String, Value>;

/// Where the document keeps its schemas.
pub(crate) const COMPONENTS: &str = "#/components/schemas/";

/// Fields that stand in the headers or not at all, where the request is a query string.
const NOT_IN_A_QUERY: &[&str] = &[
    "session_guid",
    "api_key",
    "request_context",
    "idempotency_key",
    "reason",
    "reason_code",
    "source_refs",
];

/// The two shapes of a route, each with the schemas that it refers to.
pub(crate) struct Shapes {
    /// `CostCentreCreate`.
    pub(crate) route: String,
    /// `CostCentre`.
    pub(crate) noun: String,
    /// The parameters in the path.
    pub(crate) path: Vec<Value>,
    /// The rest of the request: an object.
    pub(crate) request: Value,
    /// What the request refers to.
    pub(crate) request_refers: Schemas,
    /// The `data` of the answer, and `build` and `stats` beside it where there is an envelope.
    pub(crate) answer: Value,
    /// What the answer refers to.
    pub(crate) answer_refers: Schemas,
}

impl Shapes {
    pub(crate) fn of(style: Style, route: &Route) -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        let mut requests = settings().for_deserialize().into_generator();
        let mut answers = settings().for_serialize().into_generator();
        let (own, data) = route.handler.schemas(&mut requests, &mut answers);
        let shared = match style {
            Style::Enveloped => requests.subschema_for::<Frame>().to_value(),
            Style::Rest { .. } => json!({}),
        };
        let mut answer = json!({"data": data});
        if style == Style::Enveloped {
            answer["build"] = json!(answers.subschema_for::<Build>());
            answer["stats"] = json!(answers.subschema_for::<Stats>());
        }
        let mut request_refers = definitions(requests);
        let own = take(&mut request_refers, own.to_value());
        let shared = take(&mut request_refers, shared);
        let mut request = request(style, route, &own, &shared);
        let path = take_path(route, &mut request);
        close(&mut request);
        request_refers.values_mut().for_each(close);
        let answer_refers = definitions(answers);
        Self {
            route: pascal(route.call.name),
            noun: pascal(super::noun(route)),
            path,
            request,
            request_refers,
            answer,
            answer_refers,
        }
    }

    /// Whether an empty body is refused.
    pub(crate) fn needs_fields(&self) -> bool {
        ["required", "anyOf"].iter().any(|name| self.request.get(name).is_some())
    }

    /// The fields as query parameters.
    pub(crate) fn query(&self) -> Vec<Value> {
        let required = |name: &str| {
            self.request["required"].as_array().is_some_and(|names| names.iter().any(|other| other == name))
        };
        let fields = self.request["properties"].as_object().into_iter().flatten();
        fields.map(|(name, schema)| parameter("query", name, required(name), schema)).collect()
    }

    /// The schemas that bear the route's name.
    pub(crate) fn components(&self, style: Style, route: &Route) -> Schemas {
        let mut schemas = Schemas::new();
        if !matches!(route.call.method, "GET" | "DELETE") {
            schemas.insert(request_name(route), self.request.clone());
        }
        if style != Style::Enveloped {
            return schemas;
        }
        let mut properties = json!({
            "success": {"const": true},
            "revision": {
                "type": ["string", "integer"],
                "description": "The revision of the one record that the answer is about.",
            },
        });
        for (name, schema) in self.answer.as_object().into_iter().flatten() {
            properties[name] = schema.clone();
        }
        let envelope = json!({
            "type": "object",
            "description": format!("The answer to `{} {}`.", route.call.method, route.call.path),
            "properties": properties,
            "required": ["success", "data", "build", "stats"],
        });
        schemas.insert(envelope_name(route), envelope);
        schemas
    }
}

fn parameter(place: &str, name: &str, required: bool, schema: &Value) -> Value {
    let description = schema.get("description").cloned().unwrap_or_else(|| json!(""));
    json!({"in": place, "name": name, "required": required, "description": description, "schema": schema})
}

/// Takes the fields out of a request that stand in its path.
fn take_path(route: &Route, request: &mut Value) -> Vec<Value> {
    let take = |name: &str| {
        if let Some(required) = request["required"].as_array_mut() {
            required.retain(|other| other != name);
        }
        let schema = request["properties"].as_object_mut().and_then(|fields| fields.remove(name));
        parameter("path", name, true, &schema.unwrap_or_default())
    };
    route.call.parameters().map(take).collect()
}

/// `CostCentreCreateRequest`.
pub(crate) fn request_name(route: &Route) -> String {
    format!("{}Request", pascal(route.call.name))
}

/// `CostCentreCreateEnvelope`.
pub(crate) fn envelope_name(route: &Route) -> String {
    format!("{}Envelope", pascal(route.call.name))
}

/// `/cost-centre/create` as `CostCentreCreate`.
pub(crate) fn pascal(path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter_map(|word| {
            let mut chars = word.chars();
            chars.next().map(|first| format!("{}{}", first.to_ascii_uppercase(), chars.as_str()))
        })
        .collect()
}

fn definitions(mut generator: SchemaGenerator) -> Schemas {
    generator.take_definitions(true)
}

/// The schema itself, where a reference to it was made.
fn take(definitions: &mut Schemas, schema: Value) -> Value {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix(COMPONENTS));
    name.and_then(|name| definitions.remove(name)).unwrap_or(schema)
}

/// The route's own fields and those that it shares with others, as one object.
fn request(style: Style, route: &Route, own: &Value, shared: &Value) -> Value {
    let is_query = route.call.takes_query();
    let traits = route.handler.traits();
    let mut properties = object(&own["properties"]);
    let mut required: Vec<Value> = own["required"].as_array().cloned().unwrap_or_default();
    for name in frame::fields(style, route).filter(|name| !is_query || !NOT_IN_A_QUERY.contains(name)) {
        properties.insert(name.to_owned(), shared["properties"][name].clone());
    }
    if let Some(limit) = properties.get_mut("limit").filter(|_| traits.pages) {
        let size = traits.page_size;
        limit["default"] = json!(size.default);
        limit["description"] = json!(format!("How many records to answer, clamped to 1 to {}.", size.most));
    }
    let mut need = |name: &str| {
        if let Some(schema) = properties.get_mut(name) {
            *schema = not_null(schema.take());
            required.push(json!(name));
        }
    };
    match route.org {
        OrgFrom::BodyGuid => need("org_guid"),
        OrgFrom::BodyCode => need("orgcode"),
        OrgFrom::Nowhere | OrgFrom::Body | OrgFrom::Header | OrgFrom::Deployment | OrgFrom::Holder => {}
    }
    if traits.needs_revision {
        need("expected_revision");
    }
    if traits.needs_reason || (traits.writes && route.access == Access::Operator) {
        need("reason");
    }
    if route.access == Access::Operator {
        need("actor");
    }
    let mut request = json!({"type": "object", "additionalProperties": false});
    if route.org == OrgFrom::Body {
        let given = |name: &str| json!({"required": [name], "properties": {name: {"type": "string"}}});
        request["anyOf"] = json!([given("org_guid"), given("orgcode")]);
    }
    if let Some(description) = own.get("description") {
        request["description"] = description.clone();
    }
    if !required.is_empty() {
        required.sort_by_key(|name| name.as_str().map(str::to_owned));
        request["required"] = Value::Array(required);
    }
    request["properties"] = Value::Object(properties);
    request
}

fn object(value: &Value) -> Schemas {
    value.as_object().cloned().unwrap_or_default()
}

/// The schema without `null`.
fn not_null(mut schema: Value) -> Value {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [only] = choices.as_slice() {
            let mut only = only.clone();
            if let (Some(only), Some(description)) = (only.as_object_mut(), schema.get("description")) {
                only.insert("description".to_owned(), description.clone());
            }
            return only;
        }
    }
    schema
}

/// Lets objects have no other fields than those named, at every depth: unknown fields are refused (contract §2).
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            // What an `anyOf` demands of some fields is not a whole object.
            let whole = fields.contains_key("properties") && fields.get("type").is_some_and(is_object);
            if whole && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn is_object(kind: &Value) -> bool {
    kind == "object" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_paths() {
        assert_eq!(pascal("/cost-centre/status/set"), "CostCentreStatusSet");
        assert_eq!(pascal("/api_key/policy_set"), "ApiKeyPolicySet");
    }

    #[test]
    fn null_is_taken_out_wherever_schemas_put_it() {
        assert_eq!(not_null(json!({"type": ["string", "null"]})), json!({"type": "string"}));
        let reference = json!({"anyOf": [{"$ref": "x"}, {"type": "null"}], "description": "d"});
        assert_eq!(not_null(reference), json!({"$ref": "x", "description": "d"}));
    }

    #[test]
    fn objects_are_closed_at_every_depth_and_maps_stay_open() {
        let mut schema = json!({
            "type": "object",
            "properties": {
                "inner": {"type": ["object", "null"], "properties": {"a": {}}},
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        });
        close(&mut schema);
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["inner"]["additionalProperties"], false);
        assert_eq!(schema["properties"]["map"]["additionalProperties"]["type"], "string");
    }
}
