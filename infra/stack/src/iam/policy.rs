//! Statements, and what they make of what is asked: a denial beats every permission, and what nothing allows is denied.

use std::fmt;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{
    access::Access,
    condition::{Condition, strings},
    pattern::Pattern,
};

/// What the statements of a role say of the table and the bucket; statements on other services are left out.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
struct Statement {
    name: String,
    allows: bool,
    /// In lower case: their case does not count.
    actions: Vec<Pattern>,
    resources: Vec<Pattern>,
    conditions: Vec<Condition>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// A statement allows it and none denies it.
    Allowed,
    /// This statement denies it.
    Denied(String),
    /// No statement speaks of it.
    NotAllowed,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed => write!(f, "allowed"),
            Self::Denied(name) => write!(f, "the statement {name} denies it"),
            Self::NotAllowed => write!(f, "no statement allows it"),
        }
    }
}

impl Policy {
    /// Reads statements as a policy document has them. `arn` makes a resource as the template writes it an ARN.
    pub fn read(statements: &[Value], arn: &dyn Fn(&Value) -> Result<String>) -> Result<Self> {
        let statements = statements.iter().enumerate().filter_map(|(n, document)| {
            let name = document["Sid"].as_str().map_or_else(|| format!("number {}", n + 1), str::to_owned);
            let read = Statement::read(&name, document, arn).transpose()?;
            Some(read.with_context(|| format!("the statement {name}")))
        });
        Ok(Self { statements: statements.collect::<Result<_>>()? })
    }

    /// Whether it is allowed.
    pub fn judge(&self, access: &Access) -> Judgement {
        let mut judgement = Judgement::NotAllowed;
        for statement in self.statements.iter().filter(|statement| statement.concerns(access)) {
            if !statement.allows {
                return Judgement::Denied(statement.name.clone());
            }
            judgement = Judgement::Allowed;
        }
        judgement
    }
}

impl Statement {
    /// None where it says nothing of table and bucket.
    fn read(name: &str, document: &Value, arn: &dyn Fn(&Value) -> Result<String>) -> Result<Option<Self>> {
        for unknown in ["NotAction", "NotResource", "Principal", "NotPrincipal"] {
            ensure!(document.get(unknown).is_none(), "{unknown} is not known here");
        }
        let actions: Vec<String> =
            strings(&document["Action"])?.iter().map(|action| action.to_ascii_lowercase()).collect();
        // `sqs:*` is another service's, `*` and `d*:GetItem` are the database's too.
        let is_judged = |action: &String| {
            let service = action.split_once(':').map_or(action.as_str(), |(service, _)| service);
            ["dynamodb", "s3"].iter().any(|judged| Pattern::new(service).matches(judged))
        };
        if !actions.iter().any(is_judged) {
            return Ok(None);
        }
        let allows = match document["Effect"].as_str() {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => bail!("an Effect that is neither Allow nor Deny"),
        };
        let resources = match &document["Resource"] {
            Value::Array(resources) => resources.iter().map(arn).collect::<Result<Vec<_>>>()?,
            resource => vec![arn(resource)?],
        };
        Ok(Some(Self {
            name: name.to_owned(),
            allows,
            actions: actions.iter().map(|action| Pattern::new(action)).collect(),
            resources: resources.iter().map(|resource| Pattern::new(resource)).collect(),
            conditions: Condition::read(&document["Condition"])?,
        }))
    }

    fn concerns(&self, access: &Access) -> bool {
        let action = access.action.to_ascii_lowercase();
        self.actions.iter().any(|pattern| pattern.matches(&action))
            && self.resources.iter().any(|pattern| pattern.matches(&access.resource))
            && self.conditions.iter().all(|condition| condition.holds(access))
    }
}
