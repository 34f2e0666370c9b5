//! How long a handler takes over the calls that it makes: its median over that of the same calls sent by themselves,
//! in turns, to databases of the same kind with the same items.
//!
//! What the Lambda runtime itself takes, which is what `hello` takes, is taken off both.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::{
    World, database,
    function::{Function, environment},
    proxy::{Operation, Proxy},
};

use crate::{
    copy,
    figures::{median, micros, ratio},
    fixture::{self, Request, data},
    programs,
};

/// Calls of each kind.
const CALLS: usize = 300;

/// The programs that it takes.
#[derive(Clone, Copy)]
pub(crate) struct Programs<'a> {
    /// Answers at once.
    pub(crate) hello: &'a Path,
    /// Sends recorded calls.
    pub(crate) raw: &'a Path,
    /// The service.
    pub(crate) ofm: &'a Path,
}

/// What is asked again and again.
enum Asked {
    /// The same request each time.
    Same(Request),
    /// With an idempotency key of its own each time.
    Keyed(Request),
    /// At the revision that the last answer showed.
    AtRevision(Request, Value),
}

impl Asked {
    fn event(&self, n: usize) -> Bytes {
        match self {
            Self::Same(request) | Self::AtRevision(request, _) => request.event(),
            Self::Keyed(request) => request.event_with_key(n),
        }
    }

    fn answered(&mut self, world: &World, answer: &Value) -> Result<()> {
        let data = data(answer)?;
        if let Self::AtRevision(request, fields) = self {
            fields["expected_revision"] = data["revision"].clone();
            request.set_fields(world, fields);
        }
        Ok(())
    }
}

/// Measures a get, a list, an update and a creation.
pub(crate) async fn measure(programs: Programs<'_>) -> Result<Value> {
    let mut report = json!({});
    for kind in ["get", "query", "update", "transaction"] {
        report[kind] = one(programs, kind).await.with_context(|| kind.to_owned())?;
    }
    Ok(report)
}

async fn asked(world: &World, kind: &str) -> Result<Asked> {
    let create = json!({"caption": "Shop", "description": "All of it", "reason": "new shop"});
    let mut made = Value::Null;
    for _ in 0..8 {
        let reply = world.post(&SERVICE, &world.owner, "/cost-centre/create", create.clone()).await;
        made = reply.data().clone();
    }
    let post = |path: &str, fields: &Value| Request::post(world, &SERVICE, path, fields);
    Ok(match kind {
        "get" => Asked::Same(post("/cost-centre/get", &json!({"cc_guid": made["cc_guid"]}))?),
        "query" => Asked::Same(post("/cost-centre/list", &json!({}))?),
        "update" => {
            let fields = json!({
                "cc_guid": made["cc_guid"], "expected_revision": made["revision"],
                "description": "Some of it", "reason": "moved",
            });
            Asked::AtRevision(post("/cost-centre/update", &fields)?, fields)
        }
        _ => Asked::Keyed(post("/cost-centre/create", &create)?),
    })
}

async fn one(programs: Programs<'_>, kind: &str) -> Result<Value> {
    let recorded = record(programs.ofm, kind).await?;
    let lines = programs::output()?.join(format!("{kind}.jsonl"));
    let all: Vec<String> = recorded.calls.iter().map(ToString::to_string).collect();
    fs::write(&lines, all.join("\n"))?;

    let world = fixture::world().await;
    let mut asked = asked(&world, kind).await?;
    let mut hello = Timed::start(programs.hello, database::endpoint(), None).await?;
    let mut handler = Timed::start(programs.ofm, database::endpoint(), None).await?;
    let mut raw = Timed::start(programs.raw, &recorded.database.endpoint, Some(&lines)).await?;
    for n in 0..CALLS {
        let event = asked.event(n);
        hello.call(event.clone()).await?;
        // Now the one first, now the other.
        if n % 2 == 0 {
            raw.call(event.clone()).await?;
        }
        asked.answered(&world, &handler.call(event.clone()).await?)?;
        if n % 2 == 1 {
            raw.call(event).await?;
        }
    }
    let base = median(&hello.walls);
    let handler = median(&handler.walls).saturating_sub(base);
    let raw = median(&raw.walls).saturating_sub(base);
    Ok(json!({
        "calls": recorded.operations,
        "hello_p50_us": micros(base).round(),
        "handler_p50_us": micros(handler).round(),
        "raw_p50_us": micros(raw).round(),
        "over_raw": ratio(handler, raw),
    }))
}

struct Timed {
    function: Function,
    walls: Vec<Duration>,
}

impl Timed {
    async fn start(program: &Path, endpoint: &str, calls: Option<&Path>) -> Result<Self> {
        let mut environment = environment(endpoint);
        let calls = calls.map(|calls| ("RAW_CALLS".to_owned(), calls.display().to_string()));
        environment.extend(calls);
        Ok(Self { function: Function::start(program, &environment).await?, walls: Vec::new() })
    }

    async fn call(&mut self, event: Bytes) -> Result<Value> {
        let (answer, wall) = self.function.invoke(event).await?;
        self.walls.push(wall);
        Ok(answer)
    }
}

/// What a function asked of the database, invocation by invocation, and a database as it stood before.
struct Recorded {
    database: stack::embedded::Embedded,
    calls: Vec<Value>,
    operations: Value,
}

/// Sends a request as often as it will be measured, and records what the function asks of the database.
async fn record(program: &Path, kind: &str) -> Result<Recorded> {
    let world = fixture::world().await;
    let mut asked = asked(&world, kind).await?;
    let copied = copy::database().await?;
    let proxy = Proxy::start(database::endpoint())?;
    let mut function = Function::start(program, &environment(proxy.endpoint())).await?;
    let mut recorded = Recorded { database: copied, calls: Vec::new(), operations: Value::Null };
    let mut seen = proxy.calls().len();
    for n in 0..CALLS {
        let (answer, _) = function.invoke(asked.event(n)).await?;
        asked.answered(&world, &answer)?;
        let calls = proxy.calls();
        // A report of the rate limit is sent beside the call, now and then.
        let fresh = calls[seen..].iter().filter(|call| call.operation != Operation::UpdateItem);
        let calls_of: Vec<Value> = fresh
            .map(|call| json!({"operation": format!("{:?}", call.operation), "request": *call.request}))
            .collect();
        ensure!(!calls_of.is_empty(), "the function asked nothing of the database");
        seen = calls.len();
        recorded.calls.push(trips(calls_of));
    }
    let trips = recorded.calls.last().and_then(Value::as_array).into_iter().flatten();
    let calls = trips.filter_map(Value::as_array).flatten();
    recorded.operations = calls.map(|call| call["operation"].clone()).collect();
    Ok(recorded)
}

/// The calls by round trips: queries that follow each other ask the partitions of one list, at the same time.
fn trips(calls: Vec<Value>) -> Value {
    let is_query = |call: &Value| call["operation"] == "Query";
    let mut trips: Vec<Vec<Value>> = Vec::new();
    for call in calls {
        match trips.last_mut() {
            Some(trip) if is_query(&call) && trip.iter().all(is_query) => trip.push(call),
            _ => trips.push(vec![call]),
        }
    }
    trips.into()
}
