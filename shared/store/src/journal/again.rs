//! Orders to publish an entry of the journal again.

use contract::{canonical, revision::Counter, time::Time};
use serde::{Deserialize, Serialize};

use super::ItemKey;
use crate::{
    classes,
    entity::Entity,
    key::{Key, Partition, System},
};

/// The stream forgets a record after a day: by then the relay has seen it.
const HOURS: i64 = 48;

/// The order to publish an entry again. The relay meets it in the stream, as it meets a new entry, and publishes the
/// entry as it is then: what was blanked meanwhile stays untold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// The replay that it is part of.
    pub replay_id: String,
    /// The entry.
    pub entry: ItemKey,
    /// When it may be forgotten.
    pub until: Time,
}

classes!(Again { replay_id: Plain, entry: Plain, until: Plain });

impl Again {
    /// The order of a replay.
    pub fn new(replay_id: &str, entry: ItemKey, now: Time) -> Self {
        Self { replay_id: replay_id.to_owned(), entry, until: now.plus_hours(HOURS) }
    }
}

impl Entity for Again {
    const SERVICE: &'static str = "relay";
    const TYPE: &'static str = "event-again";
    type Scope = System;
    type Revision = Counter;

    /// The orders of one replay for one aggregate share a partition, so that the relay keeps them in order.
    fn key(&self, _: &System) -> Key<Self> {
        let lane = canonical::hash(&self.entry.pk.as_str().into());
        let partition = Partition::of_system("relay").part("again").part(&self.replay_id).part(lane);
        Key::new(&partition, &[&self.entry.sk])
    }

    fn id(&self) -> String {
        self.replay_id.clone()
    }

    fn expires(&self) -> Option<Time> {
        Some(self.until)
    }
}
