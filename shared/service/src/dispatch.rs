//! What happens to a request, in the order of contract §4: route, body shape, credential, association, rate
//! limit, role, org gate, idempotent replay, record.

use std::collections::BTreeSet;

use contract::{
    body::{Body, given_twice},
    envelope::API_VERSION,
    error::{Error, FieldProblem, Result, Tag},
};
use http::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::{
    app::App,
    headers::{self, Headers},
    route::Call,
    run::{Done, Run},
    time_left,
    trace::{Finished, Trace},
};

/// What a page may read of an answer's headers.
const EXPOSED: &str = "x-request-id, x-api-version, idempotent-replay, retry-after, location, x-deduplicated";

/// Bodies larger than this are refused.
const MOST_BODY: usize = 256 * 1024;

/// A request, whatever brought it.
#[derive(Debug, Default)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The whole path: `/crm/customer/create`.
    pub path: String,
    /// Query parameters, decoded.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// The caller's address, as the gateway saw it.
    pub source_ip: Option<String>,
    /// The gateway's id of the request.
    pub request_id: Option<String>,
    /// When the function is ended, in Unix milliseconds, where it runs with an end.
    pub deadline_ms: Option<u64>,
    /// What of it could not be read, such as a body that is flagged base64 and is none (contract §2).
    pub unreadable: Vec<FieldProblem>,
}

/// An answer, whatever carries it.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// Answers a request and logs it.
pub async fn handle(app: &'static App, request: Request) -> Response {
    let origin = headers::text(&request.headers, "origin");
    if request.method == "OPTIONS" && origin.is_some() {
        return preflight(app, origin.as_deref());
    }
    let headers = Headers::read(&request.headers);
    let path = within(&app.service.base(), &request.path);
    // What a caller wrote into a path may be anything: the log tells which route it is, if it is one.
    let known = path.and_then(|path| app.service.known(path)).unwrap_or("?");
    let call = format!("{} {known}", method(&request.method));
    let given = headers.request_id.as_ref().or(request.request_id.as_ref()).cloned();
    let request_id = given.unwrap_or_else(|| app.chance.uuid(app.clock.now()).to_string());
    let mut trace = Trace::start(app, call, request_id);
    let result = answer(&request, path, headers, &mut trace).await;
    let Finished { status, headers: own, body, replayed } = trace.finish(&result);
    let body = if request.method == "HEAD" { String::new() } else { body };
    let mut headers = common_headers(app, origin.as_deref());
    headers.push(("x-request-id", trace.request_id));
    if replayed {
        headers.push(("idempotent-replay", "true".to_owned()));
    }
    headers.extend(result.as_ref().err().into_iter().flat_map(error_headers));
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(own).collect();
    Response { status, headers, body }
}

/// Finds the route, reads the fields, and runs.
async fn answer(
    request: &Request,
    path: Option<&str>,
    mut headers: Headers,
    trace: &mut Trace,
) -> Result<Done> {
    let app = trace.app;
    if !request.unreadable.is_empty() {
        return Err(Error::fields(&request.unreadable));
    }
    let path = path.ok_or(Tag::RouteNotFound)?;
    let (route, parameters) =
        app.service.find(&request.method, path).map_err(|methods| match &methods[..] {
            [] => Error::from(Tag::RouteNotFound),
            methods => Error::from(Tag::MethodNotAllowed).detail("allow", methods.join(", ")),
        })?;
    trace.route = Some(route);
    let Body { fields: mut body, twice } = fields(request, route.call)?;
    headers.problems.extend(twice);
    for (name, value) in parameters {
        // A parameter that is no text names nothing, and it is not text that it lacks.
        let value = percent_decode_str(value).decode_utf8().unwrap_or_default();
        if body.insert(name.to_owned(), value.into()).is_some() {
            headers.problems.push(stranger(name));
        }
    }
    let source_ip = request.source_ip.clone();
    let gateway_request_id = headers.request_id.as_ref().and(request.request_id.clone());
    let (meter, request_id) = (trace.meter.clone(), trace.request_id.clone());
    let deadline = time_left::deadline(app, request.deadline_ms);
    Run { app, route, headers, body, source_ip, meter, request_id, gateway_request_id, deadline }
        .answer(&mut trace.seen)
        .await
}

/// A method as it may be shown: what a caller wrote may be anything.
fn method(given: &str) -> &'static str {
    let known = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
    known.into_iter().find(|known| *known == given).unwrap_or("?")
}

fn error_headers(error: &Error) -> Vec<(&'static str, String)> {
    let retry_after = error.retry_after_seconds().map(|seconds| ("retry-after", seconds.to_string()));
    let allow = error.get("allow").and_then(Value::as_str).map(|methods| ("allow", methods.to_owned()));
    retry_after.into_iter().chain(allow).collect()
}

/// The path within the service, without a stage prefix: `/prod/crm/stat` is `/stat`.
fn within<'p>(base: &str, path: &'p str) -> Option<&'p str> {
    let strip = |path: &'p str| match path.strip_prefix(base)? {
        "" => Some("/"),
        rest => Some(rest).filter(|rest| rest.starts_with('/')),
    };
    strip(path).or_else(|| strip(path.strip_prefix('/')?.find('/').map(|at| &path[at + 1..])?))
}

/// The fields of a request: query parameters of a GET, the JSON object of any other, which takes none in its query.
fn fields(request: &Request, call: Call) -> Result<Body> {
    for credential in ["session_guid", "api_key", "x-session-guid", "x-api-key"] {
        if request.query.iter().any(|(name, _)| name.eq_ignore_ascii_case(credential)) {
            return Err(Error::field(credential, "must not be sent in the query string"));
        }
    }
    let mut body = if call.takes_query() { Body::default() } else { object(request)? };
    for (name, value) in &request.query {
        let problem = if name.is_empty() {
            FieldProblem { field: "query".to_owned(), problem: "must name its parameters".to_owned() }
        } else if !call.takes_query() {
            stranger(name)
        } else if body.fields.insert(name.clone(), value.as_str().into()).is_some() {
            given_twice(name)
        } else {
            continue;
        };
        if !body.twice.contains(&problem) {
            body.twice.push(problem);
        }
    }
    Ok(body)
}

/// The problem of what the route does not take.
fn stranger(field: &str) -> FieldProblem {
    FieldProblem { field: field.to_owned(), problem: "is not a field of this request".to_owned() }
}

fn object(request: &Request) -> Result<Body> {
    if request.body.len() > MOST_BODY {
        return Err(Tag::PayloadTooLarge.into());
    }
    if request.body.is_empty() {
        return Ok(Body::default());
    }
    let header = |name| headers::text(&request.headers, name);
    let content_type = header("content-type").unwrap_or_default();
    let is_plain = header("content-encoding").is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
    if !is_json(&content_type) || !is_plain {
        return Err(Tag::UnsupportedMediaType.into());
    }
    Body::read(&request.body).ok_or_else(|| Tag::InvalidJson.into())
}

/// Whether a content type is JSON in UTF-8, which is what it is in unless it says otherwise (contract §2).
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let is_utf_8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    };
    parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) && parts.all(is_utf_8)
}

fn common_headers(app: &App, origin: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("x-api-version", API_VERSION.to_owned()),
        ("cache-control", "no-store".to_owned()),
    ];
    headers.extend(cors(app, origin));
    headers
}

/// CORS headers for an origin that the deployment allows (contract §2).
fn cors(app: &App, origin: Option<&str>) -> Vec<(&'static str, String)> {
    match origin {
        Some(origin) if app.settings.cors_origins.iter().any(|allowed| allowed == origin) => vec![
            ("access-control-allow-origin", origin.to_owned()),
            ("access-control-expose-headers", EXPOSED.to_owned()),
            ("vary", "origin".to_owned()),
        ],
        _ => Vec::new(),
    }
}

fn preflight(app: &App, origin: Option<&str>) -> Response {
    let mut headers = cors(app, origin);
    if !headers.is_empty() {
        let methods: BTreeSet<_> = app.service.routes().map(|route| route.call.method).collect();
        let methods = methods.into_iter().collect::<Vec<_>>().join(", ");
        headers.push(("access-control-allow-methods", methods));
        headers.push(("access-control-allow-headers", headers::ALLOWED.join(", ")));
        headers.push(("access-control-max-age", "600".to_owned()));
    }
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Response { status: 204, headers, body: String::new() }
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn the_service_and_a_stage_are_stripped() {
        assert_eq!(within("/crm", "/crm/customer/get"), Some("/customer/get"));
        assert_eq!(within("/crm", "/prod/crm/customer/get"), Some("/customer/get"));
        assert_eq!(within("/crm", "/ofm/org/get"), None);
        assert_eq!(within("/crm", "/crmx/stat"), None);
        assert_eq!(within("/crm", "/crm"), Some("/"));
        assert_eq!(within("/crm", "/crm/"), Some("/"));
        assert_eq!(within("/crm", "stat"), None);
        assert_eq!(within("/crm", ""), None);
        assert_eq!(within("/api/v1/things", "/api/v1/things/one"), Some("/one"));
        assert_eq!(within("/api/v1/things", "/prod/api/v1/things"), Some("/"));
        assert_eq!(within("/api/v1/things", "/api/v1"), None);
    }
}
