//! Stations: the tills of a logical facility and what else stands there (contract ofm §15).

use contract::{
    codes::Code,
    error::{Error, Result, Tag},
    grants::Grant,
    ids::{ChannelGuid, LogicalGuid, OrgGuid, StationGuid},
    input::Patch,
    revision,
    states::{Filter, States, visible},
    text::{Caption, Text},
    time::Time,
};
use identity::keys::logical_facility;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Answer, Arc, Class, Ctx, OrgFrom, Resource, Route, Writer, Written, allow, change, list, names,
    post, read_record, revised, write,
};
use store::{Entity, Indexes, Key, Listing, Org, Shown, Stored, classes};

use crate::{
    hold::{Child, Parent, Weight, hang},
    keys,
    lifecycle::{unusable, usable},
    sales_channel::ChannelStatus,
};

/// Who changes stations.
const EDITORS: Access = Access::Granted(Grant::StationWrite, &[]);
/// Who reads them.
const READERS: Access = Access::Granted(Grant::FacilityRead, &[]);

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/station/create"),
        summary: "Create a station in a logical facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: EDITORS,
        errors: &[Tag::DuplicateCode, Tag::InvalidState],
        handler: &write(create).at(|input| Some(input.logical_guid)).also(|input, org, batch| {
            batch.want_all(&input.channel_guid.map(|channel| keys::sales_channel::by_guid(org, channel)));
        }),
    },
    Route {
        call: post("/station/get"),
        summary: "Get a station",
        class: Class::B,
        org: OrgFrom::Body,
        access: READERS,
        errors: &[],
        handler: &read_record(get),
    },
    Route {
        call: post("/station/list"),
        summary: "List the stations of a logical facility, by code",
        class: Class::B,
        org: OrgFrom::Body,
        access: READERS,
        errors: &[],
        handler: &list(list_by_code)
            .at(|input| Some(input.logical_guid))
            .ahead(|input, org| Some(wanted(input, org).of_anything())),
    },
    Route {
        call: post("/station/status"),
        summary: "Set the status of a station",
        class: Class::A,
        org: OrgFrom::Body,
        access: EDITORS,
        errors: &[Tag::InvalidTransition, Tag::InvalidState],
        handler: &change(set_status),
    },
    Route {
        call: post("/station/update"),
        summary: "Change a station",
        class: Class::A,
        org: OrgFrom::Body,
        access: EDITORS,
        errors: &[Tag::InvalidState],
        handler: &change(update),
    },
];

/// What a station is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StationType {
    /// A till.
    Checkout,
    /// A till that customers use themselves.
    SelfCheckout,
    /// A kiosk.
    Kiosk,
    /// A device that is carried.
    Mobile,
    /// A service desk.
    CustomerService,
    /// A place of work behind the scenes.
    BackOffice,
    /// Where orders are handed over at the kerb.
    Curbside,
    /// Anything else.
    Other,
}

/// How a station stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StationStatus {
    /// In use.
    Active,
    /// Not in use.
    Inactive,
    /// Being repaired.
    Maintenance,
}

impl States for StationStatus {
    const ALL: &'static [Self] = &[Self::Active, Self::Inactive, Self::Maintenance];
    const HIDDEN: &'static [Self] = &[];
}

/// What may follow what: anything else.
const ARCS: &[Arc<StationStatus>] = &[
    (StationStatus::Active, StationStatus::Inactive),
    (StationStatus::Active, StationStatus::Maintenance),
    (StationStatus::Inactive, StationStatus::Active),
    (StationStatus::Inactive, StationStatus::Maintenance),
    (StationStatus::Maintenance, StationStatus::Active),
    (StationStatus::Maintenance, StationStatus::Inactive),
];

/// How a device is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// By a USB cable.
    Usb,
    /// Over the network.
    Network,
    /// By Bluetooth.
    Bluetooth,
    /// By a serial cable.
    Serial,
    /// It is a part of the station.
    BuiltIn,
}

/// A device of a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Device {
    /// Which model.
    pub model: Option<Text<1, 64>>,
    /// Its serial number.
    pub serial: Option<Text<1, 64>>,
    /// How it is connected.
    pub connection: Option<Connection>,
}

/// What a station is made of. Its fields together stay well under 8 KB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HardwareProfile {
    /// The printer.
    pub printer: Option<Device>,
    /// The cash drawer.
    pub cash_drawer: Option<Device>,
    /// The scanner.
    pub scanner: Option<Device>,
    /// The scale.
    pub scale: Option<Device>,
    /// What takes cards.
    pub payment_terminal: Option<Device>,
    /// The display that the customer sees.
    pub customer_display: Option<Device>,
    /// The id of the computer.
    pub device_id: Option<Text<1, 128>>,
    /// Its operating system.
    pub os: Option<Text<1, 64>>,
    /// The version of the till's program.
    pub app_version: Option<Text<1, 32>>,
}

/// A station.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Station {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its id.
    pub station_guid: StationGuid,
    /// The facility; never changes.
    pub logical_guid: LogicalGuid,
    /// Its code, unique in the facility; never changes.
    pub station_code: Code,
    /// What it is.
    pub station_type: StationType,
    /// What it is called.
    pub caption: Option<Caption>,
    /// The sales channel that it sells through.
    pub channel_guid: Option<ChannelGuid>,
    /// What it is made of.
    pub hardware_profile: Option<HardwareProfile>,
    /// How it stands.
    pub status: StationStatus,
}

classes!(Station {
    org_guid: Plain,
    station_guid: Plain,
    logical_guid: Plain,
    station_code: Plain,
    station_type: Plain,
    caption: Plain,
    channel_guid: Plain,
    hardware_profile: Plain,
    status: Plain,
});

impl Entity for Station {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "station";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::station::by_guid(org, self.station_guid)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::station::lists(org, self)
    }

    fn id(&self) -> String {
        self.station_guid.to_string()
    }
}

impl Resource for Station {
    type View = Shown<Self>;

    fn facility(&self) -> Option<LogicalGuid> {
        Some(self.logical_guid)
    }

    fn view(stored: &Stored<Self>, _: &Ctx) -> Shown<Self> {
        stored.shown()
    }
}

/// Who holds a code in a facility: written with the station, never released.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StationCodeClaim {
    /// The facility.
    pub logical_guid: LogicalGuid,
    /// The code.
    pub station_code: Code,
    /// The station.
    pub station_guid: StationGuid,
}

classes!(StationCodeClaim { logical_guid: Plain, station_code: Plain, station_guid: Plain });

impl Entity for StationCodeClaim {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "station-code";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::station::by_code(org, self.logical_guid, &self.station_code)
    }

    fn id(&self) -> String {
        self.station_code.to_string()
    }
}

impl Station {
    /// What keeps the station's facility and channel from being doomed.
    fn parents(&self) -> Vec<Parent> {
        let channel = self.channel_guid.map(Parent::SalesChannel);
        let parents = [Some(Parent::Logical(self.logical_guid)), channel].into_iter().flatten();
        parents.filter(|_| self.status != StationStatus::Inactive).collect()
    }

    /// Notes on what the station hangs from now on, and no longer.
    fn hang(&self, change: &mut Writer, org: &Org, before: Option<&Self>) -> Result<()> {
        let (were, are) = (before.map(Self::parents).unwrap_or_default(), self.parents());
        let gone = were.iter().filter(|parent| !are.contains(parent));
        for parent in gone.chain(are.iter()) {
            let weights = (Weight::of(were.contains(parent)), Weight::of(are.contains(parent)));
            hang(change, org, (*parent, Child::Station), &self.station_guid, weights)?;
        }
        Ok(())
    }
}

/// The facility must be active, and still so when the change is written.
async fn rely_on_facility(ctx: &Ctx, change: &mut Writer, logical: LogicalGuid) -> Result<()> {
    let facility = usable(Some(ctx.place(logical).await?.facility()?.clone()), "logical_guid")?;
    change.require(&logical_facility(ctx.org()?, logical), &facility)
}

/// A channel that a station names must be one of the facility that is not doomed, and still so when the change is
/// written.
async fn rely_on_channel(
    ctx: &Ctx,
    change: &mut Writer,
    logical: LogicalGuid,
    channel: Option<ChannelGuid>,
) -> Result<()> {
    let Some(channel) = channel else { return Ok(()) };
    let key = keys::sales_channel::by_guid(ctx.org()?, channel);
    let channel = ctx.get(&key).await?.ok_or_else(|| Error::no_such("channel_guid"))?;
    if channel.record.status == ChannelStatus::Doomed || channel.record.logical_guid != logical {
        return Err(unusable("channel_guid", channel.record.status));
    }
    change.require(&key, &channel)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// The facility: an active one.
    logical_guid: LogicalGuid,
    /// Its code, unique in the facility.
    station_code: Code,
    /// What it is.
    station_type: StationType,
    /// What it is called.
    caption: Option<Caption>,
    /// The sales channel that it sells through: one of the facility.
    channel_guid: Option<ChannelGuid>,
    /// What it is made of.
    hardware_profile: Option<HardwareProfile>,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<Shown<Station>>> {
    let org = ctx.org()?;
    let mut change = ctx.change();
    rely_on_facility(&ctx, &mut change, input.logical_guid).await?;
    rely_on_channel(&ctx, &mut change, input.logical_guid, input.channel_guid).await?;
    let station = Station {
        org_guid: org.guid(),
        station_guid: StationGuid::from_uuid(change.uuid()),
        logical_guid: input.logical_guid,
        station_code: input.station_code,
        station_type: input.station_type,
        caption: input.caption,
        channel_guid: input.channel_guid,
        hardware_profile: input.hardware_profile,
        status: StationStatus::Active,
    };
    let Station { logical_guid, station_guid, station_code, .. } = station.clone();
    let claim = StationCodeClaim { logical_guid, station_code, station_guid };
    change.claim(org, claim, |_| Error::from(Tag::DuplicateCode).detail("field", "station_code"))?;
    station.hang(&mut change, org, None)?;
    let created = change.create(org, station, "station-created")?;
    change.show(&created)
}

names!([Get, SetStatus, Update] Station = keys::station::by_guid[station_guid]);
revised!(SetStatus, Update);

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The station.
    station_guid: StationGuid,
}

async fn get(ctx: Ctx, _: Get, station: Stored<Station>) -> Result<Answer<Shown<Station>>> {
    ctx.show(&station)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// The facility.
    logical_guid: LogicalGuid,
    /// Only those of this status; all unless given.
    status: Option<Filter<StationStatus>>,
    /// Changes nothing: no station is ever doomed.
    include_doomed: Option<bool>,
    /// Only what is this.
    station_type: Option<StationType>,
    /// Only those that sell through this channel.
    channel_guid: Option<ChannelGuid>,
}

/// A page of stations.
#[derive(Serialize, JsonSchema)]
struct Stations {
    /// The stations.
    items: Vec<Shown<Station>>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

fn wanted(input: &List, org: &Org) -> Listing<Station> {
    keys::station::by_facility(org, input.logical_guid, &visible(input.status, input.include_doomed))
}

async fn list_by_code(ctx: Ctx, input: List) -> Result<Answer<Stations>> {
    let org = ctx.org()?;
    if let Some(channel) = input.channel_guid {
        let channel = ctx.get(&keys::sales_channel::by_guid(org, channel)).await?;
        let here = channel.filter(|channel| channel.record.logical_guid == input.logical_guid);
        here.ok_or_else(|| Error::no_such("channel_guid"))?;
    }
    let stations = wanted(&input, org);
    let page = if input.station_type.is_none() && input.channel_guid.is_none() {
        ctx.list(&stations).await?
    } else {
        // A facility has some dozens of stations: reading past the others costs less than a key for each filter.
        let fits = |station: &Station| {
            input.station_type.is_none_or(|station_type| station.station_type == station_type)
                && input.channel_guid.is_none_or(|channel| station.channel_guid == Some(channel))
        };
        ctx.list_where(&stations, fits).await?
    };
    Ok(Answer::new(Stations { items: page.show(&ctx), next_token: page.next_token }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The station.
    station_guid: StationGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How it is to stand.
    status: StationStatus,
}

async fn set_status(ctx: Ctx, input: SetStatus, before: Stored<Station>) -> Result<Written<Shown<Station>>> {
    let org = ctx.org()?;
    allow(ARCS, before.record.status, input.status)?;
    let mut change = ctx.change();
    let station = Station { status: input.status, ..before.record.clone() };
    if station.status != StationStatus::Inactive {
        rely_on_facility(&ctx, &mut change, station.logical_guid).await?;
        if before.record.status == StationStatus::Inactive {
            // While it was inactive, its channel could be doomed.
            rely_on_channel(&ctx, &mut change, station.logical_guid, station.channel_guid).await?;
        }
    }
    station.hang(&mut change, org, Some(&before.record))?;
    let after = change.update(org, &before, station, "station-status-set")?;
    change.show(&after)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Update {
    /// The station.
    station_guid: StationGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// What it is to be called; null clears.
    caption: Patch<Caption>,
    /// What it is.
    station_type: Option<StationType>,
    /// The sales channel that it sells through: one of the facility; null clears.
    channel_guid: Patch<ChannelGuid>,
    /// What it is made of, as a whole; null clears.
    hardware_profile: Patch<HardwareProfile>,
}

async fn update(ctx: Ctx, input: Update, before: Stored<Station>) -> Result<Written<Shown<Station>>> {
    let org = ctx.org()?;
    let mut change = ctx.change();
    let mut station = before.record.clone();
    input.caption.apply(&mut station.caption);
    station.station_type = input.station_type.unwrap_or(station.station_type);
    input.channel_guid.apply(&mut station.channel_guid);
    input.hardware_profile.apply(&mut station.hardware_profile);
    if station.channel_guid != before.record.channel_guid {
        rely_on_channel(&ctx, &mut change, station.logical_guid, station.channel_guid).await?;
    }
    rely_on_facility(&ctx, &mut change, station.logical_guid).await?;
    station.hang(&mut change, org, Some(&before.record))?;
    let after = change.update(org, &before, station, "station-updated")?;
    change.show(&after)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    proptest! {
        #[test]
        fn anything_follows_but_the_same(
            from in select(StationStatus::ALL),
            to in select(StationStatus::ALL),
        ) {
            prop_assert_eq!(allow(ARCS, from, to).is_ok(), from != to);
        }
    }
}
