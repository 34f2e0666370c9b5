//! `/override-code/list` and `/override-code/revoke`: who oversees codes, and stops them (contract ofm §14).

use contract::{
    error::{Error, Result, Tag},
    grants::Grant,
    ids::{LogicalGuid, OverrideId, UserGuid},
    revision,
    states::{Filter, visible},
    time::Time,
};
use identity::keys::member;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Answer, Class, Ctx, OrgFrom, Revised, Route, Written, change, list, names, post};
use store::Stored;

use super::{OverrideCode, OverrideStatus, OverrideView, StoredStatus, issuer, worth::OverrideType};
use crate::{crew, keys};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/override-code/list"),
        summary: "List the override codes of a facility or of the org, oldest first, never with their digits",
        class: Class::B,
        org: OrgFrom::Body,
        access: Access::Judged("with `logical_guid`: grant `facility:read` there; else owner"),
        errors: &[Tag::FacilityGrantRequired, Tag::NotOwner],
        handler: &list(list_by_age).at(|input| input.logical_guid).also(|input, org, batch| {
            batch.want_all(&input.issued_by.map(|user| member(org, user)));
        }),
    },
    Route {
        call: post("/override-code/revoke"),
        summary: "Stop an override code, for ever",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Judged("the issuer; or grant `facility:write` at its facility"),
        errors: &[Tag::FacilityGrantRequired],
        handler: &change(revoke).revision_optional(),
    },
];

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only those that stand so, or `all`; by default those that can be used.
    status: Option<Filter<OverrideStatus>>,
    /// Whether the others are shown too.
    include_doomed: Option<bool>,
    /// Only those of this facility.
    logical_guid: Option<LogicalGuid>,
    /// Only those for this.
    #[serde(rename = "type")]
    kind: Option<OverrideType>,
    /// Only those that this person gave out.
    issued_by: Option<UserGuid>,
    /// Only those given out at this time or later.
    from: Option<Time>,
    /// Only those given out at this time or earlier.
    to: Option<Time>,
}

/// A page of override codes.
#[derive(Serialize, JsonSchema)]
struct OverrideCodes {
    /// The codes.
    override_codes: Vec<OverrideView>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

async fn list_by_age(ctx: Ctx, input: List) -> Result<Answer<OverrideCodes>> {
    match input.logical_guid {
        Some(logical) => {
            ctx.place(logical).await?.facility()?;
            ctx.need_grant(logical, Grant::FacilityRead).await?;
        }
        None if !ctx.caller().is_owner => return Err(Tag::NotOwner.into()),
        None => {}
    }
    if input.from.zip(input.to).is_some_and(|(from, to)| to < from) {
        return Err(Error::field("to", "must not be before from"));
    }
    if let Some(user) = input.issued_by {
        crew::person(&ctx, user, "issued_by").await?;
    }
    let (now, span) = (ctx.now(), (input.from, input.to));
    let wanted = visible(input.status, input.include_doomed);
    let codes = keys::override_code::given_out(ctx.org()?, input.logical_guid, &wanted, span, now);
    let passes = &|code: &OverrideCode, status: OverrideStatus| {
        wanted.contains(&status)
            && input.kind.is_none_or(|kind| code.override_type == kind)
            && input.issued_by.is_none_or(|user| code.issued_by == user)
    };
    let ctx = &ctx;
    let show = |found: Vec<Stored<OverrideCode>>| async move { issuer::shown(ctx, &found, passes).await };
    let (override_codes, next_token) = ctx.list_shown(&codes, show).await?;
    Ok(Answer::new(OverrideCodes { override_codes, next_token }))
}

names!([Revoke] OverrideCode = keys::override_code::by_id[override_id]);

#[derive(Clone, Deserialize, JsonSchema)]
struct Revoke {
    /// The code's public handle.
    override_id: OverrideId,
    /// Taken, and not compared: a stop must not fail on a stale revision.
    expected_revision: Option<revision::Tag>,
}

impl Revised for Revoke {
    fn expected_revision(&self) -> Option<revision::Tag> {
        // Whatever it was: the code is to be stopped.
        self.expected_revision.and(None)
    }
}

async fn revoke(ctx: Ctx, _: Revoke, before: Stored<OverrideCode>) -> Result<Written<OverrideView>> {
    let code = &before.record;
    if ctx.caller().user_guid() != Some(code.issued_by) {
        ctx.need_grant(code.logical_guid, Grant::FacilityWrite).await?;
    }
    if code.status == StoredStatus::Revoked {
        return Ok(Written::nothing(ctx.show(&before)?));
    }
    let ended_at = code.ended_at.or(Some(ctx.now()));
    let revoked = OverrideCode { status: StoredStatus::Revoked, ended_at, ..code.clone() };
    let mut change = ctx.change();
    let after = change.adjust(ctx.org()?, &before, revoked, "override-code-revoked")?;
    change.show(&after)
}
