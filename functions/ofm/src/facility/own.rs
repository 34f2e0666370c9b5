//! The logical facilities that a caller is assigned to (contract ofm §6, `mine`).

use std::collections::BTreeMap;

use contract::{error::Result, grants::Grants, ids::LogicalGuid};
use identity::{
    assignment::AssignmentState,
    facility::LogicalFacility,
    keys::{assignments_by_assignee, logical_facility},
};
use service::Ctx;
use store::Listing;

use crate::{
    facility::logical::{List, Listed},
    lifecycle::Status,
};

/// A page of them, and where to go on.
pub(super) async fn page(
    ctx: &Ctx,
    all: &Listing<LogicalFacility>,
    input: &List,
) -> Result<(Vec<Listed>, Option<String>)> {
    let org = ctx.org()?;
    let mut grants = assigned(ctx).await?;
    let keys: Vec<_> = grants.keys().map(|guid| logical_facility(org, *guid)).collect();
    let mut mine = ctx.get_all(&keys).await?;
    // Assignments to a doomed facility do not count.
    mine.retain(|stored| stored.record.status != Status::Doomed && input.fits(&stored.record));
    let page = ctx.list_of(all, mine)?;
    let facilities = page.records.iter().map(|stored| Listed {
        facility: stored.shown(),
        grants: grants.remove(&stored.record.logical_guid),
    });
    Ok((facilities.collect(), page.next_token))
}

/// Each facility to which the caller has an assignment that counts, with what it grants.
async fn assigned(ctx: &Ctx) -> Result<BTreeMap<LogicalGuid, Grants>> {
    let (org, caller) = (ctx.org()?, ctx.caller());
    let Some(assignee) = caller.assignee() else { return Ok(BTreeMap::new()) };
    let all = ctx.all(&assignments_by_assignee(org, assignee, &[AssignmentState::Active])).await?;
    let counting = all.iter().map(|stored| &stored.record);
    let counting = counting.filter(|assignment| assignment.counts(caller.epoch(), ctx.now()));
    Ok(counting.map(|assignment| (assignment.logical_guid, Grants::from(&assignment.grants))).collect())
}
