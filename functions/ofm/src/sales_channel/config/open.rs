//! The open uploads of a channel: announced, and neither taken over nor out of time (contract ofm §12.1).

use contract::{
    error::{Error, Result, Tag},
    ids::ChannelGuid,
    revision::Counter,
    time::Time,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{Ctx, Writer};
use store::{Entity, Key, Org, Stored, classes};

use super::{ConfigUpload, UploadName};
use crate::keys;

/// Maximum number of open uploads of a channel.
const MOST: usize = 5;

/// An open upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenUpload {
    /// Name of the upload.
    pub name: UploadName,
    /// Time from which it cannot be taken over any more.
    pub until: Time,
}

/// The open uploads of a channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenUploads {
    /// The channel.
    pub channel_guid: ChannelGuid,
    /// The uploads, the one announced first in front. Some may be out of time by now.
    pub uploads: Vec<OpenUpload>,
}

classes!(OpenUploads { channel_guid: Plain, uploads: Plain });

impl Entity for OpenUploads {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "sales-channel-open-uploads";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::sales_channel::open_uploads(org, self.channel_guid)
    }

    fn id(&self) -> String {
        self.channel_guid.to_string()
    }

    fn expires(&self) -> Option<Time> {
        self.uploads.iter().map(|upload| upload.until).max()
    }
}

/// Those that are still open at a time.
fn still_open(stored: Option<&Stored<OpenUploads>>, now: Time) -> Vec<OpenUpload> {
    let uploads = stored.map(|stored| stored.record.uploads.clone()).unwrap_or_default();
    uploads.into_iter().filter(|upload| upload.until > now).collect()
}

/// Notes that an upload is announced; fails with `limit-exceeded` if too many are open, and says when the first of them
/// ends.
pub(super) async fn announce(ctx: &Ctx, change: &mut Writer, upload: &ConfigUpload) -> Result<()> {
    let (org, channel_guid) = (ctx.org()?, upload.channel_guid);
    let stored = ctx.get(&keys::sales_channel::open_uploads(org, channel_guid)).await?;
    let mut uploads = still_open(stored.as_ref(), ctx.now());
    if uploads.len() >= MOST {
        let allowed_at = uploads.iter().map(|upload| upload.until).min();
        let refused = Error::from(Tag::LimitExceeded).detail("most", MOST);
        return Err(refused.detail("allowed_at", json!(allowed_at)));
    }
    uploads.push(OpenUpload { name: upload.name.clone(), until: upload.until });
    change.keep(org, stored.as_ref(), OpenUploads { channel_guid, uploads })
}

/// Notes that an upload is taken over.
pub(super) async fn close(ctx: &Ctx, change: &mut Writer, upload: &ConfigUpload) -> Result<()> {
    let (org, channel_guid) = (ctx.org()?, upload.channel_guid);
    let stored = ctx.get(&keys::sales_channel::open_uploads(org, channel_guid)).await?;
    let Some(stored) = stored else { return Ok(()) };
    let mut uploads = still_open(Some(&stored), ctx.now());
    uploads.retain(|open| open.name != upload.name);
    if uploads.is_empty() {
        return change.discard(org, &stored);
    }
    change.keep(org, Some(&stored), OpenUploads { channel_guid, uploads })
}
