//! Programs that run beside this one and end with it.

use std::{
    fs::File,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    process::{Child as Process, Command},
    time::timeout,
};

/// How long a program may take to end once it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// A running program.
#[derive(Debug)]
pub struct Child {
    name: &'static str,
    process: Process,
}

impl Child {
    /// Starts `command`. `name` is what the user knows it as; `advice` says what to do where it is not installed.
    ///
    /// It has a process group of its own: Ctrl-C reaches only this program, which then stops the others in order.
    pub fn spawn(name: &'static str, command: &mut Command, advice: &str) -> Result<Self> {
        let process =
            command.stdin(Stdio::null()).process_group(0).kill_on_drop(true).spawn().with_context(|| {
                let program = command.as_std().get_program().to_string_lossy();
                format!("{name} does not start: cannot run {program}. {advice}")
            })?;
        Ok(Self { name, process })
    }

    /// What the user knows it as.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How it ended; none while it runs.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    /// Asks it and what it started to end, and makes it so if they do not.
    pub async fn stop(mut self) {
        self.signal(Signal::TERM);
        if timeout(GRACE, self.process.wait()).await.is_err() {
            self.signal(Signal::KILL);
            // Killed, it can only be gone; there is nobody to tell if it cannot be waited for.
            let _ = self.process.wait().await;
        }
    }

    /// To the whole group. A process that has ended already needs none.
    fn signal(&self, signal: Signal) {
        let group = self.process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(group) = group {
            let _ = kill_process_group(group, signal);
        }
    }
}

/// Sends what `command` prints to the end of `file`.
pub fn log_to<'c>(command: &'c mut Command, file: &Path) -> Result<&'c mut Command> {
    let log = File::options().create(true).append(true).open(file);
    let log = log.with_context(|| format!("cannot write {}", file.display()))?;
    Ok(command.stdout(log.try_clone()?).stderr(log))
}
