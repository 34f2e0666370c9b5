//! `/timesheet/void`. It works whatever became of the member, the station or the facility.

use contract::{
    error::{Error, Result},
    ids::{EntryGuid, UserGuid},
    personal::Personal,
    revision,
};
use identity::{assignment::Assignee, keys::open_entry};
use schemars::JsonSchema;
use serde::Deserialize;
use service::{Ctx, Writer, Written, allow, names, revised};
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
    giving::of_others(&ctx, Assignee::Member(before.record.user_guid))?;
    allow(ARCS, before.record.status, EntryStatus::Voided)?;
    let mut change = ctx.change();
    let entry = voided(&ctx, &mut change, &before.record).await?;
    let after = change.update(ctx.org()?, &before, entry, "timesheet-voided")?;
    change.show(&after)
}

/// The entry once it is void, and what follows from that beside it.
async fn voided(ctx: &Ctx, change: &mut Writer, old: &TimesheetEntry) -> Result<TimesheetEntry> {
    let reason = ctx.reason().map(str::parse).transpose().map_err(Error::internal)?;
    let entry = TimesheetEntry {
        status: EntryStatus::Voided,
        voided_by: ctx.caller().actor(),
        voided_at: Some(ctx.now()),
        void_reason: reason.map(Personal),
        ..old.clone()
    };
    open::follow(ctx, change, Some(old), &entry).await?;
    Ok(entry)
}

/// Voids the open entry of a person, if there is one, in a change that ends their membership; and lets none be opened
/// before that is written (usm §5, `member-state-set` with `force`).
pub async fn open_entry_of(ctx: &Ctx, change: &mut Writer, user: UserGuid) -> Result<()> {
    let org = ctx.org()?;
    let key = open_entry(org, user);
    let Some(open) = ctx.get(&key).await? else { return change.require_still(&key, None) };
    let before = ctx.get(&keys::timesheet::by_guid(org, open.record.entry_guid)).await?;
    let before = before.filter(|before| before.record.status == EntryStatus::Open);
    let before = before.ok_or_else(|| Error::moved("an open entry was closed meanwhile"))?;
    let entry = voided(ctx, change, &before.record).await?;
    change.adjust(org, &before, entry, "timesheet-voided").map(drop)
}
