//! What else is known of a customer: birthday, tags, attributes (crm §4).

use contract::{
    pairs::Pairs,
    personal::Personal,
    problem::Problem,
    text::{Prose, Text},
    time::Date,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pattern::{is_made_of, pattern};

pattern! {
    /// A birthday: `1815-12-10`, or `--12-10` where the year is withheld.
    Birthday,
    |text| day(text).is_some(),
    "^([0-9]{4}|-)-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
    "must be a date such as 1815-12-10, or --12-10 without the year"
}

/// A day that the birthday falls on; without a year, in a leap year.
fn day(text: &str) -> Option<Date> {
    match text.strip_prefix("--") {
        Some(rest) => format!("2000-{rest}").parse().ok(),
        None => text.parse().ok(),
    }
}

impl Birthday {
    /// Whether it lies after a day. Without a year it does not.
    pub fn is_after(&self, today: Date) -> bool {
        !self.as_str().starts_with('-') && day(self.as_str()).is_some_and(|day| day > today)
    }
}

pattern! {
    /// A word to group customers by: `^[a-z0-9][a-z0-9_-]{0,31}$`.
    Tag,
    |text| is_made_of(text, 1..=32, is_tag_start, |b| is_tag_start(b) || b == b'_' || b == b'-'),
    "^[a-z0-9][a-z0-9_-]{0,31}$",
    "must be 1 to 32 lower-case letters, digits, '_' or '-', starting with a letter or digit"
}

fn is_tag_start(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// At most 32 tags; a tag that is given twice is kept once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Tag>", into = "Vec<Tag>")]
pub struct Tags(Vec<Tag>);

impl Tags {
    const MOST: usize = 32;

    /// Whether a tag is one of them.
    pub fn contains(&self, tag: &Tag) -> bool {
        self.0.contains(tag)
    }
}

impl TryFrom<Vec<Tag>> for Tags {
    type Error = Problem;

    fn try_from(given: Vec<Tag>) -> Result<Self, Problem> {
        let mut tags = Vec::new();
        for tag in given {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        if tags.len() > Self::MOST {
            return Err(format!("must have at most {} entries", Self::MOST).into());
        }
        Ok(Self(tags))
    }
}

impl From<Tags> for Vec<Tag> {
    fn from(tags: Tags) -> Self {
        tags.0
    }
}

/// At most 32 pairs of texts that may hold anything. Two keys alike, once trimmed and in normal form C, are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Attributes(Personal<Pairs<Text<1, 40>, Prose<500>, 32>>);

impl Default for Attributes {
    fn default() -> Self {
        Self(Personal(Pairs::default()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_birthday_is_a_day_with_or_without_its_year() {
        for text in ["1815-12-10", "2024-02-29", "--02-29", "--12-31"] {
            assert_eq!(text.parse::<Birthday>().unwrap().as_str(), text);
        }
        for text in ["", "1815-12", "2023-02-29", "--02-30", "--2-3", "-12-10", "10.12.1815", "1815-13-01"] {
            assert!(text.parse::<Birthday>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_year_can_lie_ahead() {
        let today: Date = "2026-03-04".parse().unwrap();
        for (text, after) in [("2026-03-04", false), ("2026-03-05", true), ("--12-31", false)] {
            assert_eq!(text.parse::<Birthday>().unwrap().is_after(today), after, "{text}");
        }
    }

    #[test]
    fn attributes_are_few_and_not_shown() {
        let of = |n: usize| (0..n).map(|n| (n.to_string(), json!("x"))).collect::<serde_json::Map<_, _>>();
        let read = |n| serde_json::from_value::<Attributes>(json!(of(n)));
        assert!(read(32).is_ok() && read(33).is_err());
        assert_eq!(format!("{:?}", read(1).unwrap()), "Attributes(Personal(***))");
    }

    proptest! {
        #[test]
        fn tags_are_kept_once_in_their_order(given in prop::collection::vec("[a-e]", 0..40)) {
            let tags: Tags = serde_json::from_value(json!(given)).unwrap();
            let kept: Vec<String> = serde_json::from_value(json!(tags)).unwrap();
            let mut expected = given.clone();
            let mut seen = std::collections::BTreeSet::new();
            expected.retain(|tag| seen.insert(tag.clone()));
            prop_assert_eq!(kept, expected);
        }
    }
}
