//! Ids of referral attributions (referral §1).

use std::str::FromStr;

use uuid::Uuid;

use crate::{codes::CROCKFORD, json::json_serde, problem::Problem, time::Time};

/// The id of an attribution: `attr_` and 6 to 32 lower-case letters or digits, in the order of time.
///
/// As with the ids of other records, reading a malformed one from JSON does not fail: it names no record.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributionId(String);

const PREFIX: &str = "attr_";
/// Five bits a letter: 26 letters are 130, so the first one has two bits only.
const LETTERS: usize = 26;

impl AttributionId {
    /// The id made of a UUID of version 7, which begins with its time.
    pub fn from_uuid(uuid: Uuid) -> Self {
        let bits = uuid.as_u128();
        let letter = |n: usize| {
            let five = (bits >> (5 * (LETTERS - 1 - n))) & 31;
            char::from(CROCKFORD[usize::try_from(five).unwrap_or(0)]).to_ascii_lowercase()
        };
        Self(PREFIX.chars().chain((0..LETTERS).map(letter)).collect())
    }

    /// Not before the id of any record that was made at this time or earlier.
    pub fn last_of(time: Time) -> Self {
        let millis = u128::try_from(time.millis()).unwrap_or(0);
        Self::from_uuid(Uuid::from_u128(millis << 80 | ((1 << 80) - 1)))
    }

    /// A number from 0 to 31, drawn with the id: by which records are spread.
    pub fn spread(&self) -> u8 {
        let last = self.0.bytes().last().unwrap_or_default();
        let at = CROCKFORD.iter().position(|letter| letter.eq_ignore_ascii_case(&last));
        at.and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AttributionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for AttributionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AttributionId {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let is_id = text.strip_prefix(PREFIX).is_some_and(|rest| {
            (6..=32).contains(&rest.len())
                && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        });
        // A key is made of it: what is no id becomes one that no record has.
        Ok(Self(if is_id { text.to_owned() } else { format!("{PREFIX}-") }))
    }
}

json_serde!(AttributionId, as_str);

impl schemars::JsonSchema for AttributionId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AttributionId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^attr_[a-z0-9]{6,32}$"})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_id_names_nothing() {
        assert_eq!("attr_a1b2c3".parse::<AttributionId>().unwrap().as_str(), "attr_a1b2c3");
        for text in [
            "",
            "mentor",
            "attr_",
            "attr_a1b2c",
            "attr_A1B2C3",
            "a1b2c3",
            &format!("attr_{}", "a".repeat(33)),
        ] {
            assert_eq!(text.parse::<AttributionId>().unwrap().as_str(), "attr_-", "{text}");
        }
    }

    proptest! {
        #[test]
        fn ids_sort_like_the_uuids_that_they_are_made_of(a: u128, b: u128) {
            let id = |bits| AttributionId::from_uuid(Uuid::from_u128(bits));
            prop_assert_eq!(id(a).cmp(&id(b)), a.cmp(&b));
            prop_assert_eq!(id(a).as_str().parse::<AttributionId>().unwrap(), id(a));
        }

        #[test]
        fn the_last_id_of_a_time_is_not_before_any_of_that_time(millis in 0_i64..253_402_207_200_000, random: [u8; 10]) {
            let time = Time::from_millis(millis).unwrap();
            let uuid = uuid::Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap(), &random).into_uuid();
            prop_assert!(AttributionId::from_uuid(uuid) <= AttributionId::last_of(time));
            let later = Time::from_millis(millis + 1).unwrap();
            prop_assert!(AttributionId::last_of(time) < AttributionId::last_of(later));
        }
    }
}
