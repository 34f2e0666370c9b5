//! The fields that many routes share: credentials, org, reason, paging (contract §4 to §7). They are taken out of the
//! body before the route's own fields are read, so that no request type repeats them.

use std::str::FromStr;

use contract::{
    codes::OrgCode,
    context::RequestContext,
    error::{Error, FieldProblem, Result},
    ids::OrgGuid,
    input,
    paging::Asked,
    problem::Problem,
    reason::{Reason, ReasonCode, SourceRefs},
    secret::Secret,
    text::Text,
};
use identity::token;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    access::Access,
    handler::{Handler, Task},
    route::{OrgFrom, Route, Style},
};

/// A key that makes a repeat harmless: 1–128 printable ASCII characters (contract §5).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("minLength" = 1, "maxLength" = 128, "pattern" = "^[ -~]+$"))]
pub(crate) struct IdempotencyKey(pub(crate) String);

impl TryFrom<String> for IdempotencyKey {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        let good = (1..=128).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b));
        if good { Ok(Self(text)) } else { Err(Problem::new("must be 1 to 128 printable ASCII characters")) }
    }
}

impl FromStr for IdempotencyKey {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        text.to_owned().try_into()
    }
}

/// The shared fields of one request.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Frame {
    /// The session, where it is not sent as `x-session-guid`.
    pub(crate) session_guid: Option<Secret>,
    /// The API key, where it is not sent as `x-api-key`.
    pub(crate) api_key: Option<Secret>,
    /// The context, which must agree with the caller.
    pub(crate) request_context: Option<RequestContext>,
    /// The org.
    pub(crate) org_guid: Option<OrgGuid>,
    /// The org, by its code.
    pub(crate) orgcode: Option<OrgCode>,
    /// Makes a repeat harmless for 24 hours.
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    /// Why.
    pub(crate) reason: Option<Reason>,
    /// Why, as a code: `CATEGORY.CODE`.
    pub(crate) reason_code: Option<ReasonCode>,
    /// What the change refers to in other systems.
    pub(crate) source_refs: Option<SourceRefs>,
    /// How many records to answer.
    pub(crate) limit: Asked,
    /// Where to go on.
    pub(crate) next_token: Option<Text<1, 2048>>,
    /// The human who operates.
    pub(crate) actor: Option<Text<1, 200>>,
}

const CREDENTIALS: &[&str] = &["session_guid", "api_key"];
const CONTEXT: &[&str] = &["request_context"];
const COMMAND: &[&str] = &["idempotency_key", "reason", "reason_code", "source_refs"];
const PAGING: &[&str] = &["limit", "next_token"];

/// A request as its route understands it.
pub(crate) struct Framed<'r> {
    pub(crate) frame: Frame,
    pub(crate) task: Box<dyn Task + 'r>,
    /// The payload by which a repeat is known to be one.
    pub(crate) payload: Value,
    /// The route's own fields: what a cursor is bound to.
    pub(crate) own: Value,
}

/// Which shared fields a route takes.
pub(crate) fn fields(style: Style, route: &Route) -> impl Iterator<Item = &'static str> + use<> {
    let lists = if style == Style::Enveloped { shared(route) } else { [&[][..]; 5] };
    lists.into_iter().flatten().copied()
}

fn shared(route: &Route) -> [&'static [&'static str]; 5] {
    let traits = route.handler.traits();
    let direct = route.access == Access::Operator;
    let org: &[&str] = match route.org {
        OrgFrom::Nowhere | OrgFrom::Deployment | OrgFrom::Holder => &[],
        OrgFrom::Body => &["org_guid", "orgcode"],
        OrgFrom::BodyGuid => &["org_guid"],
        OrgFrom::BodyCode | OrgFrom::Header => &["orgcode"],
    };
    let credentials: &[&str] = if direct { &["actor"] } else { CREDENTIALS };
    let context: &[&str] = if direct { &[] } else { CONTEXT };
    // An operator may say why also where nothing is changed.
    let command: &[&str] = if traits.writes || direct { COMMAND } else { &[] };
    let paging: &[&str] = if traits.pages { PAGING } else { &[] };
    [credentials, context, org, command, paging]
}

/// So many problems are told at most.
const MOST_PROBLEMS: usize = 64;
/// So many characters of a field's place are told at most: names are the caller's, and may be as long as a body.
const MOST_PLACE: usize = 200;

/// Notes every text, and every name, that holds a session or an API key where none belongs: it would be kept, and shown
/// to others.
fn find_tokens(value: &Value, path: &str, problems: &mut Vec<FieldProblem>) {
    let held =
        |field: String| FieldProblem { field, problem: "must not hold a session or an API key".to_owned() };
    match value {
        _ if problems.len() >= MOST_PROBLEMS => {}
        Value::String(text) if token::is_in(text) => problems.push(held(path.to_owned())),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                find_tokens(item, &format!("{path}[{n}]"), problems);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields.iter().filter(|(name, _)| !CREDENTIALS.contains(&name.as_str())) {
                let path = format!("{path}.{name}");
                if token::is_in(name) {
                    problems.push(held(path.clone()));
                }
                find_tokens(field, &path, problems);
            }
        }
        _ => {}
    }
}

/// The refusal for all that was found wrong. What a caller wrote as a name is cut short, and a credential in it masked.
fn refusal(mut problems: Vec<FieldProblem>) -> Error {
    problems.truncate(MOST_PROBLEMS);
    for FieldProblem { field, .. } in &mut problems {
        let masked = token::masked(field);
        *field = match masked.char_indices().nth(MOST_PLACE) {
            Some((end, _)) => format!("{}…", &masked[..end]),
            None => masked.into_owned(),
        };
    }
    Error::fields(&problems)
}

/// Reads a request, reporting every problem of the shared and of the route's own fields at once.
pub(crate) fn split(
    style: Style,
    route: &'static Route,
    body: Map<String, Value>,
    mut problems: Vec<FieldProblem>,
) -> Result<Framed<'static>> {
    // A cursor is as random as a token and may look like one; it is kept nowhere.
    let where_none_belongs = |name: &str| !CREDENTIALS.contains(&name) && name != "next_token";
    for (name, value) in body.iter().filter(|(name, _)| where_none_belongs(name)) {
        find_tokens(value, name, &mut problems);
    }
    let traits = route.handler.traits();
    let shared: Vec<_> = fields(style, route).collect();
    // Without the caller's own credentials. A passcode that is set is payload (contract §5).
    let mut payload = body.clone();
    payload.retain(|name, _| {
        let is_beside = ["idempotency_key", "request_context"].contains(&name.as_str());
        !is_beside && !CREDENTIALS.contains(&name.as_str())
    });
    let (frame, own): (Map<_, _>, Map<_, _>) =
        body.into_iter().partition(|(name, _)| shared.contains(&name.as_str()));
    let own = Value::Object(own);

    let mut note = |field: &str, problem: &str| {
        problems.push(FieldProblem { field: field.to_owned(), problem: problem.to_owned() });
    };
    let given = |name: &str| frame.get(name).is_some_and(|value| !value.is_null());
    match route.org {
        OrgFrom::Body if !given("org_guid") && !given("orgcode") => {
            note("org_guid", "is required, or orgcode");
        }
        OrgFrom::BodyGuid if !given("org_guid") => note("org_guid", "is required"),
        OrgFrom::BodyCode if !given("orgcode") => note("orgcode", "is required"),
        _ => {}
    }
    if traits.needs_reason && !given("reason") {
        note("reason", "is required");
    }
    if route.access == Access::Operator {
        if !given("actor") {
            note("actor", "is required");
        }
        if traits.writes && !traits.needs_reason && !given("reason") {
            note("reason", "is required");
        }
    }
    let frame = input::read::<Frame>(&Value::Object(frame)).map_err(|found| problems.extend(found)).ok();
    let task = Handler::parse(route.handler, &own).map_err(|found| problems.extend(found)).ok();
    match (frame, task) {
        (Some(frame), Some(task)) if problems.is_empty() => {
            Ok(Framed { frame, task, payload: Value::Object(payload), own })
        }
        _ => Err(refusal(problems)),
    }
}
