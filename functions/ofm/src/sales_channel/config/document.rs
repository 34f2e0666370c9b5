//! What a configuration must be: a JSON object in UTF-8 that nests at most 32 deep (contract ofm §12.1).

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// An object or list may lie so deep, the configuration itself being the first.
const DEEPEST: u8 = 32;

/// Why it is none: tells where, and nothing of what it holds.
pub(super) fn check(content: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(content).map_err(|_| "is not UTF-8")?;
    let mut json = serde_json::Deserializer::from_str(text);
    let nested = Nested { depth: 0 }.deserialize(&mut json).and_then(|()| json.end());
    nested.map_err(|error| error.to_string())
}

/// A value at a depth. Nothing of it is kept.
#[derive(Clone, Copy)]
struct Nested {
    depth: u8,
}

impl Nested {
    fn scalar<E: Error>(self) -> Result<(), E> {
        if self.depth == 0 { Err(E::custom("is not an object")) } else { Ok(()) }
    }

    fn inner<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        if depth > DEEPEST { Err(E::custom("nests deeper than 32")) } else { Ok(Self { depth }) }
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.scalar()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.scalar()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.scalar()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.scalar()?;
        let inner = self.inner()?;
        while list.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        while object.next_key::<IgnoredAny>()?.is_some() {
            object.next_value_seed(inner)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth))
    }

    #[test]
    fn objects_are_taken_and_nothing_else() {
        for good in ["{}", " {\"a\": [1, -2.5e3, true, null, \"\\u00e9\"]}\n", &nested(32)] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        let deep_list = format!("{{\"a\": {}{}}}", "[".repeat(32), "]".repeat(32));
        for (bad, told) in [
            ("[]", "is not an object"),
            ("\"secret\"", "is not an object"),
            ("17", "is not an object"),
            ("null", "is not an object"),
            (&*nested(33), "nests deeper than 32"),
            (&deep_list, "nests deeper than 32"),
            ("", "EOF"),
            ("{\"a\": 1,}", "trailing comma"),
            ("{} {}", "trailing characters"),
            ("{\"a\": NaN}", "expected value"),
            ("{'a': 1}", "key must be a string"),
            ("\u{feff}{}", "expected value"),
            (&nested(100_000), "nests deeper than 32"),
        ] {
            let problem = check(bad.as_bytes()).unwrap_err();
            assert!(problem.contains(told) && !problem.contains("secret"), "{bad:.40}: {problem}");
        }
        assert_eq!(check(b"{\"a\": \"\xff\"}"), Err("is not UTF-8".to_owned()));
    }

    fn values() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,4}".prop_map(Value::from),
        ];
        scalar.prop_recursive(40, 60, 2, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..2).prop_map(Value::from),
                inner.prop_map(|inner| json!({"a": inner})),
            ]
        })
    }

    fn depth(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn whatever_is_an_object_and_not_too_deep_is_taken(value in values()) {
            let is_good = value.is_object() && depth(&value) <= 32;
            prop_assert_eq!(check(value.to_string().as_bytes()).is_ok(), is_good);
        }

        #[test]
        fn nothing_that_is_cut_off_is_taken(value in values(), at in any::<prop::sample::Index>()) {
            let text = json!({"a": value}).to_string();
            let cut = &text.as_bytes()[..at.index(text.len())];
            prop_assert!(check(cut).is_err());
        }
    }
}
