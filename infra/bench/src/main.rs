//! Measures the functions as they are deployed, against a function that does nothing and calls that nothing surrounds.
//!
//! `bench [part ...]` with the parts `size`, `start-up`, `cpu`, `memory`, `latency`, `routes`; all unless some are
//! named. Prints a table and writes `bench/report.json` in cargo's target directory. Every figure that must reach
//! something is a ratio within one run, or does not depend on the machine.

#![allow(clippy::print_stdout, reason = "the table is what it is run for")]
#![allow(clippy::cast_precision_loss, reason = "figures are shown with three digits")]

mod certificate;
mod copy;
mod figures;
mod fixture;
mod latency;
mod programs;
mod report;
mod routes;
mod start_up;
mod stub;
mod warm;

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use service::Service;
use testkit::database;

const PARTS: &[&str] = &["size", "start-up", "cpu", "memory", "latency", "routes"];

#[tokio::main]
async fn main() -> Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    for part in &asked {
        ensure!(PARTS.contains(&part.as_str()), "{part} is none of {PARTS:?}");
    }
    let wanted = |part: &str| asked.is_empty() || asked.iter().any(|asked| asked == part);
    let mut bench = Bench { programs: BTreeMap::new(), report: json!({}) };
    if wanted("routes") {
        bench.report["routes"] = routes::read()?;
    }
    if wanted("size") {
        bench.sizes()?;
    }
    if wanted("start-up") {
        bench.start_up().await?;
    }
    if wanted("cpu") {
        bench.cpu().await?;
    }
    if wanted("memory") {
        bench.memory().await?;
    }
    if wanted("latency") {
        bench.latency().await?;
    }
    bench.finish()
}

struct Bench {
    programs: BTreeMap<&'static str, PathBuf>,
    report: Value,
}

/// The functions that serve a read and a write here.
static SERVED: &[&Service] = &[&ofm::SERVICE, &crm::SERVICE, &referral::SERVICE];
/// Those that hash passcodes: what a call of theirs costs is the hash.
static HASHING: &[&Service] = &[&usm::SERVICE, &operator::SERVICE];

impl Bench {
    fn program(&mut self, package: &'static str) -> Result<PathBuf> {
        if let Some(program) = self.programs.get(package) {
            return Ok(program.clone());
        }
        let program = programs::build(package)?;
        self.programs.insert(package, program.clone());
        Ok(program)
    }

    fn sizes(&mut self) -> Result<()> {
        for package in std::iter::once("hello").chain(programs::functions()) {
            let size = programs::size(&self.program(package)?)?;
            self.report["size"][package] = json!({"stripped": size.stripped, "gzipped": size.gzipped});
        }
        Ok(())
    }

    async fn start_up(&mut self) -> Result<()> {
        let hello = self.program("hello")?;
        let functions = programs::functions().into_iter().map(|name| Ok((name, self.program(name)?)));
        let functions: Vec<(&str, PathBuf)> = functions.collect::<Result<_>>()?;
        println!("starting functions");
        self.report["start_up"] = start_up::measure(&hello, &functions, database::endpoint()).await?;
        Ok(())
    }

    async fn cpu(&mut self) -> Result<()> {
        let hello = self.program("hello")?;
        for (name, subject) in self.subjects(SERVED).await? {
            println!("warm calls of {name}");
            self.report["cpu"][name] = warm::cpu(&hello, &subject, database::endpoint()).await?;
        }
        Ok(())
    }

    async fn memory(&mut self) -> Result<()> {
        let mut subjects = self.subjects(SERVED).await?;
        subjects.extend(self.subjects(HASHING).await?);
        if programs::functions().contains(&"relay") {
            subjects.push(("relay", warm::Subject::of_relay(self.program("relay")?).await?));
        }
        for (name, subject) in subjects {
            println!("memory of {name}");
            self.report["memory"][name] = warm::memory(&subject, database::endpoint()).await?;
            println!("{}", self.report["memory"][name]);
        }
        Ok(())
    }

    async fn subjects(
        &mut self,
        services: &[&'static Service],
    ) -> Result<Vec<(&'static str, warm::Subject)>> {
        let world = fixture::world().await;
        let mut subjects = Vec::new();
        for service in services.iter().filter(|service| programs::functions().contains(&service.name)) {
            let program = self.program(service.name)?;
            subjects.push((service.name, warm::Subject::new(&world, service, program).await?));
        }
        Ok(subjects)
    }

    async fn latency(&mut self) -> Result<()> {
        let programs = latency::Programs {
            hello: &self.program("hello")?,
            raw: &self.program("raw")?,
            ofm: &self.program("ofm")?,
        };
        println!("latency");
        self.report["latency"] = latency::measure(programs).await?;
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        self.report["goals"] = report::goals(&self.report);
        let file = programs::output()?.join("report.json");
        fs::write(&file, serde_json::to_string_pretty(&self.report)? + "\n")?;
        println!("\n{}\nEverything measured: {}", report::table(&self.report), file.display());
        Ok(())
    }
}
