//! What stands in for S3, EventBridge and SQS: `moto_server`, with the template's bucket, bus and dead-letter queue in
//! it, and one queue that receives every event of the bus.

use std::{net::SocketAddr, path::Path};

use anyhow::{Context, Result};
use aws_sdk_eventbridge::types::Target;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;
use tokio::process::Command;

use crate::{
    aws,
    child::{Child, log_to},
    config::START_LIMIT,
    template::{Bucket, Template},
    wait,
};

/// The queue that receives every event of the bus.
pub const EVENTS_QUEUE: &str = "g3n-events";

/// The emulator's account.
const ACCOUNT: &str = "123456789012";

/// Starts the emulator, without waiting until it answers.
pub fn start(address: SocketAddr, log: &Path) -> Result<Child> {
    let mut moto = Command::new("moto_server");
    // The queue of events is emptied whenever it has too many; SQS itself allows that once a minute.
    moto.env("MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR", "false");
    moto.args(["-H", &address.ip().to_string(), "-p", &address.port().to_string()]);
    Child::spawn("the S3 and event emulator", log_to(&mut moto, log)?, "`make up` installs it.")
}

/// Waits for the emulator at `endpoint` and makes there what the template has: the bucket, the bus and the relay's
/// dead-letter queue; and the queue of all events. The archive of the bus is left out, because the emulator keeps it in
/// memory, and nothing here replays it.
pub async fn set_up(endpoint: &str, template: &Template) -> Result<()> {
    wait::until_answers("the S3 and event emulator", endpoint, START_LIMIT).await?;
    make_bucket(endpoint, &template.bucket()?).await.context("the bucket cannot be made")?;
    make_bus(endpoint, &template.bus()?).await.context("the event bus cannot be made")?;
    let dead_letters = template.event_source()?.dead_letters;
    queues(endpoint).create_queue().queue_name(dead_letters).send().await.context("no dead-letter queue")?;
    Ok(())
}

async fn make_bucket(endpoint: &str, bucket: &Bucket) -> Result<()> {
    let config = aws_sdk_s3::config::Builder::from(&aws::local(endpoint)).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    s3.create_bucket().bucket(&bucket.name).send().await?;
    if bucket.versioned {
        let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        s3.put_bucket_versioning().bucket(&bucket.name).versioning_configuration(versioning).send().await?;
    }
    Ok(())
}

async fn make_bus(endpoint: &str, bus: &str) -> Result<()> {
    let sqs = queues(endpoint);
    let url =
        sqs.create_queue().queue_name(EVENTS_QUEUE).send().await?.queue_url.context("a queue without URL")?;
    let arn = QueueAttributeName::QueueArn;
    let attributes = sqs.get_queue_attributes().queue_url(url).attribute_names(arn.clone()).send().await?;
    let queue_arn = attributes.attributes().and_then(|all| all.get(&arn)).context("a queue without ARN")?;

    let events = aws_sdk_eventbridge::Client::new(&aws::local(endpoint));
    events.create_event_bus().name(bus).send().await?;
    let every_event = json!({ "source": [{ "prefix": "" }] }).to_string();
    events.put_rule().name("every-event").event_bus_name(bus).event_pattern(every_event).send().await?;
    let queue = Target::builder().id("queue").arn(queue_arn).build()?;
    events.put_targets().rule("every-event").event_bus_name(bus).targets(queue).send().await?;
    Ok(())
}

/// Where the emulator has a queue of this name.
pub fn queue_url(endpoint: &str, name: &str) -> String {
    format!("{endpoint}/{ACCOUNT}/{name}")
}

/// A client for the emulator's queues.
pub fn queues(endpoint: &str) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(&aws::local(endpoint))
}
