//! Taking calls, carrying them to the upstream, and what befalls them on the way.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use stack::iam::Role;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use super::reply::{self, Reply};
use super::rule::{Rule, decide};
use super::{Call, Fault, Operation, When, batch};

/// What the proxy knows: shared by the test's side and the serving side.
#[derive(Debug)]
pub(super) struct Exchange {
    upstream: Uri,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Whoever has a role here may do what it allows; without roles everybody may do everything.
    roles: Option<BTreeMap<String, Role>>,
    rules: Mutex<Vec<Rule>>,
    pub(super) calls: watch::Sender<Vec<Call>>,
    releases: watch::Sender<()>,
}

/// A call that has been recorded, on its way.
struct Admitted {
    /// Its place in the record.
    index: usize,
    operation: Operation,
    body: Arc<Value>,
    denied: Option<String>,
    fault: Option<Fault>,
    /// Subscribed as the call is recorded: a release that comes after a test has seen the call lets it go,
    /// even if the call has not come to its halt yet.
    released: watch::Receiver<()>,
}

/// How long to wait after a connection could not be taken: its client was gone already, or files have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Serves until `stopped` resolves. The caller's runtime then drops what is left, and with it the connections.
pub(super) async fn serve(listener: TcpListener, exchange: Arc<Exchange>, stopped: oneshot::Receiver<()>) {
    tokio::select! {
        () = accept(listener, exchange) => {}
        _ = stopped => {}
    }
}

async fn accept(listener: TcpListener, exchange: Arc<Exchange>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let exchange = Arc::clone(&exchange);
        let service = service_fn(move |request| Arc::clone(&exchange).answer(request));
        tokio::spawn(async move {
            // A connection that ends in an error is what the proxy is for.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Exchange {
    pub(super) fn new(upstream: Uri, roles: Option<BTreeMap<String, Role>>) -> Self {
        Self {
            upstream,
            roles,
            client: Client::builder(TokioExecutor::new()).build_http(),
            rules: Mutex::default(),
            calls: watch::Sender::default(),
            releases: watch::Sender::default(),
        }
    }

    pub(super) fn arm(&self, fault: Fault, when: When) {
        self.rules().push(Rule::new(fault, when));
    }

    pub(super) fn disarm(&self) {
        self.rules().clear();
    }

    pub(super) fn release(&self) {
        self.releases.send_replace(());
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request; an error makes hyper close the connection without a response.
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> io::Result<Reply> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let call = self.admit(&head.headers, &body);
        let index = call.index;

        // On a task of its own: hyper drops this future when the client hangs up, and a call that DynamoDB
        // has been sent is carried out all the same.
        let work = tokio::spawn({
            let exchange = Arc::clone(&self);
            async move { exchange.carry_out(call, head, body).await }
        });
        let reply = work.await.map_err(io::Error::other)??;
        self.record(index, |call| call.answered = Some(reply.status().as_u16()));
        Ok(reply)
    }

    /// Decides what will befall a call, and records it.
    fn admit(&self, headers: &HeaderMap, body: &[u8]) -> Admitted {
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let operation = Operation::from_target(target);
        let body: Arc<Value> = Arc::new(serde_json::from_slice(body).unwrap_or_default());
        let denied = self.judge(headers, target, &body).err().map(|denied| format!("{denied:#}"));
        let fault = decide(&mut self.rules(), &operation, &body).filter(|_| denied.is_none());
        let released = self.releases.subscribe();
        let mut index = 0;
        self.calls.send_modify(|calls| {
            index = calls.len();
            calls.push(Call {
                operation: operation.clone(),
                request: body.clone(),
                denied: denied.clone(),
                fault,
                upstream: None,
                answered: None,
            });
        });
        Admitted { index, operation, body, denied, fault, released }
    }

    /// Whether the caller's role allows the call. The role is named by the access key id in the signature.
    fn judge(&self, headers: &HeaderMap, target: &str, body: &Value) -> anyhow::Result<()> {
        let Some(roles) = &self.roles else { return Ok(()) };
        let signature = headers.get(AUTHORIZATION).and_then(|signature| signature.to_str().ok());
        let credential = signature.and_then(|signature| signature.split_once("Credential="));
        let name = credential.and_then(|(_, scope)| scope.split('/').next()).unwrap_or_default();
        let role = roles.get(name).with_context(|| format!("nobody has the access key id {name:?}"))?;
        role.may(target.rsplit_once('.').map_or(target, |(_, operation)| operation), body)
    }

    fn record(&self, index: usize, happened: impl FnOnce(&mut Call)) {
        self.calls.send_modify(|calls| happened(&mut calls[index]));
    }

    async fn carry_out(&self, mut call: Admitted, head: Parts, body: Bytes) -> io::Result<Reply> {
        if let Some(why) = &call.denied {
            return Ok(reply::access_denied(why));
        }
        let Some(fault) = call.fault else {
            return Ok(self.forward(&call, head, body).await);
        };
        match fault {
            Fault::RefuseBefore => Err(hang_up()),
            Fault::LoseReply => {
                self.forward(&call, head, body).await;
                Err(hang_up())
            }
            Fault::ServerError => Ok(reply::internal_server_error()),
            Fault::ThroughputExceeded => Ok(reply::throughput_exceeded()),
            Fault::Throttling => Ok(reply::throttling()),
            Fault::TransactionConflict { item } => Ok(reply::conflict(&call.operation, &call.body, item)),
            Fault::TransactionThrottled { item } => {
                Ok(reply::transaction_throttled(&call.operation, &call.body, item))
            }
            Fault::Unprocessed => self.forward_part(&call, head, batch::End::Last).await,
            Fault::UnprocessedFirst => self.forward_part(&call, head, batch::End::First).await,
            Fault::DelayBefore(delay) => {
                sleep(delay).await;
                Ok(self.forward(&call, head, body).await)
            }
            Fault::DelayAfter(delay) => {
                let reply = self.forward(&call, head, body).await;
                sleep(delay).await;
                Ok(reply)
            }
            Fault::HoldBefore => {
                call.wait_for_release().await?;
                Ok(self.forward(&call, head, body).await)
            }
            Fault::HoldAfter => {
                let reply = self.forward(&call, head, body).await;
                call.wait_for_release().await?;
                Ok(reply)
            }
        }
    }
    /// Carries a call to the upstream and its answer back, byte for byte.
    async fn forward(&self, call: &Admitted, head: Parts, body: Bytes) -> Reply {
        match self.ask(head, body).await {
            Ok(reply) => {
                self.record(call.index, |call| call.upstream = Some(reply.status().as_u16()));
                reply
            }
            Err(error) => reply::bad_gateway(error.as_ref()),
        }
    }

    /// Carries a batch out but for one entry.
    async fn forward_part(&self, call: &Admitted, head: Parts, end: batch::End) -> io::Result<Reply> {
        let split =
            batch::split(&call.operation, &call.body, end).ok_or_else(|| io::Error::other("not a batch"))?;
        let reply = self.forward(call, head, Bytes::from(split.request.to_string())).await;
        if reply.status() != StatusCode::OK {
            return Ok(reply);
        }
        let body = reply.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        Ok(reply::json(StatusCode::OK, &split.complete(serde_json::from_slice(&body)?)))
    }

    async fn ask(&self, head: Parts, body: Bytes) -> Result<Reply, Box<dyn Error + Send + Sync>> {
        let mut uri = self.upstream.clone().into_parts();
        uri.path_and_query = head.uri.path_and_query().cloned();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = head.method;
        *request.uri_mut() = Uri::from_parts(uri)?;
        *request.headers_mut() = end_to_end(head.headers);
        // The client names the upstream: a database that looks at its own name refuses the proxy's.
        request.headers_mut().remove(HOST);

        let (head, body) = self.client.request(request).await?.into_parts();
        let mut reply = Response::new(Full::new(body.collect().await?.to_bytes()));
        *reply.status_mut() = head.status;
        *reply.headers_mut() = end_to_end(head.headers);
        Ok(reply)
    }
}

impl Admitted {
    async fn wait_for_release(&mut self) -> io::Result<()> {
        self.released.changed().await.map_err(io::Error::other)
    }
}

/// The headers without those that speak of one connection or of a body's encoding on it: hyper sets its own.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for header in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(header);
    }
    headers
}

fn hang_up() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted)
}
