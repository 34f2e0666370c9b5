//! The headers that say who is calling and in which context (contract §4).

use std::str::FromStr;

use contract::{
    codes::{CcCode, OrgCode},
    error::FieldProblem,
    ids::LogicalGuid,
    problem::Problem,
    secret::Secret,
};
use http::HeaderMap;
use identity::token;

use crate::frame::IdempotencyKey;

/// What a browser may send.
pub(crate) const ALLOWED: &[&str] = &[
    "content-type",
    "idempotency-key",
    "traceparent",
    "x-api-key",
    "x-cccode",
    "x-channel-code",
    "x-logical-guid",
    "x-orgcode",
    "x-request-id",
    "x-session-guid",
];

/// So many characters are taken of a program's name for itself.
const MOST_AGENT: usize = 1024;

/// The code of a sales channel, as a header names it.
#[derive(Clone, Debug)]
pub(crate) struct ChannelCode(pub(crate) String);

impl FromStr for ChannelCode {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let good = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::new("must be the code of a sales channel"))
        }
    }
}

/// The headers of one request, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers {
    pub(crate) session: Option<Secret>,
    pub(crate) key: Option<Secret>,
    pub(crate) orgcode: Option<OrgCode>,
    pub(crate) cccode: Option<CcCode>,
    pub(crate) logical_guid: Option<LogicalGuid>,
    pub(crate) channel_code: Option<ChannelCode>,
    pub(crate) request_id: Option<String>,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    pub(crate) user_agent: Option<String>,
    pub(crate) surface: Option<String>,
    /// What is wrong with them: reported together with what is wrong with the body.
    pub(crate) problems: Vec<FieldProblem>,
}

impl Headers {
    /// Reads the headers.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let mut problems = Vec::new();
        let short =
            |name: &str, most: usize| text(name).filter(|text| is_token(text, most)).map(str::to_owned);
        Self {
            session: text("x-session-guid").map(Secret::new),
            key: text("x-api-key").map(Secret::new),
            orgcode: parse("x-orgcode", text("x-orgcode"), &mut problems),
            cccode: parse("x-cccode", text("x-cccode"), &mut problems),
            logical_guid: parse("x-logical-guid", text("x-logical-guid"), &mut problems),
            channel_code: parse("x-channel-code", text("x-channel-code"), &mut problems),
            idempotency_key: parse("idempotency-key", text("idempotency-key"), &mut problems),
            request_id: short("x-request-id", 128).filter(|id| !token::is_in(id)),
            surface: short("x-g3n-surface", 16),
            user_agent: text("user-agent")
                .map(|agent| agent.chars().filter(|c| !c.is_control()).take(MOST_AGENT).collect()),
            problems,
        }
    }
}

fn parse<T: FromStr<Err = Problem>>(
    name: &str,
    text: Option<&str>,
    problems: &mut Vec<FieldProblem>,
) -> Option<T> {
    match text?.parse() {
        Ok(value) => Some(value),
        Err(problem) => {
            problems.push(FieldProblem { field: name.to_owned(), problem: problem.to_string() });
            None
        }
    }
}

/// Short, and safe wherever it is written.
fn is_token(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
}
