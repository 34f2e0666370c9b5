//! What the system does for an org of its own accord: by this record the orgs with codes are found, and it says how far
//! the system came.

use contract::{attribution_id::AttributionId, codes::OrgCode, ids::OrgGuid, revision::Counter};
use serde::{Deserialize, Serialize};
use service::{Ctx, Writer};
use store::{Entity, Key, Org, System, classes};

use crate::keys;

/// How far the system came with an org.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Upkeep {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its code.
    pub orgcode: OrgCode,
    /// Up to this one, attributions were blanked after retention.
    pub blanked_through: Option<AttributionId>,
    /// How many were.
    pub blanked: u64,
    /// How many totals were mended.
    pub mended: u64,
}

classes!(Upkeep { org_guid: Plain, orgcode: Plain, blanked_through: Plain, blanked: Plain, mended: Plain });

impl Entity for Upkeep {
    const SERVICE: &'static str = "referral";
    const TYPE: &'static str = "referral-upkeep";
    type Scope = System;
    type Revision = Counter;

    fn key(&self, _: &System) -> Key<Self> {
        keys::upkeep::of_org(&Org::checked(self.org_guid))
    }

    fn id(&self) -> String {
        self.org_guid.to_string()
    }
}

/// Sees to it that an org that gets a code is found.
pub(super) async fn begin(ctx: &Ctx, change: &mut Writer) -> contract::error::Result<()> {
    let (org, orgcode) = (ctx.org()?, ctx.org_record()?.record.orgcode.clone());
    if ctx.get(&keys::upkeep::of_org(org)).await?.is_some() {
        return Ok(());
    }
    let upkeep = Upkeep { org_guid: org.guid(), orgcode, blanked_through: None, blanked: 0, mended: 0 };
    change.keep(&System, None, upkeep)
}
