//! Why something was changed: reason, reason code, references to the sources (contract §7).

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{
    json::{json_choice, json_string},
    problem::Problem,
    text::{CONTROLS_BUT_LINES, Text, tidy_lines},
    visible::{self, Rule},
};

/// Why, in the caller's words: 1 to 500 characters. People write about people, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reason(String);

impl Reason {
    /// Most characters of a reason.
    pub const MAX: usize = 500;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reason(***)")
    }
}

impl FromStr for Reason {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        tidy_lines(text, (1, Self::MAX), Rule::Strict).map(Self)
    }
}

json_string!(Reason, as_str, {
    "type": "string",
    "minLength": 1,
    "maxLength": Self::MAX,
    "pattern": visible::pattern(CONTROLS_BUT_LINES, Rule::Strict, false),
});

/// The allow-list of reason codes, one to a line, sorted.
const REASON_CODES: &str = include_str!("reason_codes.txt");

/// Why, as a program reads it: `CATEGORY.CODE`, one of the allow-list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReasonCode(&'static str);

impl ReasonCode {
    /// The allow-list.
    pub fn all() -> impl Iterator<Item = Self> {
        REASON_CODES.lines().map(Self)
    }

    /// `CATEGORY.CODE`.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl FromStr for ReasonCode {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let unknown = Problem::new("must be one of the reason codes, CATEGORY.CODE");
        Self::all().find(|code| code.0 == text).ok_or(unknown)
    }
}

json_choice!(ReasonCode, as_str, Self::all().map(Self::as_str).collect::<Vec<_>>());

/// A record of any system that a change goes back to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct SourceRef {
    /// What kind of record: `order`, `ticket`.
    pub kind: Text<1, 64>,
    /// Its id in the system that keeps it.
    pub id: Text<1, 128>,
}

/// At most 16 records that a change goes back to.
///
/// An entry whose kind and id are both null is dropped (crm §1): forms send such rows when nothing was filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<Row>", into = "Vec<SourceRef>")]
pub struct SourceRefs(Vec<SourceRef>);

impl SourceRefs {
    /// Most references of one change.
    pub const MAX: usize = 16;

    /// The references, in the order in which they were given.
    pub fn as_slice(&self) -> &[SourceRef] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An entry as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    kind: Option<Text<1, 64>>,
    id: Option<Text<1, 128>>,
}

impl TryFrom<Vec<Row>> for SourceRefs {
    type Error = Problem;

    fn try_from(rows: Vec<Row>) -> Result<Self, Problem> {
        let mut refs = Vec::new();
        for (index, row) in rows.into_iter().enumerate() {
            match (row.kind, row.id) {
                (Some(kind), Some(id)) => refs.push(SourceRef { kind, id }),
                (None, None) => {}
                _ => return Err(format!("entry [{index}] must have both kind and id").into()),
            }
        }
        if refs.len() > Self::MAX {
            return Err(format!("must have at most {} entries", Self::MAX).into());
        }
        Ok(Self(refs))
    }
}

impl From<SourceRefs> for Vec<SourceRef> {
    fn from(refs: SourceRefs) -> Self {
        refs.0
    }
}

impl JsonSchema for SourceRefs {
    fn schema_name() -> Cow<'static, str> {
        "SourceRefs".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let dropped = json_schema!({
            "type": "object",
            "properties": {"kind": {"type": "null"}, "id": {"type": "null"}},
            "additionalProperties": false,
        });
        let mut entry = SourceRef::json_schema(generator);
        entry.insert("additionalProperties".to_owned(), false.into());
        json_schema!({"type": "array", "maxItems": Self::MAX, "items": {"anyOf": [entry, dropped]}})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CATEGORIES: [&str; 14] = [
        "ACCOUNTING",
        "COMPLIANCE",
        "CUSTOMER",
        "FRAUD",
        "FULFILLMENT",
        "INVENTORY",
        "LIFECYCLE",
        "LOYALTY",
        "POLICY",
        "PRICING",
        "PROMOTION",
        "RECEIVING",
        "SYSTEM",
        "TAX",
    ];

    #[test]
    fn a_reason_has_1_to_500_characters_and_is_not_shown() {
        let longest = "ä".repeat(Reason::MAX);
        assert_eq!(longest.parse::<Reason>().unwrap().as_str(), longest);
        assert_eq!(" two\r\nlines ".parse::<Reason>().unwrap().as_str(), "two\nlines");
        for text in ["", " \n ", "a\0b", &"a".repeat(Reason::MAX + 1)] {
            assert!(text.parse::<Reason>().is_err());
        }
        assert_eq!(format!("{:?}", "Ada moved".parse::<Reason>().unwrap()), "Reason(***)");
    }

    #[test]
    fn the_allow_list_is_sorted_and_has_every_category() {
        let codes: Vec<_> = ReasonCode::all().map(ReasonCode::as_str).collect();
        assert!(codes.is_sorted_by(|a, b| a < b));
        let mut categories = Vec::new();
        for code in codes {
            let (category, name) = code.split_once('.').unwrap();
            assert!(!name.is_empty(), "{code}");
            assert!(
                name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'),
                "{code}"
            );
            categories.push(category);
        }
        categories.dedup();
        assert_eq!(categories, CATEGORIES);
    }

    #[test]
    fn reason_codes_are_those_of_the_list() {
        for code in ReasonCode::all() {
            assert_eq!(serde_json::from_value::<ReasonCode>(json!(code)).unwrap(), code);
        }
        for text in
            ["", "CUSTOMER", "CUSTOMER.", "customer.request", "CUSTOMER.NO_SUCH_CODE", "CUSTOMER.REQUEST\n"]
        {
            assert!(text.parse::<ReasonCode>().is_err(), "{text}");
        }
    }

    fn read(refs: Value) -> Result<Value, String> {
        let refs: SourceRefs = serde_json::from_value(refs).map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(refs).unwrap())
    }

    #[test]
    fn empty_entries_are_dropped() {
        let ticket = json!({"kind": "ticket", "id": "4711"});
        let nothing = json!({"kind": null, "id": null});
        assert_eq!(read(json!([nothing, ticket, {}])), Ok(json!([ticket])));
        assert_eq!(read(json!([nothing])), Ok(json!([])));
    }

    #[test]
    fn half_and_unknown_entries_are_refused() {
        let half = Err("entry [1] must have both kind and id".to_owned());
        assert_eq!(read(json!([{}, {"kind": "ticket", "id": null}])), half);
        assert_eq!(read(json!([{}, {"id": "4711"}])), half);
        assert!(read(json!([{"kind": "ticket", "id": "4711", "url": "x"}])).is_err());
        assert!(read(json!([{"kind": "", "id": "4711"}])).is_err());
        assert!(read(json!([{"kind": "ticket", "id": "x".repeat(129)}])).is_err());
        assert!(read(json!({"kind": "ticket", "id": "4711"})).is_err());
    }

    #[test]
    fn there_are_at_most_sixteen() {
        let entry = json!({"kind": "ticket", "id": "4711"});
        assert!(read(Value::Array(vec![entry.clone(); 16])).is_ok());
        assert_eq!(read(Value::Array(vec![entry; 17])), Err("must have at most 16 entries".to_owned()));
    }
}
