//! `/shift/update`.

use contract::{
    error::{Error, Result, Tag},
    ids::{ShiftGuid, StationGuid, UserGuid},
    input::Patch,
    personal::Personal,
    revision,
    text::{Prose, Text},
    time_of_day::{Fold, TimeOfDay},
};
use identity::{keys::logical_facility, open_entry::OpenEntry};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use service::{Ctx, Written, names, revised};
use store::{Batch, Org, Shown, Stored};

use super::{Plan, Shift, ShiftStatus, refuse_open, schedule};
use crate::{crew, keys, lifecycle::usable};

names!([Update] Shift = keys::shift::by_guid[shift_guid]);
revised!(Update);

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct Update {
    /// The shift.
    shift_guid: ShiftGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// When it is to begin, while it is scheduled.
    start_time: Option<TimeOfDay>,
    /// When it is to end, while it is scheduled or active.
    end_time: Option<TimeOfDay>,
    /// Which of two, where the clocks show the beginning twice; 0 where `start_time` is given without it.
    start_fold: Option<Fold>,
    /// Which of two, where the clocks show the end twice; 0 where `end_time` is given without it.
    end_fold: Option<Fold>,
    /// What the person is to work as, while it is scheduled.
    role_label: Option<Text<1, 64>>,
    /// At which station of the facility, while it is scheduled or active; null clears.
    station_guid: Patch<StationGuid>,
    /// Notes, while it is scheduled or active; null clears.
    notes: Patch<Personal<Prose<2000>>>,
    /// Who is to work it, while it is scheduled.
    user_guid: Option<UserGuid>,
    /// Tells it to others than those who plan. What was told stays so.
    published: Option<bool>,
}

impl Update {
    /// Requests the person whom it names.
    pub(super) fn want(&self, org: &Org, batch: &mut Batch) {
        if let Some(user) = self.user_guid {
            crew::want_named(org, user, batch);
        }
    }

    fn apply(self, before: &Shift) -> Result<Shift> {
        let mut shift = before.clone();
        if let Some(time) = self.start_time {
            (shift.start_time, shift.start_fold) = (time, Fold::First);
        }
        if let Some(time) = self.end_time {
            (shift.end_time, shift.end_fold) = (time, Fold::First);
        }
        shift.start_fold = self.start_fold.unwrap_or(shift.start_fold);
        shift.end_fold = self.end_fold.unwrap_or(shift.end_fold);
        shift.role_label = self.role_label.unwrap_or(shift.role_label);
        self.station_guid.apply(&mut shift.station_guid);
        self.notes.apply(&mut shift.notes);
        shift.user_guid = self.user_guid.unwrap_or(shift.user_guid);
        shift.published = self.published.unwrap_or(shift.published);
        if has_moved(before, &shift) {
            let plan = Plan {
                date: shift.shift_date,
                start: (shift.start_time, shift.start_fold),
                end: (shift.end_time, shift.end_fold),
                zone: shift.timezone.clone(),
            };
            let times = plan.times()?;
            (shift.start_at, shift.end_at) = (times.start_at, times.end_at);
            shift.planned_minutes = times.minutes;
        }
        Ok(shift)
    }
}

fn has_moved(before: &Shift, after: &Shift) -> bool {
    let times = |shift: &Shift| (shift.start_time, shift.start_fold, shift.end_time, shift.end_fold);
    times(before) != times(after)
}

/// Refuses what is fixed in the status that the shift has.
fn refuse_fixed(before: &Shift, after: &Shift) -> Result<()> {
    let begun = [
        ("start_time", before.start_time != after.start_time),
        ("start_fold", before.start_fold != after.start_fold),
        ("role_label", before.role_label != after.role_label),
        ("user_guid", before.user_guid != after.user_guid),
    ];
    let over = [
        ("end_time", before.end_time != after.end_time),
        ("end_fold", before.end_fold != after.end_fold),
        ("station_guid", before.station_guid != after.station_guid),
        ("notes", before.notes != after.notes),
    ];
    let fixed: Vec<_> = match before.status {
        ShiftStatus::Scheduled => Vec::new(),
        ShiftStatus::Active => begun.to_vec(),
        ShiftStatus::Completed | ShiftStatus::Cancelled => [&begun[..], &over[..]].concat(),
    };
    if let Some((field, _)) = fixed.iter().find(|(_, changes)| *changes) {
        return Err(Error::from(Tag::InvalidState)
            .detail("field", *field)
            .detail("status", json!(before.status)));
    }
    if before.published && !after.published {
        let arc = |error: Error| error.detail("from", true).detail("to", false).detail("allowed", json!([]));
        return Err(arc(Tag::InvalidTransition.into()).detail("field", "published"));
    }
    Ok(())
}

/// Whoever is clocked in on a shift keeps it: so all who are clocked in on it are its person.
fn worked_by_another(entry: &OpenEntry) -> Error {
    Error::from(Tag::InvalidState).detail("field", "user_guid").detail("entry_guid", json!(entry.entry_guid))
}

pub(super) async fn update(ctx: Ctx, input: Update, before: Stored<Shift>) -> Result<Written<Shown<Shift>>> {
    let org = ctx.org()?;
    let shift = input.apply(&before.record)?;
    let person = if shift.user_guid == before.record.user_guid {
        None
    } else {
        Some(crew::named(&ctx, shift.user_guid, "user_guid").await?)
    };
    refuse_fixed(&before.record, &shift)?;
    let mut change = ctx.change();
    let key = logical_facility(org, shift.logical_guid);
    let facility = usable(ctx.get(&key).await?, "logical_guid")?;
    change.require(&key, &facility)?;
    if let Some(person) = &person {
        refuse_open(&ctx, &mut change, &before.record, worked_by_another).await?;
        crew::refuse_unfit(&ctx, &mut change, person, Some(shift.logical_guid)).await?;
    }
    if shift.station_guid != before.record.station_guid {
        crew::refuse_station(&ctx, &mut change, shift.station_guid, shift.logical_guid).await?;
    }
    schedule(&ctx, &mut change, Some(&before.record), &shift).await?;
    let is_news = shift.published && !before.record.published;
    let action = if is_news { "shift-published" } else { "shift-updated" };
    let after = change.update(org, &before, shift, action)?;
    change.show(&after)
}
