//! The event bus.

use std::time::Duration;

use aws_sdk_eventbridge::{
    Client, error::ProvideErrorMetadata, primitives::DateTime, types::PutEventsRequestEntry,
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

/// Codes of refusals that are about what an event is. It can be sent as often as one likes.
const ABOUT_CONTENT: &[&str] =
    &["InvalidArgument", "MalformedDetail", "RedactionFailure", "ValidationException"];
/// Codes of refusals that pass.
const PASSING: &[&str] = &["InternalException", "InternalFailure", "ThrottlingException", NO_ANSWER];
/// What counts as the code where there is none.
pub(crate) const NO_ANSWER: &str = "no answer";
/// For so long an event is tried again that the bus refuses for another reason: a bus that is not there yet, a
/// permission that was taken. Somebody may put that right; then it must go out in its turn.
const PATIENCE: Duration = Duration::from_hours(1);

/// Whether a call, or an event, was refused for what it holds.
pub fn is_about_content(code: &str) -> bool {
    ABOUT_CONTENT.contains(&code)
}

/// Whether an event that the bus refused with this code, so long after it was written, will never be taken. A bus that
/// fails as a whole says nothing about its events: they wait for it.
pub fn is_for_ever(code: &str, age: Duration) -> bool {
    is_about_content(code) || (age >= PATIENCE && !PASSING.contains(&code))
}

impl Bus {
    /// The bus of this name.
    pub fn new(endpoint: &Endpoint, name: String) -> Self {
        Self { client: Client::new(&endpoint.config()), name }
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
    code.unwrap_or(NO_ANSWER).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_event_is_refused_for_decides_whether_it_is_tried_again() {
        let (young, old) = (Duration::ZERO, PATIENCE);
        for code in ABOUT_CONTENT {
            assert!(is_for_ever(code, young));
        }
        for code in PASSING {
            assert!(!is_for_ever(code, old));
        }
        assert!(!is_for_ever("NotAuthorizedForSourceException", young));
        assert!(is_for_ever("NotAuthorizedForSourceException", old));
    }
}
