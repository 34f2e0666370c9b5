//! A request to begin with: what its schema requires, and no more.

use serde_json::{Map, Value, json};

use crate::seed::{Demo, EMAIL, ORGCODE, PASSCODE};

/// Schemas refer to each other; a document of ours never goes deeper.
const DEEPEST: usize = 16;

/// Makes examples for the schemas of one document.
pub(super) struct Examples<'d> {
    document: &'d Value,
    demo: &'d Demo,
}

impl<'d> Examples<'d> {
    pub(super) fn new(document: &'d Value, demo: &'d Demo) -> Self {
        Self { document, demo }
    }

    /// An example for a request of this schema.
    pub(super) fn of(&self, schema: &Value) -> Value {
        self.value("", schema, 0)
    }

    fn value(&self, name: &str, schema: &Value, depth: usize) -> Value {
        let schema = self.resolved(schema);
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(known) = self.known(name) {
            return known;
        }
        for given in ["const", "default", "example"] {
            if let Some(value) = schema.get(given) {
                return value.clone();
            }
        }
        if let Some(first) = schema["enum"].get(0).or_else(|| schema["examples"].get(0)) {
            return first.clone();
        }
        if schema.get("properties").is_some() {
            return self.object(schema, depth);
        }
        for choice in ["anyOf", "oneOf", "allOf"] {
            if let Some(first) = schema[choice].get(0) {
                return self.value(name, first, depth + 1);
            }
        }
        // Where null may stand instead, it comes last.
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
        match kind {
            Some("string") => text(schema).into(),
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
            Some("boolean") => false.into(),
            Some("array") if schema["minItems"].as_u64().unwrap_or(0) > 0 => {
                json!([self.value(name, &schema["items"], depth + 1)])
            }
            Some("array") => json!([]),
            _ => json!({}),
        }
    }

    /// The fields that are required, and the one that names the org.
    fn object(&self, schema: &Value, depth: usize) -> Value {
        let properties = schema["properties"].as_object().into_iter().flatten();
        let required =
            |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|n| n == name));
        let names_org =
            ["org_guid", "orgcode"].into_iter().find(|name| schema["properties"].get(name).is_some());
        let fields = properties
            .filter(|(name, _)| required(name) || names_org == Some(name))
            .map(|(name, schema)| (name.clone(), self.value(name, schema, depth + 1)));
        Value::Object(fields.collect::<Map<_, _>>())
    }

    /// What the demo tenant has for a field.
    fn known(&self, name: &str) -> Option<Value> {
        let Demo { org_guid, user_guid, invitation_code, .. } = self.demo;
        Some(match name {
            "org_guid" => org_guid.as_str().into(),
            "orgcode" => ORGCODE.into(),
            "user_guid" => user_guid.as_str().into(),
            "invitation_code" => invitation_code.as_str().into(),
            "email" => EMAIL.into(),
            "passcode" => PASSCODE.into(),
            "reason" => "Trying it out".into(),
            _ => return None,
        })
    }

    fn resolved<'s>(&self, schema: &'s Value) -> &'s Value
    where
        'd: 's,
    {
        let mut schema = schema;
        for _ in 0..DEEPEST {
            let Some(path) = schema["$ref"].as_str().and_then(|path| path.strip_prefix('#')) else { break };
            let Some(target) = self.document.pointer(path) else { break };
            schema = target;
        }
        schema
    }
}

fn text(schema: &Value) -> &'static str {
    match schema["format"].as_str() {
        Some("uuid") => "00000000-0000-7000-8000-000000000000",
        Some("date") => "2026-03-04",
        Some("date-time") => "2026-03-04T08:00:00Z",
        _ => "Example",
    }
}
