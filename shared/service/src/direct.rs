//! Actions that are invoked directly, not over HTTP: IAM decides who may (usm §5).

use contract::error::{Error, Result, Tag};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Map, Value};
use store::Deadline;

use crate::{
    app::App,
    headers::Headers,
    lambda,
    route::{self, Call, Route, Service},
    run::{Done, Run},
    time_left,
    trace::Trace,
};

/// The call of an action: it has no method, and its path is its name.
pub const fn action(name: &'static str) -> Call {
    route::action(name)
}

/// What the `main` of a function awaits that is invoked directly: reads the configuration, builds the clients once, and
/// serves.
pub async fn serve(service: &'static Service) -> Result<(), lambda_runtime::Error> {
    let app = lambda::start(service, None).await?;
    lambda_runtime::run(service_fn(move |invocation: LambdaEvent<Value>| async move {
        let LambdaEvent { payload, context } = invocation;
        let answer = handle(app, payload, &context.request_id, Some(context.deadline)).await;
        Ok::<_, lambda_runtime::Error>(answer)
    }))
    .await
}

/// Answers an invocation with the common envelope; errors are data, not a failure of the function. `deadline_ms` is when
/// Lambda ends it, in Unix milliseconds, where that is known.
pub async fn handle(app: &'static App, payload: Value, request_id: &str, deadline_ms: Option<u64>) -> Value {
    let name = payload.get("action").and_then(Value::as_str).unwrap_or_default();
    let known = app.service.known(name).unwrap_or("?");
    let mut trace = Trace::start(app, format!("ACTION {known}"), request_id.to_owned());
    let deadline = time_left::deadline(app, deadline_ms);
    let result = answer(payload, deadline, &mut trace).await;
    serde_json::from_str(&trace.finish(&result).body).unwrap_or_default()
}

async fn answer(payload: Value, deadline: Deadline, trace: &mut Trace) -> Result<Done> {
    let app = trace.app;
    let (route, body) = find(app, payload)?;
    trace.route = Some(route);
    let (meter, request_id, headers) = (trace.meter.clone(), trace.request_id.clone(), Headers::default());
    let run = Run { app, route, headers, body, source_ip: None, meter, request_id, deadline };
    run.answer(&mut trace.seen).await
}

fn find(app: &App, payload: Value) -> Result<(&'static Route, Map<String, Value>)> {
    let Value::Object(mut body) = payload else { return Err(Tag::InvalidJson.into()) };
    match body.remove("action") {
        Some(Value::String(name)) => {
            let found = app.service.find("ACTION", &name);
            let (route, _) = found.map_err(|_| Error::from(Tag::RouteNotFound))?;
            Ok((route, body))
        }
        Some(_) => Err(Error::field("action", "must be a string")),
        None => Err(Error::field("action", "is required")),
    }
}
