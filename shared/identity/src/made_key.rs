//! Which keys a person made in an org, kept beside the keys: they outlive the owner who made them, and whoever removes
//! that owner is told of them (ofm §8, usm §4 `created_by`).
//!
//! Each is noted in a partition of its maker's, so that one consistent query finds them all. Making one more moves the
//! maker's item, which the removal of the owner requires as it was read: so it passes no key by.

use contract::{
    ids::{KeyId, OrgGuid, ServiceAccountGuid, UserGuid},
    revision,
    time::Time,
};
use serde::{Deserialize, Serialize};
use store::{Entity, Key, Org, classes};

use crate::{api_key::ApiKey, keys};

/// A key that a person made, noted with the key. It stays where keys are revoked all at once: whether the key still
/// counts is judged by the key itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MadeKey {
    /// Who made it.
    pub user_guid: UserGuid,
    /// The key's public handle.
    pub key_id: KeyId,
    /// The account that it belongs to.
    pub service_account_guid: ServiceAccountGuid,
    /// By which the key is stored.
    pub token_hash: String,
    /// When the key ends, if it does.
    pub expires_at: Option<Time>,
}

classes!(MadeKey {
    user_guid: Plain,
    key_id: Plain,
    service_account_guid: Plain,
    token_hash: Secret,
    expires_at: Plain,
});

impl Entity for MadeKey {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "made-key";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, scope: &Org) -> Key<Self> {
        keys::made_key(scope, self.user_guid, self.key_id)
    }

    fn id(&self) -> String {
        self.key_id.to_string()
    }

    fn expires(&self) -> Option<Time> {
        self.expires_at
    }
}

impl MadeKey {
    /// The note of a key, where a person made it.
    pub fn of(key: &ApiKey) -> Option<Self> {
        Some(Self {
            user_guid: key.created_by?,
            key_id: key.key_id,
            service_account_guid: key.service_account_guid,
            token_hash: key.token_hash.clone(),
            expires_at: key.expires_at,
        })
    }

    /// Where the key itself is stored.
    pub fn key_of(&self, org: &Org) -> Key<ApiKey> {
        keys::api_key(org, self.service_account_guid, &self.token_hash)
    }
}

/// Somebody who made keys in an org: its revision counts how often.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyMaker {
    /// The org.
    pub org_guid: OrgGuid,
    /// The person.
    pub user_guid: UserGuid,
}

classes!(KeyMaker { org_guid: Plain, user_guid: Plain });

impl Entity for KeyMaker {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "key-maker";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, scope: &Org) -> Key<Self> {
        keys::key_maker(scope, self.user_guid)
    }

    fn id(&self) -> String {
        self.user_guid.to_string()
    }
}
