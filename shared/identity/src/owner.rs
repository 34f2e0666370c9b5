//! An owner: a member who answers for the org (ofm §8).

use std::collections::BTreeSet;

use contract::{
    error::{Error, Result, Tag},
    ids::{OrgGuid, UserGuid},
    personal::DisplayName,
    revision,
    states::States,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, Org, Stored, classes};

use crate::{keys, member::OwnerCopy, org::OrgRecord};

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

/// Who are the active owners of an org, kept beside their records so that [`MOST_ACTIVE`] is exact: an index, by which
/// they are listed, lags by a moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OwnerSeats {
    /// The org.
    pub org_guid: OrgGuid,
    /// The active owners.
    pub users: BTreeSet<UserGuid>,
}

classes!(OwnerSeats { org_guid: Plain, users: Plain });

impl Entity for OwnerSeats {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "owner-seats";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, scope: &Org) -> Key<Self> {
        keys::owner_seats(scope)
    }

    fn id(&self) -> String {
        self.org_guid.to_string()
    }
}

impl OwnerSeats {
    /// The seats as they were read. Before any other owner was made, there is only the primary one.
    pub fn of(org: &OrgRecord, stored: Option<&Stored<Self>>) -> Self {
        let only = || BTreeSet::from([org.primary_owner_user_guid]);
        let users = stored.map_or_else(only, |stored| stored.record.users.clone());
        Self { org_guid: org.org_guid, users }
    }

    /// With one more active owner; `limit-exceeded` where there are as many as there may be.
    pub fn with(mut self, user: UserGuid) -> Result<Self> {
        self.users.insert(user);
        if self.users.len() > MOST_ACTIVE {
            return Err(Error::from(Tag::LimitExceeded).detail("most", MOST_ACTIVE));
        }
        Ok(self)
    }

    /// With one active owner less.
    #[must_use]
    pub fn without(mut self, user: UserGuid) -> Self {
        self.users.remove(&user);
        self
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::arcs;

    #[test]
    fn twenty_sit_and_no_more() {
        let user = |n: usize| UserGuid::from_uuid(Uuid::from_u128(n as u128));
        let users = (1..=MOST_ACTIVE).map(user).collect();
        let full = OwnerSeats { org_guid: OrgGuid::NOWHERE, users };
        assert!(full.clone().with(user(1)).is_ok(), "who sits already takes no other seat");
        let refused = full.clone().with(user(99)).unwrap_err();
        assert_eq!((refused.tag(), refused.get("most")), (Tag::LimitExceeded, Some(&20.into())));
        assert!(full.without(user(1)).with(user(99)).is_ok());
    }

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
