//! A service account as it is shown: whole (usm §4).

use identity::service_account::ServiceAccount;
use store::{Shown, Stored};

use crate::{answer::Resource, ctx::Ctx};

impl Resource for ServiceAccount {
    type View = Shown<Self>;

    fn view(stored: &Stored<Self>, _: &Ctx) -> Shown<Self> {
        stored.shown()
    }
}
