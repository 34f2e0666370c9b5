//! The plain lifecycle that most entities of this service share (ofm §2).

use contract::states::States;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Arc;

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
pub(crate) const ARCS: &[Arc<Status>] = &[
    (Status::Active, Status::Inactive),
    (Status::Inactive, Status::Active),
    (Status::Active, Status::Doomed),
    (Status::Inactive, Status::Doomed),
];

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};
    use service::allow;

    use super::*;

    proptest! {
        #[test]
        fn doomed_is_the_end_and_nothing_becomes_what_it_is(
            from in select(Status::ALL),
            to in select(Status::ALL),
        ) {
            let allowed = from != Status::Doomed && from != to;
            prop_assert_eq!(allow(ARCS, from, to).is_ok(), allowed);
        }
    }
}
