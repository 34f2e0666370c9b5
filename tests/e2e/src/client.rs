//! Calls over HTTP.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::Reply;

/// A request that takes longer fails: far more than any takes, a function that starts anew included.
const PATIENCE: Duration = Duration::from_mins(2);

/// Somebody who calls: the gateway, and the headers that every call of theirs carries.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    gateway: String,
    headers: Vec<(&'static str, String)>,
}

impl Client {
    /// Nobody in particular, who calls the services behind `gateway`.
    pub(crate) fn new(gateway: String) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
        Self { http, gateway, headers: Vec::new() }
    }

    /// The same caller with one more header on every call, or another value of one.
    #[must_use]
    pub fn with(&self, header: &'static str, value: &str) -> Self {
        let mut client = self.without(header);
        client.headers.push((header, value.to_owned()));
        client
    }

    /// The same caller without a header.
    #[must_use]
    pub fn without(&self, header: &str) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(name, _)| *name != header);
        client
    }

    /// Calls a route, for example `/crm/customer/create`.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, "application/json", body.to_string()).await
    }

    /// Reads what is at a path.
    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "application/json", String::new()).await
    }

    /// Calls a route of which the answer may be lost: none where it is.
    pub async fn try_post(&self, path: &str, body: Value) -> Option<Reply> {
        self.try_send("POST", path, "application/json", body.to_string()).await.ok()
    }

    /// Sends just this.
    ///
    /// # Panics
    /// Where nothing answers: then nothing else can be tested.
    pub async fn send(&self, method: &str, path: &str, content_type: &str, body: String) -> Reply {
        self.try_send(method, path, content_type, body).await.expect("the gateway answers")
    }

    async fn try_send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: String,
    ) -> reqwest::Result<Reply> {
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.gateway)).body(body);
        request = request.header("content-type", content_type);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()));
        let headers = headers.collect();
        Ok(Reply::new(status, headers, response.text().await?))
    }

    /// Invokes an operator action (usm §5), which tells errors in its answer alone: its status is taken from there.
    pub async fn operate(&self, action: &str, fields: Value) -> Reply {
        let mut payload = json!({ "action": action, "actor": "op@example", "reason": "Asked for it" });
        if let (Value::Object(payload), Value::Object(fields)) = (&mut payload, fields) {
            payload.extend(fields);
        }
        let mut reply = self.post("/2015-03-31/functions/operator/invocations", payload).await;
        let status =
            reply.body["error"]["http_status"].as_u64().and_then(|status| u16::try_from(status).ok());
        reply.status = status.unwrap_or(reply.status);
        reply
    }
}
