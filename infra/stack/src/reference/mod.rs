//! The reference page: every service's OpenAPI document, to be read and tried out against the running stack.
//!
//! The page is Swagger UI, served from this machine like the documents, and calls the services through this server:
//! to the browser all is one origin, so the functions need no CORS headers that a deployment would not have.

mod document;
mod example;
mod forward;

use std::{fs, net::Ipv4Addr, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue},
};
use serde_json::{Value, json};

pub use document::prepared;

use crate::{
    config::Config,
    http::{self, Onward, Reply, Server, says, whole},
    local_only,
    seed::{Demo, ORGCODE},
    template::Template,
};

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");

/// What the page takes of Swagger UI's files.
const VIEWER: &[(&str, &str)] = &[
    ("swagger-ui.css", "text/css"),
    ("swagger-ui-bundle.js", "text/javascript"),
    ("swagger-ui-standalone-preset.js", "text/javascript"),
];

/// The browser itself sees to it that nothing comes from elsewhere. Swagger UI sets styles from its script, and its
/// style sheet holds images.
const NOTHING_FROM_ELSEWHERE: HeaderValue =
    HeaderValue::from_static("default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:");

/// Where the page is served, and where the viewer's files are.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Port of the page.
    pub port: u16,
    /// The directory of Swagger UI's files.
    pub viewer: PathBuf,
}

struct Site {
    config: Config,
    reference: Reference,
    demo: Demo,
    /// The services behind HTTP.
    services: Vec<String>,
    gateway: Onward,
}

/// Serves the page for a stack that is up, with the demo tenant's credentials filled in.
pub async fn start(config: &Config, reference: &Reference, demo: &Demo) -> Result<Server> {
    let functions = Template::local()?.functions()?;
    let site = Arc::new(Site {
        config: config.clone(),
        reference: reference.clone(),
        demo: demo.clone(),
        services: functions.into_iter().filter(|f| !f.paths.is_empty()).map(|f| f.name).collect(),
        gateway: Onward::to((Ipv4Addr::LOCALHOST, config.gateway_port).into()),
    });
    http::serve(reference.port, move |request, _| answer(Arc::clone(&site), request)).await
}

async fn answer(site: Arc<Site>, request: Request<Incoming>) -> Reply {
    // The page holds the demo tenant's credentials, and passes on whatever it is asked.
    if let Some(refusal) = local_only::refusal(&request, site.reference.port) {
        return says(StatusCode::FORBIDDEN, &refusal);
    }
    let path = request.uri().path().to_owned();
    let answered = match path.strip_prefix("/reference/") {
        None if path == "/" => Ok(reply("text/html; charset=utf-8", PAGE)),
        None => forward::forward(&site, request).await,
        Some(_) if request.method() != Method::GET => Ok(status(StatusCode::METHOD_NOT_ALLOWED)),
        Some(file) => site.file(file),
    };
    answered.unwrap_or_else(|error| says(StatusCode::BAD_GATEWAY, &format!("{error:#}")))
}

impl Site {
    fn file(&self, name: &str) -> Result<Reply> {
        if let Some(service) = name.strip_prefix("openapi/").and_then(|name| name.strip_suffix(".json")) {
            if !self.services.iter().any(|known| known == service) {
                return Ok(status(StatusCode::NOT_FOUND));
            }
            return Ok(json_reply(&self.document(service)?));
        }
        Ok(match name {
            "page.js" => reply("text/javascript; charset=utf-8", SCRIPT),
            "page.css" => reply("text/css; charset=utf-8", STYLE),
            "settings.json" => json_reply(&self.settings()),
            name => match VIEWER.iter().find(|(file, _)| *file == name) {
                Some((file, kind)) => {
                    let file = self.reference.viewer.join(file);
                    let content =
                        fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
                    reply(&format!("{kind}; charset=utf-8"), content)
                }
                None => status(StatusCode::NOT_FOUND),
            },
        })
    }

    /// Read anew each time, so that what `make docs` writes is there after a reload.
    fn document(&self, service: &str) -> Result<Value> {
        let file = self.config.root.join(format!("docs/openapi/{service}.json"));
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let document = serde_json::from_str(&text).with_context(|| format!("{}", file.display()))?;
        Ok(prepared(document, &self.demo))
    }

    /// What the page's script is told.
    fn settings(&self) -> Value {
        let Demo { session_guid, api_key, .. } = &self.demo;
        let documents = self
            .services
            .iter()
            .map(|service| json!({ "name": service, "url": format!("/reference/openapi/{service}.json") }));
        json!({
            "documents": documents.collect::<Vec<_>>(),
            "orgcode": ORGCODE,
            // By the names that the documents give to the ways of proving who is calling.
            "credentials": { "sessionAuth": session_guid, "apiKeyAuth": api_key },
        })
    }
}

fn json_reply(value: &Value) -> Reply {
    reply("application/json", value.to_string())
}

fn status(status: StatusCode) -> Reply {
    says(status, &status.to_string())
}

fn reply(content_type: &str, content: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(whole(content));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap_or(HeaderValue::from_static("")));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, NOTHING_FROM_ELSEWHERE);
    reply
}
