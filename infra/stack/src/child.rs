//! Programs that run beside this one and end with it.

use std::{
    env,
    fs::File,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    process::{Child as Process, ChildStdout, Command},
    time::timeout,
};

/// How long a program may take to end once it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// Waits for a line that nobody writes: its input ends when this program does, however that came about. Then the group named by
/// its argument is asked to end, so that no port stays taken after a crash.
const HEIR: &str = "read -r nothing; kill -s TERM -- \"-$0\"";

/// A running program.
#[derive(Debug)]
pub struct Child {
    name: &'static str,
    process: Process,
    /// Ends the program if this one is killed. Killed itself when this is dropped, before its input ends.
    _heir: Process,
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
        let group = process.id().context("a program that was just started has no id")?;
        Ok(Self { name, process, _heir: heir_of(group)? })
    }

    /// What the user knows it as.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it prints, once, where it was started with a pipe for it.
    pub fn printed(&mut self) -> Option<ChildStdout> {
        self.process.stdout.take()
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

fn heir_of(group: u32) -> Result<Process> {
    Command::new("sh")
        .args(["-c", HEIR, &group.to_string()])
        .stdin(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .context("cannot run sh, which ends the other programs if this one is killed")
}

/// Sends what `command` prints to the end of `file`.
pub fn log_to<'c>(command: &'c mut Command, file: &Path) -> Result<&'c mut Command> {
    let log = File::options().create(true).append(true).open(file);
    let log = log.with_context(|| format!("cannot write {}", file.display()))?;
    Ok(command.stdout(log.try_clone()?).stderr(log))
}

/// Keeps from `command` what cargo told this program about its package. Another cargo would build anew what asks for
/// that, as ring does, and all that stands on it.
pub fn without_cargo(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_group_ends_when_the_input_of_its_heir_does() {
        let mut group = Command::new("sleep").arg("600").process_group(0).kill_on_drop(true).spawn().unwrap();
        let mut heir = heir_of(group.id().unwrap()).unwrap();
        assert_eq!(group.try_wait().unwrap(), None);
        // As the kernel does when the program that holds the other end is killed.
        drop(heir.stdin.take());
        let status = timeout(GRACE, group.wait()).await.expect("it is asked to end").unwrap();
        assert!(!status.success());
    }
}
