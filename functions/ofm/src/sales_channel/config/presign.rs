//! Announcing an upload, and signing it.

use contract::{
    checksum::Checksum,
    error::Result,
    ids::{ChannelGuid, OrgGuid},
    revision,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{Answer, Ctx, Upload, Written, names, revised};
use store::{Batch, Org, Stored};

use super::{CONTENT_TYPE, ConfigSize, ConfigUpload, Due, UploadName, open};
use crate::{
    keys,
    sales_channel::{SalesChannel, may_edit, not_doomed, rely_on_facility},
};

/// The request that is signed can be sent for so long.
const MINUTES: u16 = 15;
/// What was uploaded can be taken over for so long, since it was announced.
const HOURS: i64 = 24;

names!([Presign] SalesChannel = keys::sales_channel::by_guid[channel_guid]);
revised!(Presign);

#[derive(Clone, Deserialize, JsonSchema)]
#[schemars(rename = "PresignConfig")]
pub(super) struct Presign {
    /// The channel.
    channel_guid: ChannelGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// The SHA-256 of what will be uploaded, in base64.
    checksum_sha256: Checksum,
    /// How many bytes will be uploaded.
    size_bytes: ConfigSize,
}

impl Presign {
    /// Asks for what the request names beside the channel.
    pub(super) fn want(&self, org: &Org, batch: &mut Batch) {
        batch.want(&keys::sales_channel::open_uploads(org, self.channel_guid));
    }
}

/// An upload that was announced.
#[derive(Serialize, JsonSchema)]
pub(super) struct Announced {
    /// The org.
    org_guid: OrgGuid,
    /// The channel.
    channel_guid: ChannelGuid,
    /// The channel's revision.
    expected_revision: revision::Tag,
    /// The request that uploads.
    presign: Signed,
    /// The bucket.
    config_s3_bucket: String,
    /// The key, to be completed.
    config_s3_key: String,
}

/// A request that whoever has it can send.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PresignedUpload")]
struct Signed {
    /// Its address.
    upload_url: String,
    /// Its method.
    method: Method,
    /// Its headers: exactly these, for they are signed.
    headers: Headers,
    /// From when on it is refused.
    expires_at: Time,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
enum Method {
    Put,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PresignedUploadHeaders")]
struct Headers {
    #[serde(rename = "Content-Type")]
    content_type: &'static str,
    #[serde(rename = "Content-Length")]
    content_length: String,
    #[serde(rename = "x-amz-checksum-sha256")]
    checksum: Checksum,
}

pub(super) async fn presign(
    ctx: Ctx,
    input: Presign,
    channel: Stored<SalesChannel>,
) -> Result<Written<Announced>> {
    may_edit(&ctx, &channel.record)?;
    ctx.expect_if_there(Some(&channel), input.expected_revision)?;
    not_doomed(&channel.record)?;
    let (org, now) = (ctx.org()?, ctx.now());
    let mut change = ctx.change();
    rely_on_facility(&ctx, &mut change, channel.record.logical_guid).await?;
    let name = UploadName(format!("{}-{}", now.millis(), change.uuid()));
    let until = now.plus_hours(HOURS);
    // It is due then also if it was taken over: the signed request may have been sent again, which makes another version.
    let config_s3_key = name.object(&ctx, input.channel_guid)?;
    let due = Due { org_guid: org.guid(), config_s3_key, at: until };
    let upload = ConfigUpload {
        channel_guid: input.channel_guid,
        name,
        checksum_sha256: input.checksum_sha256,
        size_bytes: input.size_bytes,
        channel_revision: channel.revision,
        until,
        completed_at: None,
        superseded_at: None,
        withdrawn_at: None,
        due: Some(due),
    };
    open::announce(&ctx, &mut change, &upload).await?;
    let announced = announce(&ctx, org.guid(), &upload).await?;
    change.keep(org, None, upload)?;
    Ok(change.answer(Answer { data: announced, revision: Some(json!(channel.revision)) }))
}

/// A signature tells its time in whole seconds.
fn whole_second(time: Time) -> Time {
    Time::EPOCH.plus_seconds(time.unix_seconds())
}

async fn announce(ctx: &Ctx, org_guid: OrgGuid, upload: &ConfigUpload) -> Result<Announced> {
    let objects = ctx.objects()?;
    let key = upload.name.object(ctx, upload.channel_guid)?;
    let signed = Upload {
        key: &key,
        content_type: CONTENT_TYPE,
        bytes: upload.size_bytes.bytes(),
        sha256: upload.checksum_sha256.as_str(),
        from: whole_second(ctx.now()),
        minutes: MINUTES,
    };
    let presign = Signed {
        upload_url: objects.presign(&signed).await?,
        method: Method::Put,
        headers: Headers {
            content_type: CONTENT_TYPE,
            content_length: upload.size_bytes.bytes().to_string(),
            checksum: upload.checksum_sha256.clone(),
        },
        expires_at: signed.from.plus_minutes(MINUTES.into()),
    };
    Ok(Announced {
        org_guid,
        channel_guid: upload.channel_guid,
        expected_revision: upload.channel_revision,
        presign,
        config_s3_bucket: objects.bucket().to_owned(),
        config_s3_key: key,
    })
}
