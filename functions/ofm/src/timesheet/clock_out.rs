//! `/timesheet/clock-out`. It works whatever became of the member, the station or the facility.

use contract::{
    error::{Error, Result, Tag},
    ids::EntryGuid,
    input::Patch,
    personal::Personal,
    revision,
    text::Prose,
    time::Time,
};
use schemars::JsonSchema;
use serde::Deserialize;
use service::{Ctx, Written, allow, names, revised};
use store::Stored;

use super::{ARCS, EntryStatus, EntryView, MOST_HOURS, TimesheetEntry, hours, hours::Break, open};
use crate::keys;

names!([End] TimesheetEntry = keys::timesheet::by_guid[entry_guid]);
revised!(End);

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct End {
    /// The entry.
    entry_guid: EntryGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// When it ended: up to 2 minutes ahead, which counts as now; for oneself 10 minutes back, for another person 31 days; now unless given.
    /// An entry that was left open for more than 24 hours needs it.
    clock_out: Option<Time>,
    /// The breaks, as a whole, at most 16, inside the entry and apart from each other.
    #[schemars(length(max = 16))]
    breaks: Option<Vec<Break>>,
    /// Notes; null clears.
    notes: Patch<Personal<Prose<2000>>>,
}

pub(super) async fn clock_out(
    ctx: Ctx,
    input: End,
    before: Stored<TimesheetEntry>,
) -> Result<Written<EntryView>> {
    let (old, now) = (&before.record, ctx.now());
    let is_own = ctx.caller().user_guid() == Some(old.user_guid);
    let given = hours::given("clock_out", input.clock_out, now, is_own)?;
    allow(ARCS, old.status, EntryStatus::Closed)?;
    if given.is_none() && now > old.clock_in.plus_hours(MOST_HOURS) {
        return Err(Error::from(Tag::ClockOutTimeRequired).detail("clock_in", old.clock_in.to_string()));
    }
    // The clock of the machine that wrote the beginning may be a moment ahead of this one's.
    let ended = given.filter(|given| *given < now).unwrap_or(now.max(old.clock_in));
    hours::check_length(old.clock_in, ended)?;
    let mut entry = TimesheetEntry {
        clock_out: Some(ended),
        status: EntryStatus::Closed,
        manual: old.manual || given.is_some(),
        clocked_out_by: ctx.caller().actor(),
        breaks: input.breaks.map_or_else(|| old.breaks.clone(), hours::told),
        ..old.clone()
    };
    input.notes.apply(&mut entry.notes);
    hours::check_breaks(&entry.breaks, entry.clock_in, ended)?;
    let mut change = ctx.change();
    open::follow(&ctx, &mut change, Some(old), &entry).await?;
    let after = change.update(ctx.org()?, &before, entry, "timesheet-clocked-out")?;
    change.show(&after)
}
