//! Stands before the database and the emulator, so that only this machine's programs and pages reach them.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Result;
use http_body_util::BodyExt;
use hyper::{StatusCode, header::HeaderMap};

use crate::{
    event_queue::EventQueue,
    http::{self, Onward, Server, says},
    local_only,
    tokens::Tokens,
};

/// What is behind a guard.
#[derive(Clone, Debug)]
pub enum Guarded {
    /// A database: no page has business with it. Before the embedded one stand the tokens of transactions.
    Database(Option<Arc<Tokens>>),
    /// The emulator: pages of this machine upload to it. Where its queue of all events is named, that is emptied if
    /// nobody reads it.
    Emulator(Option<Arc<EventQueue>>),
}

/// Passes what comes to `port` on to `upstream`, if it may ask.
pub async fn start(port: u16, upstream: SocketAddr, guarded: Guarded) -> Result<Server> {
    let onward = Onward::to(upstream);
    http::serve(port, move |request, _| {
        let (onward, guarded) = (onward.clone(), guarded.clone());
        async move {
            if let Some(refusal) = local_only::refusal(&request, port) {
                return says(StatusCode::FORBIDDEN, &refusal);
            }
            let request = request.map(BodyExt::boxed);
            let answered = match &guarded {
                Guarded::Database(tokens) => {
                    let sent = match tokens {
                        Some(tokens) => tokens.pass(request, &onward).await,
                        None => onward.send(request).await,
                    };
                    sent.map(|mut reply| {
                        forbid_other_origins(reply.headers_mut());
                        reply
                    })
                }
                Guarded::Emulator(Some(queue)) => queue.watch(request, &onward).await,
                Guarded::Emulator(None) => onward.send(request).await,
            };
            answered.unwrap_or_else(|error| says(StatusCode::BAD_GATEWAY, &format!("{error:#}")))
        }
    })
    .await
}

fn forbid_other_origins(headers: &mut HeaderMap) {
    let theirs = headers.keys().filter(|name| name.as_str().starts_with("access-control-"));
    for name in theirs.cloned().collect::<Vec<_>>() {
        headers.remove(name);
    }
}
