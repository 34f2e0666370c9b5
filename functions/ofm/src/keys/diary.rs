//! What people do when.

use contract::{ids::UserGuid, time::Date};
use store::{Key, Org, Partition};

use crate::diary::{Diary, DiaryDay};

/// A day of a person's diary.
pub fn day(org: &Org, diary: Diary, user: UserGuid, day: Date) -> Key<DiaryDay> {
    Key::new(&Partition::of("ofm", org).part("diary").state(diary).part(user), &[&day])
}
