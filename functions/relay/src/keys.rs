//! The keys of what the relay itself keeps in the table.

use store::{Key, Partition};

use crate::progress::Lane;

/// What was published of the journal of an aggregate in batches that were not yet done.
pub fn lane(lane_hash: &str) -> Key<Lane> {
    Key::new(&Partition::of_system("relay").part("lane").part(lane_hash), &[&"-"])
}
