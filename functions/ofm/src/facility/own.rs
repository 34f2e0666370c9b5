//! The logical facilities that a caller is assigned to (contract ofm §6, `mine`).

use contract::{error::Result, grants::Grants, states::visible};
use identity::{
    assignment::{Assignment, AssignmentState},
    facility::LogicalFacility,
    keys::{assignments_by_assignee, logical_facility, logical_facility_position},
};
use service::Ctx;
use store::{Batch, Stored};

use crate::{
    facility::logical::{List, Listed},
    lifecycle::Status,
};

/// A page of them by code, and where to go on. Nobody is assigned to more facilities than can be read at once, so they
/// are put into their order here.
pub(super) async fn page(ctx: &Ctx, input: &List) -> Result<(Vec<Listed>, Option<String>)> {
    let after = ctx.position()?;
    let mut statuses = visible(input.status, input.include_doomed);
    // Assignments to a doomed facility do not count.
    statuses.retain(|status| *status != Status::Doomed);
    let mut facilities = assigned(ctx).await?;
    facilities.retain(|(facility, _)| {
        let position = logical_facility_position(&facility.record);
        statuses.contains(&facility.record.status)
            && input.fits(&facility.record)
            && after.as_ref().is_none_or(|after| position > *after)
    });
    facilities.sort_by_cached_key(|(facility, _)| logical_facility_position(&facility.record));
    let more = facilities.len() > ctx.limit().get();
    facilities.truncate(ctx.limit().get());
    let last = facilities.last().filter(|_| more);
    let next_token = last.map(|(facility, _)| ctx.seal(&logical_facility_position(&facility.record)));
    let listed = facilities.into_iter().map(|(facility, assignment)| Listed {
        facility: facility.shown(),
        grants: Some(Grants::from(&assignment.grants)),
    });
    Ok((listed.collect(), next_token))
}

/// Each facility that the caller has an assignment to that counts, with it.
async fn assigned(ctx: &Ctx) -> Result<Vec<(Stored<LogicalFacility>, Assignment)>> {
    let (org, caller) = (ctx.org()?, ctx.caller());
    let Some(assignee) = caller.assignee() else { return Ok(Vec::new()) };
    let all = ctx.all(&assignments_by_assignee(org, assignee, &[AssignmentState::Active])).await?;
    let mut assignments: Vec<_> = all.into_iter().map(|stored| stored.record).collect();
    assignments.retain(|assignment| assignment.counts(caller.epoch(), ctx.now()));
    let mut facilities = Vec::new();
    for assignments in assignments.chunks(Batch::MOST) {
        let keys: Vec<_> =
            assignments.iter().map(|assignment| logical_facility(org, assignment.logical_guid)).collect();
        let mut batch = Batch::default();
        batch.want_all(&keys);
        let found = ctx.read(batch).await?;
        for (key, assignment) in keys.iter().zip(assignments) {
            facilities.extend(found.get(key)?.map(|facility| (facility, assignment.clone())));
        }
    }
    Ok(facilities)
}
