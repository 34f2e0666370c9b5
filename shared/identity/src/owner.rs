//! An owner: a member who answers for the org (ofm §8).

use contract::{
    ids::{OrgGuid, UserGuid},
    personal::DisplayName,
    revision,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, Org, classes};

use crate::keys;

/// How an ownership stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnerState {
    /// In force.
    Active,
    /// Paused: an ordinary member meanwhile.
    Suspended,
    /// Ended; may begin again.
    Removed,
}

/// An owner. Always a member too.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    /// The org.
    pub org_guid: OrgGuid,
    /// The person.
    pub user_guid: UserGuid,
    /// The person's name, from the user.
    pub display_name: DisplayName,
    /// Whether this person created the org: history, never changed.
    pub create_owner: bool,
    /// The one primary owner.
    pub primary_owner: bool,
    /// Any other owner.
    pub secondary_owner: bool,
    /// How the ownership stands.
    pub state: OwnerState,
    /// Since when it stands so.
    pub since: Time,
}

classes!(Owner {
    org_guid: Plain,
    user_guid: Plain,
    display_name: Identity,
    create_owner: Plain,
    primary_owner: Plain,
    secondary_owner: Plain,
    state: Plain,
    since: Plain,
});

impl Entity for Owner {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "owner";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, scope: &Org) -> Key<Self> {
        keys::owner(scope, self.user_guid)
    }

    fn indexes(&self, scope: &Org, created_at: Time) -> Indexes {
        keys::owner_lists(scope, self, created_at)
    }

    fn id(&self) -> String {
        self.user_guid.to_string()
    }
}
