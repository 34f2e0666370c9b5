//! What is kept beside the keys of a service account: which of them may still count (usm §4).

use contract::{
    ids::{KeyId, OrgGuid, ServiceAccountGuid},
    revision,
    time::Time,
};
use serde::{Deserialize, Serialize};
use store::{Entity, Key, Org, classes};

use crate::{
    api_key::{ApiKey, KeyPolicy},
    keys,
    service_account::{AccountStatus, ServiceAccount},
};

/// The keys of an account that are not dead for ever. Everything that makes or revokes one also writes this item, at the
/// revision that it saw: that makes the cap exact. It may name some that have ended by their time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyRing {
    /// The org.
    pub org_guid: OrgGuid,
    /// The account.
    pub service_account_guid: ServiceAccountGuid,
    /// The account's marker when this was written: under another one none of the keys counts.
    pub keys_valid_from: Option<Time>,
    /// Likewise the marker of the org's policy.
    pub org_keys_valid_from: Option<Time>,
    /// The keys.
    pub keys: Vec<RingKey>,
}

/// One of them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RingKey {
    /// Its public handle.
    pub key_id: KeyId,
    /// When it ends, if it does.
    pub expires_at: Option<Time>,
}

classes!(KeyRing {
    org_guid: Plain,
    service_account_guid: Plain,
    keys_valid_from: Plain,
    org_keys_valid_from: Plain,
    keys: Plain,
});

impl Entity for KeyRing {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "key-ring";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::key_ring(org, self.service_account_guid)
    }

    fn id(&self) -> String {
        self.service_account_guid.to_string()
    }
}

impl From<&ApiKey> for RingKey {
    fn from(key: &ApiKey) -> Self {
        Self { key_id: key.key_id, expires_at: key.expires_at }
    }
}

impl KeyRing {
    /// The ring of an account that has these keys.
    pub fn of(account: &ServiceAccount, policy: Option<&KeyPolicy>, keys: Vec<RingKey>) -> Self {
        Self {
            org_guid: account.org_guid,
            service_account_guid: account.service_account_guid,
            keys_valid_from: account.keys_valid_from,
            org_keys_valid_from: policy.and_then(|policy| policy.keys_valid_from),
            keys,
        }
    }

    /// Its active keys.
    pub fn active(&self, account: &ServiceAccount, policy: Option<&KeyPolicy>, now: Time) -> Vec<RingKey> {
        let revoked = account.status == AccountStatus::Doomed
            || self.keys_valid_from != account.keys_valid_from
            || self.org_keys_valid_from != policy.and_then(|policy| policy.keys_valid_from);
        let counts = |key: &&RingKey| !revoked && key.expires_at.is_none_or(|end| now < end);
        self.keys.iter().filter(counts).copied().collect()
    }
}
