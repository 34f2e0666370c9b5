//! A tenant with its owner, and the events that API Gateway would send of the owner's requests.

use std::fs;

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::{Value, json};
use service::Service;
use testkit::World;

use crate::programs::root;

/// A tenant at this time, for functions tell the time by the machine.
pub(crate) async fn world() -> World {
    let first = World::new().await;
    let late = service::Clock::System.now().millis() - first.now().millis();
    first.advance_seconds(late / 1000);
    first.another().await
}

/// A request of the owner's, to be sent any number of times.
pub(crate) struct Request {
    event: Value,
}

impl Request {
    /// A `POST` of these fields.
    pub(crate) fn post(world: &World, service: &Service, path: &str, fields: &Value) -> Result<Self> {
        let mut request = Self::to(world, service, path)?;
        request.set_fields(world, fields);
        Ok(request)
    }

    /// A `POST` without a credential in its headers.
    pub(crate) fn anonymous(service: &Service, path: &str, fields: &Value) -> Result<Self> {
        let mut request = Self::bare(service, path)?;
        request.event["body"] = json!(fields.to_string());
        Ok(request)
    }

    /// An action of the operator's.
    pub(crate) fn action(name: &str, fields: &Value) -> Self {
        let mut event = json!({"action": name, "actor": "op@example", "reason": "bench"});
        if let (Some(event), Some(fields)) = (event.as_object_mut(), fields.as_object()) {
            event.extend(fields.clone());
        }
        Self { event }
    }

    /// The sample of what a function is invoked with.
    pub(crate) fn sample(name: &str) -> Result<Self> {
        let sample = root().join("events").join(format!("{name}.json"));
        Ok(Self { event: serde_json::from_str(&fs::read_to_string(sample)?)? })
    }

    /// A `GET`.
    pub(crate) fn get(world: &World, service: &Service, path: &str) -> Result<Self> {
        let mut request = Self::to(world, service, path)?;
        request.event["requestContext"]["http"]["method"] = json!("GET");
        request.event["body"] = Value::Null;
        Ok(request)
    }

    fn to(world: &World, service: &Service, path: &str) -> Result<Self> {
        let mut request = Self::bare(service, path)?;
        let headers = request.event["headers"].as_object_mut().context("headers")?;
        for (name, value) in &world.owner.headers {
            headers.insert((*name).to_owned(), json!(value));
        }
        Ok(request)
    }

    fn bare(service: &Service, path: &str) -> Result<Self> {
        let mut request = Self::sample(&format!("{}-post", service.name))?;
        let event = &mut request.event;
        let whole = format!("{}{path}", service.base());
        event["rawPath"] = json!(whole);
        event["requestContext"]["http"]["path"] = json!(whole);
        event["pathParameters"]["proxy"] = json!(path.trim_start_matches('/'));
        event["headers"].as_object_mut().context("headers")?.remove("content-length");
        Ok(request)
    }

    /// Sends other fields from now on.
    pub(crate) fn set_fields(&mut self, world: &World, fields: &Value) {
        let mut fields = fields.clone();
        if self.event["rawPath"].as_str().is_some_and(|path| path.starts_with("/ofm/")) {
            fields["org_guid"] = json!(world.org.guid());
        }
        self.event["body"] = json!(fields.to_string());
    }

    /// The event.
    pub(crate) fn event(&self) -> Bytes {
        self.event.to_string().into()
    }

    /// The event with an idempotency key that no other has.
    pub(crate) fn event_with_key(&self, n: usize) -> Bytes {
        let mut event = self.event.clone();
        let key = json!(format!("bench-{n:010}"));
        if event["headers"].is_object() {
            event["headers"]["idempotency-key"] = key;
        } else if event["action"].is_string() {
            event["idempotency_key"] = key;
        }
        event.to_string().into()
    }
}

/// What a function answered to an event, which must be a success: the `data` of an envelope, or a bare body; nothing for
/// a batch that is published.
pub(crate) fn data(answer: &Value) -> Result<Value> {
    if answer["success"] == true {
        return Ok(answer["data"].clone());
    }
    if answer["batchItemFailures"].as_array().is_some_and(Vec::is_empty) {
        return Ok(Value::Null);
    }
    let body = answer["body"].as_str().with_context(|| format!("no answer of a gateway's: {answer}"))?;
    let mut body: Value = serde_json::from_str(body)?;
    let status = answer["statusCode"].as_u64().unwrap_or(0);
    anyhow::ensure!((200..300).contains(&status), "refused: {body}");
    Ok(body.get_mut("data").map(Value::take).unwrap_or(body))
}
