//! Shifts.

use contract::{ids::ShiftGuid, time::Time};
use store::{Indexes, Key, Listing, Order, Org, Partition};

use crate::{
    shift::{Shift, ShiftStatus},
    span::Whose,
};

/// A shift.
pub fn by_guid(org: &Org, guid: ShiftGuid) -> Key<Shift> {
    Key::new(&Partition::of("ofm", org).part("shift").part(guid), &[&"shift"])
}

fn shifts(org: &Org, whose: Whose, status: ShiftStatus) -> Partition {
    let shifts = Partition::of("ofm", org).part("shifts");
    let shifts = match whose {
        Whose::Facility(logical) => shifts.part("at").part(logical),
        Whose::Person(user) => shifts.part("of").part(user),
    };
    shifts.state(status)
}

pub(crate) fn lists(org: &Org, shift: &Shift) -> Indexes {
    let partition = |whose| shifts(org, whose, shift.status);
    Indexes::none()
        .first(partition(Whose::Facility(shift.logical_guid)), &[&shift.start_at, &shift.shift_guid])
        .second(partition(Whose::Person(shift.user_guid)), &[&shift.start_at, &shift.shift_guid])
}

/// The shifts of a facility or a person that begin in a span of time, in the order in which they do.
pub fn by_start(org: &Org, whose: Whose, statuses: &[ShiftStatus], [from, to]: [Time; 2]) -> Listing<Shift> {
    let partitions = statuses.iter().map(|status| shifts(org, whose, *status));
    Listing::new(whose.index(), partitions, Order::Ascending).between(Some(&from), Some(&to))
}
