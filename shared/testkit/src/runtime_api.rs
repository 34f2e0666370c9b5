//! Lambda's runtime API, as a function sees it: it asks for the next invocation and posts the answer.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    time::{Instant, timeout},
};

/// How long a function may take for anything: far more than it needs.
const PATIENCE: Duration = Duration::from_mins(1);

/// One function's runtime API. It serves until its runtime ends.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::UnboundedSender<Bytes>,
    happened: mpsc::UnboundedReceiver<Happened>,
}

/// What a function did.
#[derive(Debug)]
enum Happened {
    Polled(Instant),
    Answered(Instant, Bytes),
    Failed(Bytes),
}

struct Served {
    /// How many events were handed out.
    handed_out: AtomicU64,
    events: Mutex<mpsc::UnboundedReceiver<Bytes>>,
    happened: mpsc::UnboundedSender<Happened>,
}

impl RuntimeApi {
    /// Listens on a free port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (events, received) = mpsc::unbounded_channel();
        let (tell, happened) = mpsc::unbounded_channel();
        let served = Arc::new(Served {
            handed_out: AtomicU64::default(),
            events: Mutex::new(received),
            happened: tell,
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // An answer is sent at once, not when more of it might come.
                let _ = stream.set_nodelay(true);
                let served = served.clone();
                let service = service_fn(move |request| answer(served.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { address, events, happened })
    }

    /// What a function finds in `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until the function asks for an invocation; when it did.
    pub async fn polled(&mut self) -> Result<Instant> {
        match self.next().await? {
            Happened::Polled(at) => Ok(at),
            other => bail!("the function did not ask for an invocation: {other:?}"),
        }
    }

    /// Hands an event to the function, which waits for one, and waits until it waits for the next. The answer, and how
    /// long it took.
    pub async fn invoke(&mut self, event: Bytes) -> Result<(Value, Duration)> {
        let sent = Instant::now();
        self.events.send(event)?;
        let (at, body) = match self.next().await? {
            Happened::Answered(at, body) => (at, body),
            other => bail!("the function did not answer: {other:?}"),
        };
        self.polled().await?;
        Ok((serde_json::from_slice(&body).context("an answer is JSON")?, at - sent))
    }

    async fn next(&mut self) -> Result<Happened> {
        match timeout(PATIENCE, self.happened.recv()).await {
            Ok(Some(Happened::Failed(body))) => {
                bail!("the function failed: {}", String::from_utf8_lossy(&body))
            }
            Ok(Some(happened)) => Ok(happened),
            _ => bail!("the function did nothing for {} s", PATIENCE.as_secs()),
        }
    }
}

async fn answer(served: Arc<Served>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let path = request.uri().path().to_owned();
    if path.ends_with("/invocation/next") {
        served.happened.send(Happened::Polled(Instant::now()))?;
        let event = served.events.lock().await.recv().await.context("whoever ran the function has ended")?;
        // Another one each time, as Lambda's are: a function keeps it in its environment.
        let n = served.handed_out.fetch_add(1, Ordering::Relaxed);
        return Ok(Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
            .header("lambda-runtime-deadline-ms", "4102444800000")
            .header(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:eu-central-1:123456789012:function:bench",
            )
            .header("lambda-runtime-trace-id", format!("Root=1-5bef4de7-ad49b0e8{n:016x};Sampled=0"))
            .body(Full::new(event))?);
    }
    let body = request.into_body().collect().await?.to_bytes();
    let at = Instant::now();
    served.happened.send(if path.ends_with("/response") {
        Happened::Answered(at, body)
    } else {
        Happened::Failed(body)
    })?;
    Ok(Response::builder().status(202).body(Full::default())?)
}
