//! Physical facilities: places (contract ofm §6).

use contract::{
    address::{Address, Geo},
    codes::Code,
    email::Email,
    error::{Error, Result, Tag},
    external_id::ExternalIds,
    ids::{OrgGuid, PfGuid},
    input::Patch,
    locale::Country,
    phone::Phone,
    revision,
    states::{Filter, visible},
    text::Caption,
    time::{Time, TimeZone},
};
use identity::facility::LogicalFacility;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Answer, Class, Ctx, OrgFrom, Resource, Route, Writer, Written, allow, change, list, names, post,
    read_record, revised, write,
};
use store::{Batch, Entity, Indexes, Key, Listing, Org, Shown, Stored, classes};

use crate::{
    access::ASSOCIATED,
    facility::FacilityCodeClaim,
    hold::{Child, Parent, Weight, bears_nothing},
    keys,
    lifecycle::{ARCS, Living, Status, not_doomed},
};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/facility/physical/create"),
        summary: "Create a physical facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::DuplicateCode],
        handler: &write(create),
    },
    Route {
        call: post("/facility/physical/get"),
        summary: "Get a physical facility",
        class: Class::B,
        org: OrgFrom::BodyGuid,
        access: ASSOCIATED,
        errors: &[],
        handler: &read_record(get),
    },
    Route {
        call: post("/facility/physical/list"),
        summary: "List the physical facilities of an org, by code",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &list(list_by_code).ahead(|input, org| Some(wanted(input, org).of_anything())),
    },
    Route {
        call: post("/facility/physical/status"),
        summary: "Set the status of a physical facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::InvalidTransition, Tag::InUse],
        handler: &change(set_status),
    },
    Route {
        call: post("/facility/physical/update"),
        summary: "Change a physical facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::InvalidState, Tag::LimitExceeded],
        handler: &change(update),
    },
];

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SiteType {
    /// A shop.
    Store,
    /// A place that holds stock.
    Warehouse,
    /// A shop that nobody enters: it serves deliveries.
    DarkStore,
    /// Offices.
    Office,
    /// A shop for a short time.
    Popup,
    /// A shop that moves.
    Mobile,
    /// Anything else.
    Other,
}

/// A physical facility.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PhysicalFacility {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its id.
    pub pf_guid: PfGuid,
    /// Its code, unique among the org's physical facilities; never changes.
    pub code: Code,
    /// What it is called.
    pub caption: Caption,
    /// What it is.
    pub site_type: SiteType,
    /// Where it is.
    pub address: Address,
    /// Where it is on the map.
    pub geo: Option<Geo>,
    /// Its time zone.
    pub timezone: TimeZone,
    /// Its phone number.
    pub phone: Option<Phone>,
    /// Its e-mail address.
    pub email: Option<Email>,
    /// What other systems call it.
    pub external_ids: ExternalIds,
    /// How it stands.
    pub status: Status,
}

classes!(PhysicalFacility {
    org_guid: Plain,
    pf_guid: Plain,
    code: Plain,
    caption: Plain,
    site_type: Plain,
    address: Plain,
    geo: Plain,
    timezone: Plain,
    phone: Contact,
    email: Contact,
    external_ids: Plain,
    status: Plain,
});

impl Entity for PhysicalFacility {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "facility-physical";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::facility::physical(org, self.pf_guid)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::facility::physical_lists(org, self)
    }

    fn id(&self) -> String {
        self.pf_guid.to_string()
    }
}

impl Living for PhysicalFacility {
    fn status(&self) -> Status {
        self.status
    }
}

impl Resource for PhysicalFacility {
    type View = Shown<Self>;

    fn view(stored: &Stored<Self>, _: &Ctx) -> Shown<Self> {
        stored.shown()
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// Its code, unique among the org's physical facilities.
    code: Code,
    /// What it is called.
    caption: Caption,
    /// Where it is.
    address: Address,
    /// Its time zone.
    timezone: TimeZone,
    /// What it is; a store unless given.
    site_type: Option<SiteType>,
    /// Where it is on the map.
    geo: Option<Geo>,
    /// Its phone number.
    phone: Option<Phone>,
    /// Its e-mail address.
    email: Option<Email>,
    /// What other systems call it.
    external_ids: Option<ExternalIds>,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<Shown<PhysicalFacility>>> {
    let org = ctx.org()?;
    let mut change = ctx.change();
    let facility = PhysicalFacility {
        org_guid: org.guid(),
        pf_guid: PfGuid::from_uuid(change.uuid()),
        code: input.code,
        caption: input.caption,
        site_type: input.site_type.unwrap_or(SiteType::Store),
        address: input.address,
        geo: input.geo,
        timezone: input.timezone,
        phone: input.phone,
        email: input.email,
        external_ids: input.external_ids.unwrap_or_default(),
        status: Status::Active,
    };
    FacilityCodeClaim::physical(facility.code.clone(), facility.pf_guid).take(&mut change, org)?;
    let created = change.create(org, facility, "facility-physical-created")?;
    change.show(&created)
}

names!([Get, SetStatus, Update] PhysicalFacility = keys::facility::physical[pf_guid]);
revised!(SetStatus, Update);

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The facility.
    pf_guid: PfGuid,
}

async fn get(
    ctx: Ctx,
    _: Get,
    facility: Stored<PhysicalFacility>,
) -> Result<Answer<Shown<PhysicalFacility>>> {
    ctx.show(&facility)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only those of this status, or `all`; those not doomed unless said otherwise.
    status: Option<Filter<Status>>,
    /// Whether doomed ones are shown too.
    include_doomed: Option<bool>,
    /// Only what is this.
    site_type: Option<SiteType>,
    /// Only what is in this country.
    country: Option<Country>,
}

/// A page of physical facilities.
#[derive(Serialize, JsonSchema)]
struct Facilities {
    /// The facilities.
    facilities: Vec<Shown<PhysicalFacility>>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

fn wanted(input: &List, org: &Org) -> Listing<PhysicalFacility> {
    keys::facility::physicals_by_status(org, &visible(input.status, input.include_doomed))
}

async fn list_by_code(ctx: Ctx, input: List) -> Result<Answer<Facilities>> {
    let facilities = wanted(&input, ctx.org()?);
    let page = if input.site_type.is_none() && input.country.is_none() {
        ctx.list(&facilities).await?
    } else {
        // An org has some hundreds of places: reading past the others costs the rare list less than a key for each
        // filter would cost every change.
        let fits = |facility: &PhysicalFacility| {
            input.site_type.is_none_or(|site_type| facility.site_type == site_type)
                && input.country.is_none_or(|country| facility.address.country == country)
        };
        ctx.list_where(&facilities, fits).await?
    };
    Ok(Answer::new(Facilities { facilities: page.show(&ctx), next_token: page.next_token }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The facility.
    pf_guid: PfGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How it is to stand.
    status: Status,
}

async fn set_status(
    ctx: Ctx,
    input: SetStatus,
    before: Stored<PhysicalFacility>,
) -> Result<Written<Shown<PhysicalFacility>>> {
    allow(ARCS, before.record.status, input.status)?;
    let mut change = ctx.change();
    if input.status == Status::Doomed {
        bears_nothing(&ctx, &mut change, Parent::Physical(input.pf_guid), Weight::Present).await?;
    }
    let facility = PhysicalFacility { status: input.status, ..before.record.clone() };
    let after = change.update(ctx.org()?, &before, facility, "facility-physical-status-set")?;
    change.show(&after)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Update {
    /// The facility.
    pf_guid: PfGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// What it is to be called.
    caption: Option<Caption>,
    /// What it is.
    site_type: Option<SiteType>,
    /// Where it is, as a whole.
    address: Option<Address>,
    /// Where it is on the map; null clears.
    geo: Patch<Geo>,
    /// Its time zone; shifts that are planned keep theirs.
    timezone: Option<TimeZone>,
    /// Its phone number; null clears.
    phone: Patch<Phone>,
    /// Its e-mail address; null clears.
    email: Patch<Email>,
    /// What other systems call it, as a whole.
    external_ids: Option<ExternalIds>,
}

impl Update {
    fn apply(self, facility: &mut PhysicalFacility) {
        facility.caption = self.caption.unwrap_or_else(|| facility.caption.clone());
        facility.site_type = self.site_type.unwrap_or(facility.site_type);
        facility.address = self.address.unwrap_or_else(|| facility.address.clone());
        self.geo.apply(&mut facility.geo);
        facility.timezone = self.timezone.unwrap_or_else(|| facility.timezone.clone());
        self.phone.apply(&mut facility.phone);
        self.email.apply(&mut facility.email);
        facility.external_ids = self.external_ids.unwrap_or_else(|| facility.external_ids.clone());
    }
}

async fn update(
    ctx: Ctx,
    input: Update,
    before: Stored<PhysicalFacility>,
) -> Result<Written<Shown<PhysicalFacility>>> {
    not_doomed(&before.record)?;
    let mut change = ctx.change();
    let mut facility = before.record.clone();
    input.apply(&mut facility);
    if facility.timezone != before.record.timezone {
        tell_time(&ctx, &mut change, &facility).await?;
    }
    let after = change.update(ctx.org()?, &before, facility, "facility-physical-updated")?;
    change.show(&after)
}

/// So many logical facilities are told of a new time zone in one transaction, with a journal entry each.
const MOST_TOLD: usize = 40;

/// Gives the logical facilities at a place its new time zone, which they repeat so that reading them costs one read.
async fn tell_time(ctx: &Ctx, change: &mut Writer, place: &PhysicalFacility) -> Result<()> {
    let org = ctx.org()?;
    let parent = Parent::Physical(place.pf_guid);
    let guard = keys::hold::guard(org, parent);
    change.require_still(&guard, ctx.get(&guard).await?.as_ref())?;
    let holds = ctx.some(&keys::hold::on(org, parent, Child::FacilityLogical), MOST_TOLD + 1).await?;
    if holds.len() > MOST_TOLD {
        return Err(Error::from(Tag::LimitExceeded).detail("logical_facilities", MOST_TOLD));
    }
    let guids = holds.iter().filter_map(|hold| hold.record.id.parse().ok());
    let keys: Vec<_> = guids.map(|guid| identity::keys::logical_facility(org, guid)).collect();
    let mut batch = Batch::default();
    batch.want_all(&keys);
    let found = ctx.read(batch).await?;
    for key in &keys {
        if let Some(logical) = found.get(key)? {
            let moved = LogicalFacility { timezone: place.timezone.clone(), ..logical.record.clone() };
            change.adjust(org, &logical, moved, "facility-logical-updated")?;
        }
    }
    Ok(())
}
