//! States of records, and which of them a list shows (contract §6).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::IntoDeserializer};

/// The states of a kind of record.
pub trait States: Copy + PartialEq + Sized + 'static {
    /// All of them.
    const ALL: &'static [Self];
    /// Those that lists hide unless they are asked for.
    const HIDDEN: &'static [Self];
}

/// The `status` (or `state`) that a list is asked for: one, or `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter<S> {
    /// Every state.
    All,
    /// Just this one.
    Only(S),
}

/// The states that a list shows.
pub fn visible<S: States>(filter: Option<Filter<S>>, include_doomed: Option<bool>) -> Vec<S> {
    match filter {
        Some(Filter::Only(state)) => vec![state],
        Some(Filter::All) => S::ALL.to_vec(),
        None if include_doomed == Some(true) => S::ALL.to_vec(),
        None => S::ALL.iter().copied().filter(|state| !S::HIDDEN.contains(state)).collect(),
    }
}

impl<'de, S: Deserialize<'de>> Deserialize<'de> for Filter<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "all" { Ok(Self::All) } else { S::deserialize(text.into_deserializer()).map(Self::Only) }
    }
}

impl<S: JsonSchema> JsonSchema for Filter<S> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}Filter", S::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [generator.subschema_for::<S>(), {"const": "all"}]})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Light {
        Green,
        Red,
    }

    impl States for Light {
        const ALL: &'static [Self] = &[Self::Green, Self::Red];
        const HIDDEN: &'static [Self] = &[Self::Red];
    }

    #[test]
    fn a_list_hides_terminal_states_unless_asked() {
        assert_eq!(visible::<Light>(None, None), [Light::Green]);
        assert_eq!(visible::<Light>(None, Some(false)), [Light::Green]);
        assert_eq!(visible::<Light>(None, Some(true)), [Light::Green, Light::Red]);
        assert_eq!(visible(Some(Filter::<Light>::All), None), [Light::Green, Light::Red]);
        assert_eq!(visible(Some(Filter::Only(Light::Red)), Some(false)), [Light::Red]);
    }

    #[test]
    fn a_filter_is_one_state_or_all() {
        let read = |value| serde_json::from_value::<Filter<Light>>(value);
        assert_eq!(read(json!("all")).unwrap(), Filter::All);
        assert_eq!(read(json!("red")).unwrap(), Filter::Only(Light::Red));
        assert!(read(json!("blue")).is_err() && read(json!(1)).is_err());
    }
}
