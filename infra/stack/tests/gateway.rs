//! The gateway before functions that note what they are asked.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::BodyExt;
use hyper::{Method, Response, StatusCode, header::HeaderValue};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use stack::{
    address, gateway,
    http::{self, Server, whole},
    template::Template,
};

/// The gateway of the template's API, with one answer for whatever function is invoked.
struct Gateway {
    url: String,
    /// Function and event of each invocation.
    invoked: Arc<Mutex<Vec<(String, Value)>>>,
    _servers: [Server; 2],
}

impl Gateway {
    async fn answering(status: u16, answer: Value) -> Self {
        let invoked = Arc::<Mutex<Vec<(String, Value)>>>::default();
        let behind = address::free_port().unwrap();
        let note = Arc::clone(&invoked);
        let watch = http::serve(behind, move |request, _| {
            let (note, answer) = (Arc::clone(&note), answer.clone());
            async move {
                let function = request.uri().path().split('/').nth(3).unwrap().to_owned();
                let event = request.into_body().collect().await.unwrap().to_bytes();
                note.lock().unwrap().push((function, serde_json::from_slice(&event).unwrap()));
                let mut reply = Response::new(whole(answer.to_string()));
                *reply.status_mut() = StatusCode::from_u16(status).unwrap();
                reply
            }
        });
        let watch = watch.await.unwrap();
        let port = address::free_port().unwrap();
        let functions = Template::local().unwrap().functions().unwrap();
        let behind = SocketAddr::from(([127, 0, 0, 1], behind));
        let gateway = gateway::start(port, &functions, behind).await.unwrap();
        Self { url: format!("http://127.0.0.1:{port}"), invoked, _servers: [watch, gateway] }
    }

    async fn new() -> Self {
        let headers = json!({ "content-type": "application/json", "x-request-id": "r-1" });
        Self::answering(200, json!({ "statusCode": 201, "headers": headers, "body": "{\"a\": 1}" })).await
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        reqwest::Client::new().request(method, format!("{}{path}", self.url))
    }

    fn last(&self) -> (String, Value) {
        self.invoked.lock().unwrap().last().unwrap().clone()
    }
}

#[tokio::test]
async fn each_service_is_asked_for_what_is_below_its_path_and_answers_in_its_own_words() {
    let gateway = Gateway::new().await;
    for (path, function) in [
        ("/crm", "crm"),
        ("/crm/", "crm"),
        ("/ofm/", "ofm"),
        ("/usm/session/create", "usm"),
        ("/api/v1/referral-attributions", "referral"),
        ("/api/v1/referral-attributions/", "referral"),
        ("/api/v1/referral-attributions/mentor/m-1/total", "referral"),
    ] {
        let answer = gateway.ask(Method::POST, path).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 201, "{path}");
        assert_eq!(answer.headers()["x-request-id"], "r-1");
        assert_eq!(answer.text().await.unwrap(), "{\"a\": 1}");
        let (asked, event) = gateway.last();
        assert_eq!((asked.as_str(), event["rawPath"].as_str()), (function, Some(path)));
    }
}

#[tokio::test]
async fn what_belongs_to_no_service_is_a_route_not_found() {
    let gateway = Gateway::new().await;
    for path in [
        "/",
        "/nothing",
        "/crmx/stat",
        "/cr",
        "/api/v1",
        "/lambda-url/operator/",
        "/.rt/2018-06-01/runtime",
        "//crm",
    ] {
        let answer =
            gateway.ask(Method::POST, path).header("x-request-id", "mine").body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["x-request-id"], "mine");
        assert_eq!(answer.headers()["x-api-version"], "2026-03-04");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["content-type"], "application/json");
        let text = answer.text().await.unwrap();
        assert!(!text.contains("operator"), "{text}");
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["success"], false);
        assert_eq!(body["error"]["major"]["tag"], "route-not-found");
        assert_eq!(body["error"]["http_status"], 404);
        assert_eq!(body["stats"]["request_id"], "mine");
    }
    assert!(gateway.invoked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn bytes_that_are_no_text_reach_the_function() {
    let gateway = Gateway::new().await;
    let gzip = b"\x1f\x8b\x08\x00".to_vec();
    let agent = HeaderValue::from_bytes(b"caf\xe9").unwrap();
    let asked = gateway.ask(Method::POST, "/crm/customer/create").body(gzip.clone());
    let asked = asked.header("user-agent", agent).header("content-encoding", "gzip");
    assert_eq!(asked.header("content-type", "application/json").send().await.unwrap().status(), 201);
    let (_, event) = gateway.last();
    assert_eq!(event["isBase64Encoded"], true);
    assert_eq!(STANDARD.decode(event["body"].as_str().unwrap()).unwrap(), gzip);
    assert_eq!(event["headers"]["content-encoding"], "gzip");
    assert_eq!(event["headers"]["user-agent"], "caf\u{fffd}");
}

#[tokio::test]
async fn a_head_is_answered_without_a_body() {
    let gateway = Gateway::new().await;
    let answer = gateway.ask(Method::HEAD, "/crm/stat").send().await.unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.text().await.unwrap(), "");
    assert_eq!(gateway.last().1["requestContext"]["http"]["method"], "HEAD");
    let unknown = gateway.ask(Method::HEAD, "/nothing").send().await.unwrap();
    assert_eq!((unknown.status(), unknown.text().await.unwrap()), (StatusCode::NOT_FOUND, String::new()));
}

#[tokio::test]
async fn a_body_that_no_gateway_takes_is_too_large() {
    let gateway = Gateway::new().await;
    let large = vec![b' '; 10 * 1024 * 1024 + 1];
    let answer = gateway.ask(Method::POST, "/crm/stat").body(large).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["major"]["tag"], "payload-too-large");
}

#[tokio::test]
async fn a_function_that_fails_tells_its_caller_nothing() {
    let panic = json!({ "errorType": "&alloc::boxed::Box", "errorMessage": "panicked at src/secret.rs" });
    for (status, answer) in [(500, panic.clone()), (200, panic)] {
        let gateway = Gateway::answering(status, answer).await;
        let answer = gateway.ask(Method::GET, "/crm/stat").send().await.unwrap();
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.text().await.unwrap(), r#"{"message":"Internal Server Error"}"#);
    }
}

#[tokio::test]
async fn a_function_is_invoked_directly_by_programs_and_no_page_of_another_site() {
    let gateway = Gateway::answering(200, json!({ "success": true })).await;
    let ask = || {
        let path = "/2015-03-31/functions/operator/invocations";
        gateway.ask(Method::POST, path).body(r#"{"action": "clock-set"}"#)
    };
    for (name, value) in
        [("host", "evil.example"), ("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]
    {
        assert_eq!(ask().header(name, value).send().await.unwrap().status(), 403, "{name}: {value}");
    }
    assert!(gateway.invoked.lock().unwrap().is_empty());
    let answer = ask().header("origin", "http://localhost:9001").send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), r#"{"success":true}"#);
    assert_eq!(gateway.last(), ("operator".to_owned(), json!({ "action": "clock-set" })));
}

#[tokio::test]
async fn the_api_itself_asks_for_no_host_and_no_origin() {
    let gateway = Gateway::new().await;
    let asked =
        gateway.ask(Method::GET, "/crm/stat").header("host", "[::1").header("origin", "https://shop.example");
    assert_eq!(asked.send().await.unwrap().status(), 201);
    assert_eq!(gateway.last().1["headers"]["host"], "[::1");
}
