//! `docs/walkthrough.md`, command by command.

use std::{fs, process::Stdio, time::Duration};

use e2e::Deployment;
use tokio::{process::Command, time::timeout};

const DOCUMENT: &str = include_str!("../../../docs/walkthrough.md");
/// Far more than it takes.
const DEADLINE: Duration = Duration::from_mins(2);

pub(crate) async fn every_command_of_the_document(deployment: &Deployment) {
    let directory = deployment.directory().join("walkthrough");
    fs::create_dir_all(directory.join(".local")).expect("a directory");
    let environment = format!("G3N_URL={}\n", deployment.gateway());
    fs::write(directory.join(".local/demo.env"), environment).expect("a file");
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", &commands(DOCUMENT)]).current_dir(&directory).kill_on_drop(true);
    let ended = timeout(DEADLINE, shell.stdin(Stdio::null()).output()).await;
    let output = ended.expect("it ends in time").expect("bash");
    let (printed, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}\n{complained}");
    let printed: Vec<_> = printed.lines().collect();
    let steps = [
        "verified",
        "['EG', 'KASSE']",
        "active",
        "200",
        "active",
        "facility",
        "facility",
        "member",
        "0",
        "closed",
    ];
    assert_eq!(printed, steps, "{complained}");
}

/// What stands in the document's blocks of commands.
fn commands(document: &str) -> String {
    let blocks = document.split("```sh\n").skip(1);
    blocks.filter_map(|block| block.split_once("```")).map(|(commands, _)| commands).collect()
}
