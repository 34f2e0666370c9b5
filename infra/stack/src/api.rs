//! Calls the services as any client does.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The gateway, and the headers that every call carries.
#[derive(Clone, Debug)]
pub struct Api {
    client: reqwest::Client,
    gateway: String,
    headers: Vec<(&'static str, String)>,
}

/// What a service answered, out of its envelope (contract §3).
#[derive(Debug)]
pub enum Answer {
    /// `data`.
    Done(Value),
    /// `error.major.tag`, and the whole `error` for the user to read.
    Refused {
        /// By which callers tell refusals apart.
        tag: String,
        /// As the service wrote it.
        error: Value,
    },
}

impl Api {
    /// The services behind `gateway`, without a credential.
    pub fn new(gateway: String) -> Self {
        Self { client: reqwest::Client::new(), gateway, headers: Vec::new() }
    }

    /// The same with one more header on every call.
    #[must_use]
    pub fn with(&self, header: &'static str, value: &str) -> Self {
        let mut api = self.clone();
        api.headers.push((header, value.to_owned()));
        api
    }

    /// Calls a route, for example `/crm/customer/create`.
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        let mut request = self.client.post(format!("{}{path}", self.gateway)).json(&body);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let text = request.send().await?.text().await?;
        answer(&text).with_context(|| format!("{path} answered {text}"))
    }

    /// Invokes an operator action (usm §5).
    pub async fn operate(&self, action: Value) -> Result<Answer> {
        self.post("/2015-03-31/functions/operator/invocations", action).await
    }
}

impl Answer {
    /// The data; a refusal is an error.
    pub fn done(self) -> Result<Value> {
        match self {
            Self::Done(data) => Ok(data),
            Self::Refused { error, .. } => bail!("refused: {error}"),
        }
    }

    /// The data; none where the record is not there.
    pub fn found(self) -> Result<Option<Value>> {
        match self {
            Self::Refused { tag, .. } if tag == "not-found" => Ok(None),
            answer => answer.done().map(Some),
        }
    }
}

fn answer(text: &str) -> Result<Answer> {
    let mut envelope: Value = serde_json::from_str(text)?;
    if envelope["success"] == true {
        return Ok(Answer::Done(envelope["data"].take()));
    }
    let error = envelope["error"].take();
    let tag = error["major"]["tag"].as_str().context("no envelope")?.to_owned();
    Ok(Answer::Refused { tag, error })
}

/// A field of an answer that is a string, by JSON pointer.
pub fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no {pointer} in the answer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_gives_the_data() {
        let answer = answer(r#"{"success": true, "data": {"n": 1}, "stats": {}}"#).unwrap();
        assert_eq!(answer.done().unwrap()["n"], 1);
    }

    #[test]
    fn only_not_found_is_none() {
        let refusal = |tag: &str| {
            answer(&format!(r#"{{"success": false, "error": {{"major": {{"tag": "{tag}"}}}}}}"#)).unwrap()
        };
        assert!(refusal("not-found").found().unwrap().is_none());
        let told = refusal("forbidden").found().unwrap_err().to_string();
        assert!(told.contains("forbidden"), "{told}");
    }

    #[test]
    fn what_is_no_envelope_is_an_error() {
        for text in ["", "<html>", r#"{"message": "Internal"}"#] {
            assert!(answer(text).is_err(), "{text}");
        }
    }
}
