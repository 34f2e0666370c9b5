//! What API Gateway hands over, as a request (contract §2).
//!
//! An own form of the event: `lambda_http` builds a URL of host and forwarding headers and panics where that is none,
//! and `aws_lambda_events` refuses an event as a whole for one odd header. Of an event this reads what a request is
//! made of, and says what of it cannot be read.

use std::{fmt, net::IpAddr};

use base64::{Engine, engine::general_purpose::STANDARD};
use contract::error::FieldProblem;
use http::{HeaderMap, HeaderName, HeaderValue, header::Entry};
use percent_encoding::percent_decode_str;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use crate::dispatch::Request;

/// Paths longer than this are refused: no URL has one.
const MOST_PATH: usize = u16::MAX as usize - 1;

/// An event of API Gateway's HTTP API, in the second version of its form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_path: String,
    raw_query_string: Option<String>,
    headers: Option<Named>,
    request_context: Context,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    http: Http,
    request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    source_ip: Option<String>,
}

/// Headers as they were handed over, in that order.
struct Named(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Named;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Named(pairs))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

/// Reads an event. What of it is unreadable is refused by whoever answers the request.
pub(crate) fn read(event: &str, deadline_ms: Option<u64>) -> Request {
    let Ok(event) = serde_json::from_str::<Event>(event) else {
        let unreadable = vec![problem("event", "must be a request of API Gateway's HTTP API")];
        return Request { deadline_ms, unreadable, ..Request::default() };
    };
    let mut unreadable = Vec::new();
    let mut note = |(field, text)| unreadable.push(problem(field, text));
    if let Err(text) = judge_path(&event.raw_path) {
        note(("path", text));
    }
    let query = parameters(&event.raw_query_string.unwrap_or_default());
    let query = query.map_err(&mut note).unwrap_or_default();
    let headers = headers(event.headers).map_err(&mut note).unwrap_or_default();
    let body = body(event.body.unwrap_or_default(), event.is_base64_encoded.unwrap_or_default());
    let body = body.map_err(&mut note).unwrap_or_default();
    let Http { method, source_ip } = event.request_context.http;
    Request {
        method,
        path: event.raw_path,
        query,
        headers,
        body,
        source_ip: source_ip.and_then(address),
        request_id: event.request_context.request_id.filter(|id| is_id(id)),
        deadline_ms,
        unreadable,
    }
}

/// What cannot be read, and why.
type Unreadable = (&'static str, &'static str);

fn problem(field: &str, problem: &str) -> FieldProblem {
    FieldProblem { field: field.to_owned(), problem: problem.to_owned() }
}

/// The gateway's id of a request goes into a header of the answer.
fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// An address in the form by which sources are told apart.
fn address(text: String) -> Option<String> {
    text.parse::<IpAddr>().ok().map(|_| text)
}

fn judge_path(path: &str) -> Result<(), &'static str> {
    if path.len() > MOST_PATH {
        Err("must be at most 65534 bytes")
    } else if path.is_empty() || path.contains(char::is_control) {
        Err("must be the path of a URL")
    } else {
        Ok(())
    }
}

/// The parameters of a query, decoded, in their order; those given twice stand there twice.
fn parameters(query: &str) -> Result<Vec<(String, String)>, Unreadable> {
    let is_of_a_url = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'#');
    if !query.bytes().all(is_of_a_url) {
        return Err(("query", "must be the query of a URL"));
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decoded(name)?, decoded(value)?))
    });
    pairs.collect::<Option<_>>().ok_or(("query", "must be UTF-8"))
}

/// A part of a query as it is meant: `+` is a space there.
fn decoded(part: &str) -> Option<String> {
    let spaced = part.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(Into::into)
}

/// The headers of an event. The gateway joins those with one name itself; what it hands over twice is joined alike. A
/// character that no header may hold is kept as one that those of ours may not hold either.
fn headers(named: Option<Named>) -> Result<HeaderMap, Unreadable> {
    let mut headers = HeaderMap::new();
    for (name, text) in named.map(|named| named.0).unwrap_or_default() {
        // What cannot be the name of a header is none of ours.
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        let text = text.replace(|c: char| c.is_ascii_control() && c != '\t', "\u{fffd}");
        let Ok(value) = HeaderValue::from_str(&text) else { continue };
        match headers.try_entry(name).map_err(|_| ("headers", "must be fewer"))? {
            Entry::Vacant(vacant) => {
                vacant.try_insert(value).map_err(|_| ("headers", "must be fewer"))?;
            }
            Entry::Occupied(mut first) => {
                let joined = [first.get().as_bytes(), b", ", value.as_bytes()].concat();
                if let Ok(joined) = HeaderValue::from_bytes(&joined) {
                    first.insert(joined);
                }
            }
        }
    }
    Ok(headers)
}

fn body(text: String, is_base64: bool) -> Result<Vec<u8>, Unreadable> {
    if is_base64 {
        STANDARD.decode(text).map_err(|_| ("body", "is flagged as base64 and is none"))
    } else {
        Ok(text.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn event() -> Value {
        json!({
            "version": "2.0",
            "rawPath": "/crm/stat",
            "rawQueryString": "",
            "headers": {"host": "api.example.com"},
            "requestContext": {"http": {"method": "GET", "sourceIp": "192.0.2.1"}, "requestId": "JKJaX="},
            "isBase64Encoded": false,
        })
    }

    fn with(pointer: &str, value: &Value) -> Request {
        let mut event = event();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        event.pointer_mut(parent).expect("a place")[name] = value.clone();
        read(&event.to_string(), None)
    }

    fn unreadable(request: &Request) -> Vec<&str> {
        request.unreadable.iter().map(|problem| problem.field.as_str()).collect()
    }

    #[test]
    fn an_event_is_read_as_a_request() {
        let request = read(&event().to_string(), Some(7));
        assert_eq!((&*request.method, &*request.path), ("GET", "/crm/stat"));
        assert_eq!(request.source_ip.as_deref(), Some("192.0.2.1"));
        assert_eq!(request.request_id.as_deref(), Some("JKJaX="));
        assert_eq!((request.deadline_ms, request.body.len()), (Some(7), 0));
        assert!(request.unreadable.is_empty() && request.query.is_empty());
    }

    #[test]
    fn a_query_is_read_in_its_order_and_whole() {
        let request = with("/rawQueryString", &json!("b=2&a=%C3%A9+%2B&b=%25&flag&&=x&c=a=b&d=%zz"));
        let expected =
            [("b", "2"), ("a", "é +"), ("b", "%"), ("flag", ""), ("", "x"), ("c", "a=b"), ("d", "%zz")];
        let query: Vec<_> = request.query.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(query, expected);
        for query in ["a=b c", "a=\"", "a=\u{1}", "a=é", "a=<b>", "a#b", "a=%ff", "%ff=a", "\u{7f}"] {
            assert_eq!(unreadable(&with("/rawQueryString", &json!(query))), ["query"], "{query:?}");
        }
    }

    #[test]
    fn a_path_is_one_of_a_url() {
        for good in ["/", "/crm/caf\u{e9}", "/crm/a b", "crm", &format!("/{}", "a".repeat(MOST_PATH - 1))] {
            assert!(with("/rawPath", &json!(good)).unreadable.is_empty(), "{good:.40}");
        }
        for bad in ["", "/a\nb", "/\u{0}", &format!("/{}", "a".repeat(MOST_PATH))] {
            assert_eq!(unreadable(&with("/rawPath", &json!(bad))), ["path"], "{bad:.40}");
        }
    }

    #[test]
    fn a_body_flagged_base64_is_decoded_or_refused() {
        let mut event = event();
        event["isBase64Encoded"] = json!(true);
        for (given, bytes) in [("", Some(&b""[..])), ("e30=", Some(b"{}")), ("/w==", Some(b"\xff"))] {
            event["body"] = json!(given);
            assert_eq!(Some(&*read(&event.to_string(), None).body), bytes, "{given}");
        }
        for none in ["{}", "e30", "e3 0=", "é", "===="] {
            event["body"] = json!(none);
            assert_eq!(unreadable(&read(&event.to_string(), None)), ["body"], "{none}");
        }
        event["isBase64Encoded"] = Value::Null;
        event["body"] = json!("e30=");
        assert_eq!(read(&event.to_string(), None).body, b"e30=");
    }

    #[test]
    fn headers_keep_what_they_hold() {
        let request = with(
            "/headers",
            &json!({
                "X-OrgCode": "A", "x-orgcode": "B", "user-agent": "caf\u{e9}", "x-cccode": "a\nb\u{0}c", "b d": "x",
                "": "x", "x-forwarded-proto": "https,https", "host": "[::1", "empty": "", "tab": "a\tb",
            }),
        );
        let value = |name: &str| {
            request.headers.get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
        };
        assert_eq!(value("x-orgcode").as_deref(), Some("A, B"));
        assert_eq!(value("user-agent").as_deref(), Some("caf\u{e9}"));
        assert_eq!(value("x-cccode").as_deref(), Some("a\u{fffd}b\u{fffd}c"));
        assert_eq!((value("empty").as_deref(), value("tab").as_deref()), (Some(""), Some("a\tb")));
        let many: serde_json::Map<String, Value> =
            (0..40_000).map(|n| (format!("h{n}"), json!("x"))).collect();
        assert_eq!(unreadable(&with("/headers", &Value::Object(many))), ["headers"]);
    }

    #[test]
    fn what_is_no_event_is_said_to_be_none() {
        for text in ["", "7", "null", "[]", "{}", "{\"rawPath\":\"/\"}", "\"\u{e9}\""] {
            assert_eq!(unreadable(&read(text, None)), ["event"], "{text}");
        }
        for (pointer, value) in [
            ("/rawPath", json!(7)),
            ("/headers", json!([])),
            ("/headers", json!({"a": 1})),
            ("/requestContext/http", json!({})),
            ("/body", json!({})),
            ("/isBase64Encoded", json!("yes")),
        ] {
            assert_eq!(unreadable(&with(pointer, &value)), ["event"], "{pointer}");
        }
        for (pointer, value) in
            [("/headers", Value::Null), ("/body", Value::Null), ("/rawQueryString", Value::Null)]
        {
            assert!(with(pointer, &value).unreadable.is_empty(), "{pointer}");
        }
    }

    #[test]
    fn an_id_or_address_that_is_none_is_not_taken() {
        for id in ["", "a b", "\u{e9}", "a\n", &"x".repeat(129)] {
            assert_eq!(with("/requestContext/requestId", &json!(id)).request_id, None, "{id}");
        }
        for address in ["", "localhost", "192.0.2.1:80", &"1".repeat(10_000)] {
            assert_eq!(
                with("/requestContext/http/sourceIp", &json!(address)).source_ip,
                None,
                "{address:.40}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(
            path in ".{0,40}",
            query in ".{0,40}",
            name in ".{0,20}",
            value in ".{0,40}",
            body in ".{0,40}",
            flag: bool,
        ) {
            let mut event = event();
            event["rawPath"] = json!(path);
            event["rawQueryString"] = json!(query);
            event["headers"] = json!({name: value});
            event["body"] = json!(body);
            event["isBase64Encoded"] = json!(flag);
            let _ = read(&event.to_string(), None);
            let _ = read(&body, None);
        }
    }
}
