//! An API key of a service account, and the org's policy for keys (usm §4).

use contract::{
    error::{Result, Tag},
    ids::{KeyId, OrgGuid, ServiceAccountGuid},
    revision,
    text::Caption,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, Org, Stored, classes};

use crate::{
    keys,
    service_account::{AccountStatus, ServiceAccount},
};

/// How a key stands. Whether its time has passed is judged on read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// Counts.
    Active,
    /// Revoked, for ever.
    Doomed,
}

/// An API key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its public handle.
    pub key_id: KeyId,
    /// `kf_…`: what may be logged of it.
    pub api_key_fingerprint: String,
    /// SHA-256 of it, in hex digits.
    pub token_hash: String,
    /// Whose it is.
    pub service_account_guid: ServiceAccountGuid,
    /// What it is called.
    pub caption: Option<Caption>,
    /// How it stands.
    pub status: KeyStatus,
    /// When it ends, if it does.
    pub expires_at: Option<Time>,
    /// When it was last used, written at most hourly.
    pub last_used_at: Option<Time>,
}

classes!(ApiKey {
    org_guid: Plain,
    key_id: Plain,
    api_key_fingerprint: Plain,
    token_hash: Secret,
    service_account_guid: Plain,
    caption: Plain,
    status: Plain,
    expires_at: Plain,
    last_used_at: Plain,
});

impl Entity for ApiKey {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "api-key";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, scope: &Org) -> Key<Self> {
        keys::api_key(scope, self.service_account_guid, &self.token_hash)
    }

    fn indexes(&self, scope: &Org, created_at: Time) -> Indexes {
        keys::api_key_lists(scope, self, created_at)
    }

    fn id(&self) -> String {
        self.key_id.to_string()
    }
}

impl ApiKey {
    /// What a use changes.
    pub const TOUCHED: &'static [&'static str] = &["last_used_at"];

    /// The key after a use, or none where its use was noted within the hour.
    pub fn used(&self, now: Time) -> Option<Self> {
        let due = self.last_used_at.is_none_or(|last| now >= last.plus_hours(1));
        due.then(|| Self { last_used_at: Some(now), ..self.clone() })
    }
}

/// An org's policy for its keys, judged at every check.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KeyPolicy {
    /// The org.
    pub org_guid: OrgGuid,
    /// A key ends so many days after its creation; null for no such end.
    pub max_age_days: Option<u16>,
    /// Whether a new key must say when it ends.
    pub require_expiry: bool,
    /// Keys of all accounts from before are dead.
    pub keys_valid_from: Option<Time>,
}

classes!(KeyPolicy { org_guid: Plain, max_age_days: Plain, require_expiry: Plain, keys_valid_from: Plain });

impl Entity for KeyPolicy {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "api-key-policy";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, scope: &Org) -> Key<Self> {
        keys::key_policy(scope)
    }

    fn id(&self) -> String {
        self.org_guid.to_string()
    }
}

/// Refuses a key that is not good at this time (usm §4, *a key is valid when*).
pub fn check(
    key: &Stored<ApiKey>,
    account: Option<&ServiceAccount>,
    policy: Option<&KeyPolicy>,
    now: Time,
) -> Result<()> {
    let account = account.ok_or(Tag::ApiKeyInvalid)?;
    let markers = [account.keys_valid_from, policy.and_then(|policy| policy.keys_valid_from)];
    let after_markers = markers.iter().flatten().all(|from| key.created_at >= *from);
    if key.record.status != KeyStatus::Active || account.status != AccountStatus::Active || !after_markers {
        return Err(Tag::ApiKeyInvalid.into());
    }
    let oldest =
        policy.and_then(|policy| policy.max_age_days).map(|days| key.created_at.plus_days(days.into()));
    if [key.record.expires_at, oldest].iter().flatten().any(|end| now >= *end) {
        return Err(Tag::ApiKeyExpired.into());
    }
    Ok(())
}
