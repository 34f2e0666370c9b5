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

/// The programs through which requests come, as they name themselves.
pub(crate) const SURFACES: [&str; 4] = ["cli", "mcp", "page", "import"];

/// What a browser may send.
pub(crate) const ALLOWED: &[&str] = &[
    "content-type",
    "idempotency-key",
    "traceparent",
    "x-api-key",
    "x-cccode",
    "x-channel-code",
    "x-g3n-surface",
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
    pub(crate) surface: Option<&'static str>,
    /// What is wrong with them: reported together with what is wrong with the body.
    pub(crate) problems: Vec<FieldProblem>,
}

impl Headers {
    /// Reads the headers.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let mut reader = Reader { headers, problems: Vec::new() };
        Self {
            session: text(headers, "x-session-guid").map(Secret::new),
            key: text(headers, "x-api-key").map(Secret::new),
            orgcode: reader.parsed("x-orgcode"),
            cccode: reader.parsed("x-cccode"),
            logical_guid: reader.parsed("x-logical-guid"),
            channel_code: reader.parsed("x-channel-code"),
            idempotency_key: reader.parsed("idempotency-key"),
            request_id: reader.parsed("x-request-id").map(|RequestId(id)| id),
            surface: reader.parsed("x-g3n-surface").map(|Surface(name)| name),
            user_agent: text(headers, "user-agent")
                .map(|agent| agent.chars().filter(|c| !c.is_control()).take(MOST_AGENT).collect()),
            problems: reader.problems,
        }
    }
}

/// The id that a caller gave a request: 1 to 128 printable ASCII characters (contract §4). It is written everywhere, so it
/// is no place for a credential, an e-mail address or a phone number.
struct RequestId(String);

impl FromStr for RequestId {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        // No phone number has fewer digits.
        let digits = |rest: &str| rest.bytes().filter(u8::is_ascii_digit).count() >= 7;
        let phone =
            |rest: &str| digits(rest) && rest.bytes().all(|b| b.is_ascii_digit() || b"() -.".contains(&b));
        if !(1..=128).contains(&text.len()) {
            Err(Problem::new("must be 1 to 128 printable ASCII characters"))
        } else if token::is_in(text) || text.contains('@') || text.strip_prefix('+').is_some_and(phone) {
            Err(Problem::new("must not hold a credential, an e-mail address or a phone number"))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// The program through which a request comes (contract §4).
struct Surface(&'static str);

impl FromStr for Surface {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let known = SURFACES.into_iter().find(|known| *known == text);
        known.map(Self).ok_or(Problem::new("must be one of cli, mcp, page, import"))
    }
}

/// Headers of ours being read: what is wrong with one is reported, and never taken for its absence (contract §2).
struct Reader<'h> {
    headers: &'h HeaderMap,
    problems: Vec<FieldProblem>,
}

impl Reader<'_> {
    fn parsed<T: FromStr<Err = Problem>>(&mut self, name: &str) -> Option<T> {
        let text = text(self.headers, name)?;
        let parsed = if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            text.parse()
        } else {
            Err(Problem::new("must be printable ASCII"))
        };
        parsed
            .map_err(|problem| {
                self.problems.push(FieldProblem { field: name.to_owned(), problem: problem.to_string() });
            })
            .ok()
    }
}

/// What a header holds, without the spaces around it; bytes that are no UTF-8 as the sign that stands for such. A header
/// that was sent more than once is joined, as HTTP has it.
pub(crate) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let joined = values.reduce(|first, next| format!("{first}, {next}").into())?;
    Some(joined.trim_matches([' ', '\t']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_named_by_anything_but_what_tells_of_a_person() {
        for good in ["a", "+", "+1", "+ (12) 3", "build+7", &"x".repeat(128)] {
            assert!(good.parse::<RequestId>().is_ok(), "{good}");
        }
        for bad in ["", &"x".repeat(129), "jo@example.com", "+4930123456", "+49 (30) 12-34-56"] {
            assert!(bad.parse::<RequestId>().is_err(), "{bad}");
        }
    }
}
