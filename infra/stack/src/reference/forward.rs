//! Carries what the page calls to the functions, and their answer back.

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Request, Response,
    body::Incoming,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
};

use super::{Reply, Site};

/// Sends a request to the gateway as it came.
pub(super) async fn forward(site: &Site, request: Request<Incoming>) -> Result<Reply> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", site.config.gateway());
    let asked = site.client.request(head.method, url).headers(end_to_end(head.headers)).body(body);
    let answer = asked.send().await.context("the stack does not answer")?;
    let (status, headers) = (answer.status(), end_to_end(answer.headers().clone()));
    let mut reply = Response::new(Full::new(answer.bytes().await?));
    *reply.status_mut() = status;
    *reply.headers_mut() = headers;
    Ok(reply)
}

/// The headers without those that speak of one connection.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for header in [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING] {
        headers.remove(header);
    }
    headers
}
