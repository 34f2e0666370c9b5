//! The one timesheet entry of a person that is open (ofm §17). It stands here because a membership does not end while the
//! person is clocked in, whoever ends it.

use contract::{
    ids::{EntryGuid, ShiftGuid, UserGuid},
    revision,
};
use serde::{Deserialize, Serialize};
use store::{Entity, Key, Org, classes};

use crate::keys;

/// The open entry of a person: a claim that clocking out and voiding free.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenEntry {
    /// The person.
    pub user_guid: UserGuid,
    /// The entry.
    pub entry_guid: EntryGuid,
    /// The shift that it is linked to.
    pub shift_guid: Option<ShiftGuid>,
}

classes!(OpenEntry { user_guid: Plain, entry_guid: Plain, shift_guid: Plain });

impl Entity for OpenEntry {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "open-entry";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::open_entry(org, self.user_guid)
    }

    fn id(&self) -> String {
        self.entry_guid.to_string()
    }
}
