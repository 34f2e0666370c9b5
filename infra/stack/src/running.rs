//! The whole local stack: database, emulator, functions and stream pump, started and stopped together.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::Client;
use tokio::task::JoinHandle;

use crate::{
    aws,
    child::Child,
    config::{Config, Database, START_LIMIT},
    dynamodb_local::{self, Storage},
    embedded::{self, Embedded},
    emulator, functions,
    pump::{HttpTarget, Pump},
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
        self.children.push(emulator::start(config.emulator_port, &logs.join("emulator.log"))?);
        self.start_database(config)?;
        self.children.push(functions::start(config, &template)?);
        let pump = tokio::select! {
            pump = set_up(config, &template) => pump?,
            ended = first_to_end(&mut self.children) => bail!(ended?),
        };
        self.pump = Some(tokio::spawn(pump.run()));
        Ok(())
    }

    fn start_database(&mut self, config: &Config) -> Result<()> {
        let data = config.data();
        if config.persist {
            make_directory(&data)?;
        }
        match &config.database {
            Database::Embedded => {
                let file = config.persist.then(|| data.join("dynamodb.sqlite"));
                let address = ([127, 0, 0, 1], config.database_port).into();
                self.embedded = Some(embedded::start_at(address, file.as_deref())?);
            }
            Database::DynamoDbLocal(program) => {
                let storage = if config.persist { Storage::Directory(&data) } else { Storage::Memory };
                let log = config.directory.join("dynamodb-local.log");
                self.children.push(dynamodb_local::start(program, config.database_port, storage, &log)?);
            }
        }
        Ok(())
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
        drop(self.embedded);
    }
}

async fn set_up(config: &Config, template: &Template) -> Result<Pump<HttpTarget>> {
    wait::until_answers("the database", &config.database_url(), START_LIMIT).await?;
    let sdk = aws::local(&config.database_url());
    let database = Client::new(&sdk);
    let name = template.table()?.table_name;
    table::create(&database, &name).await?;
    let stream = table::stream_arn(&database, &name).await?;
    let (emulator, functions) = (config.emulator(), template.functions()?);
    tokio::try_join!(emulator::set_up(&emulator, template), functions::until_ready(config, &functions))?;
    let source = template.event_source()?;
    let target = HttpTarget::new(&config.gateway(), &emulator, &source);
    // The place in the stream is kept with the table, and forgotten with it.
    let checkpoint = config.persist.then(|| config.data().join("stream.json"));
    Pump::new(aws_sdk_dynamodbstreams::Client::new(&sdk), stream, source, target, checkpoint)
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
