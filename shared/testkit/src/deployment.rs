//! What a deployment sets, and a test may.

use std::{collections::HashMap, time::Duration};

use contract::codes::OrgCode;

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
        Self { public_org: None, figures: HashMap::new(), code_keys: "3".repeat(64), patience: None }
    }
}
