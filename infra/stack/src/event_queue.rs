//! Keeps the queue of all events short while nobody reads it: for each event that the emulator adds, it looks at all that
//! are there.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use aws_sdk_sqs::{Client, types::QueueAttributeName};
use hyper::{
    Request,
    header::{HeaderMap, HeaderValue},
};
use tokio::sync::RwLock;

use crate::{
    emulator::{EVENTS_QUEUE, queue_url, queues},
    http::{Body, Onward, Reply},
};

/// The queue may have so many events that nobody reads. With 100 they double the time that the emulator takes for another.
const MOST_UNREAD: u32 = 50;

/// A publication holds up to ten events: after so many there may be [`MOST_UNREAD`].
const LOOK_EVERY: u32 = 5;

/// Whoever reads asks again within this time: `make events` does after 20 s at most.
const PATIENCE: Duration = Duration::from_mins(1);

/// The queue of all events, as the guard of the emulator sees it used.
#[derive(Debug)]
pub struct EventQueue {
    queues: Client,
    url: String,
    /// Held shared by whoever waits for an event, and by nobody else while the queue is emptied.
    waiting: RwLock<()>,
    last_read: Mutex<Option<Instant>>,
    published: AtomicU32,
}

impl EventQueue {
    /// The queue in the emulator at `endpoint`.
    pub fn new(endpoint: &str) -> Self {
        Self {
            queues: queues(endpoint),
            url: queue_url(endpoint, EVENTS_QUEUE),
            waiting: RwLock::default(),
            last_read: Mutex::default(),
            published: AtomicU32::default(),
        }
    }

    /// Passes a request on, and takes note of it if it reads or publishes events.
    pub async fn watch(&self, request: Request<Body>, onward: &Onward) -> Result<Reply> {
        if reads(&request) {
            let _waits = self.waiting.read().await;
            let answered = onward.send(request).await;
            *self.last_read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            return answered;
        }
        if target(request.headers()) == Some(b"AWSEvents.PutEvents") {
            let published = self.published.fetch_add(1, Ordering::Relaxed) + 1;
            if published >= LOOK_EVERY {
                self.published.store(0, Ordering::Relaxed);
                // What is published is published whether or not there is room.
                if let Err(error) = self.make_room().await {
                    tracing::warn!(error = format!("{error:#}"), "the queue of events is not emptied");
                }
            }
        }
        onward.send(request).await
    }

    async fn make_room(&self) -> Result<()> {
        let last_read = *self.last_read.lock().unwrap_or_else(PoisonError::into_inner);
        if last_read.is_some_and(|last| last.elapsed() < PATIENCE) {
            return Ok(());
        }
        let Ok(_alone) = self.waiting.try_write() else { return Ok(()) };
        let number = QueueAttributeName::ApproximateNumberOfMessages;
        let asked = self.queues.get_queue_attributes().queue_url(&self.url).attribute_names(number.clone());
        let attributes = asked.send().await?.attributes.unwrap_or_default();
        let unread: u32 = attributes.get(&number).context("a queue without a number of messages")?.parse()?;
        if unread > MOST_UNREAD {
            self.queues.purge_queue().queue_url(&self.url).send().await?;
        }
        Ok(())
    }
}

/// Also the form in which older clients ask, which name the action in the body: whatever they ask of this queue.
fn reads(request: &Request<Body>) -> bool {
    let target = target(request.headers());
    target == Some(b"AmazonSQS.ReceiveMessage")
        || target.is_none() && request.uri().path().ends_with(&format!("/{EVENTS_QUEUE}"))
}

fn target(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get("x-amz-target").map(HeaderValue::as_bytes)
}
