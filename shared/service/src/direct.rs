//! Actions that are invoked directly, not over HTTP: IAM decides who may (usm §5).

use std::time::Instant;

use contract::{
    envelope::Stats,
    error::{Error, Result, Tag},
};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Map, Value};
use store::Meter;

use crate::{
    app::{App, build},
    dispatch::render,
    headers::Headers,
    lambda, log,
    route::{Call, Route, Service},
    run::{Run, Seen},
};

/// The call of an action: it has no method, and its path is its name.
pub const fn action(name: &'static str) -> Call {
    Call { method: "ACTION", path: name }
}

/// What the `main` of a function awaits that is invoked directly: reads the configuration, builds the clients once, and
/// serves.
pub async fn serve(service: &'static Service) -> Result<(), lambda_runtime::Error> {
    let app = lambda::start(service).await?;
    lambda_runtime::run(service_fn(move |invocation: LambdaEvent<Value>| async move {
        Ok::<_, lambda_runtime::Error>(handle(app, invocation.payload, &invocation.context.request_id).await)
    }))
    .await
}

/// Answers an invocation with the common envelope; errors are data, not a failure of the function.
pub async fn handle(app: &'static App, payload: Value, request_id: &str) -> Value {
    let started = Instant::now();
    let mut seen = Seen::default();
    let meter = Meter::default();
    let name = payload.get("action").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut found = None;
    let result = match find(app, payload) {
        Ok((route, body)) => {
            found = Some(route.call);
            let request_id = request_id.to_owned();
            let headers = Headers::default();
            Run { app, route, headers, body, source_ip: None, meter: meter.clone(), request_id }
                .answer(&mut seen)
                .await
        }
        Err(error) => Err(error),
    };
    let stats = Stats {
        call: format!("ACTION {name}"),
        service: app.service.name,
        request_id: request_id.to_owned(),
        timestamp_utc: seen.now.unwrap_or_else(|| app.clock.now()),
        latency_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        build: build(),
        orgcode: seen.orgcode,
        actor: seen.actor,
        cccode: None,
        context_source: seen.source,
        session_fingerprint: None,
        api_key_fingerprint: None,
    };
    let (status, body, replayed) = render(&result, &stats);
    let error = result.as_ref().err();
    log::write(
        app,
        &log::Line {
            route: found,
            stats: &stats,
            status,
            error,
            usage: meter.usage(),
            replayed,
            tries: seen.tries,
        },
    );
    serde_json::from_str(&body).unwrap_or_default()
}

fn find(app: &App, payload: Value) -> Result<(&'static Route, Map<String, Value>)> {
    let Value::Object(mut body) = payload else { return Err(Tag::InvalidJson.into()) };
    match body.remove("action") {
        Some(Value::String(name)) => {
            let route = app.service.find("ACTION", &name).map_err(|_| Error::from(Tag::RouteNotFound))?;
            Ok((route, body))
        }
        Some(_) => Err(Error::field("action", "must be a string")),
        None => Err(Error::field("action", "is required")),
    }
}
