//! The figures as a table, each with the floor that it must reach and the aim beyond it.

use std::fmt::Write;

use serde_json::{Value, json};

/// What a figure must reach: no more than this.
struct Goal {
    what: &'static str,
    unit: &'static str,
    floor: f64,
    aim: f64,
    value: fn(&Value) -> Option<f64>,
}

const MIB: f64 = 1024.0;
const MB: f64 = 1e6;

const GOALS: &[Goal] = &[
    Goal {
        what: "largest function, stripped",
        unit: "MB",
        floor: 6.0,
        aim: 4.0,
        value: |report| most(&report["size"], "/stripped").map(|bytes| bytes / MB),
    },
    Goal {
        what: "start-up CPU to the first poll, against hello",
        unit: "×",
        floor: 2.0,
        aim: 1.3,
        value: |report| most(&report["start_up"], "/cpu_over_hello"),
    },
    Goal {
        what: "CPU of the first TLS handshake, in the start-up",
        unit: "ms",
        floor: 8.0,
        aim: 2.0,
        value: |report| most(&report["start_up"], "/handshake_cpu_us").map(|micros| micros / 1e3),
    },
    Goal {
        what: "peak memory after 1,000 calls, without passcodes",
        unit: "MiB",
        floor: 12.0,
        aim: 8.0,
        value: |report| most(&without(&report["memory"], HASHING), "/after_few_kib").map(|kib| kib / MIB),
    },
    Goal {
        what: "growth of peak memory from 1,000 to 20,000 calls, a call",
        unit: "bytes",
        floor: 128.0,
        aim: 16.0,
        value: |report| most(&without(&report["memory"], HASHING), "/growth_bytes_a_call"),
    },
    Goal {
        what: "growth of peak memory from 1,000 to 5,000 log-ins, a call",
        unit: "bytes",
        floor: 256.0,
        aim: 16.0,
        value: |report| report.pointer("/memory/usm/growth_bytes_a_call")?.as_f64(),
    },
    Goal {
        what: "CPU of a warm get, against hello",
        unit: "×",
        floor: 5.0,
        aim: 3.5,
        value: |report| most(&report["cpu"], "/get/over_hello"),
    },
    Goal {
        what: "CPU of an idempotent write, against hello",
        unit: "×",
        floor: 10.0,
        aim: 7.0,
        value: |report| most(&report["cpu"], "/write/over_hello"),
    },
    Goal {
        what: "p50 of a get over its calls alone",
        unit: "×",
        floor: 2.0,
        aim: 1.5,
        value: |report| report.pointer("/latency/get/over_raw")?.as_f64(),
    },
    Goal {
        what: "p50 of a list over its calls alone",
        unit: "×",
        floor: 1.8,
        aim: 1.5,
        value: |report| report.pointer("/latency/query/over_raw")?.as_f64(),
    },
    Goal {
        what: "p50 of an update over its calls alone",
        unit: "×",
        floor: 1.6,
        aim: 1.3,
        value: |report| report.pointer("/latency/update/over_raw")?.as_f64(),
    },
    Goal {
        what: "p50 of a creation over its calls alone",
        unit: "×",
        floor: 1.3,
        aim: 1.15,
        value: |report| report.pointer("/latency/transaction/over_raw")?.as_f64(),
    },
    Goal {
        what: "round trips of a reading route, mean",
        unit: "",
        floor: 1.4,
        aim: 1.15,
        value: |report| report.pointer("/routes/mean_round_trips/read")?.as_f64(),
    },
    Goal {
        what: "round trips of a writing route, mean",
        unit: "",
        floor: 2.2,
        aim: 2.0,
        value: |report| report.pointer("/routes/mean_round_trips/write")?.as_f64(),
    },
];

/// The functions that keep a buffer for passcodes: 19 MiB.
const HASHING: &[&str] = &["usm", "operator"];

/// A part of the report without some functions.
fn without(part: &Value, functions: &[&str]) -> Value {
    let mut part = part.clone();
    if let Some(part) = part.as_object_mut() {
        part.retain(|name, _| !functions.contains(&name.as_str()));
    }
    part
}

/// The largest figure at `pointer` among the functions in a part of the report.
fn most(part: &Value, pointer: &str) -> Option<f64> {
    let figures = part.as_object()?.values().filter_map(|function| function.pointer(pointer)?.as_f64());
    figures.reduce(f64::max)
}

/// The goals with what was reached, as Markdown; those that were not measured are left out.
pub(crate) fn table(report: &Value) -> String {
    let mut rows = String::from("| figure | measured | floor | aim | |\n| --- | --- | --- | --- | --- |\n");
    for Goal { what, unit, floor, aim, value } in GOALS {
        let Some(value) = value(report) else { continue };
        let verdict = match value {
            value if value <= *aim => "aim reached",
            value if value <= *floor => "floor reached",
            _ => "**missed**",
        };
        let _ = writeln!(rows, "| {what} | {value:.2} {unit} | {floor} {unit} | {aim} {unit} | {verdict} |");
    }
    rows
}

/// The goals with what was reached, as data.
pub(crate) fn goals(report: &Value) -> Value {
    let reached = GOALS.iter().filter_map(|goal| {
        let value = (goal.value)(report)?;
        Some(json!({
            "what": goal.what, "unit": goal.unit, "value": value, "floor": goal.floor, "aim": goal.aim,
        }))
    });
    reached.collect()
}
