//! A stack of the tests' own, with the fault proxy between the functions and the database.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::Value;
use stack::{
    config::{Config, Database},
    running::Stack,
    template::Template,
};
use testkit::proxy::Proxy;
use tokio::sync::{Mutex, OnceCell};

use crate::{Client, Events, Tenant};

/// A running stack on ports that were free. Its data survive [`Deployment::halt`], and are gone after
/// [`Deployment::remove`].
#[derive(Debug)]
pub struct Deployment {
    config: Config,
    stack: Mutex<Option<Stack>>,
    proxy: Proxy,
    events: Events,
    pub(crate) public: OnceCell<Tenant>,
}

impl Deployment {
    /// One that has yet to be started with [`Deployment::resume`].
    pub fn new() -> Result<Self> {
        let [gateway_port, database_port, emulator_port] = free_ports()?;
        let directory = std::env::temp_dir().join(format!("g3n-e2e-{}", std::process::id()));
        let mut config = Config {
            root: Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?,
            functions_log: Some(directory.join("functions.log")),
            directory,
            gateway_port,
            database_port,
            emulator_port,
            database: database(),
            functions_database: None,
            functions_bus: None,
            raw_log: true,
            keep_events: true,
            reference: None,
            persist: true,
            log: "warn".to_owned(),
        };
        let table = Template::local()?.table()?.table_name;
        let proxy = Proxy::enforcing(&config.database_url(), testkit::iam::of_table(&table))?;
        config.functions_database = Some(proxy.endpoint().to_owned());
        let events = Events::of(&config.emulator());
        Ok(Self { config, stack: Mutex::default(), proxy, events, public: OnceCell::default() })
    }

    /// Starts it and waits until every function answers: on the same ports and with the same data, where it ran
    /// before.
    pub async fn resume(&self) -> Result<()> {
        let mut running = self.stack.lock().await;
        let stack = running.insert(Stack::default());
        stack.start(&self.config).await.context("the stack does not start")
    }

    /// Stops every part of the stack in the middle of whatever it is doing.
    pub async fn halt(&self) {
        if let Some(stack) = self.stack.lock().await.take() {
            stack.stop().await;
        }
    }

    /// Stops the stack and removes what it kept.
    pub async fn remove(&self) -> Result<()> {
        self.halt().await;
        std::fs::remove_dir_all(self.directory()).context("the data of the tests cannot be removed")
    }

    /// Where the functions answer.
    pub fn gateway(&self) -> String {
        self.config.gateway()
    }

    /// Where its data and its logs are.
    pub fn directory(&self) -> &Path {
        &self.config.directory
    }

    /// Nobody in particular.
    pub fn anyone(&self) -> Client {
        Client::new(self.config.gateway())
    }

    /// What stands between the functions and the database. It lets no function do what its policy does not allow.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Takes the content out of a stored record, as no function does.
    ///
    /// # Panics
    /// Where there is no record of this type with this id.
    pub async fn damage(&self, kind: &str, id: &Value) {
        let client = testkit::database::client(&self.config.database_url());
        let table = Template::local().and_then(|template| template.table()).expect("a table").table_name;
        let id = id.as_str().expect("an id");
        let items = client.scan().table_name(&table).into_paginator().items().send();
        let items = items.collect::<Result<Vec<_>, _>>().await.expect("the table answers");
        let item = items.iter().find(|item| {
            let holds = |name: &str| item[name].as_s().is_ok_and(|text| text.contains(id));
            item["type"].as_s().is_ok_and(|text| text == kind) && (holds("pk") || holds("sk"))
        });
        let item = item.unwrap_or_else(|| panic!("no {kind} {id}"));
        let update = client.update_item().table_name(&table).update_expression("REMOVE #data");
        let update = update.expression_attribute_names("#data", "data");
        let update = update.key("pk", item["pk"].clone()).key("sk", item["sk"].clone());
        update.send().await.expect("the record is damaged");
    }

    /// The events that reach the bus.
    pub fn events(&self) -> &Events {
        &self.events
    }
}

/// DynamoDB Local where `make test DB=dynamodb-local` has installed it for this run, else the embedded database.
#[expect(clippy::disallowed_methods, reason = "tests are told their database by the environment")]
fn database() -> Database {
    let asked = std::env::var("DB").is_ok_and(|database| database == "dynamodb-local");
    match std::env::var("G3N_DYNAMODB_LOCAL") {
        Ok(directory) if asked => Database::DynamoDbLocal(PathBuf::from(directory)),
        _ => Database::Embedded,
    }
}

fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let listeners: Vec<_> = (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}
