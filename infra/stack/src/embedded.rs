//! DynamoDB inside this process: `dynoxide` behind its HTTP API, so that every client talks to it as to AWS.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use dynoxide::Database;
use tokio::sync::oneshot;

use crate::stream_records::StreamRecords;

/// Where its data is.
#[derive(Clone, Copy, Debug)]
pub enum Storage<'p> {
    /// In memory. Its stream is never made shorter: for a table without a stream, or one of few writes.
    Memory,
    /// In this file, made anew and not written through to the disk.
    Scratch(&'p Path),
    /// Kept in this file.
    File(&'p Path),
}

/// A running embedded DynamoDB. It stops when this is dropped.
#[derive(Debug)]
pub struct Embedded {
    /// Where it answers, for example `http://127.0.0.1:49152`.
    pub endpoint: String,
    /// The records of its streams; none in memory.
    pub stream_records: Option<StreamRecords>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts one in memory, on a port that is free.
pub fn start() -> Result<Embedded> {
    start_at((Ipv4Addr::LOCALHOST, 0).into(), Storage::Memory)
}

/// Starts one on this address.
///
/// It has a thread and a runtime of its own, so that it lives on when the runtime of the caller ends, as that of one
/// test among many does.
pub fn start_at(address: SocketAddr, storage: Storage<'_>) -> Result<Embedded> {
    let (database, stream_records) = open(storage)?;
    let listener = std::net::TcpListener::bind(address)
        .with_context(|| format!("the database cannot listen on {address}"))?;
    listener.set_nonblocking(true)?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("embedded-dynamodb")
        .enable_all()
        .build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        runtime.block_on(serve(listener, database, stopped));
        // A request that is being served is finished, a connection that is only kept open is not waited for.
        runtime.shutdown_timeout(Duration::from_secs(1));
    });
    Ok(Embedded { endpoint, stream_records, stop: Some(stop), thread: Some(thread) })
}

fn open(storage: Storage<'_>) -> Result<(Database, Option<StreamRecords>)> {
    let (file, is_scratch) = match storage {
        Storage::Memory => {
            let database = Database::memory().map_err(|error| anyhow!("no database in memory: {error}"))?;
            return Ok((database, None));
        }
        Storage::Scratch(file) => (file, true),
        Storage::File(file) => (file, false),
    };
    if is_scratch {
        remove(file)?;
    }
    let path = file.to_str().with_context(|| format!("{} is not UTF-8", file.display()))?;
    let database =
        Database::new(path).map_err(|error| anyhow!("the database {path} cannot be opened: {error}"))?;
    let stream_records = StreamRecords::open(file)?;
    if is_scratch {
        // All that this sets is how much is written when.
        database.enable_bulk_loading().map_err(|error| anyhow!("{path}: {error}"))?;
        stream_records.keep_in_cache()?;
    }
    Ok((database, Some(stream_records)))
}

/// Removes a database's file and those that `SQLite` keeps beside it, as far as they are there.
pub fn remove(file: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut beside = file.as_os_str().to_owned();
        beside.push(suffix);
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", beside.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Serves until `stopped` resolves or its sender is gone.
async fn serve(listener: std::net::TcpListener, database: Database, stopped: oneshot::Receiver<()>) {
    let served = async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        dynoxide::server::serve_on(listener, database).await;
        Ok::<_, std::io::Error>(())
    };
    tokio::select! {
        _ = stopped => {}
        ended = served => tracing::error!(?ended, "the embedded database ended"),
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so; there is nothing left to stop.
            let _ = thread.join();
        }
    }
}
