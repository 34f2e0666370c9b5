//! Who may call what in this service (ofm §1).

use std::collections::BTreeSet;

use contract::{error::Result, grants::Grant, ids::LogicalGuid, roles::Role};
use service::{Access, Ctx};
use store::Batch;

/// Whoever is associated with the org; a key needs one of these roles.
pub(crate) const ASSOCIATED: Access = Access::Associated(&[
    Role::OfmView,
    Role::OfmMemberAdmin,
    Role::OfmTeamAdmin,
    Role::OfmChannelAdmin,
    Role::Owner,
    Role::OfmOwner,
    Role::Pvv,
    Role::Pma,
    Role::Vca,
    Role::PmcView,
    Role::PmcPublish,
]);

/// At which of some facilities the caller has a grant.
pub(crate) async fn granted(
    ctx: &Ctx,
    logicals: BTreeSet<LogicalGuid>,
    grant: Grant,
) -> Result<BTreeSet<LogicalGuid>> {
    if ctx.caller().is_owner {
        return Ok(logicals);
    }
    let logicals: Vec<_> = logicals.into_iter().collect();
    let mut granted = BTreeSet::new();
    // Each asks for the facility and the caller's assignment.
    for logicals in logicals.chunks(Batch::MOST / 2) {
        let places = ctx.places(logicals).await?;
        let with_grant =
            logicals.iter().zip(&places).filter(|(_, place)| ctx.grants_in(place).contains(grant));
        granted.extend(with_grant.map(|(logical, _)| *logical));
    }
    Ok(granted)
}
