//! What the local stack can be told.

use std::{net::TcpListener, path::PathBuf, time::Duration};

use anyhow::{Result, bail};

use crate::reference::Reference;

/// How long any part of the stack may take until it answers.
pub const START_LIMIT: Duration = Duration::from_mins(1);

/// The settings of one local stack.
#[derive(Clone, Debug)]
pub struct Config {
    /// The checkout.
    pub root: PathBuf,
    /// Where the stack keeps what it writes: logs, data, the demo tenant's credentials.
    pub directory: PathBuf,
    /// Port of the HTTP API and of direct invocations.
    pub gateway_port: u16,
    /// Port of the database.
    pub database_port: u16,
    /// Port of the S3, EventBridge and SQS emulator.
    pub emulator_port: u16,
    /// Which database.
    pub database: Database,
    /// Where the functions look for the database, if not at [`Config::database_url`]: a proxy before it.
    pub functions_database: Option<String>,
    /// Where the functions look for the event bus, if not at [`Config::emulator`]: a proxy before it.
    pub functions_bus: Option<String>,
    /// The file for what the functions print; none for where this process prints.
    pub functions_log: Option<PathBuf>,
    /// Whether what the functions log of a request is shown as it is, and not as one short line.
    pub raw_log: bool,
    /// The page on which the API is shown and tried out, where there is to be one.
    pub reference: Option<Reference>,
    /// Whether every event stays in its queue until somebody reads it, however long that takes.
    pub keep_events: bool,
    /// Whether the data stays when the stack stops.
    pub persist: bool,
    /// What the functions log, as `RUST_LOG` takes it.
    pub log: String,
}

/// The two databases that the project runs on locally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// Inside this process; see [`crate::embedded`].
    Embedded,
    /// DynamoDB Local; the directory that holds its jar.
    DynamoDbLocal(PathBuf),
}

impl Config {
    /// Where the database is kept when it is to stay.
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// `http://127.0.0.1:9000`, unless told otherwise.
    pub fn gateway(&self) -> String {
        format!("http://127.0.0.1:{}", self.gateway_port)
    }

    /// `http://127.0.0.1:8000`, unless told otherwise.
    pub fn database_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.database_port)
    }

    /// `http://127.0.0.1:5000`, unless told otherwise.
    pub fn emulator(&self) -> String {
        format!("http://127.0.0.1:{}", self.emulator_port)
    }

    /// `http://127.0.0.1:9001`, unless told otherwise; none without a page.
    pub fn reference_url(&self) -> Option<String> {
        self.reference.as_ref().map(|page| format!("http://127.0.0.1:{}", page.port))
    }

    /// Says which of the ports is taken, and by which setting another is chosen.
    pub fn check_ports(&self) -> Result<()> {
        self.refuse_ports(|port| TcpListener::bind(("127.0.0.1", port)).is_err())
    }

    fn refuse_ports(&self, is_taken: impl Fn(u16) -> bool) -> Result<()> {
        let mut ports = vec![
            (self.gateway_port, "the HTTP API", "G3N_PORT"),
            (self.database_port, "the database", "G3N_DB_PORT"),
            (self.emulator_port, "the S3 and event emulator", "G3N_EMULATOR_PORT"),
        ];
        ports.extend(
            self.reference.iter().map(|page| (page.port, "the reference page", "G3N_REFERENCE_PORT")),
        );
        let taken: Vec<String> = ports
            .into_iter()
            .filter(|(port, ..)| is_taken(*port))
            .map(|(port, what, setting)| {
                let other = port.checked_add(10_000).unwrap_or_else(|| port - 10_000);
                format!(
                    "port {port}, for {what}, is taken: choose another, as in `make up {setting}={other}`"
                )
            })
            .collect();
        if taken.is_empty() { Ok(()) } else { bail!(taken.join("\n")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_its_setting() {
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
        assert!(config.refuse_ports(|_| false).is_ok());
        let told = config.refuse_ports(|port| port == 5000).unwrap_err().to_string();
        assert!(told.contains("port 5000"), "{told}");
        assert!(told.contains("make up G3N_EMULATOR_PORT="), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}
