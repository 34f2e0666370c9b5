//! Nobody hands out more than they hold (ofm §1).

use contract::{
    error::{Error, Result, Tag},
    grants::{Grant, Grants},
    ids::LogicalGuid,
    roles::Roles,
};
use identity::assignment::Assignee;
use serde::Serialize;
use serde_json::json;
use service::{Ctx, Place};

/// Refuses roles that are given by somebody who has not got them. An owner gives any.
pub(crate) fn within_own(ctx: &Ctx, given: &Roles) -> Result<()> {
    let caller = ctx.caller();
    let missing = given.missing_in(&caller.roles);
    if caller.is_owner { Ok(()) } else { refuse(&missing.iter().collect::<Vec<_>>()) }
}

/// Refuses what a giver lacks, if they lack anything.
pub(crate) fn refuse<T: Serialize>(missing: &[T]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::from(Tag::Forbidden).detail("missing", json!(missing)))
}

/// Refuses grants at a facility that are given by somebody who has not got them there. An owner gives any.
pub(crate) async fn within_own_grants(ctx: &Ctx, logical: LogicalGuid, given: &[Grant]) -> Result<()> {
    within(&ctx.grants_at(logical).await?, given)
}

/// The same, at a facility that was read.
pub(crate) fn within_own_grants_in(ctx: &Ctx, place: &Place, given: &[Grant]) -> Result<()> {
    within(&ctx.grants_in(place), given)
}

fn within(own: &Grants, given: &[Grant]) -> Result<()> {
    refuse(&own.missing(given))
}

/// Refuses whoever would change what they are or may do themselves. An owner may.
pub(crate) fn of_others(ctx: &Ctx, whom: Assignee) -> Result<()> {
    let caller = ctx.caller();
    if caller.is_owner || caller.assignee() != Some(whom) {
        return Ok(());
    }
    Err(Error::from(Tag::Forbidden).detail("field", named_by(whom)))
}

/// The field that names somebody.
pub(crate) fn named_by(whom: Assignee) -> &'static str {
    match whom {
        Assignee::Member(_) => "user_guid",
        Assignee::ServiceAccount(_) => "service_account_guid",
    }
}
