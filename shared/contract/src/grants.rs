//! What people and service accounts may do at one facility (ofm §1).

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::several::Several;

/// A right at one facility.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Grant {
    /// Reads what hangs on the facility.
    #[serde(rename = "facility:read")]
    FacilityRead,
    /// Changes the facility; implies changing its stations.
    #[serde(rename = "facility:write")]
    FacilityWrite,
    /// Changes its stations.
    #[serde(rename = "station:write")]
    StationWrite,
    /// Changes its shifts.
    #[serde(rename = "schedule:write")]
    ScheduleWrite,
    /// Changes its timesheets.
    #[serde(rename = "timesheet:write")]
    TimesheetWrite,
    /// Changes its sales channels.
    #[serde(rename = "channel:write")]
    ChannelWrite,
}

/// The grants of one assignment: 1 to 6, none twice (ofm §10).
pub type GivenGrants = Several<Grant, 1, 6>;

impl Grant {
    /// Every grant: what an owner has at each facility.
    pub const ALL: &'static [Self] = &[
        Self::FacilityRead,
        Self::FacilityWrite,
        Self::StationWrite,
        Self::ScheduleWrite,
        Self::TimesheetWrite,
        Self::ChannelWrite,
    ];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FacilityRead => "facility:read",
            Self::FacilityWrite => "facility:write",
            Self::StationWrite => "station:write",
            Self::ScheduleWrite => "schedule:write",
            Self::TimesheetWrite => "timesheet:write",
            Self::ChannelWrite => "channel:write",
        }
    }

    /// What whoever has this may do too.
    const fn implied(self) -> &'static [Self] {
        match self {
            Self::FacilityRead => &[],
            Self::FacilityWrite => &[Self::FacilityRead, Self::StationWrite],
            Self::StationWrite | Self::ScheduleWrite | Self::TimesheetWrite | Self::ChannelWrite => {
                &[Self::FacilityRead]
            }
        }
    }
}

/// What somebody may do at a facility, with all that is implied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Grants(BTreeSet<Grant>);

impl Grants {
    /// Every grant.
    pub fn all() -> Self {
        Self(Grant::ALL.iter().copied().collect())
    }

    /// Whether a grant is among them.
    pub fn contains(&self, grant: Grant) -> bool {
        self.0.contains(&grant)
    }

    /// Those of the given ones that are not among them: what a giver who holds these may not give.
    pub fn missing(&self, given: &[Grant]) -> Vec<Grant> {
        given.iter().copied().filter(|grant| !self.contains(*grant)).collect()
    }
}

impl From<&GivenGrants> for Grants {
    fn from(given: &GivenGrants) -> Self {
        Self(
            given
                .iter()
                .flat_map(|grant| [*grant].into_iter().chain(grant.implied().iter().copied()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(grants: &[Grant]) -> Grants {
        Grants::from(&GivenGrants::try_from(grants.to_vec()).unwrap())
    }

    #[test]
    fn every_write_grant_implies_reading_and_one_implies_stations() {
        for grant in Grant::ALL {
            let grants = given(&[*grant]);
            assert!(grants.contains(*grant) && grants.contains(Grant::FacilityRead), "{grant:?}");
            let stations = [Grant::FacilityWrite, Grant::StationWrite].contains(grant);
            assert_eq!(grants.contains(Grant::StationWrite), stations, "{grant:?}");
            assert_eq!(json!(grant), grant.as_str());
        }
        assert!(!given(&[Grant::StationWrite]).contains(Grant::FacilityWrite));
        assert!(!Grants::default().contains(Grant::FacilityRead));
        assert_eq!(given(Grant::ALL), Grants::all());
    }

    #[test]
    fn who_writes_the_facility_may_give_reading_and_stations_on() {
        let grants = given(&[Grant::FacilityWrite]);
        assert_eq!(grants.missing(&[Grant::StationWrite, Grant::FacilityRead]), []);
        assert_eq!(grants.missing(&[Grant::ChannelWrite, Grant::FacilityWrite]), [Grant::ChannelWrite]);
    }
}
