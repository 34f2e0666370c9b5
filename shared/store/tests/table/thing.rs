//! A record to test with.

use contract::{error::Error, error::Tag, ids::CcGuid, revision::Counter, time::Time};
use serde::{Deserialize, Serialize};
use store::{Change, Entity, Index, Indexes, Key, Listing, Order, Org, Partition, Stored, classes};
use testkit::World;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Thing {
    pub(crate) guid: CcGuid,
    pub(crate) colour: String,
    pub(crate) rank: u32,
    pub(crate) nickname: String,
}

classes!(Thing { guid: Plain, colour: Plain, rank: Plain, nickname: Identity });

pub(crate) fn key(org: &Org, guid: CcGuid) -> Key<Thing> {
    Key::new(&Partition::of("test", org).part("thing").part(guid), &[&"thing"])
}

fn of_colour(org: &Org, colour: &str) -> Partition {
    Partition::of("test", org).part("things").part(colour)
}

pub(crate) fn by_rank(org: &Org, colours: &[&str], order: Order) -> Listing<Thing> {
    Listing::new(Index::First, colours.iter().map(|colour| of_colour(org, colour)), order)
}

impl Entity for Thing {
    const SERVICE: &'static str = "test";
    const TYPE: &'static str = "thing";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        key(org, self.guid)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        Indexes::none().first(of_colour(org, &self.colour), &[&format_args!("{:06}", self.rank), &self.guid])
    }

    fn id(&self) -> String {
        self.guid.to_string()
    }
}

pub(crate) fn thing(change: &Change, colour: &str, rank: u32) -> Thing {
    let guid = CcGuid::from_uuid(change.uuid());
    Thing { guid, colour: colour.to_owned(), rank, nickname: "Bobby".to_owned() }
}

/// Adds a thing to a change.
pub(crate) fn add(world: &World, change: &mut Change, colour: &str, rank: u32) -> Stored<Thing> {
    let thing = thing(change, colour, rank);
    change.create(&world.org, thing, "thing-created", |_| Error::from(Tag::DuplicateCode)).expect("a change")
}

/// Adds a change of a thing's rank to a change, at the revision that was seen.
pub(crate) fn rerank(world: &World, change: &mut Change, seen: &Stored<Thing>, rank: u32) -> Stored<Thing> {
    let thing = Thing { rank, ..seen.record.clone() };
    let show = |stored: &Stored<Thing>| Ok(stored.record.rank.into());
    change.update(&world.org, seen, thing, "thing-updated", show).expect("a change")
}
