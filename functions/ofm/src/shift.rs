//! Shifts: who works where, from when to when (contract ofm §16).

mod list;
mod plan;
mod update;

use contract::{
    error::{Error, Result, Tag},
    grants::Grant,
    ids::{LogicalGuid, OrgGuid, ShiftGuid, StationGuid, UserGuid},
    personal::Personal,
    revision,
    states::States,
    text::{Prose, Text},
    time::{Date, Time, TimeZone},
    time_of_day::{Fold, TimeOfDay},
};
use identity::{
    keys::{logical_facility, member, open_entry},
    open_entry::OpenEntry,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{
    Access, Answer, Arc, Class, Ctx, OrgFrom, Resource, Route, Writer, Written, allow, change, list, names,
    post, read_record, revised, write,
};
use store::{Entity, Indexes, Key, Listing, Org, Shown, Stored, classes};

use crate::{
    access::ASSOCIATED,
    crew,
    diary::{Diary, Page, Span},
    hold::{self, Child, Parent, Weight},
    keys,
    lifecycle::usable,
    shift::plan::Plan,
};

const PLANNERS: Access = Access::Granted(Grant::ScheduleWrite, &[]);

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/shift/create"),
        summary: "Plan a shift of a member at a facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: PLANNERS,
        errors: &[Tag::InvalidState, Tag::ShiftOverlap],
        handler: &write(create).at(|input| Some(input.logical_guid)).also(|input, org, batch| {
            crew::want(org, input.user_guid, input.logical_guid, input.station_guid, batch);
        }),
    },
    Route {
        call: post("/shift/get"),
        summary: "Get a shift",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &read_record(get),
    },
    Route {
        call: post("/shift/list"),
        summary: "List the shifts of a facility or a person, by when they begin",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &list(list::list_by_start)
            .at(|input| input.logical_guid)
            .also(list::List::want)
            .ahead(|input, org| input.wanted(org).map(Listing::of_anything)),
    },
    Route {
        call: post("/shift/status"),
        summary: "Begin, complete or cancel a shift",
        class: Class::A,
        org: OrgFrom::Body,
        access: PLANNERS,
        errors: &[Tag::InvalidTransition, Tag::InvalidState, Tag::InUse],
        handler: &change(set_status),
    },
    Route {
        call: post("/shift/update"),
        summary: "Change or publish a shift",
        class: Class::A,
        org: OrgFrom::Body,
        access: PLANNERS,
        errors: &[Tag::InvalidTransition, Tag::InvalidState, Tag::ShiftOverlap],
        handler: &change(update::update).also(update::Update::want),
    },
];

/// How a shift stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShiftStatus {
    /// Planned.
    Scheduled,
    /// Being worked.
    Active,
    /// Worked.
    Completed,
    /// Called off.
    Cancelled,
}

impl States for ShiftStatus {
    const ALL: &'static [Self] = &[Self::Scheduled, Self::Active, Self::Completed, Self::Cancelled];
    const HIDDEN: &'static [Self] = &[Self::Cancelled];
}

/// What may follow what.
pub const ARCS: &[Arc<ShiftStatus>] = &[
    (ShiftStatus::Scheduled, ShiftStatus::Active),
    (ShiftStatus::Scheduled, ShiftStatus::Cancelled),
    (ShiftStatus::Active, ShiftStatus::Cancelled),
    (ShiftStatus::Active, ShiftStatus::Completed),
];

impl ShiftStatus {
    /// Whether it fills the person's time.
    pub(crate) fn is_ahead(self) -> bool {
        matches!(self, Self::Scheduled | Self::Active)
    }
}

/// A shift.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Shift {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its id.
    pub shift_guid: ShiftGuid,
    /// Where; never changes.
    pub logical_guid: LogicalGuid,
    /// Who.
    pub user_guid: UserGuid,
    /// The day on which it begins there; never changes.
    pub shift_date: Date,
    /// When it begins, as the clocks there show it.
    pub start_time: TimeOfDay,
    /// When it ends; on the next day where that is not later than it begins.
    pub end_time: TimeOfDay,
    /// Which of two, where the clocks show the beginning twice.
    pub start_fold: Fold,
    /// Which of two, where the clocks show the end twice.
    pub end_fold: Fold,
    /// The time zone that the facility had when the shift was made.
    pub timezone: TimeZone,
    /// When it begins.
    pub start_at: Time,
    /// When it ends.
    pub end_at: Time,
    /// How long it is, in minutes.
    pub planned_minutes: i64,
    /// What the person works as.
    pub role_label: Text<1, 64>,
    /// At which station of the facility.
    pub station_guid: Option<StationGuid>,
    /// Notes.
    pub notes: Option<Personal<Prose<2000>>>,
    /// Whether it is told to others than those who plan.
    pub published: bool,
    /// How it stands.
    pub status: ShiftStatus,
}

classes!(Shift {
    org_guid: Plain,
    shift_guid: Plain,
    logical_guid: Plain,
    user_guid: Plain,
    shift_date: Plain,
    start_time: Plain,
    end_time: Plain,
    start_fold: Plain,
    end_fold: Plain,
    timezone: Plain,
    start_at: Plain,
    end_at: Plain,
    planned_minutes: Plain,
    role_label: Plain,
    station_guid: Plain,
    notes: FreeText,
    published: Plain,
    status: Plain,
});

impl Entity for Shift {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "shift";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::shift::by_guid(org, self.shift_guid)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::shift::lists(org, self)
    }

    fn id(&self) -> String {
        self.shift_guid.to_string()
    }
}

impl Resource for Shift {
    type View = Shown<Self>;

    fn facility(&self) -> Option<LogicalGuid> {
        Some(self.logical_guid)
    }

    /// What is not published is there for those alone who plan there.
    fn hidden_without(&self) -> Option<Grant> {
        (!self.published).then_some(Grant::ScheduleWrite)
    }

    fn view(stored: &Stored<Self>, _: &Ctx) -> Shown<Self> {
        stored.shown()
    }
}

/// Reads a shift that a request names beside its record. Fails with `not-found` and the field if it is not there, or is
/// not published and the caller does not plan there.
pub(crate) async fn named(ctx: &Ctx, guid: ShiftGuid, field: &str) -> Result<Stored<Shift>> {
    let none = || Error::no_such(field);
    let shift = ctx.get(&keys::shift::by_guid(ctx.org()?, guid)).await?.ok_or_else(none)?;
    match shift.record.hidden_without() {
        Some(grant) if !ctx.grants_at(shift.record.logical_guid).await?.contains(grant) => Err(none()),
        _ => Ok(shift),
    }
}

impl Shift {
    /// The time that it fills in the person's diary.
    fn span(&self) -> Span {
        Span { id: self.shift_guid.uuid(), start: self.start_at, end: self.end_at }
    }

    /// How heavily it hangs on the facility.
    fn weight(&self) -> Weight {
        Weight::of(self.status.is_ahead())
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// Where: an active facility.
    logical_guid: LogicalGuid,
    /// Who: an active member, assigned there or an owner.
    user_guid: UserGuid,
    /// The day on which it begins there.
    shift_date: Date,
    /// When it begins, as the clocks there show it.
    start_time: TimeOfDay,
    /// When it ends; on the next day where that is not later than it begins.
    end_time: TimeOfDay,
    /// What the person works as.
    role_label: Text<1, 64>,
    /// At which station of the facility.
    station_guid: Option<StationGuid>,
    /// Notes.
    notes: Option<Personal<Prose<2000>>>,
    /// Whether it is told to others than those who plan; it is unless given.
    published: Option<bool>,
    /// Which of two, where the clocks show the beginning twice: 0 or 1; 0 unless given.
    start_fold: Option<Fold>,
    /// Which of two, where the clocks show the end twice; 0 unless given.
    end_fold: Option<Fold>,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<Shown<Shift>>> {
    let org = ctx.org()?;
    let facility = ctx.place(input.logical_guid).await?.facility()?.clone();
    let plan = Plan {
        date: input.shift_date,
        start: (input.start_time, input.start_fold.unwrap_or_default()),
        end: (input.end_time, input.end_fold.unwrap_or_default()),
        zone: facility.record.timezone.clone(),
    };
    let times = plan.times()?;
    let person = crew::named(&ctx, input.user_guid, "user_guid").await?;
    let mut change = ctx.change();
    let facility = usable(Some(facility), "logical_guid")?;
    change.require(&logical_facility(org, input.logical_guid), &facility)?;
    crew::refuse_unfit(&ctx, &mut change, &person, Some(input.logical_guid)).await?;
    crew::refuse_station(&ctx, &mut change, input.station_guid, input.logical_guid).await?;
    let shift = Shift {
        org_guid: org.guid(),
        shift_guid: ShiftGuid::from_uuid(change.uuid()),
        logical_guid: input.logical_guid,
        user_guid: input.user_guid,
        shift_date: input.shift_date,
        start_time: input.start_time,
        end_time: input.end_time,
        start_fold: plan.start.1,
        end_fold: plan.end.1,
        timezone: plan.zone,
        start_at: times.start_at,
        end_at: times.end_at,
        planned_minutes: times.minutes,
        role_label: input.role_label,
        station_guid: input.station_guid,
        notes: input.notes,
        published: input.published.unwrap_or(true),
        status: ShiftStatus::Scheduled,
    };
    schedule(&ctx, &mut change, None, &shift).await?;
    let created = change.create(org, shift, "shift-created")?;
    change.show(&created)
}

/// Puts a shift into the diary of its person, and out of that of who had it before; and notes whether it hangs on the
/// facility.
async fn schedule(ctx: &Ctx, change: &mut Writer, before: Option<&Shift>, after: &Shift) -> Result<()> {
    let org = ctx.org()?;
    let was = before.filter(|before| before.status.is_ahead());
    let is = Some(after).filter(|after| after.status.is_ahead());
    let spans: Vec<_> = [was, is].into_iter().flatten().map(Shift::span).collect();
    let (old, new) = (was.map(Shift::span), is.map(Shift::span));
    if old == new && before.is_some_and(|before| before.user_guid == after.user_guid) {
        return Ok(());
    }
    if let Some(gone) = was.filter(|was| was.user_guid != after.user_guid) {
        let page = Page::read(ctx, Diary::Shifts, gone.user_guid, &spans).await?;
        page.put(change, org, old.as_ref(), None)?;
    }
    let page = Page::read(ctx, Diary::Shifts, after.user_guid, &spans).await?;
    if let Some(other) = new.as_ref().and_then(|span| page.overlapping(span)) {
        return Err(Error::from(Tag::ShiftOverlap).detail("shift_guid", other.to_string()));
    }
    page.put(change, org, old.as_ref(), new.as_ref())?;
    let weights = (before.map_or(Weight::Nothing, Shift::weight), after.weight());
    let on = (Parent::Logical(after.logical_guid), Child::Shift);
    hold::note(change, org, on, &after.shift_guid, weights)
}

names!([Get, SetStatus] Shift = keys::shift::by_guid[shift_guid]);
revised!(SetStatus);

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The shift.
    shift_guid: ShiftGuid,
}

async fn get(ctx: Ctx, _: Get, shift: Stored<Shift>) -> Result<Answer<Shown<Shift>>> {
    ctx.show(&shift)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The shift.
    shift_guid: ShiftGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How it is to stand.
    status: ShiftStatus,
}

async fn set_status(ctx: Ctx, input: SetStatus, before: Stored<Shift>) -> Result<Written<Shown<Shift>>> {
    let org = ctx.org()?;
    allow(ARCS, before.record.status, input.status)?;
    let shift = Shift { status: input.status, ..before.record.clone() };
    let mut change = ctx.change();
    match input.status {
        ShiftStatus::Active => {
            let key = logical_facility(org, shift.logical_guid);
            let facility = usable(ctx.get(&key).await?, "logical_guid")?;
            change.require(&key, &facility)?;
            let person = crew::person(&ctx, shift.user_guid, "user_guid").await?;
            crew::refuse_absent(&ctx, &person.record)?;
            change.require(&member(org, shift.user_guid), &person)?;
        }
        ShiftStatus::Completed => refuse_open(&ctx, &mut change, &shift, still_worked).await?,
        ShiftStatus::Scheduled | ShiftStatus::Cancelled => {}
    }
    schedule(&ctx, &mut change, Some(&before.record), &shift).await?;
    let after = change.update(org, &before, shift, "shift-status-set")?;
    change.show(&after)
}

/// Refuses to go on while the person of a shift is clocked in on it, now or when the change is written.
async fn refuse_open(
    ctx: &Ctx,
    change: &mut Writer,
    shift: &Shift,
    refusal: impl Fn(&OpenEntry) -> Error,
) -> Result<()> {
    let key = open_entry(ctx.org()?, shift.user_guid);
    let open = ctx.get(&key).await?;
    match &open {
        Some(entry) if entry.record.shift_guid == Some(shift.shift_guid) => Err(refusal(&entry.record)),
        _ => change.require_still(&key, open.as_ref()),
    }
}

/// A shift is not completed while somebody is clocked in on it.
fn still_worked(entry: &OpenEntry) -> Error {
    let entry = json!({"kind": "timesheet-entry", "count": 1, "sample_id": entry.entry_guid});
    hold::in_use(vec![entry])
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    proptest! {
        #[test]
        fn the_table_is_the_contracts(from in select(ShiftStatus::ALL), to in select(ShiftStatus::ALL)) {
            use ShiftStatus::{Active, Cancelled, Completed, Scheduled};
            let expected = matches!((from, to), (Scheduled, Active) | (Scheduled | Active, Cancelled) | (Active, Completed));
            prop_assert_eq!(allow(ARCS, from, to).is_ok(), expected);
        }
    }
}
