//! How tests call a route, whatever kind it is.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use service::{Access, Request, Route, Service, direct};
use testkit::{Caller, Reply, World};

use crate::conform;

/// A valid request for a route, with everything made that it needs.
pub(crate) struct Sample {
    /// Who sends it.
    pub(crate) caller: Caller,
    /// The route's own fields, and those that name the org where it takes them from the body.
    pub(crate) fields: Map<String, Value>,
}

/// Sends a sample, with an idempotency key as a header or as an action takes it. Both ways are checked against the
/// document.
pub(crate) async fn send(
    world: &World,
    service: &'static Service,
    route: &Route,
    sample: &Sample,
    key: Option<&str>,
) -> Reply {
    let reply = deliver(world, service, route, sample, key).await;
    if route.access != Access::Operator {
        conform::check(service, route, &sample.fields, &reply);
    }
    reply
}

/// Sends what need not be as documented.
pub(crate) async fn deliver(
    world: &World,
    service: &'static Service,
    route: &Route,
    sample: &Sample,
    key: Option<&str>,
) -> Reply {
    let Sample { caller, fields } = sample;
    if route.access == Access::Operator {
        let mut payload = json!({"action": route.call.path, "actor": "op@example"});
        let taken = payload.as_object_mut().expect("an object");
        if route.handler.traits().writes {
            taken.insert("reason".to_owned(), json!("test"));
        }
        if let Some(key) = key {
            taken.insert("idempotency_key".to_owned(), json!(key));
        }
        taken.extend(fields.clone());
        return act(world, service, payload).await;
    }
    let caller = match key {
        Some(key) => caller.clone().with("idempotency-key", key),
        None => caller.clone(),
    };
    let Target { path, query, body } = target(route, fields);
    let (path, body) = match body {
        None => (format!("{path}?{query}"), String::new()),
        Some(body) => (path, body.to_string()),
    };
    world.send(service, &caller, route.call.method, &path, body).await
}

/// Where the fields of a request stand.
pub(crate) struct Target {
    /// The path within the service, with its parameters.
    pub(crate) path: String,
    /// The query of a GET, not encoded.
    pub(crate) query: String,
    /// The object of any other.
    pub(crate) body: Option<Value>,
}

/// Puts the fields of a request where its route takes them.
pub(crate) fn target(route: &Route, fields: &Map<String, Value>) -> Target {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (mut path, mut rest) = (route.call.path.to_owned(), fields.clone());
    for name in route.call.parameters() {
        let value = rest.remove(name).as_ref().map(text).unwrap_or_default();
        path = path.replace(&format!("{{{name}}}"), &value);
    }
    if route.call.takes_query() {
        let query: Vec<_> = rest.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
        Target { path, query: query.join("&"), body: None }
    } else {
        Target { path, query: String::new(), body: Some(Value::from(rest)) }
    }
}

/// Invokes an action with just this payload.
pub(crate) async fn act(world: &World, service: &'static Service, payload: Value) -> Reply {
    act_text(world, service, &payload.to_string()).await
}

/// Invokes an action with the text of a payload.
pub(crate) async fn act_text(world: &World, service: &'static Service, payload: &str) -> Reply {
    let body = direct::handle(world.app(service), payload, "invocation", None).await;
    let status =
        body["error"]["http_status"].as_u64().map_or(200, |status| u16::try_from(status).expect("a status"));
    Reply { status, headers: Vec::new(), text: body.to_string(), body }
}

/// Sends anything.
pub(crate) async fn raw(
    world: &World,
    service: &'static Service,
    method: &str,
    path: &str,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
) -> Reply {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"));
    }
    let request = Request {
        method: method.to_owned(),
        path: format!("{}{path}", service.base()),
        headers: map,
        body,
        source_ip: Some("192.0.2.1".to_owned()),
        ..Request::default()
    };
    service::handle(world.app(service), request).await.into()
}
