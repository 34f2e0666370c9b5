//! A service as a Lambda function behind API Gateway.

use std::sync::Arc;

use contract::{
    codes::OrgCode,
    paging::CursorKey,
    secret::{CodeKeys, KeyMaterial, LookupKey},
};
use lambda_http::{
    Body, Error, LambdaEvent,
    aws_lambda_events::apigw::ApiGatewayV2httpResponse,
    http::{HeaderName, HeaderValue},
};
use serde_json::{Value, json, value::RawValue};
use store::{Authorities, Credentials, Deadline, Endpoint, Store, SystemChance};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    app::{App, Clock, LogSink, Settings, build},
    dispatch::{Response, handle},
    event,
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
    // The event's text: whatever form it has, it is answered, and is not refused by a type before that.
    lambda_runtime::run(lambda_http::service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        Ok::<_, Error>(invoke(app, event.payload.get(), Some(event.context.deadline)).await)
    }))
    .await
}

/// Answers an event of API Gateway, of whatever form it is. `deadline_ms` is when the function is ended, in Unix
/// milliseconds.
pub async fn invoke(app: &'static App, event: &str, deadline_ms: Option<u64>) -> ApiGatewayV2httpResponse {
    answer(handle(app, event::read(event, deadline_ms)).await)
}

/// Builds what a function holds, with its connection to the table made.
pub async fn start(
    service: &'static Service,
    objects: Option<Box<dyn Objects>>,
) -> Result<&'static App, Error> {
    trace();
    let app: &'static App = Box::leak(Box::new(from_environment(service)?.with_objects(objects)));
    app.log.write(started(app).to_string());
    app.store.warm_up().await;
    Ok(app)
}

/// The line that a function writes when it starts: which build it is, and which keys it was given, by their ids. Whoever
/// changes a key sees in it that the functions have the new one, before the old one is given up.
pub fn started(app: &App) -> Value {
    let Settings { stage, cursor_key, lookup_key, code_keys, .. } = &app.settings;
    json!({
        "level": "INFO",
        "stage": stage,
        "service": app.service.name,
        "started": true,
        "build_id": build().build_id,
        "cursor_key": cursor_key.0.id(),
        "lookup_key": lookup_key.0.id(),
        "code_keys": code_keys.as_ref().map(CodeKeys::ids),
    })
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
        patience: Deadline::USUAL,
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

fn answer(response: Response) -> ApiGatewayV2httpResponse {
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = response.status.into();
    for (name, value) in response.headers {
        // Header values are tokens, codes and settings that parse.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            answer.headers.append(name, value);
        }
    }
    answer.body = Some(Body::Text(response.body));
    answer
}
