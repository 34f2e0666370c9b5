//! What other systems call a record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{several::Several, text::Text};

/// At most 16 external ids.
pub type ExternalIds = Several<ExternalId, 0, 16>;

/// What another system calls a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExternalId {
    /// The system.
    pub system: Text<1, 64>,
    /// The record's id there.
    pub id: Text<1, 128>,
}
