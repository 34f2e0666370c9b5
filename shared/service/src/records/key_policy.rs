//! An org's policy for its keys as it is shown: whole (usm §4).

use identity::api_key::KeyPolicy;
use store::{Shown, Stored};

use crate::{answer::Resource, ctx::Ctx};

impl Resource for KeyPolicy {
    type View = Shown<Self>;

    fn view(stored: &Stored<Self>, _: &Ctx) -> Shown<Self> {
        stored.shown()
    }
}
