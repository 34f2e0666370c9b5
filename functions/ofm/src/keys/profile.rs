//! Till profiles, and the slots that say whose they are.

use contract::{codes::Code, ids::ProfileId};
use store::{Index, Indexes, Key, Listing, Order, Org, Partition};

use crate::{
    lifecycle::Status,
    profile::{
        OperatorProfile, ProfileCodeClaim,
        slot::{ProfileSlot, Seat},
    },
};

/// A till profile.
pub fn by_id(org: &Org, id: ProfileId) -> Key<OperatorProfile> {
    Key::new(&Partition::of("ofm", org).part("profile").part(id), &[&"profile"])
}

/// Which till profile has this code.
pub fn by_code(org: &Org, code: &Code) -> Key<ProfileCodeClaim> {
    Key::new(&Partition::of("ofm", org).part("profile-code").part(code), &[&"claim"])
}

fn of_status(org: &Org, status: Status) -> Partition {
    Partition::of("ofm", org).part("profiles").state(status)
}

/// The till profiles of an org in some states, by code.
pub fn by_status(org: &Org, statuses: &[Status]) -> Listing<OperatorProfile> {
    let partitions = statuses.iter().map(|status| of_status(org, *status));
    Listing::new(Index::First, partitions, Order::Ascending)
}

pub(crate) fn lists(org: &Org, profile: &OperatorProfile) -> Indexes {
    // A code is of one profile alone.
    Indexes::none().first(of_status(org, profile.status), &[&profile.code])
}

/// Which till profile somebody has at a facility, or which is the default there or in the org.
pub fn slot(org: &Org, seat: Seat) -> Key<ProfileSlot> {
    let slots = Partition::of("ofm", org).part("profile-slot");
    let slot = match seat {
        Seat::Member(user, logical) => slots.part("member").part(user).part(logical),
        Seat::Facility(logical) => slots.part("facility").part(logical),
        Seat::Org => slots.part("org"),
    };
    Key::new(&slot, &[&"slot"])
}
