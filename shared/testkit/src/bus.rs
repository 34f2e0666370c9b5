//! A stand-in for the event bus and its dead-letter queue: takes `PutEvents` and `SendMessageBatch`, keeps what it
//! accepted, and refuses what it is told to.

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
use store::{Authorities, Credentials, Endpoint};
use tokio::{net::TcpListener, task::JoinSet};

/// What the bus does with a call.
#[derive(Clone, Debug)]
pub enum Mood {
    /// Accepts all of its events.
    Accepts,
    /// Refuses the events whose detail contains this text, and accepts the others.
    RefusesThose(&'static str),
    /// Refuses the events whose detail contains this text for what they are.
    FindsMalformed(&'static str),
    /// Refuses the call for what it holds, where the detail of one of its events contains this text.
    FindsInvalid(&'static str),
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
    letters: Vec<Value>,
    queue_is_away: bool,
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
            authorities: Authorities::Machine,
            credentials: Credentials::new("local", "local", None, None, "test"),
        }
    }

    /// The events of each call, as they were sent.
    pub fn calls(&self) -> Vec<Vec<Value>> {
        lock(&self.state).calls.clone()
    }

    /// The letters in the dead-letter queue, in their order.
    pub fn letters(&self) -> Vec<Value> {
        lock(&self.state).letters.clone()
    }

    /// Puts it into these moods, one a call.
    pub fn feels(&self, moods: impl IntoIterator<Item = Mood>) {
        lock(&self.state).moods = moods.into_iter().collect();
    }

    /// Lets the dead-letter queue refuse every letter, or take them again.
    pub fn set_queue_away(&self, away: bool) {
        lock(&self.state).queue_is_away = away;
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
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    let target = target.unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let (status, answer) = match target.as_str() {
        "AWSEvents.PutEvents" => lock(&state).take(&body["Entries"]),
        "AmazonSQS.SendMessageBatch" => lock(&state).put_aside(&body["Entries"]),
        other => panic!("{other} is no call of the relay"),
    };
    let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
    *response.status_mut() = hyper::StatusCode::from_u16(status).expect("a status");
    Ok(response)
}

impl State {
    fn take(&mut self, entries: &Value) -> (u16, Value) {
        let entries = entries.as_array().expect("entries").clone();
        self.calls.push(entries.clone());
        let holds = |entry: &Value, text: &str| entry["Detail"].as_str().expect("a detail").contains(text);
        let refused = match self.moods.pop_front().unwrap_or(Mood::Accepts) {
            Mood::Accepts => None,
            Mood::RefusesThose(text) => Some((text, "ThrottlingException")),
            Mood::FindsMalformed(text) => Some((text, "MalformedDetail")),
            Mood::FindsInvalid(text) if entries.iter().any(|entry| holds(entry, text)) => {
                return (400, json!({"__type": "ValidationException", "message": "too large"}));
            }
            Mood::FindsInvalid(_) => None,
            // Not one that a client tries again.
            Mood::Fails => {
                return (400, json!({"__type": "AccessDeniedException", "message": "not allowed"}));
            }
        };
        let results: Vec<_> = entries
            .into_iter()
            .map(|entry| {
                if let Some((_, code)) = refused.filter(|(text, _)| holds(&entry, text)) {
                    return json!({"ErrorCode": code, "ErrorMessage": entry["Detail"]});
                }
                self.accepted.push(entry);
                json!({"EventId": format!("event-{}", self.accepted.len())})
            })
            .collect();
        let failed = results.iter().filter(|result| result.get("ErrorCode").is_some()).count();
        (200, json!({"FailedEntryCount": failed, "Entries": results}))
    }

    fn put_aside(&mut self, entries: &Value) -> (u16, Value) {
        let entries = entries.as_array().expect("entries");
        let ids = entries.iter().map(|entry| &entry["Id"]);
        if self.queue_is_away {
            let failed = ids.map(|id| json!({"Id": id, "SenderFault": false, "Code": "InternalError"}));
            return (200, json!({"Successful": [], "Failed": failed.collect::<Vec<_>>()}));
        }
        let sent = ids.map(|id| json!({"Id": id, "MessageId": id, "MD5OfMessageBody": ""}));
        let answer = json!({"Successful": sent.collect::<Vec<_>>(), "Failed": []});
        let letter = |entry: &Value| {
            serde_json::from_str(entry["MessageBody"].as_str().expect("a body")).expect("a letter is JSON")
        };
        self.letters.extend(entries.iter().map(letter));
        (200, answer)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
