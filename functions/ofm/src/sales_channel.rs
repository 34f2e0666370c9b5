//! Sales channels: where a logical facility sells (contract ofm §12).

pub mod binding;
pub mod config;
mod create;
mod market;
pub mod registry;
mod resolve;
pub mod sources;

pub use market::{Global, Market};

use contract::{
    error::{Error, Result, Tag},
    grants::Grant,
    ids::{ChannelGuid, LogicalGuid, OrgGuid},
    input::Patch,
    locale::Locale,
    money::Currency,
    problem::Problem,
    revision,
    roles::Role,
    several::Several,
    states::{Filter, States, visible},
    text::Caption,
    time::Time,
};
use identity::keys::logical_facility;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{
    Access, Answer, Arc, Class, Ctx, OrgFrom, Resource, Route, Writer, Written, allow, change, list, names,
    post, read, read_record, revised, write,
};
use store::{Entity, Indexes, Key, Listing, Org, Stored, classes};

use self::{
    binding::{ExternalIds, rebind},
    config::ChannelConfig,
    registry::{ChannelCode, Family},
    sources::{InventorySource, note},
};
use crate::{
    hold::{Child, Parent, Weight, bears_nothing, hang},
    keys,
    lifecycle::usable,
};

/// Who changes channels, beside those with the grant at the facility.
const ADMINS: &[Role] = &[Role::OfmChannelAdmin];
/// Who makes a channel, changes a draft and switches one off.
const EDITORS: Access = Access::Granted(Grant::ChannelWrite, ADMINS);

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/sales-channel/create"),
        summary: "Draft a sales channel of a logical facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: EDITORS,
        errors: &[Tag::InvalidState],
        handler: &write(create::create).at(|input| Some(input.logical_guid)),
    },
    Route {
        call: post("/sales-channel/get"),
        summary: "Get a sales channel",
        class: Class::B,
        org: OrgFrom::Body,
        access: Access::Granted(Grant::FacilityRead, &[]),
        errors: &[],
        handler: &read_record(get),
    },
    Route {
        call: post("/sales-channel/list"),
        summary: "List the sales channels of an org or of a logical facility, oldest first",
        class: Class::B,
        org: OrgFrom::Body,
        access: Access::Judged("with `logical_guid`: grant `facility:read` there; else owner"),
        errors: &[Tag::NotOwner, Tag::FacilityGrantRequired],
        handler: &list(list_oldest_first)
            .at(|input| input.logical_guid)
            .ahead(|input, org| Some(wanted(input, org).of_anything())),
    },
    Route {
        call: post("/sales-channel/resolve"),
        summary: "Find a sales channel by what another system calls it",
        class: Class::B,
        org: OrgFrom::Body,
        access: Access::Judged("grant `facility:read` at the facility of the channel that is found"),
        errors: &[Tag::Ambiguous, Tag::FacilityGrantRequired],
        handler: &read(resolve::resolve).at(|input| input.logical_guid),
    },
    Route {
        call: post("/sales-channel/status"),
        summary: "Set the status of a sales channel; only owners activate and doom one",
        class: Class::A,
        org: OrgFrom::Body,
        access: EDITORS,
        errors: &[
            Tag::NotOwner,
            Tag::InvalidTransition,
            Tag::InvalidState,
            Tag::DuplicateExternalId,
            Tag::InUse,
        ],
        handler: &change(set_status).judging_revision(),
    },
    Route {
        call: post("/sales-channel/update"),
        summary: "Change a sales channel; once it is no draft, the role alone opens this",
        class: Class::A,
        org: OrgFrom::Body,
        access: EDITORS,
        errors: &[Tag::Forbidden, Tag::InvalidState, Tag::DuplicateExternalId],
        handler: &change(update).judging_revision(),
    },
];

/// How a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelStatus {
    /// Not yet in use.
    Draft,
    /// In use: its external ids are bound to it.
    Active,
    /// Not in use for now.
    Inactive,
    /// Ended, for ever.
    Doomed,
}

impl States for ChannelStatus {
    const ALL: &'static [Self] = &[Self::Draft, Self::Active, Self::Inactive, Self::Doomed];
    const HIDDEN: &'static [Self] = &[Self::Doomed];
}

/// What may follow what.
const ARCS: &[Arc<ChannelStatus>] = &[
    (ChannelStatus::Draft, ChannelStatus::Active),
    (ChannelStatus::Inactive, ChannelStatus::Active),
    (ChannelStatus::Active, ChannelStatus::Inactive),
    (ChannelStatus::Draft, ChannelStatus::Doomed),
    (ChannelStatus::Inactive, ChannelStatus::Doomed),
];

/// The languages of a channel: 1 to 64.
pub type LocaleCodes = Several<Locale, 1, 64>;

/// A sales channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SalesChannel {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its id.
    pub channel_guid: ChannelGuid,
    /// The facility that sells.
    pub logical_guid: LogicalGuid,
    /// What kind of channel, by the registry.
    pub channel_code: ChannelCode,
    /// What it is called.
    pub caption: Caption,
    /// Its languages.
    pub locale_codes: LocaleCodes,
    /// The language that it falls back to.
    pub default_locale_code: Locale,
    /// Its market.
    pub market_code: Market,
    /// Its currency.
    pub currency: Option<Currency>,
    /// What other systems call it.
    pub external_ids: ExternalIds,
    /// Its configuration.
    pub config: Option<ChannelConfig>,
    /// From where it takes stock, in the order in which they are asked.
    pub inventory_sources: Vec<InventorySource>,
    /// How it stands.
    pub status: ChannelStatus,
}

classes!(SalesChannel {
    org_guid: Plain,
    channel_guid: Plain,
    logical_guid: Plain,
    channel_code: Plain,
    caption: Plain,
    locale_codes: Plain,
    default_locale_code: Plain,
    market_code: Plain,
    currency: Plain,
    external_ids: Plain,
    config: Plain,
    inventory_sources: Plain,
    status: Plain,
});

impl Entity for SalesChannel {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "sales-channel";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::sales_channel::by_guid(org, self.channel_guid)
    }

    fn indexes(&self, org: &Org, created_at: Time) -> Indexes {
        keys::sales_channel::lists(org, self, created_at)
    }

    fn id(&self) -> String {
        self.channel_guid.to_string()
    }
}

/// Whether the external ids of a channel are bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum BindingState {
    Active,
    None,
}

/// A sales channel as it is answered.
#[derive(Serialize, JsonSchema)]
pub struct SalesChannelView {
    /// The org.
    org_guid: OrgGuid,
    /// Its id.
    channel_guid: ChannelGuid,
    /// The facility that sells.
    logical_guid: LogicalGuid,
    /// What kind of channel, by the registry.
    channel_code: ChannelCode,
    /// The family of its code.
    family: Family,
    /// What it is called.
    caption: Caption,
    /// Its languages.
    locale_codes: LocaleCodes,
    /// The language that it falls back to.
    default_locale_code: Locale,
    /// Its market.
    market_code: Market,
    /// Its currency.
    currency: Option<Currency>,
    /// What other systems call it.
    external_ids: ExternalIds,
    /// Whether its external ids are bound to it: while it is active and has any.
    binding: BindingState,
    /// Its configuration.
    config: Option<ChannelConfig>,
    /// From where it takes stock, in the order in which they are asked.
    inventory_sources: Vec<InventorySource>,
    /// How it stands.
    status: ChannelStatus,
    /// Its revision, to be sent as `expected_revision` with the next change.
    revision: revision::Tag,
    /// When it was created.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

impl Resource for SalesChannel {
    type View = SalesChannelView;

    fn facility(&self) -> Option<LogicalGuid> {
        Some(self.logical_guid)
    }

    fn view(stored: &Stored<Self>, _: &Ctx) -> SalesChannelView {
        let channel = stored.record.clone();
        let is_bound = channel.status == ChannelStatus::Active && !channel.external_ids.is_empty();
        SalesChannelView {
            org_guid: channel.org_guid,
            channel_guid: channel.channel_guid,
            logical_guid: channel.logical_guid,
            family: channel.channel_code.family(),
            channel_code: channel.channel_code,
            caption: channel.caption,
            locale_codes: channel.locale_codes,
            default_locale_code: channel.default_locale_code,
            market_code: channel.market_code,
            currency: channel.currency,
            external_ids: channel.external_ids,
            binding: if is_bound { BindingState::Active } else { BindingState::None },
            config: channel.config,
            inventory_sources: channel.inventory_sources,
            status: channel.status,
            revision: stored.revision,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

impl SalesChannel {
    /// Notes on what the channel hangs from now on, by which ids it is found and which are bound to it.
    fn settle(&self, change: &mut Writer, org: &Org, before: Option<&Self>) -> Result<()> {
        let weigh = |channel: &Self| Weight::of(channel.status != ChannelStatus::Doomed);
        let was = before.map_or(Weight::Nothing, weigh);
        let on = (Parent::Logical(self.logical_guid), Child::SalesChannel);
        hang(change, org, on, &self.channel_guid, (was, weigh(self)))?;
        rebind(change, org, before, self)
    }
}

/// The language that a channel falls back to is one of its languages, and need not be named where there is but one.
fn default_locale(locales: &LocaleCodes, wanted: Option<Locale>) -> Result<Locale> {
    let problem = match (wanted, &locales[..]) {
        (Some(locale), all) if all.contains(&locale) => return Ok(locale),
        (None, [only]) => return Ok(only.clone()),
        (Some(_), _) => Problem::new("must be one of locale_codes"),
        (None, _) => Problem::new("is required where there are several locale_codes"),
    };
    Err(Error::from(("default_locale_code", problem)))
}

/// Once a channel is no draft, the grant at its facility, which the row asks for, is not enough to change it (contract
/// ofm §12, *Edit right*).
fn may_edit(ctx: &Ctx, channel: &SalesChannel) -> Result<()> {
    if channel.status == ChannelStatus::Draft { Ok(()) } else { ctx.need_role(ADMINS) }
}

fn not_doomed(channel: &SalesChannel) -> Result<()> {
    match channel.status {
        ChannelStatus::Doomed => Err(Error::from(Tag::InvalidState).detail("status", json!(channel.status))),
        ChannelStatus::Draft | ChannelStatus::Active | ChannelStatus::Inactive => Ok(()),
    }
}

/// The channel's facility must be active, and still so when the change is written.
async fn rely_on_facility(ctx: &Ctx, change: &mut Writer, logical: LogicalGuid) -> Result<()> {
    let facility = usable(Some(ctx.place(logical).await?.facility()?.clone()), "logical_guid")?;
    change.require(&logical_facility(ctx.org()?, logical), &facility)
}

names!([Get, SetStatus, Update] SalesChannel = keys::sales_channel::by_guid[channel_guid]);
revised!(SetStatus, Update);

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The channel.
    channel_guid: ChannelGuid,
}

async fn get(ctx: Ctx, _: Get, channel: Stored<SalesChannel>) -> Result<Answer<SalesChannelView>> {
    ctx.show(&channel)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only those of this status, or `all`; those not doomed unless said otherwise.
    status: Option<Filter<ChannelStatus>>,
    /// Whether doomed ones are shown too.
    include_doomed: Option<bool>,
    /// Only those of this facility.
    logical_guid: Option<LogicalGuid>,
    /// Only those of this code.
    channel_code: Option<ChannelCode>,
    /// Only those of this market.
    market_code: Option<Market>,
}

/// A page of sales channels.
#[derive(Serialize, JsonSchema)]
struct SalesChannels {
    /// The channels.
    sales_channels: Vec<SalesChannelView>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

fn wanted(input: &List, org: &Org) -> Listing<SalesChannel> {
    let statuses = visible(input.status, input.include_doomed);
    match input.logical_guid {
        Some(logical) => keys::sales_channel::by_facility(org, logical, &statuses),
        None => keys::sales_channel::by_status(org, &statuses),
    }
}

async fn list_oldest_first(ctx: Ctx, input: List) -> Result<Answer<SalesChannels>> {
    match input.logical_guid {
        Some(logical) => {
            ctx.place(logical).await?.facility()?;
            ctx.need_grant(logical, Grant::FacilityRead).await?;
        }
        None if ctx.caller().is_owner => {}
        None => return Err(Tag::NotOwner.into()),
    }
    let channels = wanted(&input, ctx.org()?);
    let page = if input.channel_code.is_none() && input.market_code.is_none() {
        ctx.list(&channels).await?
    } else {
        // An org has some hundreds of channels: reading past the others costs less than a key for each filter.
        let fits = |channel: &SalesChannel| {
            input.channel_code.is_none_or(|code| channel.channel_code == code)
                && input.market_code.is_none_or(|market| channel.market_code == market)
        };
        ctx.list_where(&channels, fits).await?
    };
    Ok(Answer::new(SalesChannels { sales_channels: page.show(&ctx), next_token: page.next_token }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The channel.
    channel_guid: ChannelGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How it is to stand.
    status: ChannelStatus,
}

async fn set_status(
    ctx: Ctx,
    input: SetStatus,
    before: Stored<SalesChannel>,
) -> Result<Written<SalesChannelView>> {
    let org = ctx.org()?;
    if matches!(input.status, ChannelStatus::Active | ChannelStatus::Doomed) && !ctx.caller().is_owner {
        return Err(Tag::NotOwner.into());
    }
    ctx.expect_if_there(Some(&before), input.expected_revision)?;
    allow(ARCS, before.record.status, input.status)?;
    let mut change = ctx.change();
    match input.status {
        ChannelStatus::Active => rely_on_facility(&ctx, &mut change, before.record.logical_guid).await?,
        ChannelStatus::Doomed => {
            let parent = Parent::SalesChannel(input.channel_guid);
            bears_nothing(&ctx, &mut change, parent, Weight::Present).await?;
        }
        ChannelStatus::Draft | ChannelStatus::Inactive => {}
    }
    let channel = SalesChannel { status: input.status, ..before.record.clone() };
    channel.settle(&mut change, org, Some(&before.record))?;
    if channel.status == ChannelStatus::Doomed {
        note(&mut change, org, &channel)?;
    }
    let after = change.update(org, &before, channel, "sales-channel-status-set")?;
    change.show(&after)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Update {
    /// The channel.
    channel_guid: ChannelGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// What it is to be called.
    caption: Option<Caption>,
    /// Its languages, as a whole.
    locale_codes: Option<LocaleCodes>,
    /// The language that it falls back to: one of its languages.
    default_locale_code: Option<Locale>,
    /// Its market: a country or `GLOBAL`.
    market_code: Option<Market>,
    /// Its currency; null clears.
    currency: Patch<Currency>,
    /// What other systems call it, as a whole.
    external_ids: Option<ExternalIds>,
}

impl Update {
    fn apply(self, channel: &mut SalesChannel) -> Result<()> {
        channel.caption = self.caption.unwrap_or_else(|| channel.caption.clone());
        channel.locale_codes = self.locale_codes.unwrap_or_else(|| channel.locale_codes.clone());
        let is_kept = channel.locale_codes.contains(&channel.default_locale_code);
        let kept = is_kept.then(|| channel.default_locale_code.clone());
        channel.default_locale_code =
            default_locale(&channel.locale_codes, self.default_locale_code.or(kept))?;
        channel.market_code = self.market_code.unwrap_or(channel.market_code);
        self.currency.apply(&mut channel.currency);
        channel.external_ids = self.external_ids.unwrap_or_else(|| channel.external_ids.clone());
        Ok(())
    }
}

async fn update(ctx: Ctx, input: Update, before: Stored<SalesChannel>) -> Result<Written<SalesChannelView>> {
    let org = ctx.org()?;
    may_edit(&ctx, &before.record)?;
    ctx.expect_if_there(Some(&before), input.expected_revision)?;
    let mut channel = before.record.clone();
    input.apply(&mut channel)?;
    not_doomed(&before.record)?;
    let mut change = ctx.change();
    rely_on_facility(&ctx, &mut change, before.record.logical_guid).await?;
    channel.settle(&mut change, org, Some(&before.record))?;
    let after = change.update(org, &before, channel, "sales-channel-updated")?;
    change.show(&after)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    proptest! {
        #[test]
        fn a_channel_is_not_doomed_while_it_is_active(
            from in select(ChannelStatus::ALL),
            to in select(ChannelStatus::ALL),
        ) {
            use ChannelStatus::{Active, Doomed, Draft, Inactive};
            let allowed = matches!((from, to), (Draft | Inactive, Active | Doomed) | (Active, Inactive));
            prop_assert_eq!(allow(ARCS, from, to).is_ok(), allowed);
        }
    }

    #[test]
    fn the_only_language_is_the_one_to_fall_back_to() {
        let locales = |tags: &[&str]| -> LocaleCodes {
            tags.iter().map(|tag| tag.parse().unwrap()).collect::<Vec<Locale>>().try_into().unwrap()
        };
        let locale = |tag: &str| tag.parse::<Locale>().unwrap();
        assert_eq!(default_locale(&locales(&["de"]), None).unwrap(), locale("de"));
        assert_eq!(default_locale(&locales(&["de", "en"]), Some(locale("en"))).unwrap(), locale("en"));
        assert!(default_locale(&locales(&["de", "en"]), None).is_err());
        assert!(default_locale(&locales(&["de"]), Some(locale("en"))).is_err());
    }
}
