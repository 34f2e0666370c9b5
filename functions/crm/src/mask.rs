//! What a caller may not see of a person (crm §1, *Field class*).

use schemars::Schema;
use serde_json::{Map, Value, json};
use service::Ctx;
use store::{Class, Classified};

use crate::access::READS_PERSONS;

/// What stands in the place of a personal value.
const MASK: &str = "***";
/// Where a person lives is personal, but for the country (crm §4).
const KEPT: &str = "country";

/// Whether the caller sees personal fields only masked: none of their roles but `finance_audit` reads (crm §21).
pub(crate) fn applies(ctx: &Ctx) -> bool {
    let caller = ctx.caller();
    !caller.is_owner && !caller.roles.contains_any(READS_PERSONS)
}

/// Masks the personal fields of a record as it is shown: lists keep their length and their flags.
pub(crate) fn hide<E: Classified>(record: &mut Map<String, Value>) {
    for (field, class) in E::CLASSES {
        match (class, record.get_mut(*field)) {
            (Class::Plain, _) | (_, None | Some(Value::Null)) => {}
            (Class::Contact | Class::Identity, Some(value)) => hide_text(value),
            // Free text may also stand in the names of its parts.
            (Class::FreeText | Class::Secret, Some(value)) => *value = MASK.into(),
        }
    }
}

fn hide_text(value: &mut Value) {
    match value {
        Value::String(text) => MASK.clone_into(text),
        Value::Array(list) => list.iter_mut().for_each(hide_text),
        Value::Object(fields) => {
            fields.iter_mut().filter(|(name, _)| *name != KEPT).for_each(|(_, value)| hide_text(value));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Says in the schema of a record that its personal fields may be masked.
pub(crate) fn may_hide<E: Classified>(schema: &mut Schema, definitions: &Map<String, Value>) {
    let Some(Value::Object(fields)) = schema.get_mut("properties") else { return };
    for (field, class) in E::CLASSES {
        let Some(shown) = fields.get_mut(*field) else { continue };
        let hidden = match class {
            Class::Plain => continue,
            Class::Contact | Class::Identity => hidden_text(shown, definitions),
            Class::FreeText | Class::Secret => json!({"const": MASK}),
        };
        *shown = json!({"anyOf": [shown.take(), hidden]});
    }
}

/// The schema of what [`hide_text`] leaves of a value.
fn hidden_text(schema: &Value, definitions: &Map<String, Value>) -> Value {
    let hidden = |schema: &Value| hidden_text(schema, definitions);
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return definitions.get(name).map_or_else(|| schema.clone(), hidden);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        return json!({"anyOf": choices.iter().map(hidden).collect::<Vec<_>>()});
    }
    let is = |kind: &str| {
        schema["type"] == kind
            || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|of| of == kind))
    };
    if is("string") && is("null") {
        json!({"enum": [MASK, null]})
    } else if is("string") {
        json!({"const": MASK})
    } else if is("array") {
        json!({"type": schema["type"], "items": hidden(&schema["items"])})
    } else if let Some(fields) = schema["properties"].as_object() {
        let field = |(name, field): (&String, &Value)| {
            (name.clone(), if name == KEPT { field.clone() } else { hidden(field) })
        };
        let fields: Map<_, _> = fields.iter().map(field).collect();
        json!({"type": schema["type"], "properties": fields, "required": schema["required"]})
    } else {
        schema.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use store::classes;

    use super::*;

    #[derive(Serialize)]
    struct Person {
        id: u8,
        name: Option<String>,
        addresses: Value,
        notes: Value,
    }

    classes!(Person { id: Plain, name: Identity, addresses: Contact, notes: FreeText });

    #[test]
    fn only_what_is_plain_stays() {
        let addresses = json!([{"line1": "Main Street", "country": "DE", "primary": true, "label": null}]);
        let person = Person { id: 1, name: None, addresses, notes: json!({"Ada": "x"}) };
        let Value::Object(mut shown) = json!(person) else { unreachable!("an object") };
        hide::<Person>(&mut shown);
        let addresses = json!([{"line1": "***", "country": "DE", "primary": true, "label": null}]);
        assert_eq!(
            Value::Object(shown),
            json!({"id": 1, "name": null, "addresses": addresses, "notes": "***"})
        );
    }
}
