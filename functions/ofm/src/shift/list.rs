//! `/shift/list`.

use contract::{
    error::{Error, Result},
    grants::Grant,
    ids::{LogicalGuid, StationGuid, UserGuid},
    states::{Filter, visible},
    time::Date,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Answer, Ctx};
use store::{Batch, Listing, Org, Shown, Stored};

use super::{Shift, ShiftStatus};
use crate::{
    access::granted,
    keys,
    span::{Days, Whose},
};

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct List {
    /// Those at this facility; this or `user_guid`.
    pub(super) logical_guid: Option<LogicalGuid>,
    /// Those of this person.
    user_guid: Option<UserGuid>,
    /// Those that begin on this day; this, or `from` and `to`.
    date: Option<Date>,
    /// Those that begin on this day or later.
    from: Option<Date>,
    /// Those that begin on this day or earlier, at most 62 days in all.
    to: Option<Date>,
    /// Only those of this status, or `all`; those not cancelled unless said otherwise.
    status: Option<Filter<ShiftStatus>>,
    /// Whether cancelled ones are shown too.
    include_doomed: Option<bool>,
    /// Only those at this station.
    station_guid: Option<StationGuid>,
    /// Only those that are published, or only the others.
    published: Option<bool>,
}

impl List {
    fn days(&self) -> Result<Days> {
        Days::asked(self.date, self.from, self.to)
    }

    fn listing(&self, org: &Org, whose: Whose, days: Days) -> Listing<Shift> {
        let statuses = visible(self.status, self.include_doomed);
        keys::shift::by_start(org, whose, &statuses, days.window())
    }

    /// Requests the station to which the list is narrowed.
    pub(super) fn want(&self, org: &Org, batch: &mut Batch) {
        batch.want_all(&self.station_guid.map(|guid| keys::station::by_guid(org, guid)));
    }

    /// The list, where the request is as it should be.
    pub(super) fn wanted(&self, org: &Org) -> Option<Listing<Shift>> {
        let whose = Whose::named(self.logical_guid, self.user_guid).ok()?;
        Some(self.listing(org, whose, self.days().ok()?))
    }
}

/// A page of shifts.
#[derive(Serialize, JsonSchema)]
pub(super) struct Shifts {
    /// The shifts.
    items: Vec<Shown<Shift>>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

pub(super) async fn list_by_start(ctx: Ctx, input: List) -> Result<Answer<Shifts>> {
    let days = input.days()?;
    let whose = Whose::named(input.logical_guid, input.user_guid)?;
    whose.must_be_there(&ctx).await?;
    if let Some(guid) = input.station_guid {
        let station = ctx.get(&keys::station::by_guid(ctx.org()?, guid)).await?;
        station.ok_or_else(|| Error::no_such("station_guid"))?;
    }
    let all = input.listing(ctx.org()?, whose, days);
    let (ctx, input) = (&ctx, &input);
    let show = |found: Vec<Stored<Shift>>| async move {
        let fits = |shift: &Shift| {
            days.contains(shift.shift_date)
                && input.station_guid.is_none_or(|station| shift.station_guid == Some(station))
                && input.published.is_none_or(|published| shift.published == published)
        };
        // What is not published is there for those alone who plan there.
        let drafts = found.iter().map(|shift| &shift.record).filter(|shift| fits(shift) && !shift.published);
        let drafts = drafts.map(|shift| shift.logical_guid).collect();
        let planned = granted(ctx, drafts, Grant::ScheduleWrite).await?;
        let is_told = |shift: &Shift| shift.published || planned.contains(&shift.logical_guid);
        let shown =
            found.iter().map(|shift| (fits(&shift.record) && is_told(&shift.record)).then(|| shift.shown()));
        Ok(shown.collect())
    };
    let (items, next_token) = ctx.list_shown(&all, show).await?;
    Ok(Answer::new(Shifts { items, next_token }))
}
