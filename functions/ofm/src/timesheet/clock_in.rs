//! `/timesheet/clock-in`.

use contract::{
    error::{Error, Result, Tag},
    ids::{EntryGuid, LogicalGuid, ShiftGuid, StationGuid, UserGuid},
    personal::Personal,
    text::Prose,
    time::Time,
};
use identity::{facility::LogicalFacility, keys::logical_facility};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use service::{Ctx, Writer, Written};
use store::{Batch, Org, Stored};

use super::{EntryStatus, EntryView, TimesheetEntry, hours, hours::Break, open};
use crate::{crew, keys, lifecycle::usable, shift};

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct Begin {
    /// Where: an active facility.
    pub(super) logical_guid: LogicalGuid,
    /// Who: a member in force, assigned there or an owner; the caller unless given. A key must name one.
    user_guid: Option<UserGuid>,
    /// On which shift of the person there, scheduled or active.
    shift_guid: Option<ShiftGuid>,
    /// At which station of the facility.
    station_guid: Option<StationGuid>,
    /// When it began: up to 2 minutes ahead, which counts as now; for oneself 10 minutes back, for another person 31 days; now unless given.
    clock_in: Option<Time>,
    /// When it ended, as `clock_in`: then the entry is closed at once.
    clock_out: Option<Time>,
    /// The breaks, at most 16, inside the entry and apart from each other.
    #[schemars(length(max = 16))]
    breaks: Option<Vec<Break>>,
    /// The void entry of the person in whose place this is.
    replaces_entry_guid: Option<EntryGuid>,
    /// Notes.
    notes: Option<Personal<Prose<2000>>>,
}

impl Begin {
    /// Reads the times that were given; fails if they are not good ones.
    fn read_times(&mut self, now: Time, is_own: bool) -> Result<()> {
        self.clock_in = hours::given("clock_in", self.clock_in, now, is_own)?;
        self.clock_out = hours::given("clock_out", self.clock_out, now, is_own)?;
        let clock_in = self.clock_in.unwrap_or(now);
        if let Some(clock_out) = self.clock_out {
            hours::check_length(clock_in, clock_out)?;
        }
        let until = self.clock_out.unwrap_or(now);
        hours::check_breaks(self.breaks.as_deref().unwrap_or_default(), clock_in, until)
    }

    /// Asks for what it names.
    pub(super) fn want(&self, org: &Org, batch: &mut Batch) {
        if let Some(user) = self.user_guid {
            crew::want(org, user, self.logical_guid, self.station_guid, batch);
        }
        batch.want_all(&self.shift_guid.map(|guid| keys::shift::by_guid(org, guid)));
        batch.want_all(&self.replaces_entry_guid.map(|guid| keys::timesheet::by_guid(org, guid)));
    }

    /// What the entry refers to is there, and the person's; it still is when the change is written.
    async fn rely(&self, ctx: &Ctx, change: &mut Writer, user: UserGuid) -> Result<()> {
        let org = ctx.org()?;
        if let Some(guid) = self.shift_guid {
            let shift = shift::named(ctx, guid, "shift_guid").await?;
            let is_theirs = shift.record.user_guid == user && shift.record.logical_guid == self.logical_guid;
            if !is_theirs || !shift.record.status.is_ahead() {
                return Err(unusable("shift_guid"));
            }
            change.require(&keys::shift::by_guid(org, guid), &shift)?;
        }
        if let Some(guid) = self.replaces_entry_guid {
            let key = keys::timesheet::by_guid(org, guid);
            let entry = ctx.get(&key).await?.ok_or_else(|| Error::no_such("replaces_entry_guid"))?;
            if entry.record.user_guid != user || entry.record.status != EntryStatus::Voided {
                return Err(unusable("replaces_entry_guid"));
            }
        }
        Ok(())
    }
}

fn unusable(field: &str) -> Error {
    Error::from(Tag::InvalidState).detail("field", json!(field))
}

pub(super) async fn clock_in(ctx: Ctx, mut input: Begin) -> Result<Written<EntryView>> {
    let (org, now) = (ctx.org()?, ctx.now());
    let own = ctx.caller().user_guid();
    let user = input.user_guid.or(own).ok_or_else(|| Error::field("user_guid", "is required"))?;
    input.read_times(now, own == Some(user))?;
    // The caller's own user has passed the checks.
    let person = match input.user_guid {
        Some(named) => crew::named(&ctx, named, "user_guid").await?,
        None => crew::person(&ctx, user, "user_guid").await?,
    };
    let mut change = ctx.change();
    input.rely(&ctx, &mut change, user).await?;
    let facility = ctx.place(input.logical_guid).await?.facility()?.clone();
    let facility = usable(Some(facility), "logical_guid")?;
    change.require(&logical_facility(org, input.logical_guid), &facility)?;
    crew::refuse_absent(&ctx, &person.record)?;
    crew::refuse_unfit(&ctx, &mut change, &person, Some(input.logical_guid)).await?;
    crew::refuse_station(&ctx, &mut change, input.station_guid, input.logical_guid).await?;
    let entry = entry(&ctx, input, user, &facility);
    open::follow(&ctx, &mut change, None, &entry).await?;
    let created = change.create(org, entry, "timesheet-clocked-in")?;
    change.show(&created)
}

fn entry(ctx: &Ctx, input: Begin, user_guid: UserGuid, facility: &Stored<LogicalFacility>) -> TimesheetEntry {
    let facility = &facility.record;
    let actor = ctx.caller().actor().unwrap_or_default();
    let clock_in = input.clock_in.unwrap_or(ctx.now());
    TimesheetEntry {
        org_guid: facility.org_guid,
        entry_guid: EntryGuid::from_uuid(ctx.uuid()),
        logical_guid: input.logical_guid,
        user_guid,
        shift_guid: input.shift_guid,
        station_guid: input.station_guid,
        clock_in,
        clock_out: input.clock_out,
        timezone: facility.timezone.clone(),
        work_date: clock_in.date_in(&facility.timezone),
        breaks: hours::told(input.breaks.unwrap_or_default()),
        status: if input.clock_out.is_some() { EntryStatus::Closed } else { EntryStatus::Open },
        manual: input.clock_in.is_some() || input.clock_out.is_some(),
        replaces_entry_guid: input.replaces_entry_guid,
        clocked_out_by: input.clock_out.map(|_| actor.clone()),
        clocked_in_by: actor,
        voided_by: None,
        voided_at: None,
        void_reason: None,
        notes: input.notes,
    }
}
