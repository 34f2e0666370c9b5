//! The event in which API Gateway hands a request to a function: payload format 2.0 of its HTTP APIs.

use std::{collections::BTreeMap, net::SocketAddr};

use base64::{Engine, engine::general_purpose::STANDARD};
use contract::time::Time;
use hyper::{
    HeaderMap,
    header::{COOKIE, HOST, USER_AGENT},
    http::request::Parts,
};
use serde_json::{Value, json};

use crate::aws::ACCOUNT;

/// The name of the API that everything local claims to come from.
const API: &str = "local";

/// The event of a request from `peer`. What is not UTF-8 in a header is replaced; a body that is not is sent as base64.
pub(super) fn of(head: &Parts, body: &[u8], peer: SocketAddr, received: Time) -> Value {
    let uri = &head.uri;
    let query = uri.query().unwrap_or_default();
    let (body, is_base64) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(body), true),
    };
    let mut headers = joined(head);
    let source = peer.ip().to_string();
    headers
        .entry("x-forwarded-for".to_owned())
        .and_modify(|before| *before = format!("{before}, {source}"))
        .or_insert_with(|| source.clone());
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": uri.path(),
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API,
            "domainName": text(head, HOST.as_str()),
            "domainPrefix": API,
            "http": {
                "method": head.method.as_str(),
                "path": uri.path(),
                "protocol": format!("{:?}", head.version),
                "sourceIp": source,
                "userAgent": text(head, USER_AGENT.as_str()),
            },
            "requestId": uuid::Uuid::new_v4().to_string(),
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": received.millis(),
        },
        "isBase64Encoded": is_base64,
    });
    if !query.is_empty() {
        event["queryStringParameters"] = json!(parameters(query));
    }
    if head.headers.contains_key(COOKIE) {
        let cookies = values(&head.headers, COOKIE.as_str());
        event["cookies"] =
            cookies.flat_map(|all| all.split("; ").map(ToOwned::to_owned).collect::<Vec<_>>()).collect();
    }
    if !body.is_empty() {
        event["body"] = body.into();
    }
    event
}

/// Each header with all that it was given, divided by commas; cookies have a place of their own.
fn joined(head: &Parts) -> BTreeMap<String, String> {
    let names = head.headers.keys().filter(|name| *name != COOKIE);
    names.map(|name| (name.to_string(), text(head, name.as_str()))).collect()
}

fn text(head: &Parts, name: &str) -> String {
    values(&head.headers, name).collect::<Vec<_>>().join(",")
}

fn values<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = String> + use<'h> {
    headers.get_all(name).into_iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Each parameter of the query, decoded, with all that it was given, divided by commas.
fn parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::<String, String>::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|before| *before = format!("{before},{value}"))
            .or_insert_with(|| value.into_owned());
    }
    parameters
}

#[cfg(test)]
mod tests {
    use hyper::{Request, header::HeaderValue};

    use super::*;

    fn event(request: Request<&[u8]>) -> Value {
        let (head, body) = request.into_parts();
        let received = Time::from_millis(1_772_600_767_123).unwrap();
        of(&head, body, "127.0.0.1:50000".parse().unwrap(), received)
    }

    #[test]
    fn a_request_is_told_as_api_gateway_tells_it() {
        let request = Request::post("/crm/customer/get?a=1&b=x%20y&a=2")
            .header("Host", "127.0.0.1:9000")
            .header("X-Orgcode", "DEMO")
            .header("accept", "a/b")
            .header("accept", "c/d")
            .header("cookie", "one=1; two=2")
            .header("user-agent", "curl/8")
            .body(&b"{\"caption\":\"caf\xc3\xa9\"}"[..]);
        let event = event(request.unwrap());
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["rawPath"], "/crm/customer/get");
        assert_eq!(event["rawQueryString"], "a=1&b=x%20y&a=2");
        assert_eq!(event["queryStringParameters"], json!({ "a": "1,2", "b": "x y" }));
        assert_eq!(event["cookies"], json!(["one=1", "two=2"]));
        let headers = json!({
            "accept": "a/b,c/d", "host": "127.0.0.1:9000", "user-agent": "curl/8",
            "x-forwarded-for": "127.0.0.1", "x-orgcode": "DEMO",
        });
        assert_eq!(event["headers"], headers);
        assert_eq!(event["body"], "{\"caption\":\"café\"}");
        assert_eq!(event["isBase64Encoded"], false);
        let context = &event["requestContext"];
        assert_eq!(context["http"]["method"], "POST");
        assert_eq!(context["http"]["path"], "/crm/customer/get");
        assert_eq!(context["http"]["protocol"], "HTTP/1.1");
        assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
        assert_eq!(context["http"]["userAgent"], "curl/8");
        assert_eq!(context["timeEpoch"], 1_772_600_767_123_i64);
    }

    #[test]
    fn bytes_that_are_no_text_arrive_whole_in_a_body_and_replaced_in_a_header() {
        let agent = HeaderValue::from_bytes(b"caf\xe9").unwrap();
        let request = Request::post("/crm/stat").header("user-agent", agent).body(&b"caf\xe9"[..]);
        let event = event(request.unwrap());
        assert_eq!(event["isBase64Encoded"], true);
        assert_eq!(STANDARD.decode(event["body"].as_str().unwrap()).unwrap(), b"caf\xe9");
        assert_eq!(event["headers"]["user-agent"], "caf\u{fffd}");
        assert_eq!(event["requestContext"]["http"]["userAgent"], "caf\u{fffd}");
    }

    #[test]
    fn what_a_request_lacks_its_event_lacks() {
        let event = event(Request::get("/crm/stat").body(&b""[..]).unwrap());
        for name in ["body", "cookies", "queryStringParameters"] {
            assert_eq!(event.get(name), None, "{name}");
        }
        assert_eq!(event["rawQueryString"], "");
    }

    #[test]
    fn the_source_is_added_to_those_that_the_caller_names() {
        let request = Request::get("/crm/stat").header("x-forwarded-for", "192.0.2.1").body(&b""[..]);
        assert_eq!(event(request.unwrap())["headers"]["x-forwarded-for"], "192.0.2.1, 127.0.0.1");
    }
}
