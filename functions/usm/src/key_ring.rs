//! A service account with its keys, and the cap on these (usm §4).

use contract::{
    error::{Error, Result, Tag},
    ids::{KeyId, ServiceAccountGuid},
    time::Time,
};
use identity::{
    api_key::{ApiKey, KeyPolicy},
    key_ring::{KeyRing, RingKey},
    keys,
    service_account::ServiceAccount,
};
use service::{Ctx, Writer};
use store::{Batch, Key, Org, Stored};

/// A service account has so many active keys at most, so that old and new can run side by side (usm §4).
pub const MOST: usize = 10;

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
        let account_key = keys::service_account(org, account);
        let (policy, ring) = (keys::key_policy(org), keys::key_ring(org, account));
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
        let account = keys::service_account(org, self.account.record.service_account_guid);
        change.require(&account, &self.account)?;
        let policy = keys::key_policy(org);
        if let Some(seen) = &self.policy {
            return change.require(&policy, seen);
        }
        change.require_absent(&policy, || Error::moved("the org set a policy for its keys"));
        Ok(())
    }
}
