//! Override codes, their digits, and what is counted of them.

use std::collections::BTreeSet;

use contract::{
    ids::{LogicalGuid, OverrideId, UserGuid},
    time::Time,
};
use store::{Index, Indexes, Key, Listing, Order, Org, Partition};

use crate::override_code::{
    MOST_MINUTES, OverrideCode, OverrideStatus, Shelf,
    digits::DigitsClaim,
    issued::Issued,
    lockout::{Counted, OverrideFailures, OverrideLockout},
};

/// An override code.
pub fn by_id(org: &Org, id: OverrideId) -> Key<OverrideCode> {
    Key::new(&Partition::of("ofm", org).part("override-code").part(id), &[&"code"])
}

/// To which code digits lead, by their keyed hash.
pub fn by_digits(org: &Org, hash: &str) -> Key<DigitsClaim> {
    Key::new(&Partition::of("ofm", org).part("override-digits").part(hash), &[&"claim"])
}

fn of_org(org: &Org, shelf: Shelf) -> Partition {
    Partition::of("ofm", org).part("override-codes").state(shelf)
}

fn of_facility(org: &Org, logical: LogicalGuid, shelf: Shelf) -> Partition {
    Partition::of("ofm", org).part("facility-logical").part(logical).part("override-codes").state(shelf)
}

pub(crate) fn lists(org: &Org, code: &OverrideCode, created_at: Time) -> Indexes {
    let sort: &[&dyn std::fmt::Display] = &[&created_at, &code.override_id];
    Indexes::none()
        .first(of_org(org, code.shelf()), sort)
        .second(of_facility(org, code.logical_guid, code.shelf()), sort)
}

/// The override codes of an org, or of one facility, that may stand in some ways at this time, given out in a span of
/// time, oldest first.
pub fn given_out(
    org: &Org,
    logical: Option<LogicalGuid>,
    statuses: &[OverrideStatus],
    (from, to): (Option<Time>, Option<Time>),
    now: Time,
) -> Listing<OverrideCode> {
    let shelves: BTreeSet<Shelf> = statuses.iter().flat_map(|status| status.shelves()).copied().collect();
    let index = if logical.is_some() { Index::Second } else { Index::First };
    let partitions = shelves.into_iter().map(|shelf| match logical {
        Some(logical) => of_facility(org, logical, shelf),
        None => of_org(org, shelf),
    });
    // What still holds was given out lately: so the usual list does not read past all that ever were.
    let lately = (statuses == [OverrideStatus::Active]).then(|| now.plus_minutes(-MOST_MINUTES));
    let from = from.max(lately);
    let from = from.as_ref().map(|from| from as &dyn std::fmt::Display);
    let to = to.as_ref().map(|to| to as &dyn std::fmt::Display);
    Listing::new(index, partitions, Order::Ascending).between(from, to)
}

/// When somebody gave out codes at a facility, within the last hour.
pub fn issued(org: &Org, logical: LogicalGuid, user: UserGuid) -> Key<Issued> {
    Key::new(&Partition::of("ofm", org).part("override-issued").part(logical).part(user), &[&"count"])
}

fn of_counted(org: &Org, counted: &Counted) -> Partition {
    let failures = Partition::of("ofm", org).part("override-failures");
    match counted {
        Counted::Caller { caller, station_guid } => failures.part("caller").part(caller).part(station_guid),
        Counted::CallerAt { caller, logical_guid } => {
            failures.part("caller").part(caller).part("facility").part(logical_guid)
        }
        Counted::Facility { logical_guid } => failures.part("facility").part(logical_guid),
    }
}

/// How often a caller at a station, a caller at a facility, or everybody there lately failed to use a code.
pub fn failures(org: &Org, counted: &Counted) -> Key<OverrideFailures> {
    Key::new(&of_counted(org, counted), &[&"count"])
}

/// A lock-out.
pub(crate) fn lockout(org: &Org, lockout: &OverrideLockout) -> Key<OverrideLockout> {
    Key::new(&of_counted(org, &lockout.counted), &[&"lockout", &lockout.lockout_id])
}
