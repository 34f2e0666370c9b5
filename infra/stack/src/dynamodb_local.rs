//! DynamoDB Local, Amazon's own emulator: a Java program.

use std::path::Path;

use anyhow::Result;
use tokio::process::Command;

use crate::child::{Child, log_to};

/// Where its data is.
#[derive(Clone, Copy, Debug)]
pub enum Storage<'p> {
    /// Gone when it stops.
    Memory,
    /// Kept in this directory.
    Directory(&'p Path),
}

/// Starts it on `port`, without waiting until it answers. `program` is the directory that holds its jar, `log` the
/// file for what it prints.
pub fn start(program: &Path, port: u16, storage: Storage<'_>, log: &Path) -> Result<Child> {
    let mut java = Command::new("java");
    java.current_dir(program)
        .args(["-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar"])
        .args(["-sharedDb", "-disableTelemetry", "-port", &port.to_string()])
        // No page has business with it; unless told so, it answers every one.
        .args(["-cors", "http://127.0.0.1"]);
    match storage {
        Storage::Memory => java.arg("-inMemory"),
        Storage::Directory(directory) => java.arg("-dbPath").arg(directory),
    };
    let advice = "It needs Java 11 or newer; the embedded database (without DB=dynamodb-local) needs none.";
    Child::spawn("DynamoDB Local", log_to(&mut java, log)?, advice)
}
