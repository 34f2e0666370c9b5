//! What the tests of this service share.

use http::{HeaderMap, HeaderName, HeaderValue};
use referral::SERVICE;
use serde_json::{Value, json};
use service::Request;
use testkit::{Caller, Reply, World, proxy::Proxy};

/// A world of 20 March 2026, so that the page's examples are not ahead of time.
pub(crate) async fn world() -> World {
    in_spring(World::new().await).await
}

/// The same through a proxy.
pub(crate) async fn behind(proxy: &Proxy) -> World {
    in_spring(World::at(proxy.endpoint()).await).await
}

/// Moves the time on. In place of the owner's session, which would end, comes a key with the role of one.
pub(crate) async fn in_spring(mut world: World) -> World {
    world.advance_seconds(16 * 86_400 + 12 * 3600);
    world.owner = world.key(&["owner"]).await;
    world
}

/// A code of this org that no other test has.
pub(crate) async fn code(world: &World, mentor: &str) -> String {
    let fields = json!({"orgcode": world.orgcode, "mentor_id": mentor});
    let made = world.act(&operator::SERVICE, "referral-code-create", fields).await;
    made.data()["referral_code"]["code"].as_str().expect("a code").to_owned()
}

/// Calls a route: a body where there is one.
pub(crate) async fn call(
    world: &World,
    caller: &Caller,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Reply {
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    world.send(&SERVICE, caller, method, path, body).await
}

/// Records a click, as nobody in particular.
pub(crate) async fn click(world: &World, body: Value) -> Reply {
    call(world, &Caller::anonymous(), "POST", "/", Some(body)).await
}

/// Records a click from an address of its own, and answers its id.
pub(crate) async fn counted(world: &World, code: &str, n: u32) -> String {
    let body = json!({"code": code, "ip_address": std::net::Ipv4Addr::from(n).to_string()});
    let reply = click(world, body).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    id(&reply)
}

pub(crate) fn id(reply: &Reply) -> String {
    reply.data()["id"].as_str().expect("an id").to_owned()
}

pub(crate) async fn confirm(world: &World, id: &str, code: &str, member: &str) -> Reply {
    let body = json!({"code": code, "new_member_id": member});
    call(world, &world.owner, "PUT", &format!("/{id}"), Some(body)).await
}

pub(crate) async fn delete(world: &World, id: &str) -> Reply {
    call(world, &world.owner, "DELETE", &format!("/{id}"), None).await
}

pub(crate) async fn get(world: &World, path: &str) -> Reply {
    call(world, &world.owner, "GET", path, None).await
}

/// Clicks, conversions and rate of a mentor.
pub(crate) async fn total(world: &World, mentor: &str, period: &str) -> Value {
    let reply = get(world, &format!("/mentor/{mentor}/total?period={period}")).await;
    let total = reply.data();
    json!([total["total_clicks"], total["total_conversions"], total["conversion_rate"]])
}

/// What the operator finds that totals and records differ in.
pub(crate) async fn differences(world: &World) -> Value {
    let fields = json!({"orgcode": world.orgcode});
    let reply = world.act(&operator::SERVICE, "referral-recount", fields).await;
    assert_eq!(reply.data()["unsettled"], json!([]));
    reply.data()["differences"].clone()
}

/// Sends a request with just these headers, from this address of the gateway's.
pub(crate) async fn raw(
    world: &World,
    method: &str,
    path: &str,
    headers: &[(&'static str, &str)],
    source_ip: Option<&str>,
    body: &str,
) -> Reply {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"));
    }
    let request = Request {
        method: method.to_owned(),
        path: format!("{}{path}", SERVICE.base()),
        query: Vec::new(),
        headers: map,
        body: body.as_bytes().to_vec(),
        source_ip: source_ip.map(str::to_owned),
        request_id: None,
        deadline_ms: None,
    };
    service::handle(world.app(&SERVICE), request).await.into()
}

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
