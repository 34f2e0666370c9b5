//! `stack`: runs the local stack, shows its events, or lends DynamoDB Local to another command.

use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail, ensure};
use stack::{
    address,
    api::Api,
    child::without_cargo,
    config::{Config, Database, START_LIMIT},
    dynamodb_local::{self, Storage},
    emulator::{EVENTS_QUEUE, queues},
    greeting,
    reference::{self, Reference},
    running::Stack,
    seed, wait,
};
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::EnvFilter;

const USAGE: &str = "\
stack up                          run the local stack until Ctrl-C
stack events                      print each event of the running stack's bus, one a line
stack with-dynamodb-local <command>...   run a command while DynamoDB Local runs; G3N_TEST_DYNAMODB says where

Settings, from the environment:
G3N_PORT (9000), G3N_DB_PORT (8000), G3N_EMULATOR_PORT (5000), G3N_REFERENCE_PORT (9001)
G3N_VIEWER                        the directory of Swagger UI's files; without it there is no reference page
DB=dynamodb-local                 instead of the embedded database; its jar is in G3N_DYNAMODB_LOCAL
G3N_LOCAL (.local)                the directory for logs, data and the demo tenant's credentials
PERSIST=1                         keep the data, in .local/data
LOG=json                          show what the functions log as it is, not one short line for each request
RUST_LOG (info)                   what the functions log";

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("warn,dynoxide=off"))
        .without_time()
        .with_writer(std::io::stderr)
        .init();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match arguments[..] {
        ["up"] => up().await,
        ["events"] => events().await,
        ["with-dynamodb-local", program, ref arguments @ ..] => with_dynamodb_local(program, arguments).await,
        _ => {
            say(USAGE);
            Ok(ExitCode::from(2))
        }
    };
    ended.unwrap_or_else(|error| {
        // Where nobody reads standard error, the exit code tells.
        let _ = writeln!(std::io::stderr(), "error: {error:#}");
        ExitCode::FAILURE
    })
}

async fn up() -> Result<ExitCode> {
    let config = config()?;
    ensure!(
        config.root.join("template.yaml").exists(),
        "there is no template.yaml in {}: run this in the checkout",
        config.root.display()
    );
    let mut stack = Stack::default();
    let outcome = tokio::select! {
        outcome = serve(&config, &mut stack) => outcome,
        () = stop_asked() => Ok(ExitCode::SUCCESS),
    };
    stack.stop().await;
    outcome
}

/// Starts, seeds, greets, and then waits for something to break.
async fn serve(config: &Config, stack: &mut Stack) -> Result<ExitCode> {
    stack.start(config).await?;
    let demo = seed::seed(&Api::new(config.gateway())).await?;
    let _page = match &config.reference {
        Some(page) => Some(reference::start(config, page, &demo).await?),
        None => None,
    };
    greeting::write_files(config, &demo)?;
    say(&greeting::greeting(config, &demo)?);
    bail!(stack.broken().await?)
}

/// Resolves when the user or the system asks this program to end.
async fn stop_asked() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals end the program at once, which is what they ask for.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn events() -> Result<ExitCode> {
    let config = config()?;
    let sqs = queues(&config.emulator());
    let queue = sqs.get_queue_url().queue_name(EVENTS_QUEUE).send().await;
    let queue = queue
        .ok()
        .and_then(|queue| queue.queue_url)
        .with_context(|| format!("no stack runs at {}: `make up` starts one", config.emulator()))?;
    loop {
        let received = sqs
            .receive_message()
            .queue_url(&queue)
            .wait_time_seconds(20)
            .max_number_of_messages(10)
            .send()
            .await;
        let received = received.context("the stack has stopped")?;
        for message in received.messages() {
            say(message.body().unwrap_or_default());
            if let Some(receipt) = message.receipt_handle() {
                sqs.delete_message().queue_url(&queue).receipt_handle(receipt).send().await?;
            }
        }
    }
}

async fn with_dynamodb_local(program: &str, arguments: &[&str]) -> Result<ExitCode> {
    let port = address::free_port()?;
    let endpoint = format!("http://127.0.0.1:{port}");
    let log = env::temp_dir().join(format!("dynamodb-local-{port}.log"));
    let database = dynamodb_local::start(&jar_directory()?, port, Storage::Memory, &log)?;
    let ran = async {
        wait::until_answers("DynamoDB Local", &endpoint, START_LIMIT).await?;
        let mut command = Command::new(program);
        without_cargo(&mut command).args(arguments).env("G3N_TEST_DYNAMODB", &endpoint).kill_on_drop(true);
        command.status().await.with_context(|| format!("cannot run {program}"))
    };
    let status = tokio::select! {
        status = ran => status,
        () = stop_asked() => Err(anyhow::anyhow!("stopped")),
    };
    database.stop().await;
    let code = status?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn config() -> Result<Config> {
    let root = env::current_dir()?;
    Ok(Config {
        directory: root.join(setting("G3N_LOCAL").as_deref().unwrap_or(".local")),
        root,
        gateway_port: port("G3N_PORT", 9000)?,
        database_port: port("G3N_DB_PORT", 8000)?,
        emulator_port: port("G3N_EMULATOR_PORT", 5000)?,
        database: match setting("DB").as_deref() {
            None | Some("embedded") => Database::Embedded,
            Some("dynamodb-local") => Database::DynamoDbLocal(jar_directory()?),
            Some(other) => bail!("DB={other} is unknown: embedded or dynamodb-local"),
        },
        functions_database: None,
        functions_bus: None,
        functions_log: None,
        raw_log: match setting("LOG").as_deref() {
            None | Some("short") => false,
            Some("json") => true,
            Some(other) => bail!("LOG={other} is unknown: short or json"),
        },
        keep_events: false,
        reference: reference()?,
        persist: setting("PERSIST").is_some_and(|value| value != "0"),
        log: setting("RUST_LOG").unwrap_or_else(|| "info".to_owned()),
    })
}

fn port(name: &str, default: u16) -> Result<u16> {
    setting(name).map_or(Ok(default), |value| {
        value.parse().with_context(|| format!("{name}={value} is no port number"))
    })
}

/// The page is served where the viewer is installed.
fn reference() -> Result<Option<Reference>> {
    let port = port("G3N_REFERENCE_PORT", 9001)?;
    Ok(setting("G3N_VIEWER").map(|viewer| Reference { port, viewer: viewer.into() }))
}

fn jar_directory() -> Result<PathBuf> {
    let directory =
        setting("G3N_DYNAMODB_LOCAL").context("G3N_DYNAMODB_LOCAL is not set: start this with make")?;
    ensure!(
        Path::new(&directory).join("DynamoDBLocal.jar").exists(),
        "there is no DynamoDBLocal.jar in {directory}: `make up DB=dynamodb-local` installs it"
    );
    Ok(directory.into())
}

#[expect(clippy::disallowed_methods, reason = "this is where the configuration is read")]
fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// To standard output. Where nobody reads it any more, there is nobody to tell.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
