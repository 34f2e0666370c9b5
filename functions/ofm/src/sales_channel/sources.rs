//! From where a sales channel takes stock (contract ofm §12.2).

use contract::{
    codes::Code,
    error::{Error, Result, Tag},
    grants::Grant,
    ids::{ChannelGuid, LogicalGuid, OrgGuid},
    problem::Problem,
    revision,
    several::Several,
    text::Caption,
};
use identity::{facility::LogicalFacility, keys::logical_facility};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{
    Access, Answer, Class, Ctx, OrgFrom, Route, Writer, Written, change, names, post, read_record, revised,
};
use store::{Batch, Entity, Key, Org, Stored, classes};

use super::{ChannelStatus, SalesChannel, not_doomed};
use crate::{
    hold::{Guard, Parent},
    keys,
    lifecycle::usable,
};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/sales-channel/inventory-sources/get"),
        summary: "Tell from where a sales channel takes stock",
        class: Class::C,
        org: OrgFrom::Body,
        access: Access::Granted(Grant::FacilityRead, &[]),
        errors: &[],
        handler: &read_record(get),
    },
    Route {
        call: post("/sales-channel/inventory-sources/set"),
        summary: "Say from where a sales channel takes stock",
        class: Class::D,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::InvalidState],
        handler: &change(set),
    },
];

/// In which order facilities are asked for stock: 1 to 1000, 1 is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u16")]
#[schemars(inline, extend("minimum" = 1, "maximum" = 1000))]
pub struct Priority(u16);

impl TryFrom<u16> for Priority {
    type Error = Problem;

    fn try_from(priority: u16) -> Result<Self, Problem> {
        let is_good = (1..=1000).contains(&priority);
        if is_good { Ok(Self(priority)) } else { Err(Problem::new("must be from 1 to 1000")) }
    }
}

/// A facility that a channel takes stock from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InventorySource {
    /// The facility.
    pub logical_guid: LogicalGuid,
    /// When it is asked.
    pub priority: Priority,
    /// Whether it is asked at all.
    pub enabled: bool,
}

/// The sources of one channel, for whoever asks which channels use a facility. There is none for an empty list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SourcesNote {
    /// The channel.
    pub channel_guid: ChannelGuid,
    /// The facilities.
    pub logical_guids: Vec<LogicalGuid>,
}

classes!(SourcesNote { channel_guid: Plain, logical_guids: Plain });

impl Entity for SourcesNote {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "inventory-sources";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::sales_channel::sources_of(org, self.channel_guid)
    }

    fn id(&self) -> String {
        self.channel_guid.to_string()
    }
}

/// Notes what a channel takes stock from, in the change that makes it so.
pub(super) fn note(change: &mut Writer, org: &Org, channel: &SalesChannel) -> Result<()> {
    let logical_guids: Vec<_> = channel.inventory_sources.iter().map(|source| source.logical_guid).collect();
    let note = SourcesNote { channel_guid: channel.channel_guid, logical_guids };
    if note.logical_guids.is_empty() || channel.status == ChannelStatus::Doomed {
        change.wipe(&note.key(org));
        return Ok(());
    }
    change.overwrite(org, note)
}

names!([Get, Set] SalesChannel = keys::sales_channel::by_guid[channel_guid]);
revised!(Set);

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The channel.
    channel_guid: ChannelGuid,
}

/// The channel's own facility.
#[derive(Serialize, JsonSchema)]
struct Primary {
    /// Its id.
    logical_guid: LogicalGuid,
    /// Its code.
    code: Code,
    /// What it is called.
    caption: Caption,
}

/// From where a channel takes stock.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InventorySources")]
struct Supply {
    /// The org.
    org_guid: OrgGuid,
    /// The channel.
    channel_guid: ChannelGuid,
    /// The channel's own facility: it supplies only if it is listed, or if none is.
    primary: Primary,
    /// The facilities, in the order in which they are asked.
    sources: Vec<InventorySource>,
    /// The channel's revision.
    revision: revision::Tag,
}

impl Supply {
    fn of(channel: &Stored<SalesChannel>, primary: LogicalFacility) -> Answer<Self> {
        let SalesChannel { org_guid, channel_guid, inventory_sources, .. } = channel.record.clone();
        let LogicalFacility { logical_guid, code, caption, .. } = primary;
        let primary = Primary { logical_guid, code, caption };
        let revision = channel.revision;
        let data = Self { org_guid, channel_guid, primary, sources: inventory_sources, revision };
        Answer { data, revision: Some(json!(revision)) }
    }
}

async fn get(ctx: Ctx, _: Get, channel: Stored<SalesChannel>) -> Result<Answer<Supply>> {
    let primary = ctx.place(channel.record.logical_guid).await?.facility()?.record.clone();
    Ok(Supply::of(&channel, primary))
}

/// A source as it is sent.
#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[schemars(rename = "NewInventorySource")]
struct Given {
    /// The facility: an active one.
    logical_guid: LogicalGuid,
    /// When it is asked: 1 first.
    priority: Priority,
    /// Whether it is asked at all; it is unless said otherwise.
    enabled: Option<bool>,
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Set {
    /// The channel.
    channel_guid: ChannelGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// The facilities, each once and each with a priority of its own; none for the channel's own facility alone.
    sources: Several<Given, 0, 64>,
}

/// In the order in which they are asked; no facility and no priority twice.
fn in_order(given: &[Given]) -> Result<Vec<InventorySource>> {
    let mut sources: Vec<InventorySource> = Vec::new();
    for (n, Given { logical_guid, priority, enabled }) in given.iter().copied().enumerate() {
        if sources.iter().any(|source| source.logical_guid == logical_guid) {
            return Err(Error::field(format!("sources[{n}].logical_guid"), "must not be named twice"));
        }
        if sources.iter().any(|source| source.priority == priority) {
            return Err(Error::field(format!("sources[{n}].priority"), "must not be given twice"));
        }
        sources.push(InventorySource { logical_guid, priority, enabled: enabled.unwrap_or(true) });
    }
    sources.sort_by_key(|source| source.priority);
    Ok(sources)
}

async fn set(ctx: Ctx, input: Set, before: Stored<SalesChannel>) -> Result<Written<Supply>> {
    let org = ctx.org()?;
    let sources = in_order(&input.sources)?;
    let mut change = ctx.change();
    let primary = rely(&ctx, &mut change, &input.sources, before.record.logical_guid).await?;
    not_doomed(&before.record)?;
    let primary = usable(primary, "logical_guid")?;
    let channel = SalesChannel { inventory_sources: sources, ..before.record.clone() };
    note(&mut change, org, &channel)?;
    let after = change.update(org, &before, channel, "sales-channel-inventory-sources-set")?;
    Ok(change.answer(Supply::of(&after, primary.record)))
}

/// Every facility must be active, and neither closed nor doomed until the change is written: both move its guard. Its
/// guard and its status are one condition each, so that 64 facilities fit into one transaction. Tells the channel's own.
async fn rely(
    ctx: &Ctx,
    change: &mut Writer,
    given: &[Given],
    primary: LogicalGuid,
) -> Result<Option<Stored<LogicalFacility>>> {
    let org = ctx.org()?;
    let guard = |logical: LogicalGuid| keys::hold::guard(org, Parent::Logical(logical));
    let facilities: Vec<_> = given.iter().map(|source| source.logical_guid).collect();
    let mut batch = Batch::default();
    for logical in facilities.iter().chain([&primary]) {
        batch.want(&guard(*logical));
    }
    let guards = ctx.read(batch).await?;
    // Read after its guard: what changes in between moves the guard.
    let mut batch = Batch::default();
    for logical in facilities.iter().chain([&primary]) {
        batch.want(&logical_facility(org, *logical));
    }
    let found = ctx.read(batch).await?;
    for (n, logical) in facilities.iter().enumerate() {
        usable(found.get(&logical_facility(org, *logical))?, &format!("sources[{n}].logical_guid"))?;
    }
    for logical in facilities.iter().filter(|logical| **logical != primary).chain([&primary]) {
        change.keep(
            org,
            guards.get(&guard(*logical))?.as_ref(),
            Guard { parent: Parent::Logical(*logical) },
        )?;
    }
    found.get(&logical_facility(org, primary))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(facility: u128, priority: u16) -> Given {
        let logical_guid = format!("00000000-0000-7000-8000-{facility:012}").parse().unwrap();
        Given { logical_guid, priority: Priority(priority), enabled: None }
    }

    #[test]
    fn sources_are_asked_by_priority() {
        let sources = in_order(&[given(1, 9), given(2, 1), given(3, 1000)]).unwrap();
        assert_eq!(sources.iter().map(|source| source.priority.0).collect::<Vec<_>>(), [1, 9, 1000]);
        assert!(sources.iter().all(|source| source.enabled));
    }

    #[test]
    fn no_facility_and_no_priority_stands_twice() {
        let field = |given: &[Given]| in_order(given).unwrap_err().get("fields").unwrap()[0]["field"].clone();
        assert_eq!(field(&[given(1, 1), given(1, 2)]), "sources[1].logical_guid");
        assert_eq!(field(&[given(1, 1), given(2, 2), given(3, 2)]), "sources[2].priority");
    }

    #[test]
    fn priorities_are_one_to_a_thousand() {
        assert!(Priority::try_from(1).is_ok() && Priority::try_from(1000).is_ok());
        assert!(Priority::try_from(0).is_err() && Priority::try_from(1001).is_err());
    }
}
