//! The memory of the function as Lambda runs it (usm §3, *Memory of log-ins is bounded*).

use std::path::Path;

use serde_json::{Value, json};
use testkit::{
    World, database,
    function::{Function, environment},
};

use crate::people::{PASSCODE, Person, hashed};

const LOG_INS: usize = 1_000;
/// After so many the function has allocated what it keeps.
const WARM: usize = 100;
/// So much may come in all the others: what a trace id leaves behind in the environment is some 112 bytes.
const MOST_GROWTH_KIB: u64 = 4 * 1024;
/// The most that it may ever have in use: the unoptimised program, one buffer of 19 MiB and what calls leave behind.
const MOST_KIB: u64 = 64 * 1024;

/// The gateway's event of a call, from a network that no other comes from.
fn event(path: &str, fields: &Value, n: usize) -> String {
    let sample = include_str!("../../../../events/usm-post.json");
    let mut event: Value = serde_json::from_str(sample).expect("an event");
    event["rawPath"] = json!(format!("/usm{path}"));
    event["requestContext"]["http"]["path"] = event["rawPath"].clone();
    event["requestContext"]["http"]["sourceIp"] = json!(format!("10.{}.{}.1", n / 256, n % 256));
    event["headers"].as_object_mut().expect("headers").remove("content-length");
    event["body"] = json!(fields.to_string());
    event.to_string()
}

/// Calls the function; the data of the answer, which is a success.
async fn call(function: &mut Function, path: &str, fields: &Value, n: usize) -> Value {
    let (answer, _) = function.invoke(event(path, fields, n).into()).await.expect("an answer");
    let body: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(body["success"], true, "{body}");
    body["data"].clone()
}

#[tokio::test]
async fn memory_is_flat_over_a_thousand_log_ins() {
    let world = World::new().await;
    let hash = hashed(PASSCODE).await;
    // Each logs in ten times: none has more sessions than a user may.
    let mut people = Vec::new();
    for _ in 0..LOG_INS / 10 {
        people.push(Person::with(&world, hash.clone()).await);
    }
    let program = Path::new(env!("CARGO_BIN_EXE_usm"));
    let mut function = Function::start(program, &environment(database::endpoint())).await.unwrap();
    let mut warm = 0;
    for n in 0..LOG_INS {
        let credentials = people[n % people.len()].credentials();
        let session = call(&mut function, "/session/create", &credentials, n).await;
        // What other calls write in between is what once came to lie in freed buffers.
        let session = json!({"session_guid": session["session_guid"]});
        call(&mut function, "/session/validate", &session, n).await;
        if n + 1 == WARM {
            warm = function.peak_kib().unwrap();
        }
    }
    let peak = function.peak_kib().unwrap();
    println!("{warm} KiB after {WARM} log-ins, {peak} KiB after {LOG_INS}");
    assert!(peak - warm <= MOST_GROWTH_KIB, "grew from {warm} KiB to {peak} KiB");
    assert!(peak <= MOST_KIB, "{peak} KiB");
    function.stop().await.unwrap();
}
