//! An org's policy for its keys, and revoking all of them at once (contract usm §4).

use contract::{
    error::{Error, Result, Tag},
    ids::OrgGuid,
    input::Patch,
    revision,
    time::Time,
};
use identity::api_key::{KeyPolicy, MaxAgeDays};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Class, Ctx, OrgFrom, Route, Written, post, write};
use store::{Shown, Stored};

use crate::session::about;

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/api_key/policy_set"),
        summary: "Set the org's policy for its keys, old ones too",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::OwnerInPerson,
        errors: &[Tag::ExpectedRevisionRequired, Tag::Conflict],
        handler: &write(set),
    },
    Route {
        call: post("/api_key/revoke_all_org"),
        summary: "Revoke all keys of the org at once",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::OwnerInPerson,
        errors: &[],
        handler: &write(revoke_all).whatever_the_org_status(),
    },
];

#[derive(Clone, Deserialize, JsonSchema)]
struct Set {
    /// A key ends so many days after it was made; null for no such end.
    max_age_days: Patch<MaxAgeDays>,
    /// Whether a new key must say when it ends.
    require_expiry: Option<bool>,
    /// The revision that the caller saw; required once the org has a policy.
    expected_revision: Option<revision::Tag>,
}

async fn set(ctx: Ctx, input: Set) -> Result<Written<Shown<KeyPolicy>>> {
    let org = ctx.org()?;
    let before = ctx.get(&identity::keys::key_policy(org)).await?;
    check_revision(&ctx, before.as_ref(), input.expected_revision)?;
    let mut policy =
        before.as_ref().map_or_else(|| KeyPolicy::none(org.guid()), |before| before.record.clone());
    input.max_age_days.apply(&mut policy.max_age_days);
    policy.require_expiry = input.require_expiry.unwrap_or(policy.require_expiry);
    let mut change = ctx.change();
    let after = match &before {
        Some(before) => change.update(org, before, policy, "api-key-policy-set")?,
        None => change.create_unless(org, policy, "api-key-policy-set", set_before)?,
    };
    change.show(&after)
}

/// Another policy was there first: it is decided again, with that one in view.
fn set_before(_: Stored<KeyPolicy>) -> Error {
    Error::moved("the org set a policy for its keys")
}

fn check_revision(
    ctx: &Ctx,
    before: Option<&Stored<KeyPolicy>>,
    expected: Option<revision::Tag>,
) -> Result<()> {
    match (before, expected) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Tag::Conflict.into()),
        (Some(_), None) => Err(Tag::ExpectedRevisionRequired.into()),
        (Some(before), Some(expected)) if before.revision != expected => Err(ctx.conflict(before)?),
        (Some(_), Some(_)) => Ok(()),
    }
}

/// Takes nothing of its own.
#[derive(Clone, Deserialize, JsonSchema)]
struct RevokeAll {}

#[derive(Serialize, JsonSchema)]
struct AllRevoked {
    /// Whose keys.
    org_guid: OrgGuid,
    /// Keys from before are dead.
    keys_valid_from: Option<Time>,
    /// The revision of the policy, which holds the marker.
    revision: revision::Tag,
}

async fn revoke_all(ctx: Ctx, _: RevokeAll) -> Result<Written<AllRevoked>> {
    let org = ctx.org()?;
    let before = ctx.get(&identity::keys::key_policy(org)).await?;
    let mut change = ctx.change();
    let after = if let Some(before) = &before {
        change.adjust(org, before, before.record.with_keys_revoked(ctx.now()), "api-keys-revoked")?
    } else {
        let policy = KeyPolicy::none(org.guid()).with_keys_revoked(ctx.now());
        change.create_unless(org, policy, "api-keys-revoked", set_before)?
    };
    let data = AllRevoked {
        org_guid: org.guid(),
        keys_valid_from: after.record.keys_valid_from,
        revision: after.revision,
    };
    Ok(change.answer(about(&after, data)?))
}
