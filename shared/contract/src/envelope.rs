//! The envelope around every answer (contract §3).

use std::fmt;

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{error::Error, time::Time};

/// The version of the API that every answer names in `x-api-version`.
pub const API_VERSION: &str = "2026-03-04";

/// Which build answered.
#[derive(Clone, Copy, Debug, Serialize, schemars::JsonSchema)]
pub struct Build {
    /// First number of the version.
    pub build_major: u32,
    /// Second number of the version.
    pub build_minor: u32,
    /// `<WEEKDAY>-<unix seconds>` of the build.
    pub build_id: &'static str,
}

/// Where a credential was found to come from, and what it acts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContextSource {
    /// A person's session.
    Session,
    /// A service account's key.
    ApiKey,
    /// An operator, invoking directly.
    Operator,
    /// The system itself, on its own schedule.
    System,
}

/// How the request went: the `stats` of the envelope.
#[derive(Clone, Serialize, schemars::JsonSchema)]
pub struct Stats {
    /// Method and path within the service: `POST /customer/create`.
    pub call: String,
    /// The service.
    pub service: &'static str,
    /// The caller's `x-request-id`, or the gateway's.
    pub request_id: String,
    /// When the request was answered.
    pub timestamp_utc: Time,
    /// Whole milliseconds from arrival to answer.
    pub latency_ms: u64,
    /// The build, again (both readers are served).
    pub build: Build,
    /// The tenant, once it is known that the caller belongs to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orgcode: Option<String>,
    /// Who called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The cost centre that the caller attributes the request to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cccode: Option<String>,
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

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the contract's")]
struct Success<'a> {
    success: bool,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'a Value>,
    build: Build,
    stats: &'a Stats,
}

#[derive(Serialize)]
struct Failure<'a> {
    success: bool,
    error: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'a Value>,
    build: Build,
    stats: &'a Stats,
}

/// The body of a success.
pub fn success(data: &RawValue, revision: Option<&Value>, stats: &Stats) -> String {
    text(&Success { success: true, data, revision, build: stats.build, stats })
}

/// The body of a failure.
pub fn failure(error: &Error, stats: &Stats) -> String {
    let body = error.body(stats.service);
    text(&Failure { success: false, error: body, revision: error.revision(), build: stats.build, stats })
}

fn text<T: Serialize>(body: &T) -> String {
    // Only maps with keys that are not strings fail to serialise, and there are none.
    serde_json::to_string(body).unwrap_or_default()
}

impl fmt::Debug for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stats")
            .field("call", &self.call)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}
