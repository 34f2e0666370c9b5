//! What a warm call costs: processor time and memory, with a database whose answers cost nothing.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use serde_json::{Value, json};
use service::Service;
use testkit::{
    Caller, World,
    bus::Bus,
    function::{Function, environment},
};

use crate::{
    figures::{least, median, micros, ratio},
    fixture::{Request, data},
    stub::Stub,
};

/// Calls in a block, blocks of each kind. The kinds take turns.
const CALLS: u32 = 25;
const BLOCKS: usize = 50;
/// When memory is looked at: after so many calls, and after so many.
const CALLS_IN_MEMORY: (usize, usize) = (1_000, 20_000);
/// The same of a function whose writes are log-ins: after 1,000 and 5,000 of them.
const CALLS_WITH_LOG_INS: (usize, usize) = (2_000, 10_000);

/// A function with a read and a write to be sent to it.
pub(crate) struct Subject {
    program: PathBuf,
    /// After it, the function remembers what it remembers between calls.
    first: Request,
    get: Request,
    write: Request,
    /// Every so manieth call is a write, where memory is looked at.
    turn: usize,
    calls: (usize, usize),
    /// Where the function publishes to.
    bus: Option<Bus>,
}

impl Subject {
    /// What is asked of a service, in this world.
    pub(crate) async fn new(world: &World, service: &'static Service, program: PathBuf) -> Result<Self> {
        match service.name {
            "referral" => return Self::of_referral(world, program).await,
            "usm" => return Self::of_usm(world, program).await,
            "operator" => return Self::of_operator(world, program).await,
            _ => {}
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
        let first = Request::post(world, service, get, &given)?;
        let get = Request::post(world, service, get, &given)?;
        Ok(Self::of(program, first, get, Request::post(world, service, create, &with_other_address(fields))?))
    }

    fn of(program: PathBuf, first: Request, get: Request, write: Request) -> Self {
        Self { program, first, get, write, turn: 2, calls: CALLS_IN_MEMORY, bus: None }
    }

    /// Log-ins, each followed by a look at a session.
    async fn of_usm(world: &World, program: PathBuf) -> Result<Self> {
        let (_, credentials) = user(world).await?;
        let session =
            world.post(&usm::SERVICE, &Caller::anonymous(), "/session/create", credentials.clone()).await;
        let session = json!({"session_guid": session.data()["session_guid"]});
        let validate = || Request::anonymous(&usm::SERVICE, "/session/validate", &session);
        let log_in = Request::anonymous(&usm::SERVICE, "/session/create", &credentials)?;
        let subject = Self::of(program, validate()?, validate()?, log_in);
        Ok(Self { calls: CALLS_WITH_LOG_INS, ..subject })
    }

    /// Looks at a user, whose passcode is set at every fourth call.
    async fn of_operator(world: &World, program: PathBuf) -> Result<Self> {
        let (user_guid, credentials) = user(world).await?;
        let get = || Request::action("user-get", &json!({"user_guid": user_guid}));
        let passcode = json!({"user_guid": user_guid, "passcode": credentials["passcode"]});
        let subject = Self::of(program, get(), get(), Request::action("user-passcode-set", &passcode));
        Ok(Self { turn: 4, ..subject })
    }

    /// Batches of the table's stream, published to a bus that takes all.
    pub(crate) async fn of_relay(program: PathBuf) -> Result<Self> {
        let batch = || Request::sample("relay");
        let subject = Self::of(program, batch()?, batch()?, batch()?);
        Ok(Self { bus: Some(Bus::start([]).await), ..subject })
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
        Ok(Self::of(program, first, get, Request::post(world, &referral::SERVICE, "", &click)?))
    }
}

/// A person who may log in, and with what.
async fn user(world: &World) -> Result<(Value, Value)> {
    let act = async |action: &str, fields: Value| {
        world.act(&operator::SERVICE, action, fields).await.data().clone()
    };
    let email = format!("ada@{}.example", world.orgcode.to_lowercase());
    let passcode = "Correct-horse-7";
    let made = json!({"email": email, "display_name": "Ada", "passcode": passcode});
    let user_guid = act("user-create", made).await["user_guid"].clone();
    let confirm = json!({"user_guid": user_guid, "email": email});
    let confirmed = act("email-confirm", confirm).await;
    let verify = json!({"user_guid": user_guid, "status": "verified",
        "expected_revision": confirmed["revision"]});
    act("user-status-set", verify).await;
    Ok((user_guid, json!({"email": email, "passcode": passcode})))
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
        let bus = subject.bus.as_ref().map(|bus| bus.endpoint().url.unwrap_or_default());
        let mut warm = Self::start_with(&subject.program, database, bus).await?;
        warm.stub.ask("first");
        data(&warm.function.invoke(subject.first.event()).await?.0)?;
        warm.stub.ask("call");
        Ok(warm)
    }

    async fn start(program: &Path, database: &str) -> Result<Self> {
        Self::start_with(program, database, None).await
    }

    async fn start_with(program: &Path, database: &str, bus: Option<String>) -> Result<Self> {
        let stub = Stub::start(database, None).await?;
        let mut environment = environment(&stub.endpoint());
        environment.extend(bus.map(|url| ("AWS_ENDPOINT_URL".to_owned(), url)));
        let function = Function::start(program, &environment).await?;
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

/// The most memory in use, with reads and writes taking turns, each invocation with a trace id of its own.
pub(crate) async fn memory(subject: &Subject, database: &str) -> Result<Value> {
    let mut warm = Warm::with(subject, database).await?;
    let at_start = warm.function.peak_kib()?;
    let (few, many) = subject.calls;
    let mut after_few = 0;
    for n in 1..=many {
        let (asked, event) = match n % subject.turn {
            0 => ("write", subject.write.event_with_key(n)),
            _ => ("get", subject.get.event()),
        };
        warm.stub.ask(asked);
        let (answer, _) = warm.function.invoke(event).await?;
        data(&answer)?;
        if n == few {
            after_few = warm.function.peak_kib()?;
        }
    }
    let peak = warm.function.peak_kib()?;
    Ok(json!({
        "calls": {"few": few, "all": many, "writes": many / subject.turn},
        "after_start_kib": at_start,
        "after_few_kib": after_few,
        "peak_kib": peak,
        "growth_bytes_a_call": (peak - after_few) as f64 * 1024.0 / (many - few) as f64,
    }))
}
