//! Zones: the parts of a logical facility, as a tree (contract ofm §7). A zone never changes its parent, so no cycle can
//! arise; a tree is closed from its leaves.

use std::{borrow::Cow, str::FromStr};

use contract::{
    codes::Code,
    error::{Error, Result, Tag},
    grants::Grant,
    ids::{LogicalGuid, OrgGuid, ZoneGuid},
    revision,
    states::{Filter, visible},
    text::Caption,
    time::Time,
};
use identity::keys::logical_facility;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use service::{
    Access, Answer, Class, Ctx, OrgFrom, Resource, Route, Writer, Written, allow, change, list, names, post,
    read, read_record, revised, write,
};
use store::{Entity, Indexes, Key, Listing, Org, Shown, Stored, classes};

use crate::{
    hold::{Child, Parent, Weight, bears_nothing, hang},
    keys,
    lifecycle::{ARCS, Living, Status, usable},
};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/zone/create"),
        summary: "Create a zone in a logical facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Granted(Grant::FacilityWrite, &[]),
        errors: &[Tag::DuplicateCode, Tag::ZoneDepthExceeded, Tag::InvalidState],
        handler: &write(create).at(|input| Some(input.logical_guid)).also(|input, org, batch| {
            batch.want_all(&input.parent_zone_guid.map(|parent| keys::zone::by_guid(org, parent)));
        }),
    },
    Route {
        call: post("/zone/get"),
        summary: "Get a zone",
        class: Class::B,
        org: OrgFrom::BodyGuid,
        access: Access::Granted(Grant::FacilityRead, &[]),
        errors: &[],
        handler: &read_record(get).at(|input| Some(input.logical_guid)),
    },
    Route {
        call: post("/zone/list"),
        summary: "List the zones of a logical facility, by their path",
        class: Class::B,
        org: OrgFrom::Body,
        access: Access::Granted(Grant::FacilityRead, &[]),
        errors: &[],
        handler: &list(list_by_path)
            .ahead(|input, org| Some(wanted(input, org).of_anything()))
            .at(|input| Some(input.logical_guid)),
    },
    Route {
        call: post("/zone/status"),
        summary: "Set the status of a zone",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Granted(Grant::FacilityWrite, &[]),
        errors: &[Tag::InvalidTransition, Tag::InvalidState, Tag::InUse],
        handler: &change(set_status).at(|input| Some(input.logical_guid)),
    },
    Route {
        call: post("/resolve/zone"),
        summary: "Find a zone by its code",
        class: Class::B,
        org: OrgFrom::Body,
        access: Access::Granted(Grant::FacilityRead, &[]),
        errors: &[],
        handler: &read(resolve)
            .at(|input| Some(input.logical_guid))
            .also(|input, org, batch| batch.want(&keys::zone::by_code(org, input.logical_guid, &input.code))),
    },
];

/// A root lies at depth 1.
const DEEPEST: u8 = 8;

/// What a zone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ZoneType {
    /// A storey.
    Floor,
    /// A department.
    Department,
    /// An aisle.
    Aisle,
    /// A part of an aisle.
    Bay,
    /// A shelf.
    Shelf,
    /// Where stock is kept that is not on show.
    Stockroom,
    /// Where deliveries arrive.
    Receiving,
    /// Where customers pay.
    Checkout,
    /// A shop window.
    Window,
    /// Anything else.
    Other,
}

/// A zone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Zone {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its id.
    pub zone_guid: ZoneGuid,
    /// The facility.
    pub logical_guid: LogicalGuid,
    /// The zone that it lies in; none for a root.
    pub parent_zone_guid: Option<ZoneGuid>,
    /// Its code, unique in the facility; never changes.
    pub code: Code,
    /// What it is called.
    pub caption: Caption,
    /// What it is.
    pub zone_type: ZoneType,
    /// How deep it lies: 1 for a root, 8 at most.
    pub depth: u8,
    /// The codes of the zones that it lies in, from the root on, and its own.
    pub path: Vec<Code>,
    /// How it stands.
    pub status: Status,
}

classes!(Zone {
    org_guid: Plain,
    zone_guid: Plain,
    logical_guid: Plain,
    parent_zone_guid: Plain,
    code: Plain,
    caption: Plain,
    zone_type: Plain,
    depth: Plain,
    path: Plain,
    status: Plain,
});

impl Entity for Zone {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "zone";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::zone::by_guid(org, self.zone_guid)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::zone::lists(org, self)
    }

    fn id(&self) -> String {
        self.zone_guid.to_string()
    }
}

impl Living for Zone {
    fn status(&self) -> Status {
        self.status
    }
}

impl Resource for Zone {
    type View = Shown<Self>;

    fn facility(&self) -> Option<LogicalGuid> {
        Some(self.logical_guid)
    }

    fn view(stored: &Stored<Self>, _: &Ctx) -> Shown<Self> {
        stored.shown()
    }
}

impl Zone {
    /// Notes on what the zone hangs from now on.
    fn hang(&self, change: &mut Writer, org: &Org, was: Weight) -> Result<()> {
        let parents = [Some(Parent::Logical(self.logical_guid)), self.parent_zone_guid.map(Parent::Zone)];
        for parent in parents.into_iter().flatten() {
            hang(change, org, (parent, Child::Zone), &self.zone_guid, (was, self.status.into()))?;
        }
        Ok(())
    }
}

/// Who holds a code in a facility: written with the zone, never released.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ZoneCodeClaim {
    /// The facility.
    pub logical_guid: LogicalGuid,
    /// The code.
    pub code: Code,
    /// The zone.
    pub zone_guid: ZoneGuid,
}

classes!(ZoneCodeClaim { logical_guid: Plain, code: Plain, zone_guid: Plain });

impl Entity for ZoneCodeClaim {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "zone-code";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::zone::by_code(org, self.logical_guid, &self.code)
    }

    fn id(&self) -> String {
        self.code.to_string()
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// The facility: an active one.
    logical_guid: LogicalGuid,
    /// Its code, unique in the facility.
    code: Code,
    /// What it is called; its code unless given.
    caption: Option<Caption>,
    /// The zone that it lies in: an active one of the facility.
    parent_zone_guid: Option<ZoneGuid>,
    /// What it is.
    zone_type: Option<ZoneType>,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<Shown<Zone>>> {
    let org = ctx.org()?;
    let mut change = ctx.change();
    let Create { logical_guid, code, caption, parent_zone_guid, zone_type } = input;
    let parent = rely(&ctx, &mut change, logical_guid, parent_zone_guid).await?;
    let above = parent.map(|parent| parent.path).unwrap_or_default();
    let path: Vec<Code> = above.into_iter().chain([code.clone()]).collect();
    let zone = Zone {
        org_guid: org.guid(),
        zone_guid: ZoneGuid::from_uuid(change.uuid()),
        logical_guid,
        parent_zone_guid,
        caption: caption.map_or_else(|| code.as_str().parse().map_err(Error::internal), Ok)?,
        zone_type: zone_type.unwrap_or(ZoneType::Other),
        depth: depth(&path)?,
        path,
        code,
        status: Status::Active,
    };
    let claim = ZoneCodeClaim { logical_guid, code: zone.code.clone(), zone_guid: zone.zone_guid };
    change.claim(org, claim, |_| Error::from(Tag::DuplicateCode).detail("field", "code"))?;
    zone.hang(&mut change, org, Weight::Nothing)?;
    let created = change.create(org, zone, "zone-created")?;
    change.show(&created)
}

/// How deep a zone with this path lies.
fn depth(path: &[Code]) -> Result<u8> {
    match u8::try_from(path.len()) {
        Ok(depth) if depth <= DEEPEST => Ok(depth),
        _ => Err(Error::from(Tag::ZoneDepthExceeded).detail("deepest", DEEPEST)),
    }
}

/// Facility and parent must be active, and still so when the change is written. Tells the parent.
async fn rely(
    ctx: &Ctx,
    change: &mut Writer,
    logical: LogicalGuid,
    parent: Option<ZoneGuid>,
) -> Result<Option<Zone>> {
    let org = ctx.org()?;
    let facility = usable(Some(ctx.place(logical).await?.facility()?.clone()), "logical_guid")?;
    change.require(&logical_facility(org, logical), &facility)?;
    let Some(parent) = parent else { return Ok(None) };
    let key = keys::zone::by_guid(org, parent);
    let parent = usable(ctx.get(&key).await?, "parent_zone_guid")?;
    if parent.record.logical_guid != logical {
        return Err(Error::from(Tag::InvalidState).detail("field", "parent_zone_guid"));
    }
    change.require(&key, &parent)?;
    Ok(Some(parent.record))
}

names!([Get, SetStatus] Zone = keys::zone::by_guid[zone_guid]);
revised!(SetStatus);

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The facility.
    logical_guid: LogicalGuid,
    /// The zone.
    zone_guid: ZoneGuid,
}

async fn get(ctx: Ctx, _: Get, zone: Stored<Zone>) -> Result<Answer<Shown<Zone>>> {
    ctx.show(&zone)
}

/// The zone in which others lie directly, or none.
#[derive(Clone, Copy)]
enum Under {
    Root,
    Zone(ZoneGuid),
}

impl<'de> Deserialize<'de> for Under {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // As every malformed id names nothing.
        let guid = || ZoneGuid::from_str(&text).unwrap_or(ZoneGuid::NOWHERE);
        Ok(if text == "root" { Self::Root } else { Self::Zone(guid()) })
    }
}

impl JsonSchema for Under {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ParentZone".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [generator.subschema_for::<ZoneGuid>(), {"const": "root"}]})
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// The facility.
    logical_guid: LogicalGuid,
    /// Only those of this status, or `all`; those not doomed unless said otherwise.
    status: Option<Filter<Status>>,
    /// Whether doomed ones are shown too.
    include_doomed: Option<bool>,
    /// Only those that lie directly in this zone; `root` for those that lie in none.
    parent_zone_guid: Option<Under>,
    /// Only what is this.
    zone_type: Option<ZoneType>,
}

/// A page of zones.
#[derive(Serialize, JsonSchema)]
struct Zones {
    /// The zones.
    zones: Vec<Shown<Zone>>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

fn wanted(input: &List, org: &Org) -> Listing<Zone> {
    let (logical, statuses) = (input.logical_guid, visible(input.status, input.include_doomed));
    match input.parent_zone_guid {
        None => keys::zone::by_path(org, logical, &statuses),
        Some(Under::Root) => keys::zone::by_parent(org, logical, None, &statuses),
        Some(Under::Zone(parent)) => keys::zone::by_parent(org, logical, Some(parent), &statuses),
    }
}

async fn list_by_path(ctx: Ctx, input: List) -> Result<Answer<Zones>> {
    let org = ctx.org()?;
    if let Some(Under::Zone(parent)) = input.parent_zone_guid {
        let above = ctx.get(&keys::zone::by_guid(org, parent)).await?;
        above
            .filter(|zone| zone.record.logical_guid == input.logical_guid)
            .ok_or_else(|| Error::no_such("parent_zone_guid"))?;
    }
    let zones = wanted(&input, org);
    let page = match input.zone_type {
        None => ctx.list(&zones).await?,
        // Some thousands in a facility at most: reading past the others costs less than a key for the filter.
        Some(zone_type) => ctx.list_where(&zones, |zone| zone.zone_type == zone_type).await?,
    };
    Ok(Answer::new(Zones { zones: page.show(&ctx), next_token: page.next_token }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The facility.
    logical_guid: LogicalGuid,
    /// The zone.
    zone_guid: ZoneGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How it is to stand.
    status: Status,
}

async fn set_status(ctx: Ctx, input: SetStatus, before: Stored<Zone>) -> Result<Written<Shown<Zone>>> {
    let org = ctx.org()?;
    allow(ARCS, before.record.status, input.status)?;
    let mut change = ctx.change();
    let least = match input.status {
        Status::Active => {
            rely(&ctx, &mut change, input.logical_guid, before.record.parent_zone_guid).await?;
            None
        }
        Status::Inactive => Some(Weight::Active),
        Status::Doomed => Some(Weight::Present),
    };
    if let Some(least) = least {
        bears_nothing(&ctx, &mut change, Parent::Zone(input.zone_guid), least).await?;
    }
    let zone = Zone { status: input.status, ..before.record.clone() };
    zone.hang(&mut change, org, before.record.status.into())?;
    let after = change.update(org, &before, zone, "zone-status-set")?;
    change.show(&after)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Resolve {
    /// The facility.
    logical_guid: LogicalGuid,
    /// The code.
    code: Code,
}

/// The zone with a code.
#[derive(Serialize, JsonSchema)]
struct Resolved {
    /// The org.
    org_guid: OrgGuid,
    /// The facility.
    logical_guid: LogicalGuid,
    /// Its id.
    zone_guid: ZoneGuid,
    /// The code.
    code: Code,
    /// How deep it lies.
    depth: u8,
    /// How it stands.
    status: Status,
}

async fn resolve(ctx: Ctx, input: Resolve) -> Result<Answer<Resolved>> {
    let org = ctx.org()?;
    let claim = keys::zone::by_code(org, input.logical_guid, &input.code);
    let claim = ctx.get(&claim).await?.ok_or(Tag::NotFound)?;
    let zone = ctx.get(&keys::zone::by_guid(org, claim.record.zone_guid)).await?.ok_or(Tag::NotFound)?;
    let Zone { org_guid, logical_guid, zone_guid, code, depth, status, .. } = zone.record;
    if status == Status::Doomed {
        return Err(Tag::NotFound.into());
    }
    Ok(Answer::new(Resolved { org_guid, logical_guid, zone_guid, code, depth, status }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_is_the_deepest() {
        let path = |length: usize| vec!["A".parse::<Code>().unwrap(); length];
        assert_eq!(depth(&path(1)).unwrap(), 1);
        assert_eq!(depth(&path(8)).unwrap(), 8);
        for length in [9, 300] {
            assert_eq!(depth(&path(length)).unwrap_err().tag(), Tag::ZoneDepthExceeded);
        }
    }
}
