//! Timesheets: when people worked (contract ofm §17). A correction is to void an entry and to write a new one.

mod clock_in;
mod clock_out;
pub mod hours;
mod list;
mod open;
pub mod void;

use contract::{
    error::Tag,
    grants::Grant,
    ids::{EntryGuid, LogicalGuid, OrgGuid, ShiftGuid, StationGuid, UserGuid},
    personal::Personal,
    revision,
    states::States,
    text::Prose,
    time::{Date, Time, TimeZone},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Arc, Class, Ctx, OrgFrom, Resource, Route, change, list, post, read_record, write};
use store::{Entity, Indexes, Key, Listing, Org, Stored, classes};

use crate::{
    access::ASSOCIATED,
    diary::Span,
    hold::Weight,
    keys,
    timesheet::hours::{Break, Hours},
};

const KEEPERS: Access = Access::Granted(Grant::TimesheetWrite, &[]);

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/timesheet/clock-in"),
        summary: "Clock a person in, or write a whole entry of the past",
        class: Class::A,
        org: OrgFrom::Body,
        access: KEEPERS,
        errors: &[Tag::InvalidState, Tag::TimesheetOpen, Tag::TimesheetOverlap],
        handler: &write(clock_in::clock_in).at(|input| Some(input.logical_guid)).also(clock_in::Begin::want),
    },
    Route {
        call: post("/timesheet/clock-out"),
        summary: "Clock a person out",
        class: Class::A,
        org: OrgFrom::Body,
        access: KEEPERS,
        errors: &[Tag::InvalidTransition, Tag::ClockOutTimeRequired, Tag::TimesheetOverlap],
        handler: &change(clock_out::clock_out),
    },
    Route {
        call: post("/timesheet/get"),
        summary: "Get a timesheet entry",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &read_record(list::get),
    },
    Route {
        call: post("/timesheet/list"),
        summary: "List the timesheet entries of a facility or a person, by when they begin",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &list(list::list_by_clock_in)
            .at(|input| input.logical_guid)
            .also(list::List::want)
            .ahead(|input, org| input.wanted(org).map(Listing::of_anything)),
    },
    Route {
        call: post("/timesheet/void"),
        summary: "Void a timesheet entry",
        class: Class::A,
        org: OrgFrom::Body,
        access: KEEPERS,
        errors: &[Tag::InvalidTransition, Tag::Forbidden],
        handler: &change(void::void).with_reason(),
    },
];

/// How a timesheet entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryStatus {
    /// The person is clocked in.
    Open,
    /// The person worked so long.
    Closed,
    /// It does not count.
    Voided,
}

impl States for EntryStatus {
    const ALL: &'static [Self] = &[Self::Open, Self::Closed, Self::Voided];
    const HIDDEN: &'static [Self] = &[Self::Voided];
}

/// What may follow what.
pub const ARCS: &[Arc<EntryStatus>] = &[
    (EntryStatus::Open, EntryStatus::Closed),
    (EntryStatus::Open, EntryStatus::Voided),
    (EntryStatus::Closed, EntryStatus::Voided),
];

/// An entry is overdue once it was open for so long.
pub const OVERDUE_HOURS: i64 = 16;
/// So long lasts an entry at most.
pub const MOST_HOURS: i64 = 24;

/// A timesheet entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TimesheetEntry {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its id.
    pub entry_guid: EntryGuid,
    /// Where.
    pub logical_guid: LogicalGuid,
    /// Who.
    pub user_guid: UserGuid,
    /// On which shift.
    pub shift_guid: Option<ShiftGuid>,
    /// At which station.
    pub station_guid: Option<StationGuid>,
    /// When it began.
    pub clock_in: Time,
    /// When it ended.
    pub clock_out: Option<Time>,
    /// The time zone that the facility had then.
    pub timezone: TimeZone,
    /// The day on which it began there.
    pub work_date: Date,
    /// The breaks, in the order in which they were given.
    pub breaks: Vec<Break>,
    /// How it stands.
    pub status: EntryStatus,
    /// Whether a time was given instead of the clock's.
    pub manual: bool,
    /// The void entry in whose place it is.
    pub replaces_entry_guid: Option<EntryGuid>,
    /// Who clocked in.
    pub clocked_in_by: String,
    /// Who clocked out.
    pub clocked_out_by: Option<String>,
    /// Who voided it.
    pub voided_by: Option<String>,
    /// When it was voided.
    pub voided_at: Option<Time>,
    /// Why it was voided.
    pub void_reason: Option<Personal<Prose<500>>>,
    /// Notes.
    pub notes: Option<Personal<Prose<2000>>>,
}

classes!(TimesheetEntry {
    org_guid: Plain,
    entry_guid: Plain,
    logical_guid: Plain,
    user_guid: Plain,
    shift_guid: Plain,
    station_guid: Plain,
    clock_in: Plain,
    clock_out: Plain,
    timezone: Plain,
    work_date: Plain,
    breaks: FreeText,
    status: Plain,
    manual: Plain,
    replaces_entry_guid: Plain,
    clocked_in_by: Plain,
    clocked_out_by: Plain,
    voided_by: Plain,
    voided_at: Plain,
    void_reason: FreeText,
    notes: FreeText,
});

impl Entity for TimesheetEntry {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "timesheet-entry";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::timesheet::by_guid(org, self.entry_guid)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::timesheet::lists(org, self)
    }

    fn id(&self) -> String {
        self.entry_guid.to_string()
    }
}

impl TimesheetEntry {
    /// The time that it fills in the person's diary; `None` if it is void or has no length. An open one may still last
    /// its whole time.
    pub(crate) fn span(&self) -> Option<Span> {
        let end = self.clock_out.unwrap_or(self.clock_in.plus_hours(MOST_HOURS));
        let span = Span { id: self.entry_guid.uuid(), start: self.clock_in, end };
        (self.status != EntryStatus::Voided && self.clock_in < end).then_some(span)
    }

    /// How heavily it hangs on the facility.
    pub(crate) fn weight(&self) -> Weight {
        Weight::of(self.status == EntryStatus::Open)
    }

    /// How long was worked; nothing is known of an entry that never ended.
    fn hours(&self) -> Option<Hours> {
        self.clock_out.map(|clock_out| Hours::of(self.clock_in, clock_out, &self.breaks))
    }

    fn overdue(&self, now: Time) -> bool {
        self.status == EntryStatus::Open && now > self.clock_in.plus_hours(OVERDUE_HOURS)
    }
}

/// A timesheet entry as it is answered.
#[derive(Serialize, JsonSchema)]
pub struct EntryView {
    /// The org.
    org_guid: OrgGuid,
    /// Its id.
    entry_guid: EntryGuid,
    /// Where.
    logical_guid: LogicalGuid,
    /// Who.
    user_guid: UserGuid,
    /// On which shift.
    shift_guid: Option<ShiftGuid>,
    /// At which station.
    station_guid: Option<StationGuid>,
    /// When it began.
    clock_in: Time,
    /// When it ended; null while it is open.
    clock_out: Option<Time>,
    /// The time zone that the facility had then.
    timezone: TimeZone,
    /// The day on which it began there.
    work_date: Date,
    /// The breaks.
    breaks: Vec<Break>,
    /// From beginning to end, in whole minutes; null while it is open.
    duration_minutes: Option<i64>,
    /// All breaks, in whole minutes; null while it is open.
    break_minutes: Option<i64>,
    /// The duration without the breaks that are not paid; null while it is open.
    worked_minutes: Option<i64>,
    /// How it stands.
    status: EntryStatus,
    /// Whether it has been open for more than 16 hours.
    overdue: bool,
    /// Whether a time was given instead of the clock's.
    manual: bool,
    /// The void entry in whose place it is.
    replaces_entry_guid: Option<EntryGuid>,
    /// Who clocked in: a user or a service account.
    clocked_in_by: String,
    /// Who clocked out.
    clocked_out_by: Option<String>,
    /// Who voided it.
    voided_by: Option<String>,
    /// When it was voided.
    voided_at: Option<Time>,
    /// Why it was voided; shown as `notes` are.
    void_reason: Option<Personal<Prose<500>>>,
    /// Notes; shown to the person, those who keep the timesheets there, and owners.
    notes: Option<Personal<Prose<2000>>>,
    /// Its revision, to be sent as `expected_revision` with the next change.
    revision: revision::Tag,
    /// When it was created.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

impl EntryView {
    /// The entry, with what is told only to some, or without.
    fn of(stored: &Stored<TimesheetEntry>, now: Time, is_open: bool) -> Self {
        let entry = stored.record.clone();
        let hours = entry.hours();
        Self {
            overdue: entry.overdue(now),
            duration_minutes: hours.map(|hours| hours.duration),
            break_minutes: hours.map(|hours| hours.breaks),
            worked_minutes: hours.map(|hours| hours.worked),
            org_guid: entry.org_guid,
            entry_guid: entry.entry_guid,
            logical_guid: entry.logical_guid,
            user_guid: entry.user_guid,
            shift_guid: entry.shift_guid,
            station_guid: entry.station_guid,
            clock_in: entry.clock_in,
            clock_out: entry.clock_out,
            timezone: entry.timezone,
            work_date: entry.work_date,
            breaks: entry.breaks,
            status: entry.status,
            manual: entry.manual,
            replaces_entry_guid: entry.replaces_entry_guid,
            clocked_in_by: entry.clocked_in_by,
            clocked_out_by: entry.clocked_out_by,
            voided_by: entry.voided_by,
            voided_at: entry.voided_at,
            void_reason: entry.void_reason.filter(|_| is_open),
            notes: entry.notes.filter(|_| is_open),
            revision: stored.revision,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

impl Resource for TimesheetEntry {
    type View = EntryView;

    fn facility(&self) -> Option<LogicalGuid> {
        Some(self.logical_guid)
    }

    /// Whoever changes an entry keeps the timesheets there, and is told everything.
    fn view(stored: &Stored<Self>, ctx: &Ctx) -> EntryView {
        EntryView::of(stored, ctx.now(), true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};
    use service::allow;

    use super::*;

    proptest! {
        #[test]
        fn the_table_is_the_contracts(from in select(EntryStatus::ALL), to in select(EntryStatus::ALL)) {
            use EntryStatus::{Closed, Open, Voided};
            let expected = matches!((from, to), (Open, Closed) | (Open | Closed, Voided));
            prop_assert_eq!(allow(ARCS, from, to).is_ok(), expected);
        }
    }
}
