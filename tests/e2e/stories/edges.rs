//! What is at the edge of the API: bytes that are no text, unknown paths, and callers that may not ask.

use e2e::{Client, Deployment};
use reqwest::{Method, RequestBuilder, header::HeaderValue};
use serde_json::Value;

/// A text that is not UTF-8.
const LATIN: &[u8] = b"{\"caption\": \"caf\xe9\"}";

async fn tag(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("the gateway answers");
    let status = answer.status().as_u16();
    assert!(answer.headers().contains_key("x-request-id"), "no request id");
    let body: Value = answer.json().await.expect("an envelope");
    (status, body["error"]["major"]["tag"].clone())
}

pub(crate) async fn bytes_that_are_no_text_are_refused_as_the_contract_says(deployment: &Deployment) {
    let ask = |method: Method, path: &str| {
        reqwest::Client::new().request(method, format!("{}{path}", deployment.gateway()))
    };
    let post = |path: &str, body: &[u8]| {
        ask(Method::POST, path).header("content-type", "application/json").body(body.to_vec())
    };
    let utf16 = [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00];
    for path in ["/ofm/org/create", "/crm/customer/create", "/usm/session/create"] {
        for body in [LATIN, &utf16] {
            assert_eq!(tag(post(path, body)).await, (400, "invalid-json".into()), "{path}");
        }
        let zipped = post(path, b"\x1f\x8b\x08\x00").header("content-encoding", "gzip");
        assert_eq!(tag(zipped).await, (415, "unsupported-media-type".into()), "{path}");
    }
    let agent = HeaderValue::from_bytes(b"caf\xe9").expect("a header");
    for path in ["/crm/stat", "/ofm/stat", "/api/v1/referral-attributions"] {
        let asked = ask(Method::GET, path).header("user-agent", agent.clone()).send().await;
        let asked = asked.expect("the gateway answers").status().as_u16();
        let plain = ask(Method::GET, path).send().await.expect("the gateway answers").status().as_u16();
        assert_eq!(asked, plain, "{path}");
        assert!(plain < 500, "{path}: {plain}");
    }
}

pub(crate) async fn whatever_is_no_route_is_not_found_in_the_envelope(deployment: &Deployment) {
    deployment.public_tenant().await;
    let anyone: Client = deployment.anyone();
    for path in ["/ofm/", "/usm/", "/crm/", "/", "/nothing/at/all", "/lambda-url/operator/"] {
        let reply = anyone.post(path, Value::Null).await;
        reply.refused("route-not-found");
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(reply.header("x-api-version"), Some("2026-03-04"), "{path}");
    }
    let list = |path: &'static str| anyone.send("GET", path, "application/json", String::new());
    let (root, slashed) = ("/api/v1/referral-attributions", "/api/v1/referral-attributions/");
    assert_eq!((list(root).await.status, list(slashed).await.status), (200, 200));
    let head = anyone.send("HEAD", root, "application/json", String::new()).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

pub(crate) async fn no_page_of_another_site_operates(deployment: &Deployment) {
    let strangers =
        [("origin", "https://evil.example"), ("host", "evil.example:9000"), ("sec-fetch-site", "cross-site")];
    for (name, value) in strangers {
        let stranger = deployment.anyone().with(name, value);
        let refused = stranger.send(
            "POST",
            "/2015-03-31/functions/operator/invocations",
            "text/plain",
            r#"{"action": "clock-set", "actor": "evil", "reason": "evil", "advance_seconds": 1}"#.to_owned(),
        );
        assert_eq!(refused.await.status, 403, "{name}: {value}");
    }
}
