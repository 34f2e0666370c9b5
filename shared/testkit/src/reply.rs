//! An answer, as tests look at it.

use contract::error::Tag;
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
        Self::new(response.status, response.headers, response.body)
    }
}

impl Reply {
    /// What came over the wire. A text that is no JSON has a body of null.
    pub fn new(status: u16, headers: Vec<(String, String)>, text: String) -> Self {
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    /// Whether it came in the envelope; the answers of a REST service do not.
    fn is_enveloped(&self) -> bool {
        self.body.get("success").is_some()
    }

    /// The tag of a refusal, if it is one.
    pub fn tag(&self) -> Option<&str> {
        let error = &self.body["error"];
        error["major"]["tag"].as_str().or(error["code"].as_str())
    }

    /// Whether it was carried out.
    pub fn is_success(&self) -> bool {
        self.tag().is_none() && matches!(self.status, 200 | 201)
    }

    /// Whether the same request may succeed when it is sent again.
    pub fn is_retryable(&self) -> bool {
        let known = Tag::ALL.iter().find(|known| Some(known.name()) == self.tag());
        known.is_some_and(|tag| tag.retryable())
    }

    /// The `data` of a success: without an envelope, the body.
    #[track_caller]
    pub fn data(&self) -> &Value {
        if self.is_enveloped() {
            assert_eq!(self.status, 200, "{}", self.body);
            assert_eq!(self.body["success"], true, "{}", self.body);
            return &self.body["data"];
        }
        assert!(matches!(self.status, 200 | 201), "{} {}", self.status, self.text);
        &self.body
    }

    /// The `error` of a refusal with this tag.
    #[track_caller]
    pub fn refused(&self, tag: &str) -> &Value {
        assert_eq!(self.tag(), Some(tag), "{} {}", self.status, self.body);
        if self.is_enveloped() {
            assert_eq!(self.body["success"], false, "{}", self.body);
            assert_eq!(self.body["error"]["http_status"], self.status, "{}", self.body);
        } else {
            let known = Tag::ALL.iter().find(|known| known.name() == tag).expect("a tag of the catalogue");
            assert_eq!(self.status, known.status(), "{}", self.body);
        }
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
