//! An answer, as tests look at it.

use serde_json::Value;
use service::Response;

/// An answer. The asserting methods say what came instead.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body as it was sent.
    pub text: String,
    /// The body.
    pub body: Value,
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        let headers = response.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self::new(response.status, headers, response.body)
    }
}

impl Reply {
    /// What came over the wire. A text that is no JSON has a body of null.
    pub fn new(status: u16, headers: Vec<(String, String)>, text: String) -> Self {
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    /// The `data` of a success.
    #[track_caller]
    pub fn data(&self) -> &Value {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.body["success"], true, "{}", self.body);
        &self.body["data"]
    }

    /// The `error` of a refusal with this tag.
    #[track_caller]
    pub fn refused(&self, tag: &str) -> &Value {
        assert_eq!(self.body["error"]["major"]["tag"], tag, "{} {}", self.status, self.body);
        assert_eq!(self.body["success"], false, "{}", self.body);
        assert_eq!(self.body["error"]["http_status"], self.status, "{}", self.body);
        &self.body["error"]
    }

    /// The names of the fields that were refused.
    #[track_caller]
    pub fn refused_fields(&self) -> Vec<&str> {
        let fields = self.refused("invalid-input")["details"]["fields"].as_array().expect("fields");
        fields.iter().map(|field| field["field"].as_str().expect("a name")).collect()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body without what differs between any two answers: request id, times, latency.
    pub fn without_stats(&self) -> Value {
        let mut body = self.body.clone();
        if let Some(stats) = body["stats"].as_object_mut() {
            stats.retain(|name, _| !["request_id", "timestamp_utc", "latency_ms"].contains(&name.as_str()));
        }
        body
    }
}
