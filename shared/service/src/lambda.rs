//! A service as a Lambda function behind API Gateway.

use std::sync::Arc;

use contract::{
    codes::OrgCode,
    paging::CursorKey,
    secret::{CodeKeys, KeyMaterial, LookupKey},
};
use lambda_http::{Body, Error, RequestExt, request::RequestContext};
use store::{Authorities, Credentials, Endpoint, Store, SystemChance};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    app::{App, Clock, LogSink, Settings},
    dispatch::{Request, Response, handle},
    limit::REPORT_PATIENCE,
    objects::Objects,
    route::{FIGURES, Figure, Service},
};

/// What a function's `main` awaits: reads the configuration, builds the clients once, and serves.
pub async fn serve(service: &'static Service) -> Result<(), Error> {
    answer_with(start(service, None).await?).await
}

/// The same for a function that has a bucket.
pub async fn serve_with(service: &'static Service, objects: Box<dyn Objects>) -> Result<(), Error> {
    answer_with(start(service, Some(objects)).await?).await
}

async fn answer_with(app: &'static App) -> Result<(), Error> {
    lambda_http::run(lambda_http::service_fn(move |request| async move {
        Ok::<_, Error>(answer(handle(app, read(request)).await))
    }))
    .await
}

/// Builds what a function holds, with its connection to the table made.
pub async fn start(
    service: &'static Service,
    objects: Option<Box<dyn Objects>>,
) -> Result<&'static App, Error> {
    trace();
    let app: &'static App = Box::leak(Box::new(from_environment(service)?.with_objects(objects)));
    app.store.warm_up().await;
    Ok(app)
}

/// Sends what is traced to standard output, as `RUST_LOG` says.
pub fn trace() {
    let lines = tracing_subscriber::fmt::layer().json().with_ansi(false).without_time();
    let levels = filter(&variable("RUST_LOG").unwrap_or_default());
    tracing_subscriber::registry().with(lines).with(levels).init();
}

/// Libraries whose lesser traces hold requests and answers whole, and so what is known of persons.
const TALKATIVE: [&str; 6] = ["aws", "h2", "hyper", "lambda", "rustls", "tower"];

/// What is traced at the level that a deployment asks for: of its own code; of libraries that show what they carry, only
/// warnings at any level.
///
/// Levels by target are all that can be asked for; the filter that also knows spans and fields would bring an engine for
/// regular expressions. What it cannot read asks for errors.
pub fn filter(asked: &str) -> Targets {
    let asked = asked.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::ERROR));
    asked.with_targets(TALKATIVE.map(|library| (library, LevelFilter::WARN)))
}

/// A setting from the environment; none where it is absent or empty.
#[expect(clippy::disallowed_methods, reason = "this is where configuration is read, once")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A setting from the environment that a function cannot do without; the error names it.
pub fn required(name: &str) -> Result<String, Error> {
    variable(name).ok_or_else(|| format!("the environment variable {name} is missing").into())
}

/// A whole number of percent from the environment; the whole where it is absent.
fn percent(name: &str) -> Result<u32, Error> {
    variable(name).map_or(Ok(100), |text| {
        text.parse().map_err(|_| format!("{name} must be a whole number of percent").into())
    })
}

fn from_environment(service: &'static Service) -> Result<App, Error> {
    let key = |name: &str| -> Result<KeyMaterial, Error> {
        KeyMaterial::from_hex(&required(name)?).ok_or_else(|| format!("{name} must be 64 hex digits").into())
    };
    let settings = Settings {
        stage: variable("G3N_STAGE").unwrap_or_else(|| "local".to_owned()),
        cursor_key: CursorKey(key("G3N_CURSOR_KEY")?),
        lookup_key: LookupKey(key("G3N_LOOKUP_KEY")?),
        code_keys: service.code_keys.map(code_keys).transpose()?,
        cors_origins: variable("G3N_CORS_ORIGINS")
            .map(|origins| origins.split(',').map(|origin| origin.trim().to_owned()).collect())
            .unwrap_or_default(),
        public_org: public_org(service)?,
        figures: service
            .figures
            .iter()
            .chain(FIGURES)
            .filter_map(|figure| set(figure).transpose())
            .collect::<Result<_, _>>()?,
        test_clock: variable("G3N_TEST_CLOCK").as_deref() == Some("1"),
        rate_percent: percent("G3N_RATE_LIMIT_PERCENT")?,
        report_patience: REPORT_PATIENCE,
    };
    let client = store::client(&endpoint("DYNAMODB")?);
    let store = Store::new(client, &required("G3N_TABLE")?);
    Ok(App::new(service, store, Arc::new(SystemChance), Clock::System, settings, LogSink::Stdout))
}

/// The keys of short codes from the environment.
fn code_keys(name: &str) -> Result<CodeKeys, Error> {
    CodeKeys::from_hex(&required(name)?)
        .ok_or_else(|| format!("{name} must be keys of 64 hex digits, divided by commas").into())
}

/// The one org of a deployment that is open to the public. A deployment says which it is: there is no default
/// (referral §2).
fn public_org(service: &Service) -> Result<Option<OrgCode>, Error> {
    if !service.asks_for_access() {
        return Ok(None);
    }
    let name = |what: &str| format!("G3N_{}_{what}", service.name.to_ascii_uppercase());
    match required(&name("ACCESS"))?.as_str() {
        "private" => Ok(None),
        "public" => {
            let org = name("ORG");
            let code = required(&org)?.parse().map_err(|problem| format!("{org} {problem}"))?;
            Ok(Some(code))
        }
        _ => Err(format!("{} must be public or private", name("ACCESS")).into()),
    }
}

/// A figure that the deployment sets.
fn set(figure: &Figure) -> Result<Option<(&'static str, u32)>, Error> {
    let Figure { variable: name, least, most, .. } = *figure;
    let Some(text) = variable(name) else { return Ok(None) };
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(Some((name, number))),
        _ => Err(format!("{name} must be a whole number from {least} to {most}").into()),
    }
}

/// Where a service of AWS is, from what Lambda always sets. `aws` is the service as the names of variables have it:
/// `DYNAMODB` is at `AWS_ENDPOINT_URL_DYNAMODB`, or `AWS_ENDPOINT_URL`, where either is set.
pub fn endpoint(aws: &str) -> Result<Endpoint, Error> {
    let credentials = Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    let url = variable(&format!("AWS_ENDPOINT_URL_{aws}")).or_else(|| variable("AWS_ENDPOINT_URL"));
    let region = required("AWS_REGION")?;
    // Whoever names an endpoint or authorities wants others than AWS's.
    let is_aws = url.is_none() && variable("SSL_CERT_FILE").is_none();
    let authorities = if is_aws { Authorities::of(&region) } else { Authorities::Machine };
    Ok(Endpoint { region, url, authorities, credentials })
}

/// The gateway's event as a request.
pub fn read(request: lambda_http::Request) -> Request {
    let (source_ip, request_id) = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            (context.http.source_ip.clone(), context.request_id.clone())
        }
        _ => (None, None),
    };
    let query = request.query_string_parameters_ref();
    let query =
        query.into_iter().flat_map(|query| query.iter()).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    let path = request.raw_http_path().to_owned();
    let (parts, body) = request.into_parts();
    Request {
        method: parts.method.to_string(),
        path,
        query,
        headers: parts.headers,
        body: match body {
            Body::Text(text) => text.into_bytes(),
            Body::Binary(bytes) => bytes,
            _ => Vec::new(),
        },
        source_ip,
        request_id,
    }
}

fn answer(response: Response) -> lambda_http::Response<Body> {
    let mut builder = lambda_http::Response::builder().status(response.status);
    for (name, value) in response.headers {
        builder = builder.header(name, value);
    }
    // Header values are tokens, codes and settings that parse.
    builder.body(Body::Text(response.body)).unwrap_or_default()
}
