//! The whole local stack: database, emulator, functions, gateway and stream pump, started and stopped together.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::Client;
use tokio::task::JoinHandle;

use crate::{
    address, aws,
    child::Child,
    config::{Config, Database, START_LIMIT},
    dynamodb_local,
    embedded::{self, Embedded},
    emulator,
    event_queue::EventQueue,
    functions, gateway,
    guard::{self, Guarded},
    http::Server,
    pump::{HttpTarget, Pump},
    stream_records::StreamRecords,
    table,
    template::Template,
    wait,
};

/// Time between two looks at whether a program has ended.
const LOOK: Duration = Duration::from_millis(200);

/// What has been started of a stack. Dropped without [`Stack::stop`], its programs are killed.
#[derive(Debug, Default)]
pub struct Stack {
    /// In the order in which they were started.
    children: Vec<Child>,
    embedded: Option<Embedded>,
    /// The database's file, where it is not to stay.
    scratch: Option<PathBuf>,
    /// What others than the stack itself reach.
    servers: Vec<Server>,
    pump: Option<JoinHandle<()>>,
}

impl Stack {
    /// Starts everything and waits until every function answers. Where that fails or is given up half way, what was
    /// started runs on until [`Stack::stop`].
    pub async fn start(&mut self, config: &Config) -> Result<()> {
        config.check_ports()?;
        let template = Template::local()?;
        let logs = &config.directory;
        make_directory(logs)?;
        let emulator = address::hidden()?;
        self.children.push(emulator::start(emulator, &logs.join("emulator.log"))?);
        let queue = (!config.keep_events).then(|| Arc::new(EventQueue::new(&format!("http://{emulator}"))));
        self.servers.push(guard::start(config.emulator_port, emulator, Guarded::Emulator(queue)).await?);
        let database = self.start_database(config)?;
        let tokens = self.embedded.as_ref().map(|_| Arc::default());
        self.servers.push(guard::start(config.database_port, database, Guarded::Database(tokens)).await?);
        let watch = address::hidden()?;
        self.children.push(functions::start(config, &template, watch)?);
        self.servers.push(gateway::start(config.gateway_port, &template.functions()?, watch).await?);
        let records = self.embedded.as_ref().and_then(|embedded| embedded.stream_records.clone());
        let parts = Behind { emulator, database, watch };
        let pump = tokio::select! {
            pump = set_up(config, &template, parts, records) => pump?,
            ended = first_to_end(&mut self.children) => bail!(ended?),
        };
        self.pump = Some(tokio::spawn(pump.run()));
        Ok(())
    }

    /// Where it answers.
    fn start_database(&mut self, config: &Config) -> Result<SocketAddr> {
        let data = config.data();
        if config.persist {
            make_directory(&data)?;
        }
        let kept = data.join("dynamodb.sqlite");
        match &config.database {
            Database::Embedded => {
                let address = address::hidden()?;
                let storage = if config.persist {
                    embedded::Storage::File(&kept)
                } else {
                    let name = format!("dynamodb-{}.sqlite", config.database_port);
                    let scratch = self.scratch.insert(config.directory.join(name));
                    embedded::Storage::Scratch(scratch)
                };
                self.embedded = Some(embedded::start_at(address, storage)?);
                Ok(address)
            }
            Database::DynamoDbLocal(program) => {
                // It listens on every address there is.
                let address = SocketAddr::from(([127, 0, 0, 1], address::free_port()?));
                let storage = if config.persist {
                    dynamodb_local::Storage::Directory(&data)
                } else {
                    dynamodb_local::Storage::Memory
                };
                let log = config.directory.join("dynamodb-local.log");
                self.children.push(dynamodb_local::start(program, address.port(), storage, &log)?);
                Ok(address)
            }
        }
    }

    /// Resolves when one of the programs has ended by itself, and says which and how.
    pub async fn broken(&mut self) -> Result<String> {
        first_to_end(&mut self.children).await
    }

    /// Stops everything, the functions first: what they are doing may still need the others.
    pub async fn stop(self) {
        if let Some(pump) = self.pump {
            pump.abort();
        }
        for child in self.children.into_iter().rev() {
            child.stop().await;
        }
        for server in self.servers {
            server.stop().await;
        }
        drop(self.embedded);
        if let Some(Err(error)) = self.scratch.as_deref().map(embedded::remove) {
            tracing::warn!(error = format!("{error:#}"), "the database's file stays");
        }
    }
}

/// The parts behind the stack's own ports.
struct Behind {
    emulator: SocketAddr,
    database: SocketAddr,
    watch: SocketAddr,
}

async fn set_up(
    config: &Config,
    template: &Template,
    parts: Behind,
    records: Option<StreamRecords>,
) -> Result<Pump<HttpTarget>> {
    let url = |address: SocketAddr| format!("http://{address}");
    let (emulator, database, watch) = (url(parts.emulator), url(parts.database), url(parts.watch));
    wait::until_answers("the database", &database, START_LIMIT).await?;
    let sdk = aws::local(&database);
    let client = Client::new(&sdk);
    let name = template.table()?.table_name;
    table::create(&client, &name).await?;
    let stream = table::stream_arn(&client, &name).await?;
    let functions = template.functions()?;
    tokio::try_join!(emulator::set_up(&emulator, template), functions::until_ready(config, &functions))?;
    let source = template.event_source()?;
    let target = HttpTarget::new(&watch, &emulator, &source);
    // The place in the stream is kept with the table, and forgotten with it.
    let checkpoint = config.persist.then(|| config.data().join("stream.json"));
    let pump = Pump::new(aws_sdk_dynamodbstreams::Client::new(&sdk), stream, source, target, checkpoint)?;
    Ok(match records {
        Some(records) => pump.removing_from(records, &name),
        None => pump,
    })
}

async fn first_to_end(children: &mut [Child]) -> Result<String> {
    loop {
        for child in &mut *children {
            if let Some(status) = child.ended()? {
                return Ok(format!("{} has ended ({status})", child.name()));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn make_directory(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))
}
