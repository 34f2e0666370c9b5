//! What a record is to the table, and a record as it was stored.

use contract::{revision::Revision, time::Time};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    codec,
    key::{Indexes, Key, Scope},
};

/// What kind of data a field holds (crm §1). Only [`Class::Plain`] fields appear in events and, with their values, in
/// the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing personal.
    Plain,
    /// How to reach a person.
    Contact,
    /// Who a person is.
    Identity,
    /// Text that may hold anything.
    FreeText,
    /// Hashes of credentials: in no event, in no answer.
    Secret,
}

/// A record whose every field has a class. Written with [`classes!`](crate::classes), which does not compile while a
/// field is missing.
pub trait Classified {
    /// Field names as they are serialised, with their classes.
    const CLASSES: &'static [(&'static str, Class)];
}

/// Gives every field of a record its [`Class`](crate::Class); a field left out is a compile error.
#[macro_export]
macro_rules! classes {
    ($record:ident { $($field:ident: $class:ident),* $(,)? }) => {
        impl $crate::Classified for $record {
            const CLASSES: &'static [(&'static str, $crate::Class)] =
                &[$((stringify!($field), $crate::Class::$class),)*];
        }
        const _: fn(&$record) = |record| {
            let $record { $($field: _),* } = record;
        };
    };
}

/// A record that is stored as one item.
pub trait Entity: Classified + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The service whose partitions hold it and in whose name its events are published.
    const SERVICE: &'static str;
    /// Its name as an aggregate, and the type of its items: `cost-centre`.
    const TYPE: &'static str;
    /// The aggregate whose journal tells of it, where it goes on with that of another record.
    const AGGREGATE: &'static str = Self::TYPE;
    /// [`Org`](crate::Org) or [`System`](crate::System).
    type Scope: Scope;
    /// A counter, or a UUID.
    type Revision: Revision + Send + Sync;

    /// Whether its key is made of the hash of a secret: then nothing else tells where it is stored.
    const KEY_IS_SECRET: bool = false;

    /// Where it is stored.
    fn key(&self, scope: &Self::Scope) -> Key<Self>;

    /// In which lists it appears.
    fn indexes(&self, _scope: &Self::Scope, _created_at: Time) -> Indexes {
        Indexes::none()
    }

    /// Its id, as the journal and events name it. Holds nothing personal.
    fn id(&self) -> String;

    /// When the table may forget it. Reads judge by the record's own times: removal may come late.
    fn expires(&self) -> Option<Time> {
        None
    }
}

/// A record as it was read or as it will have been written.
#[derive(Clone, Debug)]
pub struct Stored<E: Entity> {
    /// The record.
    pub record: E,
    /// Its revision.
    pub revision: E::Revision,
    /// When it was created.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
    /// How many journal entries it has.
    pub(crate) sequence: u64,
    /// The hash of its last journal entry.
    pub(crate) chain: String,
}

impl<E: Entity> Stored<E> {
    /// The record as callers see it, with revision and times.
    pub fn shown(&self) -> Shown<E> {
        Shown {
            record: self.record.clone(),
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    pub(crate) fn decode(item: codec::Item) -> contract::error::Result<Self> {
        codec::decode(item)
    }
}

/// The whole record, flat, as an answer shows it (ofm §1, **R**).
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "{E}")]
#[schemars(bound = "E: JsonSchema, E::Revision: JsonSchema")]
pub struct Shown<E: Entity> {
    /// The record's own fields.
    #[serde(flatten)]
    pub record: E,
    /// Its revision, to be sent as `expected_revision` with the next change.
    pub revision: E::Revision,
    /// When it was created.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}
