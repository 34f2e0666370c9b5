//! The aggregate that an action on the journal is about.

use contract::{
    error::{Error, Result},
    text::Text,
};
use store::{Org, journal::Aggregate};

/// A part of a key, as an operator writes it.
pub(crate) type Name = Text<1, 200>;

/// The aggregate of these names. A name with the separator of keys in it is none of any record.
pub(crate) fn aggregate<'a>(
    service: &'a Name,
    org: Option<&'a Org>,
    aggregate_type: &'a Name,
    aggregate_id: &'a Name,
) -> Result<Aggregate<'a>> {
    let names = [("service", service), ("aggregate_type", aggregate_type), ("aggregate_id", aggregate_id)];
    match names.iter().find(|(_, name)| name.as_str().contains('|')) {
        Some((field, _)) => Err(Error::field(*field, "must not hold |")),
        None => Ok(Aggregate {
            service: service.as_str(),
            org,
            aggregate_type: aggregate_type.as_str(),
            aggregate_id: aggregate_id.as_str(),
        }),
    }
}
