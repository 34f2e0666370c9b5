//! An owner: a member who answers for the org (ofm §8).

use contract::{
    ids::{OrgGuid, UserGuid},
    personal::DisplayName,
    revision,
    states::States,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, Org, classes};

use crate::{keys, member::OwnerCopy};

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

impl States for OwnerState {
    const ALL: &'static [Self] = &[Self::Active, Self::Suspended, Self::Removed];
    const HIDDEN: &'static [Self] = &[Self::Removed];
}

/// What may follow what by setting the state. A removed owner begins again only by being made an owner anew.
pub const ARCS: &[(OwnerState, OwnerState)] = &[
    (OwnerState::Active, OwnerState::Suspended),
    (OwnerState::Suspended, OwnerState::Active),
    (OwnerState::Active, OwnerState::Removed),
    (OwnerState::Suspended, OwnerState::Removed),
];

/// So many owners of an org are active at most.
pub const MOST_ACTIVE: usize = 20;

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

impl Owner {
    /// What the member record repeats of this.
    pub fn copy(&self) -> OwnerCopy {
        OwnerCopy { state: self.state, primary: self.primary_owner }
    }

    /// The one primary owner, from now on.
    #[must_use]
    pub fn made_primary(&self, now: Time) -> Self {
        let (primary_owner, secondary_owner, state) = (true, false, OwnerState::Active);
        Self { primary_owner, secondary_owner, state, since: now, ..self.clone() }
    }

    /// An owner beside the primary one, from now on.
    #[must_use]
    pub fn made_secondary(&self, now: Time) -> Self {
        let (primary_owner, secondary_owner, state) = (false, true, OwnerState::Active);
        Self { primary_owner, secondary_owner, state, since: now, ..self.clone() }
    }

    /// A secondary owner after a move, which must be one of [`ARCS`].
    #[must_use]
    pub fn moved(&self, to: OwnerState, now: Time) -> Self {
        Self { state: to, secondary_owner: to != OwnerState::Removed, since: now, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arcs;

    #[test]
    fn the_table_is_the_contracts() {
        use OwnerState::{Active, Removed, Suspended};
        arcs::check(ARCS, Active, |from, to| match (from, to) {
            (Active, Suspended) | (Suspended, Active) => true,
            (from, Removed) => from != Removed,
            _ => false,
        });
    }
}
