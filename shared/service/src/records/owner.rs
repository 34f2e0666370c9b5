//! An owner as it is shown: whole (ofm §8).

use identity::owner::Owner;
use store::{Shown, Stored};

use crate::{answer::Resource, ctx::Ctx};

impl Resource for Owner {
    type View = Shown<Self>;

    fn view(stored: &Stored<Self>, _: &Ctx) -> Shown<Self> {
        stored.shown()
    }
}
