//! The sample invocation, `events/relay.json`.

use relay::relay::BatchAnswer;
use serde_json::Value;
use testkit::bus;

use crate::{TIME_LEFT, plain_function};

#[tokio::test]
async fn the_sample_is_published() {
    let sample: Value = serde_json::from_str(include_str!("../../../../events/relay.json")).unwrap();
    let bus = bus::Bus::start([]).await;
    let answer = plain_function(&bus).handle(sample, TIME_LEFT).await;
    assert_eq!(answer, Ok(BatchAnswer::default()));
    let published = bus.accepted();
    let actions: Vec<_> = published.iter().map(|event| event["DetailType"].as_str().unwrap()).collect();
    assert_eq!(actions, ["cost-centre-created", "cost-centre-updated"]);
}
