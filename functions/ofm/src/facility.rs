//! Facilities (contract ofm §6): a place, a trader, and a trader at a place, which everything else hangs on. Their codes
//! are unique per org and kind.

pub mod legal;
pub mod logical;
mod own;
pub mod physical;

use contract::{
    codes::Code,
    error::{Error, Result, Tag},
    ids::{LegalGuid, LogicalGuid, OrgGuid, PfGuid},
    revision,
};
use identity::{facility::LogicalFacility, keys::logical_facility};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{Access, Answer, Class, Ctx, OrgFrom, Route, Writer, post, read};
use store::{Batch, Entity, Found, Key, Org, Stored, classes};

use crate::{
    facility::{legal::LegalFacility, physical::PhysicalFacility},
    keys,
    lifecycle::{Living, Status},
};

/// The routes.
pub static ROUTES: &[Route] = &[Route {
    call: post("/resolve/facility"),
    summary: "Find a facility by its code",
    class: Class::B,
    org: OrgFrom::Body,
    access: Access::Owner,
    errors: &[Tag::Ambiguous],
    handler: &read(resolve).also(Resolve::claims),
}];

/// A kind of facility.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "FacilityKind")]
pub enum Kind {
    /// A place.
    Physical,
    /// Who trades.
    Legal,
    /// A trader at a place.
    Logical,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Physical, Self::Legal, Self::Logical];
}

/// A facility of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
enum AnyGuid {
    Physical(PfGuid),
    Legal(LegalGuid),
    Logical(LogicalGuid),
}

/// Who holds a code: written with the facility, never released. One of the ids is set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FacilityCodeClaim {
    /// The code.
    pub code: Code,
    /// The physical facility.
    pub pf_guid: Option<PfGuid>,
    /// The legal facility.
    pub legal_guid: Option<LegalGuid>,
    /// The logical facility.
    pub logical_guid: Option<LogicalGuid>,
}

classes!(FacilityCodeClaim { code: Plain, pf_guid: Plain, legal_guid: Plain, logical_guid: Plain });

impl Entity for FacilityCodeClaim {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "facility-code";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::facility::by_code(org, self.kind(), &self.code)
    }

    fn id(&self) -> String {
        self.code.to_string()
    }
}

impl FacilityCodeClaim {
    fn kind(&self) -> Kind {
        match self {
            Self { pf_guid: Some(_), .. } => Kind::Physical,
            Self { legal_guid: Some(_), .. } => Kind::Legal,
            Self { .. } => Kind::Logical,
        }
    }

    fn physical(code: Code, pf_guid: PfGuid) -> Self {
        Self { code, pf_guid: Some(pf_guid), legal_guid: None, logical_guid: None }
    }

    fn legal(code: Code, legal_guid: LegalGuid) -> Self {
        Self { code, pf_guid: None, legal_guid: Some(legal_guid), logical_guid: None }
    }

    fn logical(code: Code, logical_guid: LogicalGuid) -> Self {
        Self { code, pf_guid: None, legal_guid: None, logical_guid: Some(logical_guid) }
    }

    /// Claims the code for the facility.
    fn take(self, change: &mut Writer, org: &Org) -> Result<()> {
        change.claim(org, self, |_| Error::from(Tag::DuplicateCode).detail("field", "code"))
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Resolve {
    /// The code.
    code: Code,
    /// The kind of facility; any unless given.
    kind: Option<Kind>,
}

/// The facility with a code.
#[derive(Serialize, JsonSchema)]
struct Resolved {
    /// The org.
    org_guid: OrgGuid,
    /// Its id: `pf_guid`, `legal_guid` or `logical_guid`.
    guid: AnyGuid,
    /// The code.
    code: Code,
    /// Its kind.
    kind: Kind,
    /// How it stands.
    status: Status,
}

impl Resolve {
    fn kinds(&self) -> Vec<Kind> {
        self.kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind])
    }

    /// Asks for the claims on the code.
    fn claims(&self, org: &Org, batch: &mut Batch) {
        for kind in self.kinds() {
            batch.want(&keys::facility::by_code(org, kind, &self.code));
        }
    }
}

async fn resolve(ctx: Ctx, input: Resolve) -> Result<Answer<Resolved>> {
    let org = ctx.org()?;
    let kinds = input.kinds();
    let mut batch = Batch::default();
    input.claims(org, &mut batch);
    let found = ctx.read(batch).await?;
    let claims = kinds.iter().map(|kind| found.get(&keys::facility::by_code(org, *kind, &input.code)));
    let claims: Vec<_> = claims.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    let mut batch = Batch::default();
    for claim in &claims {
        want(org, &claim.record, &mut batch);
    }
    let found = ctx.read(batch).await?;
    let facilities = claims.iter().map(|claim| resolved(org, &claim.record, &found));
    let mut facilities: Vec<_> = facilities.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    if facilities.len() > 1 {
        let kinds: Vec<_> = facilities.iter().map(|facility| facility.kind).collect();
        return Err(Error::from(Tag::Ambiguous).detail("kinds", json!(kinds)));
    }
    facilities.pop().map(Answer::new).ok_or_else(|| Tag::NotFound.into())
}

fn want(org: &Org, claim: &FacilityCodeClaim, batch: &mut Batch) {
    if let Some(guid) = claim.pf_guid {
        batch.want(&keys::facility::physical(org, guid));
    }
    if let Some(guid) = claim.legal_guid {
        batch.want(&keys::facility::legal(org, guid));
    }
    if let Some(guid) = claim.logical_guid {
        batch.want(&logical_facility(org, guid));
    }
}

/// The facility that holds a code, unless it is doomed.
fn resolved(org: &Org, claim: &FacilityCodeClaim, found: &Found) -> Result<Option<Resolved>> {
    let standing = match *claim {
        FacilityCodeClaim { pf_guid: Some(guid), .. } => {
            let facility: Option<Stored<PhysicalFacility>> =
                found.get(&keys::facility::physical(org, guid))?;
            facility.map(|facility| (AnyGuid::Physical(guid), facility.record.status()))
        }
        FacilityCodeClaim { legal_guid: Some(guid), .. } => {
            let facility: Option<Stored<LegalFacility>> = found.get(&keys::facility::legal(org, guid))?;
            facility.map(|facility| (AnyGuid::Legal(guid), facility.record.status()))
        }
        FacilityCodeClaim { logical_guid: Some(guid), .. } => {
            let facility: Option<Stored<LogicalFacility>> = found.get(&logical_facility(org, guid))?;
            facility.map(|facility| (AnyGuid::Logical(guid), facility.record.status()))
        }
        FacilityCodeClaim { .. } => None,
    };
    let (org_guid, code, kind) = (org.guid(), claim.code.clone(), claim.kind());
    Ok(standing.filter(|(_, status)| *status != Status::Doomed).map(|(guid, status)| Resolved {
        org_guid,
        guid,
        code,
        kind,
        status,
    }))
}
