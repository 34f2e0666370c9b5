//! Logical facilities: a trader at a place, which people, tills, channels and stock hang on (contract ofm §6). The
//! record is in `identity`.

use contract::{
    codes::Code,
    error::{Error, Result, Tag},
    external_id::ExternalIds,
    grants::Grants,
    ids::{CcGuid, LegalGuid, LogicalGuid, PfGuid},
    input::Patch,
    revision,
    states::{Filter, visible},
    text::Caption,
};
use identity::{
    facility::{FacilityType, LogicalFacility},
    keys::{logical_facilities_by_status, logical_facility},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{
    Access, Answer, Class, Ctx, OrgFrom, Route, Writer, Written, allow, change, list, names, post,
    read_record, revised, write,
};
use store::{Batch, Entity, Found, Key, Listing, Org, Shown, Stored};

use crate::{
    access::ASSOCIATED,
    cost_centre::CostCentre,
    facility::{FacilityCodeClaim, legal::LegalFacility, own, physical::PhysicalFacility},
    hold::{Child, Parent, Weight, bears_nothing, hang, move_guard},
    keys,
    lifecycle::{ARCS, Living, Status, not_doomed, usable},
};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/facility/logical/create"),
        summary: "Create a logical facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::DuplicateCode, Tag::InvalidState],
        handler: &write(create).also(|input, org, batch| input.ground().want(org, batch)),
    },
    Route {
        call: post("/facility/logical/get"),
        summary: "Get a logical facility",
        class: Class::B,
        org: OrgFrom::BodyGuid,
        access: ASSOCIATED,
        errors: &[],
        handler: &read_record(get),
    },
    Route {
        call: post("/facility/logical/list"),
        summary: "List the logical facilities of an org, by code",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &list(list_by_code).ahead(|input, org| Some(wanted(input, org).of_anything())),
    },
    Route {
        call: post("/facility/logical/status"),
        summary: "Set the status of a logical facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::InvalidTransition, Tag::InvalidState, Tag::InUse],
        handler: &change(set_status),
    },
    Route {
        call: post("/facility/logical/update"),
        summary: "Change a logical facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::InvalidState],
        handler: &change(update),
    },
];

/// What a logical facility comes to stand on.
struct Ground {
    place: Option<PfGuid>,
    trader: Option<LegalGuid>,
    centre: Option<CcGuid>,
}

impl Ground {
    /// What is new about the facility.
    fn between(before: &LogicalFacility, after: &LogicalFacility) -> Self {
        Self {
            place: Some(after.pf_guid).filter(|guid| *guid != before.pf_guid),
            trader: Some(after.legal_guid).filter(|guid| *guid != before.legal_guid),
            centre: after.cost_centre_guid.filter(|_| after.cost_centre_guid != before.cost_centre_guid),
        }
    }

    fn place(&self, org: &Org) -> Option<Key<PhysicalFacility>> {
        self.place.map(|guid| keys::facility::physical(org, guid))
    }

    fn trader(&self, org: &Org) -> Option<Key<LegalFacility>> {
        self.trader.map(|guid| keys::facility::legal(org, guid))
    }

    fn centre(&self, org: &Org) -> Option<Key<CostCentre>> {
        self.centre.map(|guid| keys::cost_centre::by_guid(org, guid))
    }

    /// Asks for all of it.
    fn want(&self, org: &Org, batch: &mut Batch) {
        batch.want_all(&self.place(org));
        batch.want_all(&self.trader(org));
        batch.want_all(&self.centre(org));
    }

    /// Refuses what is not usable, now or when the change is written. Tells the place, where there is one.
    async fn check(&self, ctx: &Ctx, change: &mut Writer) -> Result<Option<PhysicalFacility>> {
        let org = ctx.org()?;
        let mut batch = Batch::default();
        self.want(org, &mut batch);
        let found = ctx.read(batch).await?;
        let place = rely(change, &found, self.place(org).as_ref(), "pf_guid")?;
        rely(change, &found, self.trader(org).as_ref(), "legal_guid")?;
        rely(change, &found, self.centre(org).as_ref(), "cost_centre_guid")?;
        Ok(place)
    }
}

/// A record that the change relies on: usable as it was read, and unchanged when the change is written.
fn rely<E: Living>(
    change: &mut Writer,
    found: &Found,
    key: Option<&Key<E>>,
    field: &str,
) -> Result<Option<E>> {
    let Some(key) = key else { return Ok(None) };
    let seen = usable(found.get(key)?, field)?;
    change.require(key, &seen)?;
    Ok(Some(seen.record))
}

/// What a logical facility hangs on.
fn parents(facility: &LogicalFacility) -> Vec<Parent> {
    let centre = facility.cost_centre_guid.map(Parent::CostCentre);
    [Parent::Physical(facility.pf_guid), Parent::Legal(facility.legal_guid)]
        .into_iter()
        .chain(centre)
        .filter(|_| facility.status != Status::Doomed)
        .collect()
}

/// Notes on what the facility hangs from now on, and no longer.
fn move_holds(
    change: &mut Writer,
    org: &Org,
    before: Option<&LogicalFacility>,
    after: &LogicalFacility,
) -> Result<()> {
    let (were, are) = (before.map(parents).unwrap_or_default(), parents(after));
    let gone = were.iter().filter(|parent| !are.contains(parent));
    for parent in gone.chain(are.iter()) {
        let weights = (Weight::of(were.contains(parent)), Weight::of(are.contains(parent)));
        hang(change, org, (*parent, Child::FacilityLogical), &after.logical_guid, weights)?;
    }
    Ok(())
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// Its code, unique among the org's logical facilities.
    code: Code,
    /// What it is called.
    caption: Caption,
    /// Where it is: an active physical facility.
    pf_guid: PfGuid,
    /// Who trades there: an active legal facility.
    legal_guid: LegalGuid,
    /// What it is; a store unless given.
    facility_type: Option<FacilityType>,
    /// The cost centre that its spending is booked on: an active one.
    cost_centre_guid: Option<CcGuid>,
    /// What other systems call it.
    external_ids: Option<ExternalIds>,
}

impl Create {
    fn ground(&self) -> Ground {
        let (place, trader) = (Some(self.pf_guid), Some(self.legal_guid));
        Ground { place, trader, centre: self.cost_centre_guid }
    }
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<Shown<LogicalFacility>>> {
    let org = ctx.org()?;
    let mut change = ctx.change();
    let place = input.ground().check(&ctx, &mut change).await?.ok_or(Tag::NotFound)?;
    let facility = LogicalFacility {
        org_guid: org.guid(),
        logical_guid: LogicalGuid::from_uuid(change.uuid()),
        code: input.code,
        caption: input.caption,
        facility_type: input.facility_type.unwrap_or(FacilityType::Store),
        pf_guid: input.pf_guid,
        legal_guid: input.legal_guid,
        cost_centre_guid: input.cost_centre_guid,
        timezone: place.timezone,
        external_ids: input.external_ids.unwrap_or_default(),
        status: Status::Active,
    };
    FacilityCodeClaim::logical(facility.code.clone(), facility.logical_guid).take(&mut change, org)?;
    move_holds(&mut change, org, None, &facility)?;
    let created = change.create(org, facility, "facility-logical-created")?;
    change.show(&created)
}

names!([Get, SetStatus, Update] LogicalFacility = logical_facility[logical_guid]);
revised!(SetStatus, Update);

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The facility.
    logical_guid: LogicalGuid,
}

async fn get(ctx: Ctx, _: Get, facility: Stored<LogicalFacility>) -> Result<Answer<Shown<LogicalFacility>>> {
    ctx.show(&facility)
}

/// Which facilities a list shows.
#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct List {
    /// Only those of this status, or `all`; those not doomed unless said otherwise.
    status: Option<Filter<Status>>,
    /// Whether doomed ones are shown too.
    include_doomed: Option<bool>,
    /// Only what is this.
    facility_type: Option<FacilityType>,
    /// Only those at this place.
    pf_guid: Option<PfGuid>,
    /// Only those of this trader.
    legal_guid: Option<LegalGuid>,
    /// Only those that the caller is assigned to, with the grants there. An owner has all.
    mine: Option<bool>,
}

impl List {
    fn narrows(&self) -> bool {
        self.facility_type.is_some() || self.pf_guid.is_some() || self.legal_guid.is_some()
    }

    pub(super) fn fits(&self, facility: &LogicalFacility) -> bool {
        self.facility_type.is_none_or(|facility_type| facility.facility_type == facility_type)
            && self.pf_guid.is_none_or(|pf_guid| facility.pf_guid == pf_guid)
            && self.legal_guid.is_none_or(|legal_guid| facility.legal_guid == legal_guid)
    }

    /// Refuses a place or a trader that is not there (contract §4, *References*).
    async fn check(&self, ctx: &Ctx) -> Result<()> {
        let org = ctx.org()?;
        let place = self.pf_guid.map(|guid| keys::facility::physical(org, guid));
        let trader = self.legal_guid.map(|guid| keys::facility::legal(org, guid));
        let mut batch = Batch::default();
        batch.want_all(&place);
        batch.want_all(&trader);
        let found = ctx.read(batch).await?;
        is_there(&found, place.as_ref(), "pf_guid")?;
        is_there(&found, trader.as_ref(), "legal_guid")
    }
}

/// What a list is narrowed to must be there.
fn is_there<E: Entity>(found: &Found, key: Option<&Key<E>>, field: &str) -> Result<()> {
    match key {
        Some(key) if found.get(key)?.is_none() => Err(Error::no_such(field)),
        _ => Ok(()),
    }
}

/// A logical facility in a list.
#[derive(Serialize, JsonSchema)]
pub(super) struct Listed {
    /// The facility.
    #[serde(flatten)]
    pub(super) facility: Shown<LogicalFacility>,
    /// What the caller may do there, with all that is implied: with `mine`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grants: Option<Grants>,
}

/// A page of logical facilities.
#[derive(Serialize, JsonSchema)]
struct Facilities {
    /// The facilities.
    facilities: Vec<Listed>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

fn wanted(input: &List, org: &Org) -> Listing<LogicalFacility> {
    logical_facilities_by_status(org, &visible(input.status, input.include_doomed))
}

async fn list_by_code(ctx: Ctx, input: List) -> Result<Answer<Facilities>> {
    input.check(&ctx).await?;
    let mine = input.mine == Some(true);
    let all = wanted(&input, ctx.org()?);
    if mine && !ctx.caller().is_owner {
        let (facilities, next_token) = own::page(&ctx, &all, &input).await?;
        return Ok(Answer::new(Facilities { facilities, next_token }));
    }
    // An org has some hundreds of facilities: reading past the others costs the rare list less than a key for each
    // filter would cost every change.
    let page = if input.narrows() {
        ctx.list_where(&all, |facility| input.fits(facility)).await?
    } else {
        ctx.list(&all).await?
    };
    let next_token = page.next_token.clone();
    let grants = mine.then(Grants::all);
    let facilities = page.show(&ctx).into_iter();
    let facilities = facilities.map(|facility| Listed { facility, grants: grants.clone() }).collect();
    Ok(Answer::new(Facilities { facilities, next_token }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The facility.
    logical_guid: LogicalGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How it is to stand.
    status: Status,
}

async fn set_status(
    ctx: Ctx,
    input: SetStatus,
    before: Stored<LogicalFacility>,
) -> Result<Written<Shown<LogicalFacility>>> {
    let org = ctx.org()?;
    allow(ARCS, before.record.status, input.status)?;
    let mut change = ctx.change();
    match input.status {
        Status::Active => {
            let (place, trader) = (Some(before.record.pf_guid), Some(before.record.legal_guid));
            Ground { place, trader, centre: None }.check(&ctx, &mut change).await?;
        }
        Status::Inactive => move_guard(&mut change, org, Parent::Logical(input.logical_guid))?,
        Status::Doomed => {
            let parent = Parent::Logical(input.logical_guid);
            bears_nothing(&ctx, &mut change, parent, Weight::Present).await?;
        }
    }
    let facility = LogicalFacility { status: input.status, ..before.record.clone() };
    move_holds(&mut change, org, Some(&before.record), &facility)?;
    let after = change.update(org, &before, facility, "facility-logical-status-set")?;
    change.show(&after)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Update {
    /// The facility.
    logical_guid: LogicalGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// What it is to be called.
    caption: Option<Caption>,
    /// What it is.
    facility_type: Option<FacilityType>,
    /// Where it is to be: a move, only while it is inactive.
    pf_guid: Option<PfGuid>,
    /// Who is to trade there, only while it is inactive.
    legal_guid: Option<LegalGuid>,
    /// The cost centre that its spending is booked on: an active one; null clears.
    cost_centre_guid: Patch<CcGuid>,
    /// What other systems call it, as a whole.
    external_ids: Option<ExternalIds>,
}

impl Update {
    fn apply(self, facility: &mut LogicalFacility) {
        facility.caption = self.caption.unwrap_or_else(|| facility.caption.clone());
        facility.facility_type = self.facility_type.unwrap_or(facility.facility_type);
        facility.pf_guid = self.pf_guid.unwrap_or(facility.pf_guid);
        facility.legal_guid = self.legal_guid.unwrap_or(facility.legal_guid);
        self.cost_centre_guid.apply(&mut facility.cost_centre_guid);
        facility.external_ids = self.external_ids.unwrap_or_else(|| facility.external_ids.clone());
    }
}

async fn update(
    ctx: Ctx,
    input: Update,
    before: Stored<LogicalFacility>,
) -> Result<Written<Shown<LogicalFacility>>> {
    let org = ctx.org()?;
    let mut change = ctx.change();
    let mut facility = before.record.clone();
    input.apply(&mut facility);
    let place = Ground::between(&before.record, &facility).check(&ctx, &mut change).await?;
    not_doomed(&before.record)?;
    stays_while_open(&before.record, &facility)?;
    if let Some(place) = place {
        facility.timezone = place.timezone;
    }
    move_holds(&mut change, org, Some(&before.record), &facility)?;
    let after = change.update(org, &before, facility, "facility-logical-updated")?;
    change.show(&after)
}

/// A facility is moved, and its trader changed, only while it is inactive (ofm §6).
fn stays_while_open(before: &LogicalFacility, after: &LogicalFacility) -> Result<()> {
    let moved =
        [("pf_guid", before.pf_guid != after.pf_guid), ("legal_guid", before.legal_guid != after.legal_guid)];
    match moved.iter().find(|(_, moved)| *moved && before.status != Status::Inactive) {
        Some((field, _)) => {
            let status = json!(before.status);
            Err(Error::from(Tag::InvalidState).detail("field", *field).detail("status", status))
        }
        None => Ok(()),
    }
}
