//! What stands in the place of an attribution that was deleted, for ever (referral §6).

use contract::{attribution_id::AttributionId, foreign_id::ForeignId, revision::Counter, time::Time};
use serde::{Deserialize, Serialize};
use store::{Entity, Key, Org, classes};

use crate::{attribution::Attribution, keys};

/// A deleted attribution: nothing that tells of a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tombstone {
    /// Its id.
    pub id: AttributionId,
    /// Whose code it was.
    pub mentor_id: ForeignId,
    /// When it was clicked.
    pub clicked_at: Time,
    /// When it was confirmed, if it was.
    pub confirmed_at: Option<Time>,
    /// When it was deleted.
    pub deleted_at: Time,
}

classes!(Tombstone {
    id: Plain,
    mentor_id: Plain,
    clicked_at: Plain,
    confirmed_at: Plain,
    deleted_at: Plain,
});

impl Tombstone {
    /// What is left of an attribution.
    pub fn of(record: &Attribution, deleted_at: Time) -> Self {
        let Attribution { id, mentor_id, clicked_at, confirmed_at, .. } = record.clone();
        Self { id, mentor_id, clicked_at, confirmed_at, deleted_at }
    }
}

impl Entity for Tombstone {
    const SERVICE: &'static str = "referral";
    const TYPE: &'static str = "referral-tombstone";
    const AGGREGATE: &'static str = Attribution::TYPE;
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::attribution::tombstone(org, &self.id)
    }

    fn id(&self) -> String {
        self.id.to_string()
    }
}
