//! The one entry of a person that is open: a claim that clocking out and voiding free (contract ofm §17).

use contract::{
    error::{Error, Result, Tag},
    ids::UserGuid,
};
use identity::{keys::open_entry as key, open_entry::OpenEntry};
use serde_json::json;
use service::{Ctx, Writer};

use super::{EntryStatus, TimesheetEntry};
use crate::{
    diary::{Diary, Page},
    hold::{self, Child, Parent, Weight},
};

fn is_open(entry: &OpenEntry) -> Error {
    Error::from(Tag::TimesheetOpen).detail("entry_guid", json!(entry.entry_guid))
}

/// Refuses to clock a person in who is.
async fn refuse(ctx: &Ctx, user: UserGuid) -> Result<()> {
    match ctx.get(&key(ctx.org()?, user)).await? {
        Some(open) => Err(is_open(&open.record)),
        None => Ok(()),
    }
}

/// Writes what follows from an entry beside it: the claim on being open, the person's diary, and what hangs on the
/// facility.
pub(super) async fn follow(
    ctx: &Ctx,
    change: &mut Writer,
    before: Option<&TimesheetEntry>,
    after: &TimesheetEntry,
) -> Result<()> {
    let org = ctx.org()?;
    let (old, new) = (before.and_then(TimesheetEntry::span), after.span());
    let spans: Vec<_> = [old, new].into_iter().flatten().collect();
    let page = Page::read(ctx, Diary::Timesheet, after.user_guid, &spans).await?;
    let was_open = before.is_some_and(|before| before.status == EntryStatus::Open);
    if was_open && after.status != EntryStatus::Open {
        change.release(&key(org, after.user_guid));
    }
    if !was_open && after.status == EntryStatus::Open {
        // After the diary: whoever clocked in before it was read is found here, and told as what they are.
        refuse(ctx, after.user_guid).await?;
        let TimesheetEntry { user_guid, entry_guid, shift_guid, .. } = *after;
        change.claim(org, OpenEntry { user_guid, entry_guid, shift_guid }, is_open)?;
    }
    if let Some(other) = new.as_ref().and_then(|span| page.overlapping(span)) {
        return Err(Error::from(Tag::TimesheetOverlap).detail("entry_guid", other.to_string()));
    }
    page.put(change, org, old.as_ref(), new.as_ref())?;
    let weights = (before.map_or(Weight::Nothing, TimesheetEntry::weight), after.weight());
    let on = (Parent::Logical(after.logical_guid), Child::TimesheetEntry);
    hold::note(change, org, on, &after.entry_guid, weights)
}
