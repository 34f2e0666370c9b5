//! Finding a sales channel by what another system calls it (contract ofm §12, *Resolve*).

use contract::{
    error::{Error, Minor, Result, Tag},
    grants::Grant,
    ids::LogicalGuid,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Answer, Ctx};
use store::Stored;

use super::{
    ChannelStatus, SalesChannel, SalesChannelView,
    binding::{Alias, ExternalId},
    registry::ChannelCode,
};
use crate::keys;

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct Resolve {
    /// What the other system calls it.
    external_id: ExternalId,
    /// Only a channel of this code.
    channel_code: Option<ChannelCode>,
    /// Only a channel of this facility.
    pub(super) logical_guid: Option<LogicalGuid>,
}

/// How a channel was found.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ResolvedBy {
    /// It is active, and the id bound to it.
    Binding,
    /// No other channel has the id.
    SingleMatch,
}

/// The sales channel with an external id.
#[derive(Serialize, JsonSchema)]
pub(super) struct Resolved {
    /// The channel.
    #[serde(flatten)]
    channel: SalesChannelView,
    /// How it was found.
    resolved_by: ResolvedBy,
}

pub(super) async fn resolve(ctx: Ctx, input: Resolve) -> Result<Answer<Resolved>> {
    if let Some(logical) = input.logical_guid {
        ctx.place(logical).await?.facility()?;
    }
    let channels = matching(&ctx, &input).await?;
    let (channel, resolved_by) = choose(channels)?;
    ctx.need_grant(channel.record.logical_guid, Grant::FacilityRead).await?;
    Ok(ctx.show(&channel)?.map(|channel| Resolved { channel, resolved_by }))
}

/// The channels with the id that are not doomed.
async fn matching(ctx: &Ctx, input: &Resolve) -> Result<Vec<Stored<SalesChannel>>> {
    let org = ctx.org()?;
    let aliases = ctx.all(&keys::sales_channel::by_external_id(org, &input.external_id)).await?;
    let key = |alias: &Stored<Alias>| keys::sales_channel::by_guid(org, alias.record.channel_guid);
    let mut channels = ctx.get_all(&aliases.iter().map(key).collect::<Vec<_>>()).await?;
    // What was read one after the other may have changed in between: the channel itself tells.
    channels.retain(|Stored { record, .. }| {
        record.status != ChannelStatus::Doomed
            && record.external_ids.contains(&input.external_id)
            && input.channel_code.is_none_or(|code| record.channel_code == code)
            && input.logical_guid.is_none_or(|logical| record.logical_guid == logical)
    });
    Ok(channels)
}

/// The channel that the id is bound to; without one the only channel that has it.
fn choose(mut channels: Vec<Stored<SalesChannel>>) -> Result<(Stored<SalesChannel>, ResolvedBy)> {
    let is_bound = |channel: &Stored<SalesChannel>| channel.record.status == ChannelStatus::Active;
    let resolved_by = if channels.iter().any(is_bound) {
        channels.retain(is_bound);
        ResolvedBy::Binding
    } else {
        ResolvedBy::SingleMatch
    };
    let matches = channels.len();
    match (channels.pop(), matches) {
        (Some(channel), 1) => Ok((channel, resolved_by)),
        (None, _) => Err(Error::from(Tag::Ambiguous).detail("matches", 0).minor(Minor::NotFound)),
        (Some(_), _) => Err(Error::from(Tag::Ambiguous).detail("matches", matches)),
    }
}
