//! The keys that a removed owner made (ofm §8): they outlive the owner, so whoever removes one is told of those that
//! are still active, and may revoke them in the same transaction.

use std::collections::{BTreeMap, BTreeSet};

use contract::{
    error::{Error, Result, Tag},
    given_roles::ServiceAccountRoles,
    ids::{KeyId, ServiceAccountGuid, UserGuid},
    text::Caption,
    time::Time,
};
use futures::future::try_join3;
use identity::{
    api_key::{ApiKey, KeyPolicy, KeyStatus},
    key_ring::KeyRing,
    keys,
    made_key::KeyMaker,
    service_account::ServiceAccount,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use store::{Action, Batch, Entity, Org, Stored};

use crate::ctx::{Ctx, Writer};

/// So many keys are told of (ofm §8).
const MOST_TOLD: usize = 100;
/// So many keys are revoked with their maker: each takes up to three of the hundred items of a transaction (ofm §8).
const MOST_REVOKED: usize = 25;

/// A key that an owner made and that was active when the owner was removed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct OpenKey {
    /// The key's public handle.
    key_id: KeyId,
    /// The account that it belongs to.
    service_account_guid: ServiceAccountGuid,
    /// What it is called.
    caption: Option<Caption>,
    /// What it may do.
    roles: ServiceAccountRoles,
    /// When it ends, if it does.
    expires_at: Option<Time>,
    /// Whether this call revoked it.
    revoked: bool,
}

/// The active keys that a person made in an org, as they were read.
pub(crate) struct MadeKeys {
    user: UserGuid,
    maker: Option<Stored<KeyMaker>>,
    accounts: BTreeMap<ServiceAccountGuid, Stored<ServiceAccount>>,
    policy: Option<Stored<KeyPolicy>>,
    active: Vec<Stored<ApiKey>>,
}

impl MadeKeys {
    /// Asks for what [`Self::read`] reads first.
    pub(crate) fn want(org: &Org, user: UserGuid, batch: &mut Batch) {
        batch.want(&keys::key_maker(org, user));
    }

    /// Reads them.
    pub(crate) async fn read(ctx: &Ctx, user: UserGuid) -> Result<Self> {
        let org = ctx.org()?;
        // First: a key that is made after this moves it.
        let maker = ctx.get(&keys::key_maker(org, user)).await?;
        let none = Self { user, maker, accounts: BTreeMap::new(), policy: None, active: Vec::new() };
        if none.maker.is_none() {
            return Ok(none);
        }
        let made = ctx.all(&keys::made_keys(org, user)).await?;
        let keys_of: Vec<_> = made.iter().map(|made| made.record.key_of(org)).collect();
        let accounts: BTreeSet<_> = made.iter().map(|made| made.record.service_account_guid).collect();
        let accounts: Vec<_> = accounts.iter().map(|account| keys::service_account(org, *account)).collect();
        let policy = keys::key_policy(org);
        let (keys_made, accounts, policy) =
            Box::pin(try_join3(ctx.get_all(&keys_of), ctx.get_all(&accounts), ctx.get(&policy))).await?;
        let by_guid = |account: Stored<ServiceAccount>| (account.record.service_account_guid, account);
        let read = Self { accounts: accounts.into_iter().map(by_guid).collect(), policy, ..none };
        let active = keys_made.into_iter().filter(|key| read.is_active(&key.record, ctx.now())).collect();
        Ok(Self { active, ..read })
    }

    fn is_active(&self, key: &ApiKey, now: Time) -> bool {
        let account = self.accounts.get(&key.service_account_guid);
        let policy = self.policy.as_ref().map(|policy| &policy.record);
        account.is_some_and(|account| key.status(&account.record, policy, now) == KeyStatus::Active)
    }

    /// The keys, oldest first, as many as are told of.
    pub(crate) fn told(&self, revoked: bool) -> Vec<OpenKey> {
        let told = self.active.iter().filter_map(|key| {
            let ApiKey { key_id, service_account_guid, caption, expires_at, .. } = key.record.clone();
            let roles = self.accounts.get(&service_account_guid)?.record.roles.clone();
            Some(OpenKey { key_id, service_account_guid, caption, roles, expires_at, revoked })
        });
        told.take(MOST_TOLD).collect()
    }

    /// Writes only if the person made no other key meanwhile.
    pub(crate) fn require(&self, ctx: &Ctx, change: &mut Writer) -> Result<()> {
        change.require_still(&keys::key_maker(ctx.org()?, self.user), self.maker.as_ref())
    }

    /// Revokes them all; `limit-exceeded`, with the keys, where they are too many for one transaction.
    pub(crate) async fn revoke(&self, ctx: &Ctx, change: &mut Writer) -> Result<()> {
        if self.active.len() > MOST_REVOKED {
            let error = Error::from(Tag::LimitExceeded).detail("limit", MOST_REVOKED);
            return Err(error.detail("open_keys", json!(self.told(false))));
        }
        let org = ctx.org()?;
        let holders: BTreeSet<_> = self.active.iter().map(|key| key.record.service_account_guid).collect();
        let rings: Vec<_> = holders.iter().map(|account| keys::key_ring(org, *account)).collect();
        for key in &self.active {
            let doomed = ApiKey { status: KeyStatus::Doomed, ..key.record.clone() };
            change.amend(org, key, doomed, "api-key-revoked")?;
        }
        for ring in ctx.get_all(&rings).await? {
            let mut left = ring.record.clone();
            left.keys.retain(|other| !self.active.iter().any(|key| key.record.key_id == other.key_id));
            change.amend_kept(org, &ring, left)?;
        }
        Ok(())
    }
}

impl Writer {
    /// Changes a record of another service; see [`Change::amend`](store::Change::amend).
    fn amend<E: Entity>(
        &mut self,
        scope: &E::Scope,
        before: &Stored<E>,
        record: E,
        action: impl Into<Action>,
    ) -> Result<()> {
        self.change.amend(scope, before, record, action).map(drop)
    }

    /// The same for an item that has no history of its own.
    fn amend_kept(&mut self, scope: &Org, before: &Stored<KeyRing>, ring: KeyRing) -> Result<()> {
        self.change.amend_kept(scope, before, ring)
    }
}
