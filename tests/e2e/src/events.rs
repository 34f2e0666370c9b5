//! What arrives on the event bus.

use std::time::Duration;

use serde_json::Value;
use stack::emulator::{EVENTS_QUEUE, queues};
use tokio::{sync::Mutex, time::Instant};

/// How long an event may take to arrive: far longer than it does.
const DEADLINE: Duration = Duration::from_mins(1);

/// The queue of every event.
#[derive(Debug)]
pub struct Events {
    emulator: String,
    seen: Mutex<Vec<Value>>,
}

impl Events {
    pub(crate) fn of(emulator: &str) -> Self {
        Self { emulator: emulator.to_owned(), seen: Mutex::default() }
    }

    /// The first event that satisfies `wanted`, waiting for it.
    ///
    /// # Panics
    /// After a minute without it.
    pub async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(event) = self.seen.lock().await.iter().find(|event| wanted(event)) {
                return event.clone();
            }
            assert!(Instant::now() < deadline, "no such event; there were: {:#?}", self.seen().await);
            self.receive().await;
        }
    }

    /// Every event that was received while [`Events::until`] waited.
    pub async fn seen(&self) -> Vec<Value> {
        self.seen.lock().await.clone()
    }

    async fn receive(&self) {
        let sqs = queues(&self.emulator);
        let queue = sqs.get_queue_url().queue_name(EVENTS_QUEUE).send().await.expect("the queue");
        let queue = queue.queue_url.expect("its URL");
        let messages =
            sqs.receive_message().queue_url(&queue).wait_time_seconds(1).max_number_of_messages(10);
        for message in messages.send().await.expect("the queue answers").messages() {
            let event = serde_json::from_str(message.body().unwrap_or_default()).expect("an event is JSON");
            self.seen.lock().await.push(event);
            let receipt = message.receipt_handle().expect("a receipt");
            sqs.delete_message().queue_url(&queue).receipt_handle(receipt).send().await.expect("removed");
        }
    }
}
