//! What a warm call costs: processor time and memory, with a database whose answers cost nothing.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use serde_json::{Value, json};
use service::Service;
use testkit::World;

use crate::{
    figures::{least, median, micros, ratio},
    fixture::{self, Request, data},
    function::Function,
    stub::Stub,
};

/// Calls in a block, blocks of each kind. The kinds take turns.
const CALLS: u32 = 25;
const BLOCKS: usize = 50;
/// When memory is looked at.
const FEW: usize = 1_000;
const MANY: usize = 10_000;

/// A function with a read and a write to be sent to it.
pub(crate) struct Subject {
    program: PathBuf,
    /// After it, the function remembers what it remembers between calls.
    first: Request,
    get: Request,
    write: Request,
}

impl Subject {
    /// What is asked of a service, in this world.
    pub(crate) async fn new(world: &World, service: &'static Service, program: PathBuf) -> Result<Self> {
        if service.name == referral::SERVICE.name {
            return Self::of_referral(world, program).await;
        }
        let (create, fields, get, id) = match service.name {
            "ofm" => (
                "/cost-centre/create",
                json!({"caption": "Shop", "description": "All of it", "reason": "new shop"}),
                "/cost-centre/get",
                "/cc_guid",
            ),
            "crm" => (
                "/customer/create",
                json!({"customer": {"given_name": "Ada", "family_name": "Lovelace",
                    "emails": [{"email": "ada@mail.example", "primary": true}],
                    "phones": [{"phone": "+49301234567", "sms": true}]}, "reason": "signed up"}),
                "/customer/get",
                "/customer/customer_guid",
            ),
            other => bail!("no requests of {other} are known"),
        };
        let made = world.post(service, &world.owner, create, fields.clone()).await;
        let name = id.rsplit('/').next().unwrap_or(id);
        let given = json!({name: made.data().pointer(id).context("an id")?});
        Ok(Self {
            program,
            first: Request::post(world, service, get, &given)?,
            get: Request::post(world, service, get, &given)?,
            write: Request::post(world, service, create, &with_other_address(fields))?,
        })
    }

    async fn of_referral(world: &World, program: PathBuf) -> Result<Self> {
        let code = json!({"orgcode": world.orgcode, "mentor_id": "usr_4491"});
        let code = world.act(&operator::SERVICE, "referral-code-create", code).await;
        let mut click = json!({"code": code.data()["referral_code"]["code"], "ip_address": "185.12.34.56",
            "user_agent": "Mozilla/5.0 (iPhone)", "referrer_url": "https://instagram.com"});
        let made = world.send(&referral::SERVICE, &world.owner, "POST", "/", click.to_string()).await;
        let id = made.data()["id"].as_str().context("an id")?;
        let first = Request::post(world, &referral::SERVICE, "", &click)?;
        let get = Request::get(world, &referral::SERVICE, &format!("/{id}"))?;
        // Another click, not a repeat of this one.
        click["ip_address"] = json!("185.12.34.57");
        Ok(Self { program, first, get, write: Request::post(world, &referral::SERVICE, "", &click)? })
    }
}

/// No other customer may have the e-mail.
fn with_other_address(mut fields: Value) -> Value {
    if let Some(email) = fields.pointer_mut("/customer/emails/0/email") {
        *email = json!("grace@mail.example");
    }
    fields
}

/// Processor time of a get and of an idempotent write, beside `hello` answering the same event.
pub(crate) async fn cpu(hello: &Path, subject: &Subject, database: &str) -> Result<Value> {
    let mut hello = Warm::start(hello, database).await?;
    let mut get = Warm::with(subject, database).await?;
    let mut write = Warm::with(subject, database).await?;
    let (read, changed) = (subject.get.event(), subject.write.event_with_key(0));
    data(&get.function.invoke(read.clone()).await?.0)?;
    data(&write.function.invoke(changed).await?.0)?;
    for block in 0..=BLOCKS {
        // The first block warms up.
        let keep = block > 0;
        hello.block(keep, |_| read.clone()).await?;
        get.block(keep, |_| read.clone()).await?;
        write.block(keep, |n| subject.write.event_with_key(n)).await?;
    }
    let base = least(&hello.costs);
    let figures = |warm: &Warm| {
        let cost = least(&warm.costs);
        json!({
            "cpu_us": micros(cost),
            "cpu_median_us": micros(median(&warm.costs)),
            "over_hello": ratio(cost, base),
        })
    };
    Ok(json!({"hello": figures(&hello), "get": figures(&get), "write": figures(&write)}))
}

/// A function with what its blocks of calls cost, each call.
struct Warm {
    function: Function,
    stub: Stub,
    sent: usize,
    costs: Vec<Duration>,
}

impl Warm {
    /// One that was called before.
    async fn with(subject: &Subject, database: &str) -> Result<Self> {
        let mut warm = Self::start(&subject.program, database).await?;
        warm.stub.ask("first");
        data(&warm.function.invoke(subject.first.event()).await?.0)?;
        warm.stub.ask("call");
        Ok(warm)
    }

    async fn start(program: &Path, database: &str) -> Result<Self> {
        let stub = Stub::start(database, None).await?;
        let function = Function::start(program, &fixture::environment(&stub.endpoint())).await?;
        // What it asked in its start is not what it asks in a call.
        stub.ask("call");
        Ok(Self { function, stub, sent: 0, costs: Vec::new() })
    }

    async fn block(&mut self, keep: bool, event: impl Fn(usize) -> Bytes) -> Result<()> {
        let before = self.function.cpu().await?;
        for _ in 0..CALLS {
            self.sent += 1;
            self.stub.ask("call");
            self.function.invoke(event(self.sent)).await?;
        }
        if keep {
            self.costs.push(self.function.cpu().await?.saturating_sub(before) / CALLS);
        }
        Ok(())
    }
}

/// The most memory in use, with reads and writes taking turns.
pub(crate) async fn memory(subject: &Subject, database: &str) -> Result<Value> {
    let mut warm = Warm::with(subject, database).await?;
    let at_start = warm.function.peak_kib()?;
    let mut few = 0;
    for n in 0..MANY {
        let (asked, event) = match n % 2 {
            0 => ("get", subject.get.event()),
            _ => ("write", subject.write.event_with_key(n)),
        };
        warm.stub.ask(asked);
        let (answer, _) = warm.function.invoke(event).await?;
        data(&answer)?;
        if n + 1 == FEW {
            few = warm.function.peak_kib()?;
        }
    }
    let many = warm.function.peak_kib()?;
    Ok(json!({
        "after_start_kib": at_start,
        "after_1000_kib": few,
        "after_10000_kib": many,
        "growth_percent": (many as f64 / few as f64 - 1.0) * 100.0,
    }))
}
