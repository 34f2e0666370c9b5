//! A function's program, run as Lambda runs it, with what it costs.

use std::{fs, path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::Value;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use crate::{database, runtime_api::RuntimeApi};

/// What a function of a world's deployment finds in its environment, with its database there.
pub fn environment(endpoint: &str) -> Vec<(String, String)> {
    [
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint.to_owned()),
        // As the world has them.
        ("G3N_CURSOR_KEY", "1".repeat(64)),
        ("G3N_LOOKUP_KEY", "2".repeat(64)),
        ("G3N_OVERRIDE_KEYS", "3".repeat(64)),
        ("G3N_TABLE", database::table().to_owned()),
        ("G3N_BUS", "bench".to_owned()),
        ("G3N_DEAD_LETTERS", "https://sqs.us-east-1.amazonaws.com/123456789012/bench".to_owned()),
        ("G3N_BUCKET", "bench".to_owned()),
        ("G3N_REFERRAL_ACCESS", "private".to_owned()),
        // One caller sends more than any tenant may.
        ("G3N_RATE_LIMIT_PERCENT", "1000000".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// A running function, waiting for an invocation.
#[derive(Debug)]
pub struct Function {
    process: Child,
    pid: u32,
    api: RuntimeApi,
    /// From starting the program to its first poll of the runtime API.
    pub init_wall: Duration,
    /// The processor time that this took.
    pub init_cpu: Duration,
}

impl Function {
    /// Starts a program and waits until it waits for its first invocation.
    pub async fn start(program: &Path, environment: &[(String, String)]) -> Result<Self> {
        let mut api = RuntimeApi::start().await?;
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs([
                ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
                ("AWS_ACCESS_KEY_ID", "local"),
                ("AWS_SECRET_ACCESS_KEY", "local"),
                ("AWS_REGION", "us-east-1"),
                ("RUST_LOG", "info"),
            ])
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let started = Instant::now();
        let process = command.spawn().with_context(|| format!("{} does not start", program.display()))?;
        let pid = process.id().context("the function ended at once")?;
        let polled = api.polled().await.with_context(|| format!("{}", program.display()))?;
        let mut function =
            Self { process, pid, api, init_wall: polled - started, init_cpu: Duration::default() };
        function.init_cpu = function.cpu().await?;
        Ok(function)
    }

    /// Hands it an event; its answer, and how long that took.
    pub async fn invoke(&mut self, event: Bytes) -> Result<(Value, Duration)> {
        self.api.invoke(event).await
    }

    /// The processor time that it has used so far, once it is at rest.
    pub async fn cpu(&self) -> Result<Duration> {
        let mut before = self.cpu_now()?;
        loop {
            sleep(Duration::from_millis(1)).await;
            let now = self.cpu_now()?;
            if now == before {
                return Ok(now);
            }
            before = now;
        }
    }

    /// The scheduler counts each thread's nanoseconds; `getrusage` would tell only of programs that have ended, and
    /// `/proc/<pid>/stat` counts in hundredths of a second.
    fn cpu_now(&self) -> Result<Duration> {
        let mut nanos = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += text.split(' ').next().and_then(|on_cpu| on_cpu.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// The most memory that it has had in use so far, in KiB: its own and what of the program was read.
    pub fn peak_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).context("VmHWM in kB")
    }

    /// Ends it.
    pub async fn stop(mut self) -> Result<()> {
        Ok(self.process.kill().await?)
    }
}
