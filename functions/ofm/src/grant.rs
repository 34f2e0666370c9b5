//! What a member may do at a facility (contract ofm §1).

use schemars::JsonSchema;
use serde::Serialize;

/// A right at one facility.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Grant {
    /// Reads what hangs on the facility.
    #[serde(rename = "facility:read")]
    FacilityRead,
    /// Changes the facility; implies reading it and changing its stations.
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
}
