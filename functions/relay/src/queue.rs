//! The dead-letter queue.

use std::collections::HashSet;

use aws_sdk_sqs::{
    Client,
    error::ProvideErrorMetadata,
    types::{BatchResultErrorEntry, SendMessageBatchRequestEntry, SendMessageBatchResultEntry},
};
use store::Endpoint;

use crate::{
    bus::{NO_ANSWER, Refusal},
    letter::Letter,
};

/// The queue of what could not be published.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    client: Client,
    url: String,
}

impl DeadLetters {
    /// The queue at this URL.
    pub fn new(endpoint: &Endpoint, url: String) -> Self {
        Self { client: Client::new(&endpoint.config()), url }
    }

    /// Sends up to ten letters, and tells for each, in their order, whether the queue has it.
    pub async fn send(&self, letters: &[Letter]) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        let entries = letters.iter().enumerate().map(|(n, letter)| {
            let body = serde_json::to_string(letter).map_err(|_| "no letter".to_owned())?;
            let entry = SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(body);
            entry.build().map_err(|_| "no letter".to_owned())
        });
        let entries = entries.collect::<Result<Vec<_>, Refusal>>()?;
        let batch = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answered = batch.send().await.map_err(|error| {
            let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
            code.unwrap_or(NO_ANSWER).to_owned()
        })?;
        let sent: HashSet<&str> = answered.successful().iter().map(SendMessageBatchResultEntry::id).collect();
        let refused = |id: &str| answered.failed().iter().find(|failed| failed.id() == id);
        Ok((0..letters.len())
            .map(|n| n.to_string())
            .map(|id| {
                let code = || refused(&id).map_or(NO_ANSWER, BatchResultErrorEntry::code).to_owned();
                if sent.contains(id.as_str()) { Ok(()) } else { Err(code()) }
            })
            .collect())
    }
}
