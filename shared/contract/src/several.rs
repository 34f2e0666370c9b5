//! Short lists without repeats.

use std::{borrow::Cow, ops::Deref};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// `MIN` to `MAX` entries in the order in which they were given, none of them twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<T>", bound(deserialize = "T: Deserialize<'de> + PartialEq"))]
pub struct Several<T, const MIN: usize, const MAX: usize>(Vec<T>);

impl<T: PartialEq, const MIN: usize, const MAX: usize> TryFrom<Vec<T>> for Several<T, MIN, MAX> {
    type Error = Problem;

    fn try_from(entries: Vec<T>) -> Result<Self, Problem> {
        if entries.len() < MIN || entries.len() > MAX {
            return Err(format!("must have {MIN} to {MAX} entries").into());
        }
        let repeated = (1..entries.len()).find(|index| entries[..*index].contains(&entries[*index]));
        match repeated {
            Some(index) => Err(format!("must not have an entry twice: [{index}]").into()),
            None => Ok(Self(entries)),
        }
    }
}

impl<T, const MIN: usize, const MAX: usize> Deref for Several<T, MIN, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MAX: usize> Default for Several<T, 0, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: JsonSchema, const MIN: usize, const MAX: usize> JsonSchema for Several<T, MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}List", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": generator.subschema_for::<T>(),
            "minItems": MIN,
            "maxItems": MAX,
            "uniqueItems": true,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_neither_too_short_nor_too_long_and_has_nothing_twice() {
        let read =
            |value| serde_json::from_value::<Several<u8, 1, 3>>(value).map_err(|error| error.to_string());
        assert_eq!(read(json!([3, 1, 2])).map(|list| list.to_vec()), Ok(vec![3, 1, 2]));
        for wrong in [json!([]), json!([1, 2, 3, 4])] {
            assert_eq!(read(wrong), Err("must have 1 to 3 entries".to_owned()));
        }
        assert_eq!(read(json!([1, 2, 1])), Err("must not have an entry twice: [2]".to_owned()));
        assert!(Several::<u8, 0, 3>::default().is_empty());
    }
}
