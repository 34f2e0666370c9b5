//! In whose name and in which context a request acts (contract §4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::envelope::ContextSource;

/// The context of a request: sent with it, where it must agree with the caller; and kept with what it changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestContext {
    /// The tenant's code; null for what belongs to no org.
    pub orgcode: Option<String>,
    /// The tenant's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_guid: Option<String>,
    /// The facility.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logical_guid: Option<String>,
    /// The sales channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_code: Option<String>,
    /// The cost centre that the request is attributed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cccode: Option<String>,
    /// Who acts: a user's or a service account's id, or `operator:<name>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The caller's effective roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// What kind of caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_source: Option<ContextSource>,
    /// `sf_…` of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_fingerprint: Option<String>,
    /// `kf_…` of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_fingerprint: Option<String>,
}
