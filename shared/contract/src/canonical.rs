//! One text for one JSON value, to be hashed.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::secret::hex;

/// The value without white space, with the members of every object in the order of their names.
pub fn text(value: &Value) -> String {
    String::from_utf8_lossy(&bytes(value)).into_owned()
}

/// SHA-256 of the canonical text, in hex digits.
pub fn hash(value: &Value) -> String {
    hex(&Sha256::digest(bytes(value)))
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    write(value, &mut text);
    text
}

// Writing to memory cannot fail.
fn write(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            text.push(b'{');
            for (n, (name, member)) in members.into_iter().enumerate() {
                if n > 0 {
                    text.push(b',');
                }
                let _ = serde_json::to_writer(&mut *text, name);
                text.push(b':');
                write(member, text);
            }
            text.push(b'}');
        }
        Value::Array(list) => {
            text.push(b'[');
            for (n, element) in list.iter().enumerate() {
                if n > 0 {
                    text.push(b',');
                }
                write(element, text);
            }
            text.push(b']');
        }
        scalar => {
            let _ = serde_json::to_writer(text, scalar);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_at_every_depth() {
        let value = json!({"b": [{"d": 1, "c": null}], "a": "\u{e9}\"", "": true});
        assert_eq!(text(&value), r#"{"":true,"a":"é\"","b":[{"c":null,"d":1}]}"#);
    }

    #[test]
    fn the_same_value_has_the_same_hash() {
        let one: Value = serde_json::from_str(r#"{"a":1,"b":2}"#).unwrap();
        let two: Value = serde_json::from_str(r#" {"b": 2, "a": 1} "#).unwrap();
        assert_eq!(hash(&one), hash(&two));
        assert_ne!(hash(&one), hash(&json!({"a": 1, "b": "2"})));
    }
}
