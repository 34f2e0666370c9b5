//! Maps whose keys the caller chooses (contract §8).

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData, ops::Deref};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor},
};

/// At most `MAX` pairs. Keys are compared as their type keeps them, which for texts is trimmed and in normal form C: two
/// alike are refused, because one of the values would be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Pairs<K: Ord, V, const MAX: usize>(BTreeMap<K, V>);

impl<K: Ord, V, const MAX: usize> Default for Pairs<K, V, MAX> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, V, const MAX: usize> Deref for Pairs<K, V, MAX> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &BTreeMap<K, V> {
        &self.0
    }
}

impl<'de, K, V, const MAX: usize> Deserialize<'de> for Pairs<K, V, MAX>
where
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<K, V, const MAX: usize>(PhantomData<(K, V)>);

        impl<'de, K, V, const MAX: usize> Visitor<'de> for Entries<K, V, MAX>
        where
            K: Deserialize<'de> + Ord,
            V: Deserialize<'de>,
        {
            type Value = BTreeMap<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = BTreeMap::new();
                while let Some(key) = map.next_key()? {
                    if pairs.insert(key, map.next_value()?).is_some() {
                        return Err(A::Error::custom(
                            "must not have two keys alike, once trimmed and in normal form C",
                        ));
                    }
                    if pairs.len() > MAX {
                        return Err(A::Error::custom(format_args!("must have at most {MAX} entries")));
                    }
                }
                Ok(pairs)
            }
        }

        deserializer.deserialize_map(Entries::<K, V, MAX>(PhantomData)).map(Self)
    }
}

impl<K: JsonSchema + Ord, V: JsonSchema, const MAX: usize> JsonSchema for Pairs<K, V, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        BTreeMap::<K, V>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = BTreeMap::<K, V>::json_schema(generator);
        schema.insert("maxProperties".to_owned(), MAX.into());
        schema
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::{Map, Value, json};
    use unicode_normalization::UnicodeNormalization;

    use super::*;
    use crate::{input, text::Text};

    #[derive(Debug, Deserialize)]
    struct Request {
        about: Option<Pairs<Text<1, 8>, Text<1, 8>, 3>>,
    }

    fn read(about: &Value) -> Result<Vec<String>, (String, String)> {
        let request = input::read::<Request>(&json!({"about": about}));
        let keys = |request: Request| {
            request.about.iter().flat_map(|about| about.keys()).map(|key| key.as_str().to_owned()).collect()
        };
        request.map(keys).map_err(|problems| (problems[0].field.clone(), problems[0].problem.clone()))
    }

    #[test]
    fn keys_alike_are_refused_by_the_name_of_the_map() {
        assert_eq!(read(&json!({"size": "1", "colour": "2"})).unwrap(), ["colour", "size"]);
        for alike in [json!({"size": "1", " size ": "2"}), json!({"\u{e9}": "1", "e\u{301}": "2"})] {
            let (field, problem) = read(&alike).unwrap_err();
            assert_eq!(field, "about");
            assert!(problem.starts_with("must not have two keys alike"), "{problem}");
        }
        let four = json!({"a": "1", "b": "1", "c": "1", "d": "1"});
        assert_eq!(read(&four).unwrap_err(), ("about".to_owned(), "must have at most 3 entries".to_owned()));
        assert_eq!(read(&json!({"\u{200b}": "1"})).unwrap_err().0, "about");
        assert_eq!(read(&json!({"a": ""})).unwrap_err().0, "about.a");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(keys in prop::collection::btree_set("[ aé]{0,1}[ab][\u{301} ]{0,2}", 1..4)) {
            let distinct: BTreeSet<String> = keys.iter().map(|key| key.trim().nfc().collect()).collect();
            let map: Map<_, _> = keys.iter().map(|key| (key.clone(), json!("x"))).collect();
            prop_assert_eq!(read(&map.into()).ok(), (distinct.len() == keys.len()).then(|| distinct.into_iter().collect()));
        }
    }
}
