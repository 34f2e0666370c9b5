//! What is kept beside the keys of a service account: which of them may still count.

use contract::{
    error::{Error, Result, Tag},
    ids::{KeyId, OrgGuid, ServiceAccountGuid},
    revision,
    time::Time,
};
use identity::{
    api_key::{ApiKey, KeyPolicy},
    service_account::{AccountStatus, ServiceAccount},
};
use serde::{Deserialize, Serialize};
use service::{Ctx, Writer};
use store::{Batch, Entity, Key, Org, Stored, classes};

use crate::keys;

/// A service account has so many active keys at most, so that old and new can run side by side (usm §4).
pub const MOST: usize = 10;

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
        keys::api_key::ring(org, self.service_account_guid)
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

/// A service account with what decides how its keys stand.
pub struct Holder {
    /// The account.
    pub account: Stored<ServiceAccount>,
    /// The org's policy, if it has set one.
    pub policy: Option<Stored<KeyPolicy>>,
    /// Its keys, if it ever had one.
    pub ring: Option<Stored<KeyRing>>,
}

impl Holder {
    /// Reads an account that the request names: 404 where it is not there.
    pub async fn read(ctx: &Ctx, account: ServiceAccountGuid) -> Result<Self> {
        let org = ctx.org()?;
        let mut batch = Batch::default();
        let keys = Self::want(org, account, &mut batch);
        let found = ctx.read(batch).await?;
        let account = found.get(&keys.0)?.ok_or_else(|| Error::no_such("service_account_guid"))?;
        Ok(Self { account, policy: found.get(&keys.1)?, ring: found.get(&keys.2)? })
    }

    fn want(
        org: &Org,
        account: ServiceAccountGuid,
        batch: &mut Batch,
    ) -> (Key<ServiceAccount>, Key<KeyPolicy>, Key<KeyRing>) {
        let account_key = identity::keys::service_account(org, account);
        let (policy, ring) = (identity::keys::key_policy(org), keys::api_key::ring(org, account));
        batch.want(&account_key);
        batch.want(&policy);
        batch.want(&ring);
        (account_key, policy, ring)
    }

    /// The org's policy, if it has set one.
    pub fn policy(&self) -> Option<&KeyPolicy> {
        self.policy.as_ref().map(|policy| &policy.record)
    }

    /// The active keys.
    pub fn active(&self, now: Time) -> Vec<RingKey> {
        let ring = self.ring.as_ref().map(|ring| &ring.record);
        ring.map(|ring| ring.active(&self.account.record, self.policy(), now)).unwrap_or_default()
    }

    /// Adds a key to the ring, if there is room.
    pub fn add(&self, ctx: &Ctx, change: &mut Writer, key: &ApiKey) -> Result<()> {
        let mut active = self.active(ctx.now());
        if active.len() >= MOST {
            return Err(Error::from(Tag::LimitExceeded).detail("limit", MOST).detail("active", active.len()));
        }
        active.push(RingKey::from(key));
        self.write(ctx, change, active)
    }

    /// Takes a key off the ring.
    pub fn remove(&self, ctx: &Ctx, change: &mut Writer, key: KeyId) -> Result<()> {
        let mut active = self.active(ctx.now());
        active.retain(|other| other.key_id != key);
        self.write(ctx, change, active)
    }

    fn write(&self, ctx: &Ctx, change: &mut Writer, keys: Vec<RingKey>) -> Result<()> {
        let ring = KeyRing::of(&self.account.record, self.policy(), keys);
        change.keep(ctx.org()?, self.ring.as_ref(), ring)
    }

    /// Account and policy must be the same when a key is made: not ended, no other marker, no other rule.
    pub fn require(&self, ctx: &Ctx, change: &mut Writer) -> Result<()> {
        let org = ctx.org()?;
        let account = identity::keys::service_account(org, self.account.record.service_account_guid);
        change.require(&account, &self.account)?;
        let policy = identity::keys::key_policy(org);
        if let Some(seen) = &self.policy {
            return change.require(&policy, seen);
        }
        change.require_absent(&policy, || Error::moved("the org set a policy for its keys"));
        Ok(())
    }
}
