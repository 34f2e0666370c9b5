//! API keys: making, looking at and revoking them (contract usm §4).

use contract::{
    codes::OrgCode,
    error::{Error, Result, Tag},
    given_roles::ServiceAccountRoles,
    ids::{KeyId, OrgGuid, ServiceAccountGuid, UserGuid},
    revision,
    states::{Filter, visible},
    text::Caption,
    time::Time,
};
use identity::{
    api_key::{ApiKey, KeyPolicy, KeyStatus},
    made_key::{KeyMaker, MadeKey},
    org::OrgStatus,
    service_account::{AccountStatus, ServiceAccount},
    token::ApiKeyToken,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{
    Access, Answer, Class, Ctx, Names, OrgFrom, Principal, Revised, Route, Writer, Written, change, list,
    names, post, read, revised, write,
};
use store::{Entity, Key, Listing, Org, Stored};

use crate::{key_handle::KeyHandle, key_ring::Holder, keys, service_account::ADMIN, session::about};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/api_key/create"),
        summary: "Make a key for a service account; the key itself is told once",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::OwnerInPerson,
        errors: &[Tag::LimitExceeded, Tag::InvalidState],
        handler: &write(create),
    },
    Route {
        call: post("/api_key/list"),
        summary: "List the keys of a service account, oldest first",
        class: Class::B,
        org: OrgFrom::Body,
        access: ADMIN,
        errors: &[],
        handler: &list(list_by_age).ahead(|input, org| Some(wanted(input, org).of_anything())),
    },
    Route {
        call: post("/api_key/revoke"),
        summary: "Revoke a key, for ever",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMIN,
        errors: &[Tag::Conflict],
        handler: &change(revoke).revision_optional().whatever_the_org_status(),
    },
    Route {
        call: post("/api_key/revoke_all"),
        summary: "Revoke all keys of a service account at once",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMIN,
        errors: &[Tag::Conflict],
        handler: &change(revoke_all).revision_optional().whatever_the_org_status(),
    },
    Route {
        call: post("/api_key/validate"),
        summary: "Say whether a key is good, and what it may do",
        class: Class::C,
        org: OrgFrom::Nowhere,
        access: Access::Key,
        errors: &[],
        handler: &read(validate),
    },
];

/// A key as it is answered: never its secret.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ApiKeyView {
    /// The org.
    org_guid: OrgGuid,
    /// Its public handle.
    key_id: KeyId,
    /// `kf_…`: what logs show of its secret.
    api_key_fingerprint: String,
    /// Whose it is.
    service_account_guid: ServiceAccountGuid,
    /// What it is called.
    caption: Option<Caption>,
    /// How it stands now.
    status: KeyStatus,
    /// When it ends, if it does.
    expires_at: Option<Time>,
    /// When it was last used, to the hour.
    last_used_at: Option<Time>,
    /// Its revision.
    revision: revision::Tag,
    /// When it was made.
    created_at: Time,
    /// The owner who made it, whom it outlives; null for one from before this was noted.
    created_by: Option<UserGuid>,
    /// When it was last changed, other than by use.
    updated_at: Time,
}

impl ApiKeyView {
    fn of(stored: &Stored<ApiKey>, holder: &Holder, now: Time) -> Self {
        let key = stored.record.clone();
        Self {
            status: key.status(&holder.account.record, holder.policy(), now),
            org_guid: key.org_guid,
            key_id: key.key_id,
            api_key_fingerprint: key.api_key_fingerprint,
            service_account_guid: key.service_account_guid,
            caption: key.caption,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revision: stored.revision,
            created_at: stored.created_at,
            created_by: key.created_by,
            updated_at: stored.updated_at,
        }
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// Whose it shall be.
    service_account_guid: ServiceAccountGuid,
    /// What it is called.
    caption: Option<Caption>,
    /// When it shall end; needed where the org's policy says so.
    expires_at: Option<Time>,
}

#[derive(Serialize, JsonSchema)]
struct Created {
    #[serde(flatten)]
    key: ApiKeyView,
    /// The key; told here only.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<String>,
    /// True in the answer to a repeated request, which does not tell the key again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_withheld: Option<bool>,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<Created>> {
    let org = ctx.org()?;
    let holder = Holder::read(&ctx, input.service_account_guid).await?;
    check_expiry(input.expires_at, holder.policy(), ctx.now())?;
    let status = holder.account.record.status;
    if status != AccountStatus::Active {
        let error = Error::from(Tag::InvalidState).detail("field", "service_account_guid");
        return Err(error.detail("status", json!(status)));
    }
    let token = ApiKeyToken::mint(org.guid(), input.service_account_guid, ctx.chance());
    let key = made(&ctx, &holder, &token, input);
    let mut change = ctx.change();
    holder.require(&ctx, &mut change)?;
    holder.add(&ctx, &mut change, &key)?;
    change.keep(org, None, KeyHandle::from(&key))?;
    note_maker(&ctx, &mut change, &key)?;
    let created = change.create(org, key, "api-key-created")?;
    let view = ApiKeyView::of(&created, &holder, ctx.now());
    let api_key = Some(token.secret.reveal().to_owned());
    let repeated = Created { key: view.clone(), api_key: None, secret_withheld: Some(true) };
    let answer = about(&created, Created { key: view, api_key, secret_withheld: None })?;
    Ok(change.answer(answer).repeated_as(repeated))
}

/// Notes who makes the key, and that the owner is one still: whoever removes the owner meanwhile is told of the key, or
/// the key is not made.
fn note_maker(ctx: &Ctx, change: &mut Writer, key: &ApiKey) -> Result<()> {
    let (org, member) = (ctx.org()?, ctx.caller().member.as_deref());
    let (Some(made), Some(member)) = (MadeKey::of(key), member) else {
        return Err(Error::internal("keys are made by owners in person"));
    };
    let user_guid = made.user_guid;
    change.overwrite(org, made)?;
    change.raise(org, KeyMaker { org_guid: org.guid(), user_guid })?;
    change.require(&identity::keys::member(org, user_guid), member)
}

/// A key ends after now, and must say when where the policy wants that.
fn check_expiry(expires_at: Option<Time>, policy: Option<&KeyPolicy>, now: Time) -> Result<()> {
    match expires_at {
        Some(end) if end <= now => Err(Error::field("expires_at", "must be in the future")),
        None if policy.is_some_and(|policy| policy.require_expiry) => {
            Err(Error::field("expires_at", "is required by the org's policy for keys"))
        }
        _ => Ok(()),
    }
}

fn made(ctx: &Ctx, holder: &Holder, token: &ApiKeyToken, input: Create) -> ApiKey {
    ApiKey {
        org_guid: holder.account.record.org_guid,
        key_id: KeyId::from_uuid(ctx.uuid()),
        api_key_fingerprint: token.fingerprint(),
        token_hash: token.secret.hash().hex(),
        service_account_guid: input.service_account_guid,
        caption: input.caption,
        status: KeyStatus::Active,
        expires_at: input.expires_at,
        last_used_at: None,
        keys_valid_from: holder.account.record.keys_valid_from,
        org_keys_valid_from: holder.policy().and_then(|policy| policy.keys_valid_from),
        created_by: ctx.caller().user_guid(),
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Whose keys.
    service_account_guid: ServiceAccountGuid,
    /// Just those that stand so, or `all`; by default those that are active.
    status: Option<Filter<KeyStatus>>,
    /// Whether to show the doomed too.
    include_doomed: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
struct ApiKeys {
    /// The keys.
    api_keys: Vec<ApiKeyView>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

fn wanted(input: &List, org: &Org) -> Listing<ApiKey> {
    let statuses = visible(input.status, input.include_doomed);
    // What was not revoked by itself may still be doomed: by its time, a marker or its account.
    let stored: &[_] = if statuses.contains(&KeyStatus::Doomed) {
        &[KeyStatus::Active, KeyStatus::Doomed]
    } else {
        &[KeyStatus::Active]
    };
    identity::keys::api_keys_by_status(org, input.service_account_guid, stored)
}

async fn list_by_age(ctx: Ctx, input: List) -> Result<Answer<ApiKeys>> {
    let holder = Holder::read(&ctx, input.service_account_guid).await?;
    let listing = wanted(&input, ctx.org()?);
    let statuses = visible(input.status, input.include_doomed);
    let stands = |key: &ApiKey| key.status(&holder.account.record, holder.policy(), ctx.now());
    let page = ctx.list_where(&listing, |key| statuses.contains(&stands(key))).await?;
    let api_keys = page.records.iter().map(|key| ApiKeyView::of(key, &holder, ctx.now())).collect();
    Ok(Answer::new(ApiKeys { api_keys, next_token: page.next_token }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Revoke {
    /// The key's public handle.
    key_id: KeyId,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
}

impl Names for Revoke {
    type Record = KeyHandle;

    fn key(&self, org: &Org) -> Key<KeyHandle> {
        keys::api_key::by_handle(org, self.key_id)
    }
}

impl Revised for Revoke {
    /// The revision is the key's, not the handle's: compared once the key is read.
    fn expected_revision(&self) -> Option<revision::Tag> {
        None
    }
}

#[derive(Serialize, JsonSchema)]
struct Revoked {
    #[serde(flatten)]
    key: ApiKeyView,
    /// Whether this call revoked it; false where it was dead before.
    revoked: bool,
}

async fn revoke(ctx: Ctx, input: Revoke, handle: Stored<KeyHandle>) -> Result<Written<Revoked>> {
    let org = ctx.org()?;
    let handle = handle.record;
    let holder = Holder::read(&ctx, handle.service_account_guid).await?;
    let key_of = identity::keys::api_key(org, handle.service_account_guid, &handle.token_hash);
    let before = ctx.get(&key_of).await?.ok_or(Tag::NotFound)?;
    if input.expected_revision.is_some_and(|expected| expected != before.revision) {
        return Err(conflict(&before, &holder, ctx.now()));
    }
    let mut change = ctx.change();
    let was_active =
        before.record.status(&holder.account.record, holder.policy(), ctx.now()) == KeyStatus::Active;
    let after = if was_active {
        holder.remove(&ctx, &mut change, handle.key_id)?;
        if let Some(made) = MadeKey::of(&before.record) {
            change.wipe(&made.key(org));
        }
        let doomed = ApiKey { status: KeyStatus::Doomed, ..before.record.clone() };
        change.adjust(org, &before, doomed, "api-key-revoked")?
    } else {
        before
    };
    let key = ApiKeyView::of(&after, &holder, ctx.now());
    Ok(change.answer(about(&after, Revoked { key, revoked: was_active })?))
}

fn conflict(current: &Stored<ApiKey>, holder: &Holder, now: Time) -> Error {
    let view = ApiKeyView::of(current, holder, now);
    Error::from(Tag::Conflict).detail("current", json!(view)).at_revision(json!(current.revision))
}

names!([RevokeAll] ServiceAccount = identity::keys::service_account[service_account_guid]);
revised!(RevokeAll);

#[derive(Clone, Deserialize, JsonSchema)]
struct RevokeAll {
    /// Whose keys.
    service_account_guid: ServiceAccountGuid,
    /// The revision of the account that the caller saw.
    expected_revision: Option<revision::Tag>,
}

#[derive(Serialize, JsonSchema)]
struct AllRevoked {
    /// Whose keys.
    service_account_guid: ServiceAccountGuid,
    /// Keys from before are dead.
    keys_valid_from: Option<Time>,
    /// The revision of the account.
    revision: revision::Tag,
}

async fn revoke_all(ctx: Ctx, _: RevokeAll, before: Stored<ServiceAccount>) -> Result<Written<AllRevoked>> {
    let mut change = ctx.change();
    let revoked = before.record.with_keys_revoked(ctx.now());
    let after = change.adjust(ctx.org()?, &before, revoked, "api-keys-revoked")?;
    let data = AllRevoked {
        service_account_guid: after.record.service_account_guid,
        keys_valid_from: after.record.keys_valid_from,
        revision: after.revision,
    };
    Ok(change.answer(about(&after, data)?))
}

/// Takes nothing of its own.
#[derive(Clone, Deserialize, JsonSchema)]
struct Validate {}

#[derive(Serialize, JsonSchema)]
struct Validated {
    /// The key's public handle.
    key_id: KeyId,
    /// `kf_…`: what logs show of its secret.
    api_key_fingerprint: String,
    /// Whose it is.
    service_account_guid: ServiceAccountGuid,
    /// The org in which it counts.
    org_guid: OrgGuid,
    /// The org's code.
    orgcode: OrgCode,
    /// How the org stands.
    org_status: OrgStatus,
    /// What the key may do.
    roles: ServiceAccountRoles,
    /// Whether it counts as an owner's.
    is_owner: bool,
    /// When it ends, if it does.
    expires_at: Option<Time>,
}

async fn validate(ctx: Ctx, _: Validate) -> Result<Answer<Validated>> {
    let Principal::Key { key, account, org } = &ctx.caller().principal else {
        return Err(Error::internal("the route takes nothing but keys"));
    };
    let data = Validated {
        key_id: key.record.key_id,
        api_key_fingerprint: key.record.api_key_fingerprint.clone(),
        service_account_guid: key.record.service_account_guid,
        org_guid: org.record.org_guid,
        orgcode: org.record.orgcode.clone(),
        org_status: org.record.status,
        roles: account.record.roles.clone(),
        is_owner: ctx.caller().is_owner,
        expires_at: key.record.expires_at,
    };
    about(key, data)
}
