//! The plain lifecycle that most entities of `ofm` share (ofm §2).

use contract::states::States;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a record with the plain lifecycle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In use.
    Active,
    /// Readable, usable by what already refers to it; nothing new may refer to it.
    Inactive,
    /// Ended, for ever; readable by id.
    Doomed,
}

impl States for Status {
    const ALL: &'static [Self] = &[Self::Active, Self::Inactive, Self::Doomed];
    const HIDDEN: &'static [Self] = &[Self::Doomed];
}

/// What may follow what.
pub const ARCS: &[(Status, Status)] = &[
    (Status::Active, Status::Inactive),
    (Status::Inactive, Status::Active),
    (Status::Active, Status::Doomed),
    (Status::Inactive, Status::Doomed),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arcs;

    #[test]
    fn the_table_is_the_contracts() {
        arcs::check(ARCS, Status::Active, |from, to| from != Status::Doomed && from != to);
    }
}
