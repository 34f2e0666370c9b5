//! Stations.

use contract::{
    codes::Code,
    ids::{LogicalGuid, StationGuid},
};
use store::{Index, Indexes, Key, Listing, Order, Org, Partition};

use crate::station::{Station, StationCodeClaim, StationStatus};

/// A station.
pub fn by_guid(org: &Org, guid: StationGuid) -> Key<Station> {
    Key::new(&Partition::of("ofm", org).part("station").part(guid), &[&"station"])
}

fn within(org: &Org, logical: LogicalGuid) -> Partition {
    Partition::of("ofm", org).part("facility-logical").part(logical)
}

/// Which station of a facility has this code.
pub fn by_code(org: &Org, logical: LogicalGuid, code: &Code) -> Key<StationCodeClaim> {
    Key::new(&within(org, logical).part("station-code").part(code), &[&"claim"])
}

fn of_status(org: &Org, logical: LogicalGuid, status: StationStatus) -> Partition {
    within(org, logical).part("stations").state(status)
}

/// The stations of a facility in some states, by code.
pub fn by_facility(org: &Org, logical: LogicalGuid, statuses: &[StationStatus]) -> Listing<Station> {
    let partitions = statuses.iter().map(|status| of_status(org, logical, *status));
    Listing::new(Index::First, partitions, Order::Ascending)
}

pub(crate) fn lists(org: &Org, station: &Station) -> Indexes {
    Indexes::none().first(of_status(org, station.logical_guid, station.status), &[&station.station_code])
}
