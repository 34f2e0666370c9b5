//! The plain lifecycle that most entities of this service share (ofm §2).

use contract::error::{Error, Result, Tag};
use identity::facility::LogicalFacility;
pub(crate) use identity::lifecycle::{ARCS, Status};
use serde::Serialize;
use serde_json::json;
use store::{Entity, Stored};

/// A record with the plain lifecycle.
pub(crate) trait Living: Entity {
    /// How it stands.
    fn status(&self) -> Status;
}

impl Living for LogicalFacility {
    fn status(&self) -> Status {
        self.status
    }
}

/// What a field of the request refers to, if something may come to refer to it (contract §4, *References*).
pub(crate) fn usable<E: Living>(found: Option<Stored<E>>, field: &str) -> Result<Stored<E>> {
    let stored = found.ok_or_else(|| Error::no_such(field))?;
    match stored.record.status() {
        Status::Active => Ok(stored),
        status => Err(unusable(field, status)),
    }
}

/// A field refers to something whose status does not allow it.
pub(crate) fn unusable(field: &str, status: impl Serialize) -> Error {
    Error::from(Tag::InvalidState).detail("field", field).detail("status", json!(status))
}

/// Refuses to change what is doomed (ofm §1, `invalid-state`).
pub(crate) fn not_doomed(record: &impl Living) -> Result<()> {
    match record.status() {
        Status::Doomed => Err(Error::from(Tag::InvalidState).detail("status", json!(Status::Doomed))),
        Status::Active | Status::Inactive => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use contract::states::States;
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
