//! What a request says of the record that it is about.

use store::{Entity, Key};

use crate::answer::Resource;

/// A request that names the one record it is about. The record is fetched first, see [`Task`](crate::Handler),
/// and handed to the handler.
pub trait Names {
    /// The kind of record.
    type Record: Resource;

    /// Which one.
    fn key(&self, scope: &<Self::Record as Entity>::Scope) -> Key<Self::Record>;
}

/// A request that may name a record, or name one that may not be there yet. What there is is fetched together with the
/// caller check and handed to the handler.
pub trait MayName {
    /// The kind of record.
    type Record: Entity;

    /// Which one, if any.
    fn key(&self, scope: &<Self::Record as Entity>::Scope) -> Option<Key<Self::Record>>;
}

/// A request that changes the record it names.
pub trait Revised: Names {
    /// The revision that the caller saw.
    fn expected_revision(&self) -> Option<<Self::Record as Entity>::Revision>;
}

/// Says which record some requests name, by which field: `names!([Get, Update] Zone = keys::zone::by_guid[zone_guid])`.
#[macro_export]
macro_rules! names {
    ([$($input:ident),+ $(,)?] $record:ty = $key:path[$field:ident]) => {$(
        impl $crate::Names for $input {
            type Record = $record;

            fn key(&self, scope: &<$record as $crate::Entity>::Scope) -> $crate::Key<$record> {
                $key(scope, self.$field)
            }
        }
    )+};
}

/// Says that some requests, which name a record, carry the revision of it that the caller saw.
#[macro_export]
macro_rules! revised {
    ($($input:ident),+ $(,)?) => {$(
        impl $crate::Revised for $input {
            fn expected_revision(&self) -> Option<<<Self as $crate::Names>::Record as $crate::Entity>::Revision> {
                self.expected_revision
            }
        }
    )+};
}
