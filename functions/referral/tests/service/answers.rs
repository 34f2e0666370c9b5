//! The form of requests and answers: verbs, paths, bare bodies (referral §3, §8; contract §2).

use serde_json::json;
use testkit::Caller;

use crate::people::{JSON, call, click, code, get, raw, world};

#[tokio::test]
async fn paths_and_verbs() {
    let world = world().await;
    for (method, path, allow) in [
        ("PUT", "", "POST, GET, HEAD"),
        ("DELETE", "/", "POST, GET, HEAD"),
        ("POST", "/attr_a1b2c3", "GET, HEAD, PUT, DELETE"),
        ("PATCH", "/attr_a1b2c3", "GET, HEAD, PUT, DELETE"),
        ("POST", "/mentor/usr_1", "GET, HEAD"),
        ("DELETE", "/mentor/usr_1/total", "GET, HEAD"),
    ] {
        let reply = raw(&world, method, path, &[JSON], None, "{}").await;
        reply.refused("method-not-allowed");
        assert_eq!(reply.header("allow"), Some(allow), "{method} {path}");
    }
    for path in
        ["/mentor/usr_1/totals", "/mentor/usr_1/", "/attr_a1b2c3/", "//", "/attr_a1b2c3/x", "/mentor//total"]
    {
        raw(&world, "GET", path, &[], None, "").await.refused("route-not-found");
    }
    assert_eq!(world.last_log()["reads"], 0);
}

#[tokio::test]
async fn bodies() {
    let world = world().await;
    let send = async |content_type: &'static str, body: &str| {
        raw(&world, "POST", "", &[("content-type", content_type)], Some("192.0.2.1"), body).await
    };
    send("application/json", "{").await.refused("invalid-json");
    send("application/json", "[]").await.refused("invalid-json");
    send("text/plain", "{}").await.refused("unsupported-media-type");
    send("application/json", &format!("{{\"code\": \"{}\"}}", "x".repeat(256 * 1024)))
        .await
        .refused("payload-too-large");
    let code = code(&world, "usr_1").await;
    let body = json!({"code": code}).to_string();
    assert_eq!(send("application/json; charset=utf-8", &body).await.status, 201);
}

#[tokio::test]
async fn a_refusal_is_a_code_a_message_and_what_explains_it() {
    let world = world().await;
    let reply = get(&world, "/attr_000000").await;
    assert_eq!(reply.text, "{\"error\":{\"code\":\"not-found\",\"message\":\"There is no such record.\"}}");
    for (name, value) in
        [("content-type", "application/json"), ("cache-control", "no-store"), ("x-api-version", "2026-03-04")]
    {
        assert_eq!(reply.header(name), Some(value));
    }
    assert!(reply.header("x-request-id").is_some());
    let reply = click(&world, json!({"cod": "A"})).await;
    let fields = &reply.refused("invalid-input")["details"]["fields"];
    assert_eq!(fields[0], json!({"field": "cod", "problem": "is not a field of this request"}));
    let reply =
        call(&world, &Caller::anonymous().with("x-request-id", "mine"), "POST", "/", Some(json!({}))).await;
    assert_eq!(reply.header("x-request-id"), Some("mine"));
    let reply = call(&world, &world.owner, "GET", "/?api_key=k1_x", None).await;
    assert_eq!(reply.refused_fields(), ["api_key"]);
}

#[tokio::test]
async fn browsers_are_told_what_they_may_do() {
    let world = world().await;
    let origin = ("origin", "https://shop.example");
    let preflight = raw(&world, "OPTIONS", "/attr_a1b2c3", &[origin], None, "").await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-methods"), Some("DELETE, GET, POST, PUT"));
    let reply = raw(&world, "GET", "/attr_a1b2c3", &[origin], None, "").await;
    let exposed = reply.header("access-control-expose-headers").expect("a header");
    assert!(exposed.contains("location") && exposed.contains("x-deduplicated"));
}

#[tokio::test]
async fn addresses_are_stored_and_answered_in_one_form() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let click_from = async |address: &str| click(&world, json!({"code": code, "ip_address": address})).await;
    for (given, shown) in [("2001:0DB8::1", "2001:db8::1"), ("::ffff:192.0.2.200", "192.0.2.200")] {
        let reply = click_from(given).await;
        assert_eq!((reply.status, &reply.data()["ip_address"]), (201, &json!(shown)));
        assert_eq!(click_from(shown).await.status, 200, "{shown} is the same address");
    }
    for bad in ["192.0.2.01", "fe80::1%eth0", "192.0.2.1:80", "[::1]", "", "::ffff:192.0.2.256"] {
        assert_eq!(click_from(bad).await.refused_fields(), ["ip_address"], "{bad}");
    }
    let agent = json!({"code": code, "ip_address": "192.0.2.3", "user_agent": "a\u{7}b"});
    assert_eq!(click(&world, agent).await.refused_fields(), ["user_agent"]);
    for bad in ["https://jo:pw@example.com/", "https://jo@example.com", "/relative", "ftp://example.com/"] {
        let body = json!({"code": code, "ip_address": "192.0.2.4", "referrer_url": bad});
        assert_eq!(click(&world, body).await.refused_fields(), ["referrer_url"], "{bad}");
    }
    let body = json!({"code": code, "ip_address": "192.0.2.5", "referrer_url": "https://example.com/a?b#c"});
    assert_eq!(click(&world, body).await.data()["referrer_url"], "https://example.com/a?b");
}
