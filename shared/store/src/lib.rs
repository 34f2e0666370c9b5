//! The one DynamoDB table: typed keys, items, reads, and the one write path.
//!
//! The only crate that knows `aws-sdk-dynamodb`. What is read is asked for by a [`Key`] or a [`Listing`] that a key
//! module made from an [`Org`]; what is written goes through a [`Change`] and [`Store::commit`], as one transaction
//! of records, claims, journal entries and the idempotency record.

mod ahead;
mod append;
mod bucket;
mod chance;
mod change;
mod client;
mod codec;
mod commit;
mod deadline;
mod entity;
mod erase;
mod https;
mod idempotency;
pub mod journal;
mod key;
mod meter;
mod pattern;
mod read;
mod tally;

pub use ahead::Ahead;
pub use append::Append;
pub use aws_sdk_dynamodb::config::Credentials;
pub use bucket::Bucket;
pub use chance::{Chance, SeededChance, SystemChance};
pub use change::{Action, Change, Stamp};
pub use client::{Endpoint, Store, client};
pub use codec::Item;
pub use commit::Committed;
pub use deadline::{Backoff, Deadline};
pub use entity::{Class, Classified, Entity, Shown, Stored};
pub use https::Authorities;
pub use idempotency::{Claimed, Replay, Sent};
pub use key::{Anything, Index, Indexes, Key, Listing, Order, Org, Partition, Scope, System};
pub use meter::{Meter, Usage};
pub use pattern::{Kind, Operation, Pattern};
pub use read::{Batch, Beside, Found, Page};
pub use tally::{Figures, Tallies, Tally};
