//! The conditions of a statement.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{access::Access, pattern::Pattern};

/// The condition keys that [`Access`] knows, and whether a request can have several values of each.
const KEYS: &[(&str, bool)] = &[
    ("dynamodb:LeadingKeys", true),
    ("dynamodb:Attributes", true),
    ("dynamodb:ReturnValues", false),
    ("dynamodb:Select", false),
    ("s3:prefix", false),
];

/// One operator on one condition key.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    key: &'static str,
    test: Test,
    /// Holds where the request has no such key (`…IfExists`).
    if_exists: bool,
    /// Each of the request's values must pass, and none need be there (`ForAllValues:…`).
    for_all: bool,
}

#[derive(Clone, Debug)]
enum Test {
    Equals(Vec<String>),
    Like(Vec<Pattern>),
    /// Whether the key must be absent.
    Null(bool),
}

impl Condition {
    /// The conditions in a statement's `Condition`; all must hold.
    pub(super) fn read(block: &Value) -> Result<Vec<Self>> {
        let Value::Object(operators) = block else {
            ensure!(block.is_null(), "a Condition that is no map");
            return Ok(Vec::new());
        };
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            for (key, values) in keys.as_object().with_context(|| format!("{operator} has no keys"))? {
                let condition = Self::one(operator, key, strings(values)?);
                conditions.push(condition.with_context(|| format!("the condition {operator} {key}"))?);
            }
        }
        Ok(conditions)
    }

    fn one(operator: &str, key: &str, values: Vec<String>) -> Result<Self> {
        let known = KEYS.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
        let (key, has_several) = *known.context("this condition key is not known here")?;
        ensure!(!values.iter().any(|value| value.contains("${")), "policy variables are not known here");
        let (for_all, name) = match operator.split_once(':') {
            Some(("ForAllValues", name)) => (true, name),
            Some((quantifier, _)) => bail!("{quantifier} is not known here"),
            None => (false, operator),
        };
        let (if_exists, name) = match name.strip_suffix("IfExists") {
            Some(name) => (true, name),
            None => (false, name),
        };
        let test = match name {
            "StringEquals" => Test::Equals(values),
            "StringLike" => Test::Like(values.iter().map(|value| Pattern::new(value)).collect()),
            "Null" if !for_all && !if_exists => match &values[..] {
                [value] if value == "true" => Test::Null(true),
                [value] if value == "false" => Test::Null(false),
                _ => bail!("Null is neither true nor false"),
            },
            _ => bail!("this operator is not known here"),
        };
        ensure!(
            for_all || !has_several || matches!(test, Test::Null(_)),
            "a request can have several values of this key, so the operator must be ForAllValues:{name}"
        );
        Ok(Self { key, test, if_exists, for_all })
    }

    /// Whether it holds for what is asked.
    pub(super) fn holds(&self, access: &Access) -> bool {
        let values = access.values(self.key);
        let passes = |value: &String| match &self.test {
            Test::Equals(allowed) => allowed.contains(value),
            Test::Like(allowed) => allowed.iter().any(|pattern| pattern.matches(value)),
            Test::Null(_) => false,
        };
        match self.test {
            Test::Null(absent) => values.is_empty() == absent,
            _ if values.is_empty() => self.for_all || self.if_exists,
            _ => values.into_iter().all(passes),
        }
    }
}

/// One string or several; YAML and JSON also write `false` for `"false"`.
pub(super) fn strings(value: &Value) -> Result<Vec<String>> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => bail!("{value} is no string"),
    };
    match value {
        Value::Array(values) => values.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}
