//! The `relay` function.

use std::time::{Duration, UNIX_EPOCH};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use relay::{bus::Bus, ports::Outside, queue::DeadLetters, relay::Relay};
use serde_json::Value;
use service::{Clock, LogSink, lambda};
use store::Store;

/// The function's `Timeout` in the template.
const TIMEOUT: Duration = Duration::from_mins(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda::trace();
    let bus = Bus::new(&lambda::endpoint("EVENTBRIDGE")?, lambda::required("G3N_BUS")?);
    let letters = DeadLetters::new(&lambda::endpoint("SQS")?, lambda::required("G3N_DEAD_LETTERS")?);
    let store = Store::new(store::client(&lambda::endpoint("DYNAMODB")?), &lambda::required("G3N_TABLE")?);
    store.warm_up().await;
    let stage = lambda::variable("G3N_STAGE").unwrap_or_else(|| "local".to_owned());
    let relay = Relay::new(Outside::new(bus, letters, store), &stage, Clock::System, LogSink::Stdout);
    lambda_runtime::run(service_fn(|invocation: LambdaEvent<Value>| {
        let deadline = invocation.context.deadline().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(Clock::System.now().millis()).unwrap_or_default();
        // Off AWS, as under `cargo lambda watch`, the deadline is one of 1970.
        let time_left = deadline.checked_sub(Duration::from_millis(now)).unwrap_or(TIMEOUT);
        relay.handle(invocation.payload, time_left)
    }))
    .await
}
