//! `/timesheet/void`. It works whatever became of the member, the station or the facility.

use contract::{
    error::{Error, Result},
    ids::EntryGuid,
    personal::Personal,
    revision,
};
use schemars::JsonSchema;
use serde::Deserialize;
use service::{Ctx, Written, allow, names, revised};
use store::Stored;

use super::{ARCS, EntryStatus, EntryView, TimesheetEntry, open};
use crate::{giving, keys};

names!([Void] TimesheetEntry = keys::timesheet::by_guid[entry_guid]);
revised!(Void);

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct Void {
    /// The entry: not one's own, but for an owner.
    entry_guid: EntryGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
}

pub(super) async fn void(ctx: Ctx, _: Void, before: Stored<TimesheetEntry>) -> Result<Written<EntryView>> {
    let old = &before.record;
    giving::of_others(&ctx, old.user_guid)?;
    allow(ARCS, old.status, EntryStatus::Voided)?;
    let reason = ctx.reason().map(str::parse).transpose().map_err(Error::internal)?;
    let entry = TimesheetEntry {
        status: EntryStatus::Voided,
        voided_by: ctx.caller().actor(),
        voided_at: Some(ctx.now()),
        void_reason: reason.map(Personal),
        ..old.clone()
    };
    let mut change = ctx.change();
    open::follow(&ctx, &mut change, Some(old), &entry).await?;
    let after = change.update(ctx.org()?, &before, entry, "timesheet-voided")?;
    change.show(&after)
}
