//! A logical facility: a trader at a place, which people, tills, channels and stock hang on (ofm §6). It stands here
//! because grants count only at a facility that is not doomed.

use contract::{
    codes::Code,
    external_id::ExternalIds,
    ids::{CcGuid, LegalGuid, LogicalGuid, OrgGuid, PfGuid},
    revision,
    text::Caption,
    time::{Time, TimeZone},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, Org, classes};

use crate::{keys, lifecycle::Status};

/// What a logical facility is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FacilityType {
    /// A shop.
    Store,
    /// A place that holds stock.
    Warehouse,
    /// A shop that nobody enters: it serves deliveries.
    DarkStore,
    /// A shop on somebody else's platform.
    Marketplace,
    /// A place that sells services.
    Service,
    /// Anything else.
    Other,
}

/// A logical facility.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogicalFacility {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its id.
    pub logical_guid: LogicalGuid,
    /// Its code, unique among the org's logical facilities; never changes.
    pub code: Code,
    /// What it is called.
    pub caption: Caption,
    /// What it is.
    pub facility_type: FacilityType,
    /// Where it is.
    pub pf_guid: PfGuid,
    /// Who trades there.
    pub legal_guid: LegalGuid,
    /// The cost centre that its spending is booked on.
    pub cost_centre_guid: Option<CcGuid>,
    /// The time zone of the place.
    pub timezone: TimeZone,
    /// What other systems call it.
    pub external_ids: ExternalIds,
    /// How it stands.
    pub status: Status,
}

classes!(LogicalFacility {
    org_guid: Plain,
    logical_guid: Plain,
    code: Plain,
    caption: Plain,
    facility_type: Plain,
    pf_guid: Plain,
    legal_guid: Plain,
    cost_centre_guid: Plain,
    timezone: Plain,
    external_ids: Plain,
    status: Plain,
});

impl Entity for LogicalFacility {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "facility-logical";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::logical_facility(org, self.logical_guid)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::logical_facility_lists(org, self)
    }

    fn id(&self) -> String {
        self.logical_guid.to_string()
    }
}
