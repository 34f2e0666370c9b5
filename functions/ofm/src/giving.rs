//! Nobody hands out more than they hold (ofm §1).

use contract::{
    error::{Error, Result, Tag},
    grants::Grant,
    ids::{LogicalGuid, UserGuid},
    roles::Roles,
};
use serde_json::json;
use service::Ctx;

/// Refuses roles that are given by somebody who has not got them. An owner gives any.
pub(crate) fn within_own(ctx: &Ctx, given: &Roles) -> Result<()> {
    let caller = ctx.caller();
    let missing = given.missing_in(&caller.roles);
    if caller.is_owner || missing.is_empty() {
        return Ok(());
    }
    Err(Error::from(Tag::Forbidden).detail("missing", json!(missing)))
}

/// Refuses grants at a facility that are given by somebody who has not got them there. An owner gives any.
pub(crate) async fn within_own_grants(ctx: &Ctx, logical: LogicalGuid, given: &[Grant]) -> Result<()> {
    let missing = ctx.grants_at(logical).await?.missing(given);
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::from(Tag::Forbidden).detail("missing", json!(missing)))
}

/// Refuses whoever would change what they are themselves. An owner may.
pub(crate) fn of_others(ctx: &Ctx, user: UserGuid) -> Result<()> {
    let caller = ctx.caller();
    if caller.is_owner || caller.user_guid() != Some(user) {
        return Ok(());
    }
    Err(Error::from(Tag::Forbidden).detail("field", "user_guid"))
}
