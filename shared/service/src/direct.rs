//! Actions that are invoked directly, not over HTTP: IAM decides who may (usm §5).

use contract::{
    body::Body,
    error::{Error, Result, Tag},
};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, value::RawValue};
use store::Deadline;

use crate::{
    app::App,
    headers::Headers,
    lambda,
    objects::Objects,
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
/// serves. The function has a bucket.
pub async fn serve(
    service: &'static Service,
    objects: Box<dyn Objects>,
) -> Result<(), lambda_runtime::Error> {
    let app = lambda::start(service, Some(objects)).await?;
    lambda_runtime::run(service_fn(move |invocation: LambdaEvent<Box<RawValue>>| async move {
        let (payload, context) = (invocation.payload.get(), &invocation.context);
        let answer = handle(app, payload, &context.request_id, Some(context.deadline)).await;
        Ok::<_, lambda_runtime::Error>(answer)
    }))
    .await
}

/// Answers an invocation, given as JSON, with the common envelope; errors are data, not a failure of the function.
/// `deadline_ms` is when Lambda ends it, in Unix milliseconds, if that is known.
pub async fn handle(app: &'static App, payload: &str, request_id: &str, deadline_ms: Option<u64>) -> Value {
    let body = Body::read(payload.as_bytes());
    let name = body.as_ref().and_then(|body| body.fields.get("action")).and_then(Value::as_str);
    let known = app.service.known(name.unwrap_or_default()).unwrap_or("?");
    let mut trace = Trace::start(app, format!("ACTION {known}"), request_id.to_owned());
    let deadline = time_left::deadline(app, deadline_ms);
    let result = answer(body, deadline, &mut trace).await;
    serde_json::from_str(&trace.finish(&result).body).unwrap_or_default()
}

async fn answer(body: Option<Body>, deadline: Deadline, trace: &mut Trace) -> Result<Done> {
    let app = trace.app;
    let mut body = body.ok_or(Tag::InvalidJson)?;
    let route = find(app, &mut body)?;
    trace.route = Some(route);
    let (meter, request_id) = (trace.meter.clone(), trace.request_id.clone());
    let headers = Headers { problems: body.twice, ..Headers::default() };
    let (body, source_ip, gateway_request_id) = (body.fields, None, None);
    Run { app, route, headers, body, source_ip, meter, request_id, gateway_request_id, deadline }
        .answer(&mut trace.seen)
        .await
}

fn find(app: &App, body: &mut Body) -> Result<&'static Route> {
    match body.fields.remove("action") {
        Some(Value::String(name)) => {
            let found = app.service.find("ACTION", &name);
            let (route, _) = found.map_err(|_| Error::from(Tag::RouteNotFound))?;
            Ok(route)
        }
        Some(_) => Err(Error::field("action", "must be a string")),
        None => Err(Error::field("action", "is required")),
    }
}
