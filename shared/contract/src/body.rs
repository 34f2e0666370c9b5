//! The JSON object of a request, read so that nothing in it is lost: `serde_json` keeps the last of two members with one
//! name and says nothing of the other (contract §2).

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::error::FieldProblem;

/// So many members that were given twice are named at most.
const MOST_NAMED: usize = 64;

/// The members of an object.
#[derive(Debug, Default)]
pub struct Body {
    /// The members, by name.
    pub fields: Map<String, Value>,
    /// Those that were given more than once, at every depth: each is refused.
    pub twice: Vec<FieldProblem>,
}

impl Body {
    /// Reads an object; none for what is no JSON in UTF-8, or no object.
    pub fn read(text: &[u8]) -> Option<Self> {
        let text = with_plain_zeros(text);
        let mut reader = serde_json::Deserializer::from_slice(&text);
        let (mut path, mut twice) = (String::new(), Vec::new());
        let node = Node { path: &mut path, twice: &mut twice };
        let Value::Object(fields) = reader.deserialize_map(node).ok()? else { return None };
        reader.end().ok()?;
        Some(Self { fields, twice })
    }
}

/// The problem of what was given more than once.
pub fn given_twice(field: impl Into<String>) -> FieldProblem {
    FieldProblem { field: field.into(), problem: "is given twice".to_owned() }
}

/// The same JSON with each `-0` as ` 0`: `serde_json` reads it as a fraction, and it is the whole number 0 (contract §8).
fn with_plain_zeros(text: &[u8]) -> Cow<'_, [u8]> {
    let mut plain = Cow::Borrowed(text);
    let (mut in_text, mut escaped) = (false, false);
    for (n, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'-' if !in_text && is_minus_zero(text, n) => plain.to_mut()[n] = b' ',
            _ => {}
        }
    }
    plain
}

/// Whether the `-` at a place is that of a whole `-0`, and not of `-0.5`, `-0e1` or `1e-0`.
fn is_minus_zero(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| text[before]);
    let begins = !matches!(before, Some(b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    let ends = !matches!(text.get(at + 2), Some(b'0'..=b'9' | b'.' | b'e' | b'E'));
    begins && text.get(at + 1) == Some(&b'0') && ends
}

/// One value of the object, and where it stands.
struct Node<'r> {
    path: &'r mut String,
    twice: &'r mut Vec<FieldProblem>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        let outer = self.path.len();
        loop {
            self.path.extend(["[", &list.len().to_string(), "]"]);
            let element = elements.next_element_seed(Node { path: self.path, twice: self.twice })?;
            self.path.truncate(outer);
            match element {
                Some(element) => list.push(element),
                None => return Ok(list.into()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        let outer = self.path.len();
        while let Some(name) = members.next_key::<String>()? {
            if outer > 0 {
                self.path.push('.');
            }
            self.path.push_str(&name);
            let value = members.next_value_seed(Node { path: self.path, twice: self.twice })?;
            if object.insert(name, value).is_some() && self.twice.len() < MOST_NAMED {
                let problem = given_twice(self.path.as_str());
                if !self.twice.contains(&problem) {
                    self.twice.push(problem);
                }
            }
            self.path.truncate(outer);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn twice(text: &str) -> Vec<String> {
        let body = Body::read(text.as_bytes()).expect("an object");
        body.twice.into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn a_member_given_twice_is_named_with_its_path() {
        assert_eq!(twice(r#"{"caption":"First","caption":"Second"}"#), ["caption"]);
        assert_eq!(twice(r#"{"caption":"First","c\u0061ption":"Second"}"#), ["caption"]);
        assert_eq!(twice(r#"{"a":1,"a":2,"a":3,"b":null,"b":null}"#), ["a", "b"]);
        assert_eq!(
            twice(r#"{"customer":{"attributes":{"size":"1","si\u007ae":"2"}}}"#),
            ["customer.attributes.size"]
        );
        assert_eq!(twice(r#"{"breaks":[{"start":1},{"start":1,"start":1}]}"#), ["breaks[1].start"]);
        assert_eq!(twice(r#"{"a":{"x":1,"x":2},"a":{"y":1,"y":2}}"#), ["a.x", "a.y", "a"]);
        assert_eq!(twice(r#"{"":1,"":2}"#), [""]);
    }

    #[test]
    fn members_with_one_name_in_different_objects_are_given_once() {
        assert!(twice(r#"{"a":{"x":1},"b":{"x":1},"x":[{"x":1},{"x":1}],"X":1}"#).is_empty());
    }

    #[test]
    fn no_more_members_are_named_than_so_many() {
        let members: Vec<String> = (0..1000).map(|n| format!(r#""{n}":0,"{n}":0"#)).collect();
        assert_eq!(twice(&format!("{{{}}}", members.join(","))).len(), MOST_NAMED);
    }

    #[test]
    fn what_is_no_object_is_not_read() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for text in [
            "",
            " ",
            "[]",
            "null",
            "7",
            "\"{}\"",
            "{",
            "{}{}",
            "{} x",
            "{\"a\":NaN}",
            "{\"a\":-}",
            "\u{feff}{}",
        ] {
            assert!(Body::read(text.as_bytes()).is_none(), "{text}");
        }
        assert!(Body::read(format!("{{\"a\":{deep}}}").as_bytes()).is_none());
        assert!(Body::read(b"{\"a\":\"\xff\"}").is_none());
        assert!(Body::read(b"{\"a\":1e999}").is_none());
        assert!(Body::read(br#"{"a":"\ud800"}"#).is_none());
    }

    #[test]
    fn minus_zero_is_the_whole_number_zero() {
        let fields = |text: &str| Value::from(Body::read(text.as_bytes()).expect("an object").fields);
        assert_eq!(
            fields(r#"{"a":-0,"b":[-0,-0],"c": -0 ,"d":{"e":-0}}"#),
            json!({"a": 0, "b": [0, 0], "c": 0, "d": {"e": 0}})
        );
        // Only as a whole number, and not within a text.
        for text in [r#"{"a":-0.0}"#, r#"{"a":-0e1}"#, r#"{"a":1e-0}"#, r#"{"a":-0.5}"#] {
            assert!(fields(text)["a"].is_f64(), "{text}");
        }
        assert_eq!(fields(r#"{"-0":"x -0","b":"\"-0"}"#), json!({"-0": "x -0", "b": "\"-0"}));
        for text in ["{\"a\":--0}", "{\"a\":-00}", "{\"a\":1-0}", "{\"a\":+-0}", "{\"a\":-0-0}"] {
            assert!(Body::read(text.as_bytes()).is_none(), "{text}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn an_object_is_read_as_it_was_written(value in values()) {
            let object = json!({"value": value});
            let read = Body::read(object.to_string().as_bytes()).expect("an object");
            prop_assert!(read.twice.is_empty());
            let expected: Value = serde_json::from_str(&object.to_string()).expect("JSON");
            prop_assert_eq!(Value::from(read.fields), expected);
        }

        #[test]
        fn nothing_panics(text in prop::collection::vec(any::<u8>(), 0..64), json in r#"[-0e1.{}\[\]",:\\ ]{0,40}"#) {
            let _ = Body::read(&text);
            let _ = Body::read(json.as_bytes());
        }
    }
}
