//! Cost centres: what an org books its spending on (contract ofm §5).

use contract::{
    codes::CcCode,
    error::{Error, Result, Tag},
    ids::{CcGuid, OrgGuid},
    input::Patch,
    revision,
    states::{Filter, visible},
    text::{Caption, Prose},
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{
    Access, Answer, Class, Ctx, OrgFrom, Resource, Route, Writer, Written, allow, change, list, names, post,
    read, read_record, revised, write,
};
use store::{Entity, Indexes, Key, Listing, Org, Shown, Stored, classes};

use crate::{
    access::ASSOCIATED,
    hold::{Parent, Weight, bears_nothing, in_use},
    keys,
    lifecycle::{self, Living, Status, not_doomed},
};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/cost-centre/create"),
        summary: "Create a cost centre",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::DuplicateCode],
        handler: &write(create),
    },
    Route {
        call: post("/cost-centre/get"),
        summary: "Get a cost centre",
        class: Class::B,
        org: OrgFrom::BodyGuid,
        access: ASSOCIATED,
        errors: &[],
        handler: &read_record(get),
    },
    Route {
        call: post("/cost-centre/list"),
        summary: "List the cost centres of an org, by code",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &list(list_by_code).ahead(|input, org| Some(wanted(input, org).of_anything())),
    },
    Route {
        call: post("/cost-centre/status/set"),
        summary: "Set the status of a cost centre",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::InvalidTransition, Tag::InUse],
        handler: &change(set_status),
    },
    Route {
        call: post("/cost-centre/update"),
        summary: "Change caption or description of a cost centre",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::InvalidState],
        handler: &change(update),
    },
    Route {
        call: post("/resolve/cost-centre"),
        summary: "Find a cost centre by its code",
        class: Class::B,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[],
        handler: &read(resolve)
            .also(|input, org, batch| batch.want(&keys::cost_centre::by_code(org, &input.cccode))),
    },
];

/// A cost centre.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CostCentre {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its id.
    pub cc_guid: CcGuid,
    /// Its code, unique in the org; never changes.
    pub cccode: CcCode,
    /// What it is called.
    pub caption: Caption,
    /// What it is for.
    pub description: Option<Prose<1000>>,
    /// How it stands.
    pub status: Status,
}

classes!(CostCentre {
    org_guid: Plain,
    cc_guid: Plain,
    cccode: Plain,
    caption: Plain,
    description: Plain,
    status: Plain,
});

impl Entity for CostCentre {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "cost-centre";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::cost_centre::by_guid(org, self.cc_guid)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::cost_centre::lists(org, self)
    }

    fn id(&self) -> String {
        self.cc_guid.to_string()
    }
}

impl Living for CostCentre {
    fn status(&self) -> Status {
        self.status
    }
}

/// A cost centre as it is answered.
#[derive(Serialize, JsonSchema)]
pub struct CostCentreView {
    /// Its record.
    #[serde(flatten)]
    centre: Shown<CostCentre>,
    /// Whether it is the master: the org's `cost_centre_guid`.
    is_master: bool,
}

impl Resource for CostCentre {
    type View = CostCentreView;

    fn view(stored: &Stored<Self>, ctx: &Ctx) -> CostCentreView {
        CostCentreView { centre: stored.shown(), is_master: is_master(ctx, stored.record.cc_guid) }
    }
}

fn is_master(ctx: &Ctx, cc_guid: CcGuid) -> bool {
    ctx.org_record().is_ok_and(|org| org.record.cost_centre_guid == cc_guid)
}

/// Who holds a code: written with the cost centre, never released.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CcCodeClaim {
    /// The code.
    pub cccode: CcCode,
    /// The cost centre.
    pub cc_guid: CcGuid,
}

classes!(CcCodeClaim { cccode: Plain, cc_guid: Plain });

impl Entity for CcCodeClaim {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "cccode";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::cost_centre::by_code(org, &self.cccode)
    }

    fn id(&self) -> String {
        self.cccode.to_string()
    }
}

/// A cost centre in the answer about an org.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Brief {
    /// Its id.
    cc_guid: CcGuid,
    /// Its code.
    cccode: CcCode,
    /// What it is called.
    caption: Caption,
    /// How it stands.
    status: Status,
}

impl From<CostCentre> for Brief {
    fn from(centre: CostCentre) -> Self {
        let CostCentre { cc_guid, cccode, caption, status, .. } = centre;
        Self { cc_guid, cccode, caption, status }
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// What it is called.
    caption: Caption,
    /// Made by the server unless given.
    cccode: Option<CcCode>,
    /// What it is for.
    description: Option<Prose<1000>>,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<CostCentreView>> {
    let org = ctx.org()?;
    let mut change = ctx.change();
    let centre = CostCentre {
        org_guid: org.guid(),
        cc_guid: CcGuid::from_uuid(change.uuid()),
        cccode: input.cccode.unwrap_or_else(|| random_code(&ctx)),
        caption: input.caption,
        description: input.description,
        status: Status::Active,
    };
    let created = add(&mut change, org, centre)?;
    change.show(&created)
}

/// Adds a new cost centre to a change, with the claim on its code.
pub(crate) fn add(change: &mut Writer, org: &Org, centre: CostCentre) -> Result<Stored<CostCentre>> {
    let claim = CcCodeClaim { cccode: centre.cccode.clone(), cc_guid: centre.cc_guid };
    change.claim(org, claim, |_| Error::from(Tag::DuplicateCode).detail("field", "cccode"))?;
    change.create(org, centre, "cost-centre-created")
}

/// A code from the source of randomness.
pub(crate) fn random_code(ctx: &Ctx) -> CcCode {
    let mut random = [0; 12];
    ctx.chance().fill(&mut random);
    CcCode::from_random(random)
}

names!([Get, SetStatus, Update] CostCentre = keys::cost_centre::by_guid[cc_guid]);
revised!(SetStatus, Update);

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The cost centre.
    cc_guid: CcGuid,
}

async fn get(ctx: Ctx, _: Get, centre: Stored<CostCentre>) -> Result<Answer<CostCentreView>> {
    ctx.show(&centre)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only those of this status, or `all`; those not doomed unless said otherwise.
    status: Option<Filter<Status>>,
    /// Whether doomed ones are shown too.
    include_doomed: Option<bool>,
}

/// A page of cost centres.
#[derive(Serialize, JsonSchema)]
struct CostCentres {
    /// The cost centres.
    cost_centres: Vec<CostCentreView>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

fn wanted(input: &List, org: &Org) -> Listing<CostCentre> {
    keys::cost_centre::by_status(org, &visible(input.status, input.include_doomed))
}

async fn list_by_code(ctx: Ctx, input: List) -> Result<Answer<CostCentres>> {
    let page = ctx.list(&wanted(&input, ctx.org()?)).await?;
    Ok(Answer::new(CostCentres { cost_centres: page.show(&ctx), next_token: page.next_token }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The cost centre.
    cc_guid: CcGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How it is to stand.
    status: Status,
}

async fn set_status(
    ctx: Ctx,
    input: SetStatus,
    before: Stored<CostCentre>,
) -> Result<Written<CostCentreView>> {
    let org = ctx.org()?;
    allow(lifecycle::ARCS, before.record.status, input.status)?;
    let mut change = ctx.change();
    if input.status == Status::Doomed {
        bears_nothing(&ctx, &mut change, Parent::CostCentre(input.cc_guid), Weight::Present).await?;
    }
    if input.status != Status::Active {
        if is_master(&ctx, before.record.cc_guid) {
            return Err(in_use(vec![json!({"kind": "org", "count": 1, "sample_id": org.guid()})]));
        }
        // The org must not make it the master meanwhile.
        let seen = ctx.org_record()?;
        change.require(&seen.record.key(org), seen)?;
    }
    let centre = CostCentre { status: input.status, ..before.record.clone() };
    let after = change.update(org, &before, centre, "cost-centre-status-set")?;
    change.show(&after)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Update {
    /// The cost centre.
    cc_guid: CcGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// What it is to be called.
    caption: Option<Caption>,
    /// What it is for; null clears.
    description: Patch<Prose<1000>>,
}

async fn update(ctx: Ctx, input: Update, before: Stored<CostCentre>) -> Result<Written<CostCentreView>> {
    not_doomed(&before.record)?;
    let mut centre = before.record.clone();
    if let Some(caption) = input.caption {
        centre.caption = caption;
    }
    input.description.apply(&mut centre.description);
    let mut change = ctx.change();
    let after = change.update(ctx.org()?, &before, centre, "cost-centre-updated")?;
    change.show(&after)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Resolve {
    /// The code.
    cccode: CcCode,
}

/// The cost centre with a code.
#[derive(Serialize, JsonSchema)]
struct Resolved {
    /// The org.
    org_guid: OrgGuid,
    /// Its id.
    cc_guid: CcGuid,
    /// The code.
    cccode: CcCode,
    /// How it stands.
    status: Status,
}

async fn resolve(ctx: Ctx, input: Resolve) -> Result<Answer<Resolved>> {
    let org = ctx.org()?;
    let claim = ctx.get(&keys::cost_centre::by_code(org, &input.cccode)).await?.ok_or(Tag::NotFound)?;
    let centre =
        ctx.get(&keys::cost_centre::by_guid(org, claim.record.cc_guid)).await?.ok_or(Tag::NotFound)?;
    let CostCentre { org_guid, cc_guid, cccode, status, .. } = centre.record;
    if status == Status::Doomed {
        return Err(Tag::NotFound.into());
    }
    Ok(Answer::new(Resolved { org_guid, cc_guid, cccode, status }))
}
