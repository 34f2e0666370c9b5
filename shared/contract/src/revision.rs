//! Revisions: what a caller read last, so that no change is made blindly (contract §5).

use std::{
    borrow::Cow,
    fmt::{self, Debug, Display},
    str::FromStr,
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    ids::hyphenated,
    json::{self, json_string},
    problem::Problem,
};

/// The revision of a record, in the form that its service shows.
///
/// `fresh` is a UUID made for this change. A form that counts does not need it.
pub trait Revision:
    Copy + Eq + Debug + Display + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// The revision of a record that was just created.
    fn first(fresh: Uuid) -> Self;

    /// The revision after this one.
    #[must_use]
    fn next(self, fresh: Uuid) -> Self;
}

/// A whole number from 1, as `crm` and `influencer` show it. 0 stands for a record that is not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Counter(pub u64);

impl Revision for Counter {
    fn first(_: Uuid) -> Self {
        Self(1)
    }

    fn next(self, _: Uuid) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for Counter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = json::whole_number(deserializer)?;
        u64::try_from(number).map(Self).map_err(|_| serde::de::Error::custom("must not be negative"))
    }
}

impl JsonSchema for Counter {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Counter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "format": "int64", "minimum": 0, "maximum": i64::MAX})
    }
}

/// A UUID, as `ofm` and `usm` show it: it says whether something changed, not how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(Uuid);

impl Revision for Tag {
    fn first(fresh: Uuid) -> Self {
        Self(fresh)
    }

    fn next(self, fresh: Uuid) -> Self {
        Self(fresh)
    }
}

impl Tag {
    fn hyphenated(self) -> uuid::fmt::Hyphenated {
        self.0.hyphenated()
    }
}

impl Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.hyphenated(), f)
    }
}

impl FromStr for Tag {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        hyphenated(text).map(Self).ok_or(Problem::new("must be a revision (UUID)"))
    }
}

json_string!(Tag, hyphenated, {"type": "string", "format": "uuid"});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn next_differs<R: Revision>() {
        let first = R::first(Uuid::from_u128(1));
        let next = first.next(Uuid::from_u128(2));
        assert_ne!(first, next);
        for revision in [first, next] {
            let written = serde_json::to_value(revision).unwrap();
            assert_eq!(serde_json::from_value::<R>(written).unwrap(), revision);
        }
    }

    #[test]
    fn every_form_changes_and_is_read_as_written() {
        next_differs::<Counter>();
        next_differs::<Tag>();
    }

    #[test]
    fn counters_count_from_one() {
        let first = Counter::first(Uuid::nil());
        assert_eq!(serde_json::to_value(first).unwrap(), json!(1));
        assert_eq!(first.next(Uuid::nil()), Counter(2));
        assert_eq!(serde_json::from_value::<Counter>(json!(0)).unwrap(), Counter(0));
        for wrong in [json!(-1), json!(1.0), json!("1"), json!(null)] {
            assert!(serde_json::from_value::<Counter>(wrong).is_err());
        }
    }

    #[test]
    fn a_tag_is_a_uuid_or_refused() {
        let text = "0190163D-8694-739B-AEA5-966C26F8AD91";
        let tag: Tag = serde_json::from_value(json!(text)).unwrap();
        assert_eq!(tag.to_string(), text.to_lowercase());
        let error = serde_json::from_value::<Tag>(json!("7")).unwrap_err();
        assert_eq!(error.to_string(), "must be a revision (UUID)");
        assert!(serde_json::from_value::<Tag>(json!(7)).is_err());
    }
}
