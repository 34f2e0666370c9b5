//! Events of API Gateway, as tests send them through a function.

use base64::{Engine, engine::general_purpose::STANDARD};
use lambda_http::Body;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use service::{Route, Service, lambda};
use testkit::{Caller, Reply, World};

use crate::request::{Target, target};

/// What a query keeps as it is.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'=').remove(b'&').remove(b'-').remove(b'_').remove(b'.');

/// Sends the text of an event through the function that serves a service.
pub(crate) async fn invoke(world: &World, service: &'static Service, event: &str) -> Reply {
    let answer = lambda::invoke(world.app(service), event, None).await;
    let headers = answer.headers.iter().map(|(name, value)| {
        (name.to_string(), value.to_str().expect("a text in each header of an answer").to_owned())
    });
    let text = match answer.body {
        Some(Body::Text(text)) => text,
        other => panic!("the body of an answer is text: {other:?}"),
    };
    Reply::new(answer.status_code.try_into().expect("a status"), headers.collect(), text)
}

/// One event.
#[derive(Clone, Debug)]
pub(crate) struct Event(pub(crate) Value);

impl Event {
    /// A call of a service, with nothing else.
    pub(crate) fn new(service: &Service, method: &str, path: &str) -> Self {
        let path = format!("{}{path}", service.base());
        Self(json!({
            "version": "2.0",
            "routeKey": "ANY /{proxy+}",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"host": "api.example.com", "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https"},
            "requestContext": {
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
                "requestId": "JKJaXmPLvHcESHA=",
                "stage": "$default",
            },
            "isBase64Encoded": false,
        }))
    }

    /// A call of a route with these fields, by this caller.
    pub(crate) fn of(service: &Service, route: &Route, caller: &Caller, fields: &Map<String, Value>) -> Self {
        let Target { path, query, body } = target(route, fields);
        let mut event = Self::new(service, route.call.method, &path);
        for (name, value) in &caller.headers {
            event = event.header(name, value);
        }
        event = event.query(&utf8_percent_encode(&query, QUERY).to_string());
        match body {
            Some(body) => event.body(&body.to_string()),
            None => event,
        }
    }

    /// With another method.
    pub(crate) fn method(mut self, method: &str) -> Self {
        self.0["requestContext"]["http"]["method"] = json!(method);
        self
    }

    /// With one more header, or another value of it.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.0["headers"][name] = json!(value);
        self
    }

    /// Without a header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0["headers"].as_object_mut().expect("headers").remove(name);
        self
    }

    /// With this query, as it stands in a URL.
    pub(crate) fn query(mut self, query: &str) -> Self {
        self.0["rawQueryString"] = json!(query);
        self
    }

    /// With this body, as JSON.
    pub(crate) fn body(mut self, text: &str) -> Self {
        self.0["body"] = json!(text);
        self.header("content-type", "application/json")
    }

    /// With these bytes as the body, as the gateway hands over what is no text.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        let mut event = self.body(&STANDARD.encode(bytes));
        event.0["isBase64Encoded"] = json!(true);
        event
    }

    /// Sends it.
    pub(crate) async fn send(&self, world: &World, service: &'static Service) -> Reply {
        invoke(world, service, &self.0.to_string()).await
    }
}
