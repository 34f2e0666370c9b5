//! Timesheet entries.

use contract::{ids::EntryGuid, time::Time};
use store::{Indexes, Key, Listing, Order, Org, Partition};

use crate::{
    span::Whose,
    timesheet::{EntryStatus, TimesheetEntry},
};

/// A timesheet entry.
pub fn by_guid(org: &Org, guid: EntryGuid) -> Key<TimesheetEntry> {
    Key::new(&Partition::of("ofm", org).part("timesheet-entry").part(guid), &[&"entry"])
}

fn entries(org: &Org, whose: Whose, status: EntryStatus) -> Partition {
    let entries = Partition::of("ofm", org).part("timesheet");
    let entries = match whose {
        Whose::Facility(logical) => entries.part("at").part(logical),
        Whose::Person(user) => entries.part("of").part(user),
    };
    entries.state(status)
}

pub(crate) fn lists(org: &Org, entry: &TimesheetEntry) -> Indexes {
    let partition = |whose| entries(org, whose, entry.status);
    Indexes::none()
        .first(partition(Whose::Facility(entry.logical_guid)), &[&entry.clock_in, &entry.entry_guid])
        .second(partition(Whose::Person(entry.user_guid)), &[&entry.clock_in, &entry.entry_guid])
}

/// The entries of a facility or a person that begin in a span of time, in the order in which they do.
pub fn by_clock_in(
    org: &Org,
    whose: Whose,
    statuses: &[EntryStatus],
    [from, to]: [Time; 2],
) -> Listing<TimesheetEntry> {
    let partitions = statuses.iter().map(|status| entries(org, whose, *status));
    Listing::new(whose.index(), partitions, Order::Ascending).between(Some(&from), Some(&to))
}
