//! The configuration of a sales channel: an object that a caller uploads by a signed request, and that is taken over
//! once it is found to be what was announced (contract ofm §12.1).

mod complete;
mod document;
pub mod open;
mod presign;

use contract::{
    checksum::Checksum,
    error::{Result, Tag},
    ids::{ChannelGuid, OrgGuid},
    problem::Problem,
    revision::{self, Counter},
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Class, Ctx, OrgFrom, Route, change, post};
use store::{Entity, Indexes, Key, Org, classes};

use super::EDITORS;
use crate::keys;

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/sales-channel/config/complete"),
        summary: "Take over the configuration that was uploaded",
        class: Class::A,
        org: OrgFrom::Body,
        access: EDITORS,
        errors: &[
            Tag::Forbidden,
            Tag::InvalidState,
            Tag::ConfigMissing,
            Tag::ConfigMismatch,
            Tag::ConfigInvalid,
            Tag::ConfigSuperseded,
        ],
        handler: &change(complete::complete).judging_revision().also(complete::Complete::want),
    },
    Route {
        call: post("/sales-channel/config/presign"),
        summary: "Get a signed request that uploads a configuration",
        class: Class::A,
        org: OrgFrom::Body,
        access: EDITORS,
        errors: &[Tag::Forbidden, Tag::InvalidState, Tag::LimitExceeded],
        handler: &change(presign::presign).judging_revision().also(presign::Presign::want),
    },
];

/// What a configuration is.
const CONTENT_TYPE: &str = "application/json";

/// The configuration of a channel, as it was uploaded.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ChannelConfig {
    /// The bucket.
    pub config_s3_bucket: String,
    /// The key.
    pub config_s3_key: String,
    /// The version of the object.
    pub config_s3_version_id: String,
    /// The etag of the object.
    pub config_etag: String,
    /// How many bytes it has.
    pub config_size_bytes: ConfigSize,
    /// Their SHA-256, in base64.
    pub config_sha256: Checksum,
    /// When it was taken over.
    pub completed_at: Time,
}

/// How many bytes a configuration has: 2, as the empty object, to a megabyte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u32")]
#[schemars(inline, extend("minimum" = 2, "maximum" = 1_048_576))]
pub struct ConfigSize(u32);

impl TryFrom<u32> for ConfigSize {
    type Error = Problem;

    fn try_from(bytes: u32) -> Result<Self, Problem> {
        let is_good = (2..=1_048_576).contains(&bytes);
        if is_good { Ok(Self(bytes)) } else { Err(Problem::new("must be from 2 to 1048576")) }
    }
}

impl ConfigSize {
    fn bytes(self) -> u64 {
        self.0.into()
    }
}

/// By what an upload is told from the others of its channel: the time of its making in milliseconds, and an id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadName(String);

impl UploadName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where an upload of a channel is put.
    fn object(&self, ctx: &Ctx, channel: ChannelGuid) -> Result<String> {
        let orgcode = &ctx.org_record()?.record.orgcode;
        let name = &self.0;
        Ok(format!("sales-channel-config/orgcode={orgcode}/channel_guid={channel}/config/{name}.json"))
    }

    /// What a caller says where it was put; none where it is in no way an upload of the channel.
    fn said(ctx: &Ctx, channel: ChannelGuid, object: &str) -> Result<Option<Self>> {
        let name = object.rsplit('/').next().and_then(|file| file.strip_suffix(".json"));
        let is_plain = |name: &&str| name.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        let Some(name) = name.filter(is_plain).map(|name| Self(name.to_owned())) else { return Ok(None) };
        Ok((name.object(ctx, channel)? == object).then_some(name))
    }
}

/// What is to be looked after in the bucket, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Due {
    /// The org.
    pub org_guid: OrgGuid,
    /// Where it was to be uploaded.
    pub config_s3_key: String,
    /// Time from which on to look.
    pub at: Time,
}

/// An upload that was announced: waits to be taken over, or was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfigUpload {
    /// The channel.
    pub channel_guid: ChannelGuid,
    /// Which of its uploads.
    pub name: UploadName,
    /// What it must hold, by its SHA-256.
    pub checksum_sha256: Checksum,
    /// How many bytes it must have.
    pub size_bytes: ConfigSize,
    /// The channel's revision when it was announced.
    pub channel_revision: revision::Tag,
    /// From when on it cannot be taken over any more.
    pub until: Time,
    /// When it was taken over.
    pub completed_at: Option<Time>,
    /// When another configuration took its place.
    pub superseded_at: Option<Time>,
    /// When it was found that it had never been taken over: it cannot be any more, whenever that was asked for.
    pub withdrawn_at: Option<Time>,
    /// What is to be looked after in the bucket; none once all is gone there that the channel does not name.
    pub due: Option<Due>,
}

classes!(ConfigUpload {
    channel_guid: Plain,
    name: Plain,
    checksum_sha256: Plain,
    size_bytes: Plain,
    channel_revision: Plain,
    until: Plain,
    completed_at: Plain,
    superseded_at: Plain,
    withdrawn_at: Plain,
    due: Plain,
});

impl Entity for ConfigUpload {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "sales-channel-config-upload";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::sales_channel::config_upload(org, self.channel_guid, &self.name)
    }

    fn id(&self) -> String {
        self.name.0.clone()
    }

    // What was taken over is remembered: whoever asks for it again is told what became of it. What never was goes with its
    // objects, not before them: without the record nobody would know of these.
    fn indexes(&self, _: &Org, _: Time) -> Indexes {
        keys::sales_channel::upload_lists(self)
    }
}
