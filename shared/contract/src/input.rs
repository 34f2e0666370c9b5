//! Reads JSON into a typed request and reports everything that is wrong with it at once (contract §2).
//!
//! `serde` stops at the first problem. So [`read`] reads again, leaving out what was already reported, until
//! nothing new is found; a request without problems is read once. Unknown fields are refused at every depth.
//!
//! A field that may be left out is an `Option`, a [`Patch`], or a type that reads `none` as its default:
//! `#[serde(default)]` has no effect here.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};
use serde_json::{Map, Value};

use crate::error::FieldProblem;

/// So many problems are reported at most.
const MOST_PROBLEMS: usize = 64;

/// Reads a request, or says what is wrong with each of its fields.
pub fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Vec<FieldProblem>> {
    let mut problems = Vec::new();
    let mut skip = BTreeSet::new();
    loop {
        let failure = match T::deserialize(Reader { value, path: String::new(), skip: &skip }) {
            Ok(read) if problems.is_empty() => return Ok(read),
            Ok(_) => return Err(problems),
            Err(failure) => failure,
        };
        let path = failure.path.unwrap_or_default();
        // Leaving a field out can make what surrounds it fail: that is no news.
        let follows_from_skipping = skip.contains(&path) || skip.iter().any(|s| is_inside(s, &path));
        let next = if skip.contains(&path) { parent(&path).to_owned() } else { path.clone() };
        if !follows_from_skipping {
            problems.push(FieldProblem { field: path.clone(), problem: failure.problem });
        }
        if next.is_empty() || problems.len() >= MOST_PROBLEMS {
            return Err(problems);
        }
        skip.insert(next);
    }
}

fn is_inside(path: &str, outer: &str) -> bool {
    outer.is_empty() || path.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['.', '[']))
}

fn parent(path: &str) -> &str {
    path.rfind(['.', '[']).map_or("", |end| &path[..end])
}

fn child(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// What an update says about one field: nothing, clear it, or a new value (crm §1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// The field was left out: it stays.
    #[default]
    Keep,
    /// The field was `null`: it is cleared.
    Clear,
    /// The new value.
    Set(T),
}

impl<T> Patch<T> {
    /// Applies this to an optional field.
    pub fn apply(self, field: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PatchVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for PatchVisitor<T> {
            type Value = Patch<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or null")
            }
            fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Patch::Keep)
            }
            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Patch::Clear)
            }
            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                T::deserialize(deserializer).map(Patch::Set)
            }
        }
        deserializer.deserialize_option(PatchVisitor(std::marker::PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
    // The name is schemars' own: it is how a type says that its field may be left out.
    #[doc(hidden)]
    fn _schemars_private_is_option() -> bool {
        true
    }
}

/// Why reading stopped, and where.
#[derive(Debug)]
struct Failure {
    path: Option<String>,
    problem: String,
    missing: Option<&'static str>,
}

impl Failure {
    fn at(mut self, path: &str) -> Self {
        if let Some(field) = self.missing.take() {
            self.path = Some(child(path, field));
        } else if self.path.is_none() {
            self.path = Some(path.to_owned());
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self { path: None, problem: text.to_string(), missing: None }
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("must be {}", plain(&expected.to_string())))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("must be {}", plain(&expected.to_string())))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!("must be one of {}", expected.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::custom("is required") }
    }
}

/// Rust's names of what was expected, as a caller would say it.
fn plain(expected: &str) -> &str {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number in range",
        "a sequence" => "a list",
        text if text.starts_with("struct ") || text == "a map" => "an object",
        text => text,
    }
}

struct Reader<'a> {
    value: &'a Value,
    path: String,
    skip: &'a BTreeSet<String>,
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let Self { value, path, skip } = self;
        let result = match value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(list) => {
                visitor.visit_seq(Elements { list: list.iter().enumerate(), path: &path, skip })
            }
            Value::Object(map) => visitor.visit_map(Entries {
                map,
                keys: map.keys().map(String::as_str).collect::<Vec<_>>().into_iter(),
                value: None,
                path: &path,
                skip,
            }),
        };
        result.map_err(|failure| failure.at(&path))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let path = self.path.clone();
        visitor.visit_newtype_struct(self).map_err(|failure| failure.at(&path))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let Value::Object(map) = self.value else {
            return Err(<Failure as de::Error>::custom("must be an object").at(&self.path));
        };
        for key in map.keys() {
            let path = child(&self.path, key);
            if !fields.contains(&key.as_str()) && !self.skip.contains(&path) {
                return Err(<Failure as de::Error>::custom("is not a field of this request").at(&path));
            }
        }
        let keys = fields
            .iter()
            .copied()
            .filter(|field| !self.skip.contains(&child(&self.path, field)))
            .collect::<Vec<_>>()
            .into_iter();
        visitor
            .visit_map(Entries { map, keys, value: None, path: &self.path, skip: self.skip })
            .map_err(|failure| failure.at(&self.path))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let Value::String(variant) = self.value else {
            return Err(<Failure as de::Error>::custom("must be a string").at(&self.path));
        };
        visitor
            .visit_enum(variant.as_str().into_deserializer())
            .map_err(|failure: Failure| failure.at(&self.path))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// The entries of an object: those of a struct in the order of its fields, whether present or not.
struct Entries<'a, 'k> {
    map: &'a Map<String, Value>,
    keys: std::vec::IntoIter<&'k str>,
    value: Option<&'k str>,
    path: &'a str,
    skip: &'a BTreeSet<String>,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        self.value = self.keys.next();
        self.value.map(|key| seed.deserialize(key.into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let key = self.value.take().unwrap_or_default();
        let path = child(self.path, key);
        match self.map.get(key) {
            Some(value) => {
                let at = path.clone();
                seed.deserialize(Reader { value, path, skip: self.skip }).map_err(|failure| failure.at(&at))
            }
            None => seed.deserialize(Absent).map_err(|failure: Failure| failure.at(&path)),
        }
    }
}

struct Elements<'a> {
    list: std::iter::Enumerate<std::slice::Iter<'a, Value>>,
    path: &'a str,
    skip: &'a BTreeSet<String>,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        for (index, value) in self.list.by_ref() {
            let path = format!("{}[{index}]", self.path);
            if !self.skip.contains(&path) {
                let at = path.clone();
                return seed
                    .deserialize(Reader { value, path, skip: self.skip })
                    .map(Some)
                    .map_err(|failure| failure.at(&at));
            }
        }
        Ok(None)
    }
}

/// A field that was not sent.
struct Absent;

impl<'de> Deserializer<'de> for Absent {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Failure> {
        Err(de::Error::custom("is required"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Break {
        start: u32,
        #[serde(rename = "end")]
        until: Option<u32>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        Long,
        VeryShort,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Request {
        name: String,
        size: u8,
        kind: Option<Kind>,
        note: Patch<String>,
        breaks: Option<Vec<Break>>,
    }

    fn problems(value: &Value) -> Vec<(String, String)> {
        read::<Request>(value).unwrap_err().into_iter().map(|p| (p.field, p.problem)).collect()
    }

    fn pair(field: &str, problem: &str) -> (String, String) {
        (field.to_owned(), problem.to_owned())
    }

    #[test]
    fn a_good_request_is_read() {
        let read: Request =
            read(&json!({"name": "a", "size": 3, "kind": "very-short", "breaks": [{"start": 1}]})).unwrap();
        assert_eq!(
            read,
            Request {
                name: "a".into(),
                size: 3,
                kind: Some(Kind::VeryShort),
                note: Patch::Keep,
                breaks: Some(vec![Break { start: 1, until: None }]),
            }
        );
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let found = problems(&json!({
            "sise": 3, "size": 300, "kind": "short", "breaks": [{"end": 2}, {"start": 1.5}, 7, {"start": 1, "x": 1}],
        }));
        assert_eq!(
            found,
            [
                pair("sise", "is not a field of this request"),
                pair("name", "is required"),
                pair("size", "must be a whole number in range"),
                pair("kind", "must be one of long, very-short"),
                pair("breaks[0].start", "is required"),
                pair("breaks[1].start", "must be a whole number in range"),
                pair("breaks[2]", "must be an object"),
                pair("breaks[3].x", "is not a field of this request"),
            ]
        );
    }

    #[test]
    fn null_clears_and_absence_keeps() {
        let note = |value| read::<Request>(&value).unwrap().note;
        assert_eq!(note(json!({"name": "a", "size": 1})), Patch::Keep);
        assert_eq!(note(json!({"name": "a", "size": 1, "note": null})), Patch::Clear);
        assert_eq!(note(json!({"name": "a", "size": 1, "note": "b"})), Patch::Set("b".into()));
    }

    #[test]
    fn null_is_no_value_of_a_required_field() {
        assert_eq!(problems(&json!({"name": null, "size": 1})), [pair("name", "must be a string")]);
    }

    #[test]
    fn reports_no_more_than_so_many() {
        let fields: Map<String, Value> = (0..100).map(|n| (format!("f{n}"), Value::Null)).collect();
        assert_eq!(problems(&Value::Object(fields)).len(), MOST_PROBLEMS);
    }
}
