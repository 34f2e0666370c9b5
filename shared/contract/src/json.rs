//! How the types of this crate read and write JSON.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{
    Deserializer,
    de::{Error, Visitor},
};

use crate::problem::Problem;

/// Reads a string through `FromStr`.
pub(crate) fn string<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = Problem>,
    D: Deserializer<'de>,
{
    struct Text<T>(PhantomData<T>);

    impl<T: FromStr<Err = Problem>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(PhantomData))
}

/// Reads a whole number; `1.0` and `1e3` are not written as one and are refused.
pub(crate) fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    struct Whole;

    impl Visitor<'_> for Whole {
        type Value = i64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
            Ok(number)
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
            i64::try_from(number).map_err(|_| E::custom("is too large"))
        }
    }

    deserializer.deserialize_i64(Whole)
}

/// Reads a type by its `FromStr<Err = Problem>` and writes it by the named method that shows it.
macro_rules! json_serde {
    ($type:ty $(where [$($generics:tt)*])?, $show:ident) => {
        impl$(<$($generics)*>)? TryFrom<String> for $type {
            type Error = $crate::problem::Problem;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl$(<$($generics)*>)? serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.$show())
            }
        }

        impl<'de, $($($generics)*)?> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::json::string(deserializer)
            }
        }
    };
}

/// Gives a type its form as a JSON string, whose schema is written out wherever the type is used.
macro_rules! json_string {
    ($type:ty $(where [$($generics:tt)*])?, $show:ident, $schema:tt) => {
        $crate::json::json_serde!($type $(where [$($generics)*])?, $show);

        impl$(<$($generics)*>)? schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                std::any::type_name::<Self>().into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}

/// Gives a type that is one of a list its form as a JSON string, whose schema is the list, once in a document.
macro_rules! json_choice {
    ($type:ident, $show:ident, $all:expr) => {
        $crate::json::json_serde!($type, $show);

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.$show(), f)
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "enum": $all})
            }
        }
    };
}
pub(crate) use {json_choice, json_serde, json_string};

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn whole_numbers_are_written_without_fraction_and_fit() {
        let read = |value: Value| whole_number(value).map_err(|error| error.to_string());
        assert_eq!(read(json!(i64::MIN)), Ok(i64::MIN));
        assert_eq!(read(json!(i64::MAX)), Ok(i64::MAX));
        assert_eq!(read(json!(u64::MAX)), Err("is too large".to_owned()));
        for wrong in [json!(1.0), json!(0.5), json!("1"), json!(null), json!(true), json!([1])] {
            let error = read(wrong).unwrap_err();
            assert!(error.ends_with("expected a whole number"), "{error}");
        }
    }

    #[test]
    fn only_strings_are_read_as_strings() {
        for wrong in [json!(1), json!(null), json!(true), json!([]), json!({})] {
            let error = crate::codes::Code::deserialize(wrong).unwrap_err().to_string();
            assert!(error.ends_with("expected a string"), "{error}");
        }
    }
}
