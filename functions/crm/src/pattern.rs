//! Texts of a fixed form: read from JSON by `FromStr`, with the form in the schema.

/// Makes a type for texts of one form. `$valid` says whether a text has it; the pattern says the same in the schema.
macro_rules! pattern {
    ($(#[$doc:meta])* $name:ident, $valid:expr, $pattern:literal, $problem:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = contract::problem::Problem;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let is_valid: fn(&str) -> bool = $valid;
                if is_valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(contract::problem::Problem::new($problem))
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "pattern": $pattern})
            }
        }
    };
}
pub(crate) use pattern;

/// Whether a text begins with one kind of byte, goes on with another, and is not too long.
pub(crate) fn is_made_of(
    text: &str,
    lengths: std::ops::RangeInclusive<usize>,
    first: fn(u8) -> bool,
    rest: fn(u8) -> bool,
) -> bool {
    let bytes = text.as_bytes();
    lengths.contains(&bytes.len()) && first(bytes[0]) && bytes[1..].iter().all(|byte| rest(*byte))
}
