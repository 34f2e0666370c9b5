//! What a deployment sets, and a test may.

use std::{collections::HashMap, time::Duration};

use contract::codes::OrgCode;
use service::UNKNOWN_CALLERS_PER_MINUTE;

#[derive(Clone)]
pub(crate) struct Deployment {
    pub(crate) public_org: Option<OrgCode>,
    pub(crate) figures: HashMap<&'static str, u32>,
    /// The keys of short codes.
    pub(crate) code_keys: String,
    /// How long a request may take.
    pub(crate) patience: Option<Duration>,
}

impl Default for Deployment {
    fn default() -> Self {
        // As the local stack has it: a test sends thousands of requests while its time stands still.
        let figures = HashMap::from([(UNKNOWN_CALLERS_PER_MINUTE.variable, 60_000)]);
        Self { public_org: None, figures, code_keys: "3".repeat(64), patience: None }
    }
}
