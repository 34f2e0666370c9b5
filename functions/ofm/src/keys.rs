//! Where the records of this service are stored, and how they are found. Every key of this crate is made here, but
//! those of orgs, members and owners, which every service reads (`identity::keys`).

pub mod diary;
pub mod facility;
pub mod hold;
pub mod override_code;
pub mod profile;
pub mod sales_channel;
pub mod shift;
pub mod station;
pub mod team;
pub mod timesheet;
pub mod zone;

/// Cost centres.
pub mod cost_centre {
    use contract::{codes::CcCode, ids::CcGuid};
    use store::{Index, Indexes, Key, Listing, Order, Org, Partition};

    use crate::{
        cost_centre::{CcCodeClaim, CostCentre},
        lifecycle::Status,
    };

    /// One cost centre.
    pub fn by_guid(org: &Org, guid: CcGuid) -> Key<CostCentre> {
        Key::new(&Partition::of("ofm", org).part("cost-centre").part(guid), &[&"cost-centre"])
    }

    /// Which cost centre has this code.
    pub fn by_code(org: &Org, code: &CcCode) -> Key<CcCodeClaim> {
        Key::new(&Partition::of("ofm", org).part("cccode").part(code), &[&"claim"])
    }

    fn of_status(org: &Org, status: Status) -> Partition {
        Partition::of("ofm", org).part("cost-centres").state(status)
    }

    /// The cost centres of an org in some states, by code.
    pub fn by_status(org: &Org, statuses: &[Status]) -> Listing<CostCentre> {
        let partitions = statuses.iter().map(|status| of_status(org, *status));
        Listing::new(Index::First, partitions, Order::Ascending)
    }

    pub(crate) fn lists(org: &Org, centre: &CostCentre) -> Indexes {
        Indexes::none().first(of_status(org, centre.status), &[&centre.cccode, &centre.cc_guid])
    }
}

/// Failed tries to use invitations.
pub mod tries {
    use contract::ids::UserGuid;
    use store::{Key, Partition};

    use crate::tries::InvitationTries;

    /// When a person last failed to use an invitation.
    pub fn of_user(user: UserGuid) -> Key<InvitationTries> {
        Key::new(&Partition::of_system("ofm").part("invitation-tries").part(user), &[&"tries"])
    }
}
