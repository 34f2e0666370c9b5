//! Taking over what was uploaded.

use contract::{
    checksum::Checksum,
    error::{Error, Result, Tag},
    ids::{ChannelGuid, OrgGuid},
    revision,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{Answer, Ctx, Object, Written, names, revised};
use store::{Batch, Org, Stored};

use super::{CONTENT_TYPE, ChannelConfig, ConfigUpload, Due, UploadName, document, open};
use crate::{
    keys,
    sales_channel::{SalesChannel, may_edit, not_doomed, rely_on_facility},
};

/// For so many days a configuration stays in the bucket that was replaced: somebody may want it back.
const DAYS_KEPT: i64 = 30;

names!([Complete] SalesChannel = keys::sales_channel::by_guid[channel_guid]);
revised!(Complete);

#[derive(Clone, Deserialize, JsonSchema)]
#[schemars(rename = "CompleteConfig")]
pub(super) struct Complete {
    /// The channel.
    channel_guid: ChannelGuid,
    /// The revision that the caller saw. Not asked for where the channel has this configuration already.
    expected_revision: Option<revision::Tag>,
    /// Where it was uploaded, as it was announced.
    config_s3_key: String,
    /// The bucket, as it was announced.
    config_s3_bucket: Option<String>,
}

impl Complete {
    /// Asks for what the request names beside the channel.
    pub(super) fn want(&self, org: &Org, batch: &mut Batch) {
        batch.want(&keys::sales_channel::open_uploads(org, self.channel_guid));
    }
}

/// A channel's configuration.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CompletedConfig")]
pub(super) struct Completed {
    /// The org.
    org_guid: OrgGuid,
    /// The channel.
    channel_guid: ChannelGuid,
    /// The configuration.
    config: ChannelConfig,
    /// The channel's revision.
    revision: revision::Tag,
    /// Whether the channel had it already.
    replayed: bool,
}

impl Completed {
    fn of(channel: &Stored<SalesChannel>, config: ChannelConfig, replayed: bool) -> Answer<Self> {
        let SalesChannel { org_guid, channel_guid, .. } = channel.record;
        let revision = channel.revision;
        let data = Self { org_guid, channel_guid, config, revision, replayed };
        Answer { data, revision: Some(json!(revision)) }
    }
}

pub(super) async fn complete(
    ctx: Ctx,
    input: Complete,
    channel: Stored<SalesChannel>,
) -> Result<Written<Completed>> {
    may_edit(&ctx, &channel.record)?;
    let current = channel.record.config.as_ref();
    if let Some(current) = current.filter(|config| config.config_s3_key == input.config_s3_key) {
        same_bucket(&ctx, &input)?;
        return Ok(Written::nothing(Completed::of(&channel, current.clone(), true)));
    }
    let (upload, replaced) = announced(&ctx, &input, current).await?;
    let config = uploaded(&ctx, &input, &upload.record).await?;
    ctx.expect_if_there(Some(&channel), input.expected_revision)?;
    not_doomed(&channel.record)?;
    let org = ctx.org()?;
    let mut change = ctx.change();
    rely_on_facility(&ctx, &mut change, channel.record.logical_guid).await?;
    let with_config = SalesChannel { config: Some(config.clone()), ..channel.record.clone() };
    // Who comes second decides again: it may be the same upload, which is done then.
    let after = change.adjust(org, &channel, with_config, "sales-channel-config-completed")?;
    let done = ConfigUpload { completed_at: Some(ctx.now()), ..upload.record.clone() };
    change.keep(org, Some(&upload), done)?;
    if let Some((replaced, before)) = replaced.zip(current) {
        change.keep(org, Some(&replaced), superseded(&ctx, org, &replaced.record, before))?;
    }
    open::close(&ctx, &mut change, &upload.record).await?;
    Ok(change.answer(Completed::of(&after, config, false)))
}

/// The upload that the request names, if it can still be taken over; and that of the channel's configuration, if there
/// is one.
async fn announced(
    ctx: &Ctx,
    input: &Complete,
    current: Option<&ChannelConfig>,
) -> Result<(Stored<ConfigUpload>, Option<Stored<ConfigUpload>>)> {
    let none = || Error::no_such("config_s3_key");
    let org = ctx.org()?;
    let said = |object: &str| -> Result<_> {
        let name = UploadName::said(ctx, input.channel_guid, object)?;
        Ok(name.map(|name| keys::sales_channel::config_upload(org, input.channel_guid, &name)))
    };
    let upload = said(&input.config_s3_key)?.ok_or_else(none)?;
    let replaced = current.map(|config| said(&config.config_s3_key)).transpose()?.flatten();
    let keys: Vec<_> = [Some(upload), replaced].into_iter().flatten().collect();
    let mut found = ctx.get_each(&keys).await?.into_iter();
    let upload = found.next().flatten().ok_or_else(none)?;
    if upload.record.completed_at.is_some() {
        // The channel was read first: another request may have taken the upload over in between.
        let channel = ctx.get(&keys::sales_channel::by_guid(ctx.org()?, input.channel_guid)).await?;
        let config = channel.and_then(|channel| channel.record.config);
        let is_current = config.is_some_and(|config| config.config_s3_key == input.config_s3_key);
        let error =
            if is_current { Error::moved("an upload was taken over") } else { Tag::ConfigSuperseded.into() };
        return Err(error);
    }
    // A request that came in time may be decided on late: its objects may be gone by then.
    if upload.record.until <= ctx.now() || upload.record.withdrawn_at.is_some() {
        return Err(none());
    }
    Ok((upload, found.next().flatten()))
}

/// The upload of a configuration in whose place another comes. What it put there is kept for a while.
fn superseded(ctx: &Ctx, org: &Org, upload: &ConfigUpload, config: &ChannelConfig) -> ConfigUpload {
    let due = Due {
        org_guid: org.guid(),
        config_s3_key: config.config_s3_key.clone(),
        at: ctx.now().plus_days(DAYS_KEPT),
    };
    ConfigUpload { superseded_at: Some(ctx.now()), due: Some(due), ..upload.clone() }
}

fn mismatch(field: &str) -> Error {
    Error::from(Tag::ConfigMismatch).detail("field", field)
}

fn same_bucket(ctx: &Ctx, input: &Complete) -> Result<()> {
    let bucket = ctx.objects()?.bucket();
    let is_it = input.config_s3_bucket.as_ref().is_none_or(|said| said == bucket);
    if is_it { Ok(()) } else { Err(mismatch("config_s3_bucket")) }
}

/// What lies where it was to be uploaded, if it is what was announced.
async fn uploaded(ctx: &Ctx, input: &Complete, upload: &ConfigUpload) -> Result<ChannelConfig> {
    let objects = ctx.objects()?;
    let key = upload.name.object(ctx, upload.channel_guid)?;
    // One request tells of one version what it is and what it holds.
    let object = objects.read(&key, upload.size_bytes.bytes()).await?.ok_or(Tag::ConfigMissing)?;
    same_bucket(ctx, input)?;
    let content = as_announced(upload, &object)?;
    document::check(content).map_err(|problem| {
        Error::from(Tag::ConfigInvalid).detail("field", "config_s3_key").detail("problem", problem)
    })?;
    Ok(ChannelConfig {
        config_s3_bucket: objects.bucket().to_owned(),
        config_s3_key: key,
        config_s3_version_id: object.version_id,
        config_etag: object.etag,
        config_size_bytes: upload.size_bytes,
        config_sha256: upload.checksum_sha256.clone(),
        completed_at: ctx.now(),
    })
}

/// The content of an object that is what was announced. What S3 says of it is compared first, then what it holds.
fn as_announced<'o>(upload: &ConfigUpload, object: &'o Object) -> Result<&'o [u8]> {
    if object.content_type.as_deref() != Some(CONTENT_TYPE) {
        return Err(mismatch("content_type"));
    }
    match &object.content {
        Some(content) if object.bytes == upload.size_bytes.bytes() => {
            if Checksum::of(content) == upload.checksum_sha256 {
                Ok(content)
            } else {
                Err(mismatch("checksum_sha256"))
            }
        }
        _ => Err(mismatch("size_bytes")),
    }
}
