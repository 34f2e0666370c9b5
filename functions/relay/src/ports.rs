//! What the function reaches outside itself: the bus, the dead-letter queue, and the table.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use contract::{
    context::RequestContext,
    error::{Error, Result},
    reason::SourceRefs,
    time::Time,
};
use serde_json::Value;
use store::{
    Batch, Chance, Change, Stamp, Store, System, SystemChance,
    journal::{Entry, ItemKey},
};

use crate::{
    bus::{Bus, Refusal},
    event::Event,
    keys,
    letter::Letter,
    progress::{self, Lane},
    queue::DeadLetters,
};

/// Everything that the function asks of others. Each call may fail, and may have had its effect then.
pub trait Ports: Send + Sync {
    /// Publishes events in one call, and tells for each, in their order, whether the bus has it. An error when the call
    /// failed: then the bus may have them or not.
    fn publish(
        &self,
        events: &[&Event],
    ) -> impl Future<Output = Result<Vec<Result<(), Refusal>>, Refusal>> + Send;

    /// Puts letters into the dead-letter queue, and tells for each, in their order, whether it is there.
    fn put_aside(
        &self,
        letters: &[Letter],
    ) -> impl Future<Output = Result<Vec<Result<(), Refusal>>, Refusal>> + Send;

    /// What was noted of these lanes.
    fn progress(&self, lanes: &[&str]) -> impl Future<Output = Result<HashMap<String, Lane>>> + Send;

    /// Notes how far these lanes are.
    fn note(&self, lanes: &[&Lane], now: Time) -> impl Future<Output = Result<()>> + Send;

    /// Entries of the journal as they are now; one that is not there, or cannot be read, is left out.
    fn entries(&self, keys: &[ItemKey]) -> impl Future<Output = Result<BTreeMap<ItemKey, Entry>>> + Send;

    /// Lets time pass.
    fn pause(&self, pause: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(pause)
    }
}

/// The bus, the queue and the table.
#[derive(Clone)]
pub struct Outside {
    bus: Bus,
    letters: DeadLetters,
    store: Store,
    chance: Arc<dyn Chance>,
}

impl Outside {
    /// These.
    pub fn new(bus: Bus, letters: DeadLetters, store: Store) -> Self {
        Self { bus, letters, store, chance: Arc::new(SystemChance) }
    }
}

impl Ports for Outside {
    async fn publish(&self, events: &[&Event]) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        self.bus.publish(events).await
    }

    async fn put_aside(&self, letters: &[Letter]) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        self.letters.send(letters).await
    }

    async fn progress(&self, lanes: &[&str]) -> Result<HashMap<String, Lane>> {
        let mut progress = HashMap::new();
        for part in lanes.chunks(Batch::MOST) {
            let keys: Vec<_> = part.iter().map(|lane| keys::lane(&progress::hash(lane))).collect();
            let mut batch = Batch::default();
            for key in &keys {
                batch.want(key);
            }
            let found = self.store.read(batch).await?;
            for key in &keys {
                if let Some(stored) = found.get(key)? {
                    progress.insert(stored.record.lane.clone(), stored.record);
                }
            }
        }
        Ok(progress)
    }

    async fn note(&self, lanes: &[&Lane], now: Time) -> Result<()> {
        let mut change = Change::new(Arc::new(stamp(now)), self.chance.clone());
        lanes.iter().try_for_each(|lane| change.overwrite(&System, Lane::clone(lane)))?;
        self.store.commit(&change, None).await.map(drop)
    }

    async fn entries(&self, keys: &[ItemKey]) -> Result<BTreeMap<ItemKey, Entry>> {
        self.store.entries(keys).await
    }
}

/// Nothing that the relay notes has a history, so nobody asks who did it and why.
fn stamp(now: Time) -> Stamp {
    Stamp {
        now,
        context: RequestContext::default(),
        as_owner: false,
        surface: None,
        build: Value::Null,
        request_id: String::new(),
        gateway_request_id: None,
        reason: None,
        reason_code: None,
        source_refs: SourceRefs::default(),
    }
}

/// The name under which a failure of the table is counted: what it says could quote an item.
pub(crate) fn refusal(error: &Error) -> Refusal {
    format!("table:{}", error.tag().name())
}
