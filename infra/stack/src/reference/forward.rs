//! Carries what the page calls to the functions, and their answer back.

use anyhow::{Context, Result};
use http_body_util::BodyExt;
use hyper::{
    Request,
    body::Incoming,
    header::{HOST, HeaderValue},
};

use super::Site;
use crate::http::Reply;

/// Sends a request to the gateway as it came, but for the host that it asks.
pub(super) async fn forward(site: &Site, request: Request<Incoming>) -> Result<Reply> {
    let mut request = request.map(BodyExt::boxed);
    let host = HeaderValue::from_str(&format!("127.0.0.1:{}", site.config.gateway_port))?;
    request.headers_mut().insert(HOST, host);
    site.gateway.send(request).await.context("the stack does not answer")
}
