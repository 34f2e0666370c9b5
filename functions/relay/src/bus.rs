//! The event bus.

use aws_sdk_eventbridge::{
    Client, Config,
    config::{BehaviorVersion, Region},
    error::ProvideErrorMetadata,
    primitives::DateTime,
    types::PutEventsRequestEntry,
};
use store::Endpoint;

use crate::event::Event;

/// The bus that events are published on.
#[derive(Clone, Debug)]
pub struct Bus {
    client: Client,
    name: String,
}

/// The code under which the bus refused an event or a call. What it says beside could quote the event.
pub type Refusal = String;

impl Bus {
    /// The bus of this name. Made by hand from what Lambda sets in the environment, with the timeouts of every client.
    pub fn new(endpoint: &Endpoint, name: String) -> Self {
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(endpoint.region.clone()))
            .credentials_provider(endpoint.credentials.clone())
            .timeout_config(store::timeouts())
            .retry_config(store::retries());
        config.set_endpoint_url(endpoint.url.clone());
        Self { client: Client::from_conf(config.build()), name }
    }

    /// Publishes events in one call, and tells for each, in their order, whether the bus has it. An error when the
    /// call failed, after its retries: then the bus may have them or not.
    pub async fn publish(&self, events: &[&Event]) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        let entries = events.iter().map(|event| self.entry(event)).collect();
        let put = self.client.put_events().set_entries(Some(entries)).send().await;
        let answered = put.map_err(|error| code(error.as_service_error().and_then(|error| error.code())))?;
        let mut results = answered.entries().iter();
        // An event that the answer does not speak of was not accepted.
        Ok(events
            .iter()
            .map(|_| match results.next() {
                Some(result) if result.event_id().is_some() && result.error_code().is_none() => Ok(()),
                result => Err(code(result.and_then(|result| result.error_code()))),
            })
            .collect())
    }

    fn entry(&self, event: &Event) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(&event.source)
            .detail_type(&event.detail_type)
            .time(DateTime::from_millis(event.time.millis()))
            .detail(&event.detail)
            .build()
    }
}

fn code(code: Option<&str>) -> Refusal {
    code.unwrap_or("no answer").to_owned()
}
