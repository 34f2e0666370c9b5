//! Zones.

use contract::{
    codes::Code,
    ids::{LogicalGuid, ZoneGuid},
};
use store::{Index, Indexes, Key, Listing, Order, Org, Partition};

use crate::{
    lifecycle::Status,
    zone::{Zone, ZoneCodeClaim},
};

/// A zone.
pub fn by_guid(org: &Org, guid: ZoneGuid) -> Key<Zone> {
    Key::new(&Partition::of("ofm", org).part("zone").part(guid), &[&"zone"])
}

fn within(org: &Org, logical: LogicalGuid) -> Partition {
    Partition::of("ofm", org).part("facility-logical").part(logical)
}

/// Which zone of a facility has this code.
pub fn by_code(org: &Org, logical: LogicalGuid, code: &Code) -> Key<ZoneCodeClaim> {
    Key::new(&within(org, logical).part("zone-code").part(code), &[&"claim"])
}

fn all(org: &Org, logical: LogicalGuid, status: Status) -> Partition {
    within(org, logical).part("zones").state(status)
}

fn under(org: &Org, logical: LogicalGuid, parent: Option<ZoneGuid>, status: Status) -> Partition {
    let parent = parent.map_or_else(|| "root".to_owned(), |guid| guid.to_string());
    within(org, logical).part("zones-under").part(parent).state(status)
}

/// The zones of a facility in some states, by their path: what lies in a zone comes right after it.
pub fn by_path(org: &Org, logical: LogicalGuid, statuses: &[Status]) -> Listing<Zone> {
    let partitions = statuses.iter().map(|status| all(org, logical, *status));
    Listing::new(Index::First, partitions, Order::Ascending)
}

/// The zones of a facility in some states that lie in one zone or, without it, in none; by code.
pub fn by_parent(
    org: &Org,
    logical: LogicalGuid,
    parent: Option<ZoneGuid>,
    statuses: &[Status],
) -> Listing<Zone> {
    let partitions = statuses.iter().map(|status| under(org, logical, parent, *status));
    Listing::new(Index::Second, partitions, Order::Ascending)
}

pub(crate) fn lists(org: &Org, zone: &Zone) -> Indexes {
    // A space sorts before all that a code may hold, so the path `A`, `B` before the path `A-1`.
    let path: Vec<&str> = zone.path.iter().map(Code::as_str).collect();
    Indexes::none()
        .first(all(org, zone.logical_guid, zone.status), &[&path.join(" ")])
        .second(under(org, zone.logical_guid, zone.parent_zone_guid, zone.status), &[&zone.code])
}
