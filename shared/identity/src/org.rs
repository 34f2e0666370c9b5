//! An org: the tenant (ofm §4).

use contract::{
    codes::OrgCode,
    fiscal::FiscalCalendar,
    ids::{CcGuid, OrgGuid, UserGuid},
    locale::Locale,
    money::Currency,
    revision,
    text::Caption,
    time::{Time, TimeZone},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, Org, classes};

use crate::keys;

/// How an org stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrgStatus {
    /// Created, not yet looked at by the operator.
    Unverified,
    /// In business.
    Verified,
    /// Put to rest by an owner.
    Parked,
    /// Put to rest by the operator.
    Suspended,
    /// Stopped by the operator.
    Frozen,
    /// Ended, for ever.
    Doomed,
}

/// An org.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct OrgRecord {
    /// Its id.
    pub org_guid: OrgGuid,
    /// Its code, unique among all orgs for ever.
    pub orgcode: OrgCode,
    /// What it is called.
    pub caption: Caption,
    /// How it stands.
    pub status: OrgStatus,
    /// Its time zone.
    pub timezone: TimeZone,
    /// How its years are cut.
    pub fiscal_calendar: FiscalCalendar,
    /// Suggested for new till profiles.
    pub default_currency: Option<Currency>,
    /// Its language.
    pub default_locale: Option<Locale>,
    /// The master cost centre.
    pub cost_centre_guid: CcGuid,
    /// The one primary owner.
    pub primary_owner_user_guid: UserGuid,
    /// When the operator first verified it.
    pub verified_at: Option<Time>,
    /// When an owner last parked or unparked it.
    pub park_changed_at: Option<Time>,
    /// From when an owner may do so again.
    pub park_allowed_at: Option<Time>,
}

classes!(OrgRecord {
    org_guid: Plain,
    orgcode: Plain,
    caption: Plain,
    status: Plain,
    timezone: Plain,
    fiscal_calendar: Plain,
    default_currency: Plain,
    default_locale: Plain,
    cost_centre_guid: Plain,
    primary_owner_user_guid: Plain,
    verified_at: Plain,
    park_changed_at: Plain,
    park_allowed_at: Plain,
});

impl Entity for OrgRecord {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "org";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, scope: &Org) -> Key<Self> {
        keys::org(scope)
    }

    fn id(&self) -> String {
        self.org_guid.to_string()
    }

    fn indexes(&self, _: &Org, _: Time) -> Indexes {
        Indexes::none()
    }
}

/// Who holds an orgcode: written with the org, never released.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrgCodeClaim {
    /// The code.
    pub orgcode: OrgCode,
    /// The org.
    pub org_guid: OrgGuid,
}

classes!(OrgCodeClaim { orgcode: Plain, org_guid: Plain });

impl Entity for OrgCodeClaim {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "orgcode";
    type Scope = store::System;
    type Revision = revision::Counter;

    fn key(&self, _: &store::System) -> Key<Self> {
        keys::orgcode(&self.orgcode)
    }

    fn id(&self) -> String {
        self.orgcode.to_string()
    }
}
