//! Facilities. Logical ones are in `identity::keys`, for grants are judged by them.

use std::fmt::Display;

use contract::{
    codes::Code,
    ids::{LegalGuid, PfGuid},
};
use store::{Index, Indexes, Key, Listing, Order, Org, Partition};

use crate::{
    facility::{FacilityCodeClaim, Kind, legal::LegalFacility, physical::PhysicalFacility},
    lifecycle::Status,
};

/// A physical facility.
pub fn physical(org: &Org, guid: PfGuid) -> Key<PhysicalFacility> {
    Key::new(&Partition::of("ofm", org).part("facility-physical").part(guid), &[&"facility"])
}

/// A legal facility.
pub fn legal(org: &Org, guid: LegalGuid) -> Key<LegalFacility> {
    Key::new(&Partition::of("ofm", org).part("facility-legal").part(guid), &[&"facility"])
}

/// Which facility of a kind has this code.
pub fn by_code(org: &Org, kind: Kind, code: &Code) -> Key<FacilityCodeClaim> {
    Key::new(&Partition::of("ofm", org).part("facility-code").state(kind).part(code), &[&"claim"])
}

fn physicals(org: &Org, status: Status) -> Partition {
    Partition::of("ofm", org).part("facilities-physical").state(status)
}

fn legals(org: &Org, status: Status) -> Partition {
    Partition::of("ofm", org).part("facilities-legal").state(status)
}

/// Sorts by code, also where one code begins with another: a space sorts before all that a code may hold.
fn by_code_first(code: &Code, guid: impl Display) -> String {
    format!("{code} {guid}")
}

pub(crate) fn physical_lists(org: &Org, facility: &PhysicalFacility) -> Indexes {
    Indexes::none()
        .first(physicals(org, facility.status), &[&by_code_first(&facility.code, facility.pf_guid)])
}

pub(crate) fn legal_lists(org: &Org, facility: &LegalFacility) -> Indexes {
    Indexes::none()
        .first(legals(org, facility.status), &[&by_code_first(&facility.code, facility.legal_guid)])
}

/// The physical facilities of an org in some states, by code.
pub fn physicals_by_status(org: &Org, statuses: &[Status]) -> Listing<PhysicalFacility> {
    Listing::new(Index::First, statuses.iter().map(|status| physicals(org, *status)), Order::Ascending)
}

/// The legal facilities of an org in some states, by code.
pub fn legals_by_status(org: &Org, statuses: &[Status]) -> Listing<LegalFacility> {
    Listing::new(Index::First, statuses.iter().map(|status| legals(org, *status)), Order::Ascending)
}
