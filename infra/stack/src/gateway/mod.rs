//! The HTTP API: hands each request to its function as API Gateway does, in the same event, so that what is answered
//! here is what is answered in AWS. The functions run under `cargo lambda watch`, which is asked by Lambda's own
//! `Invoke` alone: its own HTTP front refuses what is not UTF-8, and answers unknown paths in its own words.
//!
//! Direct invocations come to the same port, as the command-line tools expect it of Lambda's endpoint.

mod answer;
mod event;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use contract::{
    error::{Error, Tag},
    time::Time,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    Request, StatusCode,
    body::{Bytes, Incoming},
    http::request::Parts,
};
use serde_json::Value;

use crate::{
    http::{self, Onward, Reply, Server, says, whole},
    local_only,
    template::Function,
};

/// API Gateway takes no larger body.
const MOST_BODY: usize = 10 * 1024 * 1024;

/// Below this are the functions themselves, as in Lambda's API.
const FUNCTIONS: &str = "/2015-03-31/functions/";

struct Gateway {
    port: u16,
    /// The functions that have paths, each with the beginning of its paths.
    services: Vec<(String, String)>,
    watch: Onward,
}

/// Serves the functions' paths at `port`; the functions are invoked at `watch`.
pub async fn start(port: u16, functions: &[Function], watch: SocketAddr) -> Result<Server> {
    let services = functions.iter().filter_map(|function| {
        let base = function.paths.iter().find(|path| !path.contains('{'))?;
        Some((function.name.clone(), base.clone()))
    });
    let gateway = Arc::new(Gateway { port, services: services.collect(), watch: Onward::to(watch) });
    http::serve(port, move |request, peer| {
        let gateway = Arc::clone(&gateway);
        async move { gateway.answer(request, peer).await }
    })
    .await
}

impl Gateway {
    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Reply {
        if request.uri().path().starts_with(FUNCTIONS) {
            return self.invoke_directly(request).await;
        }
        let received = now();
        let (head, body) = request.into_parts();
        let Some((function, _)) = self.service_at(head.uri.path()) else {
            return answer::refusal(&head, &Error::from(Tag::RouteNotFound), received);
        };
        let body = match Limited::new(body, MOST_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return answer::refusal(&head, &Error::from(Tag::PayloadTooLarge), received);
            }
            Err(error) => return says(StatusCode::BAD_REQUEST, &format!("the body cannot be read: {error}")),
        };
        let event = event::of(&head, &body, peer, received);
        match self.invoke(function, &event).await {
            Ok((StatusCode::OK, answer)) => answer::read(&answer).unwrap_or_else(|error| {
                failed(function, &format!("{error:#}"));
                answer::internal()
            }),
            Ok((status, answer)) => {
                failed(function, &format!("{status} {}", String::from_utf8_lossy(&answer)));
                answer::internal()
            }
            Err(error) => {
                says(StatusCode::BAD_GATEWAY, &format!("the function {function} cannot be asked: {error:#}"))
            }
        }
    }

    /// The function whose paths begin as this one does, up to a `/`.
    fn service_at(&self, path: &str) -> Option<&(String, String)> {
        self.services.iter().find(|(_, base)| {
            path.strip_prefix(base.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    async fn invoke(&self, function: &str, event: &Value) -> Result<(StatusCode, Bytes)> {
        let request =
            Request::post(format!("{FUNCTIONS}{function}/invocations")).body(whole(event.to_string()))?;
        let reply = self.watch.send(request).await?;
        let failed = reply.headers().contains_key("x-amz-function-error");
        let status = if failed { StatusCode::INTERNAL_SERVER_ERROR } else { reply.status() };
        Ok((status, reply.into_body().collect().await?.to_bytes()))
    }

    async fn invoke_directly(&self, request: Request<Incoming>) -> Reply {
        if let Some(refusal) = local_only::refusal(&request, self.port) {
            return says(StatusCode::FORBIDDEN, &refusal);
        }
        let answered = self.watch.send(request.map(BodyExt::boxed)).await;
        answered.unwrap_or_else(|error| {
            says(StatusCode::BAD_GATEWAY, &format!("the functions do not answer: {error:#}"))
        })
    }
}

/// For whoever runs the stack; the caller is not told, as in AWS.
fn failed(function: &str, how: &str) {
    tracing::error!(function, how, "a function failed");
}

/// When the request came. A gateway has the machine's time.
#[expect(clippy::disallowed_methods, reason = "the gateway is outside the functions, and has no other clock")]
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).ok().and_then(Time::from_millis).unwrap_or(Time::EPOCH)
}

/// The id that the caller gave the request, else one of the gateway's (contract §4).
fn request_id(head: &Parts) -> String {
    let given = head.headers.get("x-request-id").and_then(|id| id.to_str().ok());
    let good = given.filter(|id| (1..=128).contains(&id.len()));
    good.map_or_else(|| uuid::Uuid::new_v4().to_string(), ToOwned::to_owned)
}
