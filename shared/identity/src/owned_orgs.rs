//! Of which orgs a user is the primary owner: kept beside the orgs, so that one consistent read tells it.
//!
//! Whoever names a primary owner writes the item of the one who is named and of the one who was, and requires the
//! user who is named as they were read; whoever ends a user writes the user, and requires this item as it was read. So
//! of two who do so at once one finds that it moved, and no org is left to somebody who is gone (usm §5, `doomed`).

use std::collections::BTreeSet;

use contract::{
    ids::{OrgGuid, UserGuid},
    revision,
};
use serde::{Deserialize, Serialize};
use store::{Entity, Key, Stored, System, classes};

use crate::keys;

/// The orgs of which a user is the primary owner, also those that are doomed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OwnedOrgs {
    /// The user.
    pub user_guid: UserGuid,
    /// The orgs.
    pub orgs: BTreeSet<OrgGuid>,
}

classes!(OwnedOrgs { user_guid: Plain, orgs: Plain });

impl Entity for OwnedOrgs {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "owned-orgs";
    type Scope = System;
    type Revision = revision::Counter;

    fn key(&self, _: &System) -> Key<Self> {
        keys::owned_orgs(self.user_guid)
    }

    fn id(&self) -> String {
        self.user_guid.to_string()
    }
}

impl OwnedOrgs {
    /// A user's orgs as they were read: none where nothing was kept yet.
    pub fn of(user_guid: UserGuid, stored: Option<&Stored<Self>>) -> Self {
        let orgs = stored.map(|stored| stored.record.orgs.clone()).unwrap_or_default();
        Self { user_guid, orgs }
    }

    /// These and one more.
    #[must_use]
    pub fn with(mut self, org: OrgGuid) -> Self {
        self.orgs.insert(org);
        self
    }

    /// These but one.
    #[must_use]
    pub fn without(mut self, org: OrgGuid) -> Self {
        self.orgs.remove(&org);
        self
    }
}
