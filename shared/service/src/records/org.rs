//! An org as it is shown: whole (ofm §4).

use identity::org::OrgRecord;
use store::{Shown, Stored};

use crate::{answer::Resource, ctx::Ctx};

impl Resource for OrgRecord {
    type View = Shown<Self>;

    fn view(stored: &Stored<Self>, _: &Ctx) -> Shown<Self> {
        stored.shown()
    }
}
