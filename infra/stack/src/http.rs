//! HTTP servers of the stack, and how they pass requests on.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::{CONNECTION, CONTENT_TYPE, EXPECT, HeaderMap, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{net::TcpListener, task::JoinSet};

/// What is sent and received in one piece or as it comes.
pub type Body = BoxBody<Bytes, hyper::Error>;
/// An answer.
pub type Reply = Response<Body>;

/// A running server. It stops when this is dropped; its port is free once [`Server::stop`] returns.
#[derive(Debug)]
pub struct Server {
    tasks: JoinSet<()>,
}

impl Server {
    /// Stops it, and waits until it no longer listens.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Serves `answer` at a port of this machine; it is told who asks.
pub async fn serve<A, F>(port: u16, answer: A) -> Result<Server>
where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.with_context(|| format!("cannot listen on port {port}"))?;
    let mut tasks = JoinSet::new();
    tasks.spawn(accept(listener, Arc::new(answer)));
    Ok(Server { tasks })
}

async fn accept<A, F>(listener: TcpListener, answer: Arc<A>)
where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else { continue };
                // Small answers are not to wait for more.
                let _ = stream.set_nodelay(true);
                let answer = Arc::clone(&answer);
                let service = service_fn(move |request| {
                    let answered = answer(request, peer);
                    async { Ok::<_, Infallible>(answered.await) }
                });
                connections.spawn(async move {
                    // Whoever hangs up has what they wanted.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A body that is here already.
pub fn whole(content: impl Into<Bytes>) -> Body {
    Full::new(content.into()).map_err(|never| match never {}).boxed()
}

/// An answer of a few words.
pub fn says(status: StatusCode, text: &str) -> Reply {
    let mut reply = Response::new(whole(format!("{text}\n")));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    reply
}

/// Passes requests on to another server of this machine.
#[derive(Clone, Debug)]
pub struct Onward {
    client: Client<HttpConnector, Body>,
    upstream: SocketAddr,
}

impl Onward {
    /// To the server at `upstream`.
    pub fn to(upstream: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { client: Client::builder(TokioExecutor::new()).build(connector), upstream }
    }

    /// Sends the request as it came, with the `Host` that it came with.
    pub async fn send(&self, mut request: Request<Body>) -> Result<Reply> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = Uri::builder()
            .scheme("http")
            .authority(self.upstream.to_string())
            .path_and_query(path)
            .build()?;
        of_one_connection(request.headers_mut());
        let mut reply = self.client.request(request).await?.map(BodyExt::boxed);
        of_one_connection(reply.headers_mut());
        Ok(reply)
    }
}

/// Removes what speaks of one connection.
fn of_one_connection(headers: &mut HeaderMap) {
    for name in [CONNECTION, EXPECT, HeaderName::from_static("keep-alive")] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_was_stopped_leaves_its_port_at_once() {
        let port = crate::address::free_port().unwrap();
        for _ in 0..20 {
            let server = serve(port, |_, _| async { says(StatusCode::OK, "here") }).await.unwrap();
            server.stop().await;
            drop(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free"));
        }
    }
}
