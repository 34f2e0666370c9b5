//! Transactions that come twice, before the embedded database.
//!
//! DynamoDB answers a repeated `ClientRequestToken` with the first answer for ten minutes. `dynoxide` does so too, but
//! looks at all tokens of these ten minutes for each transaction, and so takes longer the more there are. Here the oldest
//! are forgotten first, and the database sees no token.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use http_body_util::BodyExt;
use hyper::{
    Request, Response, StatusCode,
    body::Bytes,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
};
use serde_json::{Value, json};
use tokio::sync::Mutex as AsyncMutex;

use crate::http::{Body, Onward, Reply, whole};

/// Answers are kept for so long.
const WINDOW: Duration = Duration::from_mins(10);

/// A transaction that was carried out.
#[derive(Debug)]
struct Kept {
    request: Value,
    answer: Bytes,
}

/// One token. Requests with the same one wait for each other.
type Slot = Arc<AsyncMutex<Option<Kept>>>;

#[derive(Debug, Default)]
struct Known {
    slots: HashMap<String, Slot>,
    /// The tokens with the times when they came, the oldest first.
    came: VecDeque<(Instant, String)>,
}

/// The tokens of the last ten minutes.
#[derive(Debug, Default)]
pub struct Tokens(Mutex<Known>);

impl Tokens {
    /// Passes a request on: a transaction with a token only if it was not carried out before.
    pub async fn pass(&self, request: Request<Body>, onward: &Onward) -> Result<Reply> {
        let target = request.headers().get("x-amz-target").map(HeaderValue::as_bytes);
        if target != Some(b"DynamoDB_20120810.TransactWriteItems") {
            return onward.send(request).await;
        }
        let (mut head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let content = serde_json::from_slice::<Value>(&body);
        let Some((content, token)) = content.ok().and_then(|mut content| {
            let token = content.as_object_mut()?.remove("ClientRequestToken")?;
            Some((content, token.as_str().filter(|token| !token.is_empty())?.to_owned()))
        }) else {
            return onward.send(Request::from_parts(head, whole(body))).await;
        };
        let slot = self.slot(token, Instant::now());
        let mut kept = slot.lock().await;
        if let Some(kept) = &*kept {
            return Ok(if kept.request == content { ok(kept.answer.clone()) } else { mismatch() });
        }
        let body = content.to_string();
        head.headers.insert(CONTENT_LENGTH, body.len().into());
        let reply = onward.send(Request::from_parts(head, whole(body))).await?;
        if reply.status() != StatusCode::OK {
            return Ok(reply);
        }
        let (head, body) = reply.into_parts();
        let answer = body.collect().await?.to_bytes();
        *kept = Some(Kept { request: content, answer: answer.clone() });
        Ok(Response::from_parts(head, whole(answer)))
    }

    fn slot(&self, token: String, now: Instant) -> Slot {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while known.came.front().is_some_and(|(came, _)| now.duration_since(*came) >= WINDOW) {
            let oldest = known.came.pop_front();
            oldest.and_then(|(_, token)| known.slots.remove(&token));
        }
        if let Some(slot) = known.slots.get(&token) {
            return Arc::clone(slot);
        }
        let slot = Slot::default();
        known.came.push_back((now, token.clone()));
        known.slots.insert(token, Arc::clone(&slot));
        slot
    }
}

fn ok(answer: Bytes) -> Reply {
    json_reply(StatusCode::OK, answer)
}

fn mismatch() -> Reply {
    let answer = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
        "Message": "The token was used for another transaction.",
    });
    json_reply(StatusCode::BAD_REQUEST, answer.to_string())
}

fn json_reply(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(whole(body));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_for_ten_minutes_and_is_one() {
        let (tokens, start) = (Tokens::default(), Instant::now());
        let at = |token: &str, seconds| tokens.slot(token.to_owned(), start + Duration::from_secs(seconds));
        let first = at("a", 0);
        assert!(Arc::ptr_eq(&first, &at("a", 599)));
        at("b", 300);
        assert!(!Arc::ptr_eq(&first, &at("a", 600)));
        let known = tokens.0.lock().unwrap();
        assert_eq!((known.slots.len(), known.came.len()), (2, 2));
    }
}
