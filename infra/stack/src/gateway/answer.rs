//! What the gateway answers: what a function said, or its own refusal.

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use contract::{
    envelope::{self, API_VERSION, Stats},
    error::Error,
    time::Time,
};
use hyper::{
    Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE},
    http::request::Parts,
};
use serde::Deserialize;

use super::request_id;
use crate::http::{Reply, whole};

/// As a function writes it, in payload format 2.0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    cookies: Vec<String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// What a function answered, as HTTP.
pub(super) fn read(answer: &[u8]) -> Result<Reply> {
    let answer: Answer =
        serde_json::from_slice(answer).context("the function's answer is not one of HTTP")?;
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded { STANDARD.decode(body)? } else { body.into_bytes() };
    let mut reply = Response::new(whole(body));
    *reply.status_mut() = StatusCode::from_u16(answer.status_code)?;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &answer.headers {
        let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        headers.insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(&value)?);
    }
    for cookie in &answer.cookies {
        headers.append(SET_COOKIE, HeaderValue::from_str(cookie)?);
    }
    Ok(reply)
}

/// What API Gateway says of a function that failed.
pub(super) fn internal() -> Reply {
    let mut reply = Response::new(whole(r#"{"message":"Internal Server Error"}"#));
    *reply.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

/// A refusal of the gateway's own, in the envelope and with the headers of any other (contract §2, §3).
pub(super) fn refusal(head: &Parts, error: &Error, now: Time) -> Reply {
    let request_id = request_id(head);
    let stats = Stats {
        // What a caller wrote into an unknown path is not repeated.
        call: format!("{} ?", head.method),
        service: "gateway",
        request_id: request_id.clone(),
        timestamp_utc: now,
        latency_ms: 0,
        build: service::build(),
        orgcode: None,
        actor: None,
        cccode: None,
        context_source: None,
        session_fingerprint: None,
        api_key_fingerprint: None,
    };
    let mut reply = Response::new(whole(envelope::failure(error, &stats)));
    *reply.status_mut() =
        StatusCode::from_u16(error.tag().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-api-version", HeaderValue::from_static(API_VERSION));
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert("x-request-id", id);
    }
    reply
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_functions_answer_is_sent_as_it_is() {
        let answer = br#"{"statusCode": 201, "headers": {"location": "/x", "content-type": "text/plain"},
            "cookies": ["a=1", "b=2"], "multiValueHeaders": {}, "body": "aGk=", "isBase64Encoded": true}"#;
        let reply = read(answer).unwrap();
        assert_eq!(reply.status(), 201);
        assert_eq!(reply.headers()["location"], "/x");
        assert_eq!(reply.headers()["content-type"], "text/plain");
        assert_eq!(reply.headers().get_all("set-cookie").iter().count(), 2);
        assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), "hi");
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for answer in
            ["", "null", "{}", r#"{"statusCode": 9999}"#, r#"{"statusCode": 200, "headers": {"a": "\n"}}"#]
        {
            assert!(read(answer.as_bytes()).is_err(), "{answer}");
        }
    }
}
