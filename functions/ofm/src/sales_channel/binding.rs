//! What binds external ids to sales channels (contract ofm §12, *Binding*): a claim for each id of an active channel, and
//! a note for each id of any that is not doomed, by which channels are found.

use contract::{
    error::{Error, Result, Tag},
    ids::ChannelGuid,
    problem::Problem,
    revision,
    several::Several,
    text::Text,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::Writer;
use store::{Entity, Key, Org, classes};

use super::{ChannelStatus, SalesChannel, registry::ChannelCode};
use crate::keys;

/// What kind of id an external id is: `^[a-z][a-z0-9_]{0,31}$`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, extend("pattern" = "^[a-z][a-z0-9_]{0,31}$"))]
pub struct ExternalKind(String);

impl TryFrom<String> for ExternalKind {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        let is_good = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.len() <= 32
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if is_good {
            Ok(Self(text))
        } else {
            Err(Problem::new("must be 1 to 32 lower-case letters, digits or '_', starting with a letter"))
        }
    }
}

impl ExternalKind {
    /// The kind.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What another system calls a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ChannelExternalId")]
pub struct ExternalId {
    /// What kind of id.
    pub kind: ExternalKind,
    /// The id.
    pub id: Text<1, 128>,
}

/// At most 8 external ids.
pub type ExternalIds = Several<ExternalId, 0, 8>;

/// Who is bound to an external id: written when a channel becomes active, released when it ceases to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Binding {
    /// The code of the channel.
    pub channel_code: ChannelCode,
    /// The id.
    pub external_id: ExternalId,
    /// The channel.
    pub channel_guid: ChannelGuid,
}

classes!(Binding { channel_code: Plain, external_id: Plain, channel_guid: Plain });

impl Entity for Binding {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "sales-channel-binding";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::sales_channel::binding(org, self.channel_code, &self.external_id)
    }

    fn id(&self) -> String {
        self.channel_guid.to_string()
    }
}

/// That a channel which is not doomed has an external id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Alias {
    /// The id.
    pub external_id: ExternalId,
    /// The channel.
    pub channel_guid: ChannelGuid,
}

classes!(Alias { external_id: Plain, channel_guid: Plain });

impl Entity for Alias {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "sales-channel-alias";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::sales_channel::alias(org, &self.external_id, self.channel_guid)
    }

    fn id(&self) -> String {
        self.channel_guid.to_string()
    }
}

/// Moves claims and notes from what a channel was to what it is.
pub(super) fn rebind(
    change: &mut Writer,
    org: &Org,
    before: Option<&SalesChannel>,
    after: &SalesChannel,
) -> Result<()> {
    let bound = |channel: &SalesChannel| channel.status == ChannelStatus::Active;
    let noted = |channel: &SalesChannel| channel.status != ChannelStatus::Doomed;
    let (channel_code, channel_guid) = (after.channel_code, after.channel_guid);
    let (gone, new) = moved(before, after, bound);
    for external_id in gone {
        change.release(&keys::sales_channel::binding(org, channel_code, external_id));
    }
    for external_id in new {
        let claim = Binding { channel_code, external_id: external_id.clone(), channel_guid };
        change.claim(org, claim, |other| {
            Error::from(Tag::DuplicateExternalId).detail("external_id", json!(other.external_id))
        })?;
    }
    let (gone, new) = moved(before, after, noted);
    for external_id in gone {
        change.wipe(&keys::sales_channel::alias(org, external_id, channel_guid));
    }
    for external_id in new {
        change.overwrite(org, Alias { external_id: external_id.clone(), channel_guid })?;
    }
    Ok(())
}

/// The external ids that a channel no longer has and those that it newly has, where it has any in that sense.
fn moved<'a>(
    before: Option<&'a SalesChannel>,
    after: &'a SalesChannel,
    has: impl Fn(&SalesChannel) -> bool,
) -> (Vec<&'a ExternalId>, Vec<&'a ExternalId>) {
    let ids = |channel: &'a SalesChannel| -> &'a [ExternalId] {
        if has(channel) { &channel.external_ids } else { &[] }
    };
    let (were, are) = (before.map_or(&[][..], &ids), ids(after));
    let gone = were.iter().filter(|id| !are.contains(id)).collect();
    (gone, are.iter().filter(|id| !were.contains(id)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_lower_case_names() {
        for good in ["a", "shop_id", "a1", &"a".repeat(32)] {
            assert_eq!(ExternalKind::try_from(good.to_owned()).unwrap().as_str(), good);
        }
        for bad in ["", "1a", "_a", "Shop", "a-b", "ä", &"a".repeat(33)] {
            assert!(ExternalKind::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
