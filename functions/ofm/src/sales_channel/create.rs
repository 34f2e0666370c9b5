//! Drafting a sales channel (contract ofm §12).

use contract::{
    error::Result,
    ids::{ChannelGuid, LogicalGuid},
    locale::Locale,
    money::Currency,
    text::Caption,
};
use schemars::JsonSchema;
use serde::Deserialize;
use service::{Ctx, Written};

use super::{
    ChannelStatus, Global, LocaleCodes, Market, SalesChannel, SalesChannelView, binding::ExternalIds,
    default_locale, registry::ChannelCode, rely_on_facility,
};

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct Create {
    /// The facility: an active one.
    pub(super) logical_guid: LogicalGuid,
    /// What kind of channel, by the registry.
    channel_code: ChannelCode,
    /// What it is called.
    caption: Caption,
    /// Its languages.
    locale_codes: LocaleCodes,
    /// The language that it falls back to: required where there are several.
    default_locale_code: Option<Locale>,
    /// Its market: a country or `GLOBAL`, which it is unless given.
    market_code: Option<Market>,
    /// Its currency.
    currency: Option<Currency>,
    /// What other systems call it.
    external_ids: Option<ExternalIds>,
}

pub(super) async fn create(ctx: Ctx, input: Create) -> Result<Written<SalesChannelView>> {
    let org = ctx.org()?;
    let default_locale_code = default_locale(&input.locale_codes, input.default_locale_code)?;
    let mut change = ctx.change();
    rely_on_facility(&ctx, &mut change, input.logical_guid).await?;
    let channel = SalesChannel {
        org_guid: org.guid(),
        channel_guid: ChannelGuid::from_uuid(change.uuid()),
        logical_guid: input.logical_guid,
        channel_code: input.channel_code,
        caption: input.caption,
        locale_codes: input.locale_codes,
        default_locale_code,
        market_code: input.market_code.unwrap_or(Market::Global(Global::Global)),
        currency: input.currency,
        external_ids: input.external_ids.unwrap_or_default(),
        config: None,
        inventory_sources: Vec::new(),
        status: ChannelStatus::Draft,
    };
    channel.settle(&mut change, org, None)?;
    let created = change.create(org, channel, "sales-channel-created")?;
    change.show(&created)
}
