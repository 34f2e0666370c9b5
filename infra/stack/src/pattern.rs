//! Event patterns, as the filter of an event source mapping writes them.

use serde_json::Value;

/// Whether `event` matches `pattern`: every field that the pattern names is there, and holds one of the values that
/// the pattern lists. Only exact values are known; the template uses no others.
pub fn matches(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(fields) => {
            fields.iter().all(|(name, pattern)| event.get(name).is_some_and(|value| matches(pattern, value)))
        }
        Value::Array(values) => values.contains(event),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_named_field_must_hold_a_listed_value() {
        let pattern =
            json!({ "eventName": ["INSERT", "MODIFY"], "dynamodb": { "type": { "S": ["journal"] } } });
        let cases = [
            (json!({ "eventName": "INSERT", "dynamodb": { "type": { "S": "journal" } } }), true),
            (json!({ "eventName": "MODIFY", "dynamodb": { "type": { "S": "journal" } }, "x": 1 }), true),
            (json!({ "eventName": "REMOVE", "dynamodb": { "type": { "S": "journal" } } }), false),
            (json!({ "eventName": "INSERT", "dynamodb": { "type": { "S": "customer" } } }), false),
            (json!({ "eventName": "INSERT", "dynamodb": {} }), false),
            (json!({ "eventName": "INSERT" }), false),
        ];
        for (event, expected) in cases {
            assert_eq!(matches(&pattern, &event), expected, "{event}");
        }
    }
}
