//! `/timesheet/get` and `/timesheet/list`.

use contract::{
    error::{Error, Result},
    grants::Grant,
    ids::{EntryGuid, LogicalGuid, ShiftGuid, UserGuid},
    states::{Filter, visible},
    time::Date,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Answer, Ctx, names};
use store::{Batch, Listing, Org, Stored};

use super::{EntryStatus, EntryView, TimesheetEntry};
use crate::{
    access::granted,
    keys, shift,
    span::{Days, Whose},
};

names!([Get] TimesheetEntry = keys::timesheet::by_guid[entry_guid]);

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct Get {
    /// The entry.
    entry_guid: EntryGuid,
}

pub(super) async fn get(ctx: Ctx, _: Get, entry: Stored<TimesheetEntry>) -> Result<Answer<EntryView>> {
    let view = views(&ctx, std::slice::from_ref(&entry)).await?.pop();
    let view = view.ok_or_else(|| Error::internal("an entry without a view"))?;
    Ok(ctx.show(&entry)?.map(|_| view))
}

/// Entries as the caller may see them: notes are for the person, who keeps the timesheets there, and owners.
async fn views(ctx: &Ctx, entries: &[Stored<TimesheetEntry>]) -> Result<Vec<EntryView>> {
    let is_own = |entry: &TimesheetEntry| ctx.caller().user_guid() == Some(entry.user_guid);
    let has_more = |entry: &TimesheetEntry| entry.notes.is_some() || entry.void_reason.is_some();
    let others = entries.iter().map(|entry| &entry.record).filter(|entry| has_more(entry) && !is_own(entry));
    let kept = granted(ctx, others.map(|entry| entry.logical_guid).collect(), Grant::TimesheetWrite).await?;
    let view = |entry: &Stored<TimesheetEntry>| {
        let is_open = is_own(&entry.record) || kept.contains(&entry.record.logical_guid);
        EntryView::of(entry, ctx.now(), is_open)
    };
    Ok(entries.iter().map(view).collect())
}

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct List {
    /// Those at this facility; this or `user_guid`.
    pub(super) logical_guid: Option<LogicalGuid>,
    /// Those of this person.
    user_guid: Option<UserGuid>,
    /// Those that began on this day or later.
    from: Date,
    /// Those that began on this day or earlier, at most 62 days in all.
    to: Date,
    /// Only those of this status, or `all`; those not void unless said otherwise.
    status: Option<Filter<EntryStatus>>,
    /// Whether void ones are shown too.
    include_doomed: Option<bool>,
    /// Only those of this shift.
    shift_guid: Option<ShiftGuid>,
    /// Only those that have been open for more than 16 hours, or only the others.
    overdue: Option<bool>,
}

impl List {
    fn days(&self) -> Result<Days> {
        Days::between(self.from, self.to)
    }

    fn listing(&self, org: &Org, whose: Whose, days: Days) -> Listing<TimesheetEntry> {
        let statuses = visible(self.status, self.include_doomed);
        keys::timesheet::by_clock_in(org, whose, &statuses, days.window())
    }

    /// Requests the shift to which the list is narrowed.
    pub(super) fn want(&self, org: &Org, batch: &mut Batch) {
        batch.want_all(&self.shift_guid.map(|guid| keys::shift::by_guid(org, guid)));
    }

    /// The list, where the request is as it should be.
    pub(super) fn wanted(&self, org: &Org) -> Option<Listing<TimesheetEntry>> {
        let whose = Whose::named(self.logical_guid, self.user_guid).ok()?;
        Some(self.listing(org, whose, self.days().ok()?))
    }
}

/// A page of timesheet entries.
#[derive(Serialize, JsonSchema)]
pub(super) struct Entries {
    /// The entries.
    items: Vec<EntryView>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

pub(super) async fn list_by_clock_in(ctx: Ctx, input: List) -> Result<Answer<Entries>> {
    let days = input.days()?;
    let whose = Whose::named(input.logical_guid, input.user_guid)?;
    whose.must_be_there(&ctx).await?;
    if let Some(guid) = input.shift_guid {
        shift::named(&ctx, guid, "shift_guid").await?;
    }
    let all = input.listing(ctx.org()?, whose, days);
    let (ctx, input) = (&ctx, &input);
    let show = |found: Vec<Stored<TimesheetEntry>>| async move {
        let fits = |entry: &TimesheetEntry| {
            days.contains(entry.work_date)
                && input.shift_guid.is_none_or(|shift| entry.shift_guid == Some(shift))
                && input.overdue.is_none_or(|overdue| entry.overdue(ctx.now()) == overdue)
        };
        let views = views(ctx, &found).await?;
        let shown = found.iter().zip(views).map(|(entry, view)| fits(&entry.record).then_some(view));
        Ok(shown.collect())
    };
    let (items, next_token) = ctx.list_shown(&all, show).await?;
    Ok(Answer::new(Entries { items, next_token }))
}
