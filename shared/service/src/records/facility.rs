//! A logical facility as it is shown: whole (ofm §6).

use contract::ids::LogicalGuid;
use identity::facility::LogicalFacility;
use store::{Shown, Stored};

use crate::{answer::Resource, ctx::Ctx};

impl Resource for LogicalFacility {
    type View = Shown<Self>;

    fn facility(&self) -> Option<LogicalGuid> {
        Some(self.logical_guid)
    }

    fn view(stored: &Stored<Self>, _: &Ctx) -> Shown<Self> {
        stored.shown()
    }
}
