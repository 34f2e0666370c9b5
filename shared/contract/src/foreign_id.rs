//! Ids that other systems give, of which only the form is known.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::{
    error::{Result, Tag},
    json::json_string,
    problem::Problem,
};

/// The id of a person in another system: `^[A-Za-z0-9_-]{1,64}$`, never looked up (referral §1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ForeignId(String);

impl ForeignId {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ForeignId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ForeignId {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let good = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::new("must be 1 to 64 letters, digits, '_' or '-'"))
        }
    }
}

json_string!(ForeignId, as_str, {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"});

/// An id in a path: malformed, it names nothing, which is 404 and not 400 (contract §8).
#[derive(Clone, Debug)]
pub struct InPath(Option<ForeignId>);

impl InPath {
    /// The id, or `not-found`.
    pub fn named(self) -> Result<ForeignId> {
        self.0.ok_or_else(|| Tag::NotFound.into())
    }
}

impl<'de> Deserialize<'de> for InPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.parse().ok()))
    }
}

impl schemars::JsonSchema for InPath {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        ForeignId::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ForeignId::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_form_is_all_that_is_known() {
        for good in ["usr_4491", "A", "-", &"x".repeat(64)] {
            assert_eq!(good.parse::<ForeignId>().unwrap().as_str(), good);
        }
        for bad in ["", " usr", "usr 1", "usr|1", "ü", &"x".repeat(65)] {
            assert!(bad.parse::<ForeignId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn in_a_path_a_malformed_one_names_nothing() {
        let read = |text: &str| serde_json::from_value::<InPath>(json!(text)).unwrap().named();
        assert_eq!(read("usr_1").unwrap().as_str(), "usr_1");
        assert_eq!(read("usr 1").unwrap_err().tag(), Tag::NotFound);
    }
}
