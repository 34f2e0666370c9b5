//! A tenant with its owner, and the events that API Gateway would send of the owner's requests.

use std::fs;

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::{Value, json};
use service::Service;
use testkit::{World, database};

use crate::programs::root;

/// A tenant at this time, for functions tell the time by the machine.
pub(crate) async fn world() -> World {
    let first = World::new().await;
    let late = service::Clock::System.now().millis() - first.now().millis();
    first.advance_seconds(late / 1000);
    first.another().await
}

/// What a function of the tenant's deployment finds in its environment, with its database here.
pub(crate) fn environment(endpoint: &str) -> Vec<(String, String)> {
    [
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint.to_owned()),
        // As the tenant's world has them.
        ("G3N_CURSOR_KEY", "1".repeat(64)),
        ("G3N_LOOKUP_KEY", "2".repeat(64)),
        ("G3N_OVERRIDE_KEYS", "3".repeat(64)),
        ("G3N_TABLE", database::table().to_owned()),
        ("G3N_BUS", "bench".to_owned()),
        ("G3N_BUCKET", "bench".to_owned()),
        ("G3N_REFERRAL_ACCESS", "private".to_owned()),
        // One caller sends more than any tenant may.
        ("G3N_RATE_LIMIT_PERCENT", "1000000".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
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

    /// A `GET`.
    pub(crate) fn get(world: &World, service: &Service, path: &str) -> Result<Self> {
        let mut request = Self::to(world, service, path)?;
        request.event["requestContext"]["http"]["method"] = json!("GET");
        request.event["body"] = Value::Null;
        Ok(request)
    }

    fn to(world: &World, service: &Service, path: &str) -> Result<Self> {
        let sample = root().join("events").join(format!("{}-post.json", service.name));
        let mut event: Value = serde_json::from_str(&fs::read_to_string(sample)?)?;
        let whole = format!("{}{path}", service.base());
        event["rawPath"] = json!(whole);
        event["requestContext"]["http"]["path"] = json!(whole);
        event["pathParameters"]["proxy"] = json!(path.trim_start_matches('/'));
        let headers = event["headers"].as_object_mut().context("headers")?;
        headers.remove("content-length");
        for (name, value) in &world.owner.headers {
            headers.insert((*name).to_owned(), json!(value));
        }
        Ok(Self { event })
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
        event["headers"]["idempotency-key"] = json!(format!("bench-{n:010}"));
        event.to_string().into()
    }
}

/// What a function answered to an event, which must be a success: the `data` of an envelope, or a bare body.
pub(crate) fn data(answer: &Value) -> Result<Value> {
    let body = answer["body"].as_str().with_context(|| format!("no answer of a gateway's: {answer}"))?;
    let mut body: Value = serde_json::from_str(body)?;
    let status = answer["statusCode"].as_u64().unwrap_or(0);
    anyhow::ensure!((200..300).contains(&status), "refused: {body}");
    Ok(body.get_mut("data").map(Value::take).unwrap_or(body))
}
