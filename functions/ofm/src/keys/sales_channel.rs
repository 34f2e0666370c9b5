//! Sales channels.

use contract::{
    canonical,
    ids::{ChannelGuid, LogicalGuid},
    time::Time,
};
use serde_json::json;
use store::{Index, Indexes, Key, Listing, Order, Org, Partition};

use crate::sales_channel::{
    ChannelStatus, SalesChannel,
    binding::{Alias, Binding, ExternalId},
    config::{ConfigUpload, UploadName, open::OpenUploads},
    registry::ChannelCode,
    sources::SourcesNote,
};

/// A sales channel.
pub fn by_guid(org: &Org, guid: ChannelGuid) -> Key<SalesChannel> {
    Key::new(&Partition::of("ofm", org).part("sales-channel").part(guid), &[&"channel"])
}

/// An announced upload of a sales channel's configuration.
pub fn config_upload(org: &Org, channel: ChannelGuid, upload: &UploadName) -> Key<ConfigUpload> {
    let partition = Partition::of("ofm", org).part("sales-channel").part(channel);
    Key::new(&partition, &[&"config-upload", &upload.as_str()])
}

fn due_uploads() -> Partition {
    Partition::of_system("ofm").part("sales-channel-config-uploads")
}

pub(crate) fn upload_lists(upload: &ConfigUpload) -> Indexes {
    let due = upload.due.as_ref();
    due.map_or_else(Indexes::none, |due| {
        Indexes::none().first(due_uploads(), &[&due.at, &upload.channel_guid, &upload.name.as_str()])
    })
}

/// The uploads of all orgs that are to be looked after by this time, the longest due first.
pub fn uploads_due(now: Time) -> Listing<ConfigUpload> {
    Listing::new(Index::First, [due_uploads()], Order::Ascending).between(None, Some(&now))
}

/// The open uploads of a sales channel's configuration.
pub fn open_uploads(org: &Org, channel: ChannelGuid) -> Key<OpenUploads> {
    Key::new(&Partition::of("ofm", org).part("sales-channel").part(channel), &[&"open-uploads"])
}

/// An external id, which may hold anything, as a part of a key.
fn part(external_id: &ExternalId) -> String {
    canonical::hash(&json!([external_id.kind.as_str(), external_id.id]))
}

/// Which active channel of a code is bound to an external id.
pub fn binding(org: &Org, code: ChannelCode, external_id: &ExternalId) -> Key<Binding> {
    let partition = Partition::of("ofm", org).part("sales-channel-binding").state(code);
    Key::new(&partition.part(part(external_id)), &[&"claim"])
}

fn aliases(org: &Org, external_id: &ExternalId) -> Partition {
    Partition::of("ofm", org).part("sales-channel-alias").part(part(external_id))
}

/// That a channel has an external id.
pub fn alias(org: &Org, external_id: &ExternalId, channel: ChannelGuid) -> Key<Alias> {
    Key::new(&aliases(org, external_id), &[&"alias", &channel])
}

/// The channels that have an external id and are not doomed.
pub fn by_external_id(org: &Org, external_id: &ExternalId) -> Listing<Alias> {
    Listing::new(Index::Main, [aliases(org, external_id)], Order::Ascending)
}

fn all_sources(org: &Org) -> Partition {
    Partition::of("ofm", org).part("inventory-sources")
}

/// From where a channel takes stock.
pub fn sources_of(org: &Org, channel: ChannelGuid) -> Key<SourcesNote> {
    Key::new(&all_sources(org), &[&"channel", &channel])
}

/// From where the channels of an org take stock that list any source.
pub fn sources(org: &Org) -> Listing<SourcesNote> {
    Listing::new(Index::Main, [all_sources(org)], Order::Ascending)
}

fn of_status(org: &Org, status: ChannelStatus) -> Partition {
    Partition::of("ofm", org).part("sales-channels").state(status)
}

fn of_facility(org: &Org, logical: LogicalGuid, status: ChannelStatus) -> Partition {
    let facility = Partition::of("ofm", org).part("facility-logical").part(logical);
    facility.part("sales-channels").state(status)
}

pub(crate) fn lists(org: &Org, channel: &SalesChannel, created_at: Time) -> Indexes {
    Indexes::none()
        .first(of_status(org, channel.status), &[&created_at, &channel.channel_guid])
        .second(of_facility(org, channel.logical_guid, channel.status), &[&created_at, &channel.channel_guid])
}

/// The sales channels of an org in some states, oldest first.
pub fn by_status(org: &Org, statuses: &[ChannelStatus]) -> Listing<SalesChannel> {
    Listing::new(Index::First, statuses.iter().map(|status| of_status(org, *status)), Order::Ascending)
}

/// The sales channels of a facility in some states, oldest first.
pub fn by_facility(org: &Org, logical: LogicalGuid, statuses: &[ChannelStatus]) -> Listing<SalesChannel> {
    let partitions = statuses.iter().map(|status| of_facility(org, logical, *status));
    Listing::new(Index::Second, partitions, Order::Ascending)
}
