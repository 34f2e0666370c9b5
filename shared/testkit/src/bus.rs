//! A stand-in for the event bus: takes `PutEvents`, keeps what it accepted, and refuses what it is told to.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use store::{Credentials, Endpoint};
use tokio::{net::TcpListener, task::JoinSet};

/// What the bus does with a call.
#[derive(Clone, Debug)]
pub enum Mood {
    /// Accepts all of its events.
    Accepts,
    /// Refuses the events whose detail contains this text, and accepts the others.
    RefusesThose(&'static str),
    /// Fails as a whole, without taking any event.
    Fails,
}

/// A bus of one test. It stops when this is dropped.
#[derive(Debug)]
pub struct Bus {
    address: String,
    state: Arc<Mutex<State>>,
    _server: JoinSet<()>,
}

#[derive(Debug, Default)]
struct State {
    moods: VecDeque<Mood>,
    calls: Vec<Vec<Value>>,
    accepted: Vec<Value>,
}

impl Bus {
    /// A bus that is in these moods, one a call, and accepts everything from then on.
    pub async fn start(moods: impl IntoIterator<Item = Mood>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State { moods: moods.into_iter().collect(), ..State::default() }));
        let mut server = JoinSet::new();
        server.spawn(serve(listener, state.clone()));
        Self { address, state, _server: server }
    }

    /// Where a function finds it.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            region: "us-east-1".to_owned(),
            url: Some(self.address.clone()),
            credentials: Credentials::new("local", "local", None, None, "test"),
        }
    }

    /// The events of each call, as they were sent.
    pub fn calls(&self) -> Vec<Vec<Value>> {
        lock(&self.state).calls.clone()
    }

    /// The events that it accepted, in their order, as they were sent.
    pub fn accepted(&self) -> Vec<Value> {
        lock(&self.state).accepted.clone()
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        let service = service_fn(move |request| answer(request, state.clone()));
        connections.spawn(async move {
            // A client that hangs up has what it wanted.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = request.headers().get("x-amz-target").map(hyper::header::HeaderValue::as_bytes);
    assert_eq!(target, Some(&b"AWSEvents.PutEvents"[..]));
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let (status, answer) = lock(&state).take(&body["Entries"]);
    let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
    *response.status_mut() = hyper::StatusCode::from_u16(status).expect("a status");
    Ok(response)
}

impl State {
    fn take(&mut self, entries: &Value) -> (u16, Value) {
        let entries = entries.as_array().expect("entries").clone();
        self.calls.push(entries.clone());
        let refused = match self.moods.pop_front().unwrap_or(Mood::Accepts) {
            Mood::Accepts => None,
            Mood::RefusesThose(text) => Some(text),
            // Not one that a client tries again.
            Mood::Fails => {
                return (400, json!({"__type": "AccessDeniedException", "message": "not allowed"}));
            }
        };
        let results: Vec<_> = entries
            .into_iter()
            .map(|entry| {
                let detail = entry["Detail"].as_str().expect("a detail");
                if refused.is_some_and(|text| detail.contains(text)) {
                    return json!({"ErrorCode": "ThrottlingException", "ErrorMessage": detail});
                }
                self.accepted.push(entry);
                json!({"EventId": format!("event-{}", self.accepted.len())})
            })
            .collect();
        let failed = results.iter().filter(|result| result.get("ErrorCode").is_some()).count();
        (200, json!({"FailedEntryCount": failed, "Entries": results}))
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
