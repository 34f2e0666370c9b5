//! An endpoint of `DynamoDB` with canned answers, so that a function's own cost is all that varies.
//!
//! What is asked for the first time is passed on to a real database, call by call; each time that the same is asked, the
//! same answers are given: to the first call of an operation the first, to the second the second. Batches of another
//! size are another operation: a function that has just seen the caller asks for more at once.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode, Uri, body::Incoming, header::HeaderMap, server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// A running endpoint. It serves until its runtime ends.
#[derive(Clone)]
pub(crate) struct Stub(Arc<Shared>);

struct Shared {
    address: SocketAddr,
    database: Uri,
    client: Client<HttpConnector, Full<Bytes>>,
    canned: Mutex<Canned>,
    handshakes: AtomicU64,
}

/// What was answered, by what was asked, the operation, and how many calls of the operation came before.
#[derive(Default)]
struct Canned {
    asked: &'static str,
    calls: HashMap<String, usize>,
    answers: HashMap<(&'static str, String, usize), (StatusCode, Bytes)>,
}

impl Stub {
    /// Listens on a free port, before a database: over TLS where there is something to prove itself with.
    pub(crate) async fn start(database: &str, tls: Option<TlsAcceptor>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let stub = Self(Arc::new(Shared {
            address: listener.local_addr()?,
            database: database.parse()?,
            client: Client::builder(TokioExecutor::new()).build_http(),
            canned: Mutex::default(),
            handshakes: AtomicU64::new(0),
        }));
        tokio::spawn(stub.clone().listen(listener, tls));
        Ok(stub)
    }

    /// The port that it answers on.
    pub(crate) fn port(&self) -> u16 {
        self.0.address.port()
    }

    /// Where it answers, without TLS.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// From now on this is asked. What it was answered before, it is answered again.
    pub(crate) fn ask(&self, what: &'static str) {
        let mut canned = self.canned();
        canned.asked = what;
        canned.calls.clear();
    }

    /// How many TLS handshakes came to their end.
    pub(crate) fn handshakes(&self) -> u64 {
        self.0.handshakes.load(Ordering::Relaxed)
    }

    fn canned(&self) -> MutexGuard<'_, Canned> {
        self.0.canned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn listen(self, listener: TcpListener, tls: Option<TlsAcceptor>) {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let (stub, tls) = (self.clone(), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => stub.serve(stream).await,
                    Some(tls) => {
                        let stream = tls.accept(stream).await.context("a TLS handshake failed")?;
                        stub.0.handshakes.fetch_add(1, Ordering::Relaxed);
                        stub.serve(stream).await
                    }
                }
            });
        }
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<()> {
        let service = service_fn(move |request| {
            let stub = self.clone();
            async move { stub.answer(request).await }
        });
        Ok(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await?)
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let target = target.context("a call names its operation")?;
        let target = format!("{target} {}", keys(&body));
        let (asked, known) = {
            let mut canned = self.canned();
            let what = canned.asked;
            let calls = canned.calls.entry(target.clone()).or_default();
            *calls += 1;
            let asked = (what, target, *calls);
            let known = canned.answers.get(&asked).cloned();
            (asked, known)
        };
        let (status, body) = if let Some(known) = known {
            known
        } else {
            let answer = self.pass_on(head.headers, body).await?;
            self.canned().answers.insert(asked, answer.clone());
            answer
        };
        Ok(Response::builder()
            .status(status)
            .header("content-type", "application/x-amz-json-1.0")
            .body(Full::new(body))?)
    }

    async fn pass_on(&self, headers: HeaderMap, body: Bytes) -> Result<(StatusCode, Bytes)> {
        let mut request = Request::post(self.0.database.clone()).body(Full::new(body))?;
        for name in ["x-amz-target", "content-type", "authorization", "x-amz-date"] {
            if let Some(value) = headers.get(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        let answer = self.0.client.request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

/// How many keys a batch asks for; none where a call is no batch.
fn keys(body: &[u8]) -> usize {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let tables = request["RequestItems"].as_object().into_iter().flatten();
    tables.filter_map(|(_, table)| table["Keys"].as_array()).map(Vec::len).sum()
}
