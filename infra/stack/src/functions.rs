//! The functions, run from their sources by `cargo lambda watch`, which also reloads them when a file changes.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use anyhow::{Result, ensure};
use reqwest::StatusCode;
use serde_json::json;
use tokio::process::Command;

use crate::{
    aws::{CREDENTIAL, REGION},
    child::{Child, log_to, without_cargo},
    config::Config,
    emulator,
    request_log::RequestLog,
    seed::ORGCODE,
    template::{Function, Template},
    wait,
};

/// How long a function may take until it answers: it may have to be compiled first.
const COMPILE_LIMIT: Duration = Duration::from_mins(20);

/// Instances per function, so that two callers at once meet as they do in AWS.
const INSTANCES: &str = "2";

/// `cargo lambda watch` heeds the functions' `RUST_LOG` too. This silences its account of each start and reload, and
/// the Lambda runtime's warning, at each start of a function, that it serves one request at a time.
const QUIET: &str = "cargo_lambda=warn,watchexec=off,process_wrap=off,lambda_runtime=error";

/// How `cargo` starts a function: with its name for an access key id, so that whoever gets its requests, as the tests'
/// proxy does, can tell by the signature from which function they are.
const AS_ITSELF: &str = r#"target.'cfg(all())'.runner=["sh", "-c", 'AWS_ACCESS_KEY_ID=$AWS_LAMBDA_FUNCTION_NAME exec "$@"', "function"]"#;

/// Keys for this machine only: whoever has the source has them.
const DEVELOPMENT_CURSOR_KEY: &str = "10ca1000000000000000000000000000000000000000000000000000c0250211";
const DEVELOPMENT_LOOKUP_KEY: &str = "10ca10000000000000000000000000000000000000000000000000010030b000";
const DEVELOPMENT_OVERRIDE_KEY: &str = "10ca1000000000000000000000000000000000000000000000000000c0de0000";

/// One person at one machine stands for all the callers of an org, and `make fuzz` for more than there ever are.
const RATE_LIMIT_PERCENT: &str = "10000";

/// At that percentage 6,000 requests a minute from each address (referral §2).
const REFERRALS_PER_MINUTE: &str = "60";

/// So many requests of strangers a minute are answered this machine: whoever tries the stack out tries bad credentials too.
const UNKNOWN_CALLERS_PER_MINUTE: &str = "60000";

/// What the functions find in their environment, as the template gives it to them in AWS, and what makes them use
/// this machine's stand-ins.
pub fn environment(config: &Config, template: &Template) -> Result<Vec<(&'static str, String)>> {
    let table = template.table()?.table_name;
    let database = config.functions_database.clone().unwrap_or_else(|| config.database_url());
    let bus = config.functions_bus.clone().unwrap_or_else(|| config.emulator());
    let dead_letters = emulator::queue_url(&config.emulator(), &template.event_source()?.dead_letters);
    Ok(vec![
        ("AWS_ACCESS_KEY_ID", CREDENTIAL.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", CREDENTIAL.to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ENDPOINT_URL", config.emulator()),
        ("AWS_ENDPOINT_URL_DYNAMODB", database.clone()),
        ("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", database),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", bus),
        ("AWS_ENDPOINT_URL_S3", config.emulator()),
        ("AWS_ENDPOINT_URL_SQS", config.emulator()),
        ("G3N_BUCKET", template.bucket()?.name),
        ("G3N_BUS", template.bus()?),
        ("G3N_CORS_ORIGINS", String::new()),
        ("G3N_CURSOR_KEY", DEVELOPMENT_CURSOR_KEY.to_owned()),
        ("G3N_DEAD_LETTERS", dead_letters),
        ("G3N_LOOKUP_KEY", DEVELOPMENT_LOOKUP_KEY.to_owned()),
        ("G3N_OVERRIDE_KEYS", DEVELOPMENT_OVERRIDE_KEY.to_owned()),
        ("G3N_RATE_LIMIT_PERCENT", RATE_LIMIT_PERCENT.to_owned()),
        // Open to the public, as its page has it, with its defaults.
        ("G3N_REFERRAL_ACCESS", "public".to_owned()),
        ("G3N_REFERRAL_CLICKS_PER_MINUTE", REFERRALS_PER_MINUTE.to_owned()),
        ("G3N_REFERRAL_DEDUPE_MINUTES", String::new()),
        ("G3N_REFERRAL_ORG", ORGCODE.to_owned()),
        ("G3N_REFERRAL_OTHERS_PER_MINUTE", REFERRALS_PER_MINUTE.to_owned()),
        ("G3N_REFERRAL_RETENTION_DAYS", String::new()),
        ("G3N_STAGE", "local".to_owned()),
        ("G3N_TABLE", table),
        ("G3N_TEST_CLOCK", "1".to_owned()),
        ("G3N_UNKNOWN_CALLERS_PER_MINUTE", UNKNOWN_CALLERS_PER_MINUTE.to_owned()),
        ("RUST_LOG", format!("{},{QUIET}", config.log)),
    ])
}

/// Starts all functions, to be invoked at `address`, and shows what they print.
pub fn start(config: &Config, template: &Template, address: SocketAddr) -> Result<Child> {
    let mut watch = Command::new("cargo-lambda");
    without_cargo(&mut watch)
        .current_dir(&config.root)
        .args(["lambda", "watch", "--quiet", "--disable-cors", "--concurrency", INSTANCES])
        .args(["--config", AS_ITSELF])
        .args(["--invoke-address", &address.ip().to_string(), "--invoke-port", &address.port().to_string()])
        .envs(environment(config, template)?)
        // A developer's own AWS settings are not for these functions.
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN");
    let is_short = config.functions_log.is_none() && !config.raw_log;
    match &config.functions_log {
        Some(file) => {
            log_to(&mut watch, file)?;
        }
        // What is compiled is told on standard error, which stays the terminal's.
        None if is_short => {
            watch.stdout(Stdio::piped());
        }
        None => {}
    }
    let mut watch = Child::spawn("cargo lambda watch", &mut watch, "`make up` installs it.")?;
    if let Some(printed) = watch.printed() {
        RequestLog::of(&template.functions()?).follow(printed);
    }
    Ok(watch)
}

/// Waits until every function has answered once: an HTTP service at its first path, whatever it says to that, the others
/// a direct invocation that asks for nothing. Functions start with their first request, so the first caller need not
/// wait for them.
pub async fn until_ready(config: &Config, functions: &[Function]) -> Result<()> {
    let client = reqwest::Client::new();
    futures::future::try_join_all(functions.iter().map(|function| first_answer(&client, config, function)))
        .await?;
    Ok(())
}

async fn first_answer(client: &reqwest::Client, config: &Config, function: &Function) -> Result<()> {
    let (gateway, name) = (config.gateway(), &function.name);
    let answer = wait::until(name, COMPILE_LIMIT, async || {
        let request = if let Some(path) = function.paths.first() {
            client.get(format!("{gateway}{path}"))
        } else {
            let url = format!("{gateway}/2015-03-31/functions/{name}/invocations");
            client.post(url).json(&json!({ "Records": [] }))
        };
        // The gateway is there before `cargo lambda watch` is.
        let answer = request.timeout(COMPILE_LIMIT).send().await.ok();
        answer.filter(|answer| answer.status() != StatusCode::BAD_GATEWAY)
    })
    .await?;
    let status = answer.status();
    ensure!(!status.is_server_error(), "the function {name} answers {status}: {}", answer.text().await?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::Database;

    #[test]
    fn every_variable_that_the_template_gives_a_function_is_set_locally() {
        let config = Config {
            root: PathBuf::new(),
            directory: PathBuf::new(),
            gateway_port: 9000,
            database_port: 8000,
            emulator_port: 5000,
            database: Database::Embedded,
            functions_database: None,
            functions_bus: None,
            functions_log: None,
            raw_log: false,
            keep_events: false,
            reference: None,
            persist: false,
            log: "info".to_owned(),
        };
        let template = Template::local().unwrap();
        let set: Vec<_> =
            environment(&config, &template).unwrap().into_iter().map(|(name, _)| name).collect();
        for function in template.functions().unwrap() {
            for variable in function.variables {
                assert!(set.contains(&variable.as_str()), "{} gets no {variable}", function.name);
            }
        }
    }

    #[test]
    fn the_development_keys_are_64_hexadecimal_digits() {
        for key in [DEVELOPMENT_CURSOR_KEY, DEVELOPMENT_LOOKUP_KEY, DEVELOPMENT_OVERRIDE_KEY] {
            assert!(key.len() == 64 && key.bytes().all(|digit| digit.is_ascii_hexdigit()), "{key}");
        }
        assert_ne!(DEVELOPMENT_CURSOR_KEY, DEVELOPMENT_LOOKUP_KEY);
    }
}
