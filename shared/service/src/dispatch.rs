//! What happens to a request, in the order of contract §4: route, body shape, credential, association, rate
//! limit, role, org gate, idempotent replay, record.

use std::collections::BTreeSet;

use contract::{
    envelope::API_VERSION,
    error::{Error, FieldProblem, Result, Tag},
};
use http::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::{
    app::App,
    headers::Headers,
    route::{Call, Style},
    run::{Done, Run},
    time_left,
    trace::{Finished, Trace},
};

/// What a page may read of an answer's headers.
const EXPOSED: &str = "x-request-id, x-api-version, idempotent-replay, retry-after, location, x-deduplicated";

/// Bodies larger than this are refused.
const MOST_BODY: usize = 256 * 1024;

/// A request, whatever brought it.
#[derive(Debug)]
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
    /// When Lambda ends the invocation, in Unix milliseconds, where that is known.
    pub deadline_ms: Option<u64>,
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
    let origin = header(&request.headers, "origin");
    if request.method == "OPTIONS" && origin.is_some() {
        return preflight(app, origin.as_deref());
    }
    let headers = Headers::read(&request.headers);
    let path = within(&app.service.base(), &request.path);
    // What a caller wrote into a path may be anything: the log tells which route it is, if it is one.
    let known = path.and_then(|path| app.service.known(path)).unwrap_or("?");
    let call = format!("{} {known}", request.method);
    let given = headers.request_id.as_ref().or(request.request_id.as_ref()).cloned();
    let request_id = given.unwrap_or_else(|| app.chance.uuid(app.clock.now()).to_string());
    let mut trace = Trace::start(app, call, request_id);
    let result = answer(&request, path, headers, &mut trace).await;
    let Finished { status, headers: own, body, replayed } = trace.finish(&result);
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
    let path = path.ok_or(Tag::RouteNotFound)?;
    let (route, parameters) =
        app.service.find(&request.method, path).map_err(|methods| match &methods[..] {
            [] => Error::from(Tag::RouteNotFound),
            methods => Error::from(Tag::MethodNotAllowed).detail("allow", methods.join(", ")),
        })?;
    trace.route = Some(route);
    let mut body = fields(request, route.call)?;
    let mut refuse = |field: &str| {
        let problem = "is not a field of this request".to_owned();
        headers.problems.push(FieldProblem { field: field.to_owned(), problem });
    };
    if app.service.style != Style::Enveloped && !route.call.takes_query() {
        request.query.iter().for_each(|(name, _)| refuse(name));
    }
    for (name, value) in parameters {
        // A parameter that is no text names nothing, and it is not text that it lacks.
        let value = percent_decode_str(value).decode_utf8().unwrap_or_default();
        if body.insert(name.to_owned(), value.into()).is_some() {
            refuse(name);
        }
    }
    let source_ip = request.source_ip.clone();
    let (meter, request_id) = (trace.meter.clone(), trace.request_id.clone());
    let deadline = time_left::deadline(app, request.deadline_ms);
    let run = Run { app, route, headers, body, source_ip, meter, request_id, deadline };
    run.answer(&mut trace.seen).await
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

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The fields of a request: query parameters of a GET, the JSON object of any other.
fn fields(request: &Request, call: Call) -> Result<Map<String, Value>> {
    for credential in ["session_guid", "api_key", "x-session-guid", "x-api-key"] {
        if request.query.iter().any(|(name, _)| name.eq_ignore_ascii_case(credential)) {
            return Err(Error::field(credential, "must not be sent in the query string"));
        }
    }
    if call.takes_query() {
        Ok(request.query.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect())
    } else {
        object(request)
    }
}

fn object(request: &Request) -> Result<Map<String, Value>> {
    if request.body.len() > MOST_BODY {
        return Err(Tag::PayloadTooLarge.into());
    }
    if request.body.is_empty() {
        return Ok(Map::new());
    }
    let content_type = header(&request.headers, "content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Tag::UnsupportedMediaType.into());
    }
    serde_json::from_slice(&request.body).map_err(|_| Tag::InvalidJson.into())
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
        headers.push(("access-control-allow-headers", crate::headers::ALLOWED.join(", ")));
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
