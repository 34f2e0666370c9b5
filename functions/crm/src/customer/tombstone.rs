//! What stands in the place of a customer who was deleted, for ever (crm §7).

use contract::{codes::Code, ids::CustomerGuid, revision::Counter, time::Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Key, Org, classes};

use super::Customer;
use crate::keys;

/// How far a deletion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeletionState {
    /// Something is left to be deleted.
    InProgress,
    /// Nothing is left.
    Completed,
}

/// A deletion, under way or completed. Its revision is raised with every batch: two runners cannot count one twice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tombstone {
    /// The customer.
    pub customer_guid: CustomerGuid,
    /// How far the deletion is.
    pub state: DeletionState,
    /// When it began.
    pub started_at: Time,
    /// When nothing was left.
    pub completed_at: Option<Time>,
    /// How many stored items were deleted; the customer's record is one.
    pub items_deleted: u64,
    /// How many points were lost.
    pub forfeited_points: u64,
    /// How many gift cards know no owner any more.
    pub cards_detached: u64,
    /// The customer's code, until it is free again.
    pub customer_code: Option<Code>,
    /// Up to which number the journal's entries tell no reason any more.
    pub reasons_blanked: u64,
}

classes!(Tombstone {
    customer_guid: Plain,
    state: Plain,
    started_at: Plain,
    completed_at: Plain,
    items_deleted: Plain,
    forfeited_points: Plain,
    cards_detached: Plain,
    customer_code: Plain,
    reasons_blanked: Plain,
});

impl Entity for Tombstone {
    const SERVICE: &'static str = "crm";
    const TYPE: &'static str = "customer-tombstone";
    const AGGREGATE: &'static str = Customer::TYPE;
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::customer::tombstone(org, self.customer_guid)
    }

    fn id(&self) -> String {
        self.customer_guid.to_string()
    }
}
