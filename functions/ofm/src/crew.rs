//! Who may be given work: in a team, on a shift, at the clock (contract ofm §11, §16, §17).

use contract::{
    error::{Error, Result, Tag},
    ids::{LogicalGuid, StationGuid, UserGuid},
};
use identity::{
    assignment::Assignee,
    keys::{assignment, member},
    member::{Member, MemberState},
};
use serde_json::json;
use service::{Ctx, Writer, person as named_person};
use store::{Batch, Org, Stored};

use crate::{keys, lifecycle::unusable, station::StationStatus};

/// Requests what [`named`], [`refuse_unfit`] and [`refuse_station`] read.
pub(crate) fn want(
    org: &Org,
    user: UserGuid,
    at: LogicalGuid,
    station: Option<StationGuid>,
    batch: &mut Batch,
) {
    want_named(org, user, batch);
    batch.want(&assignment(org, Assignee::Member(user), at));
    batch.want_all(&station.map(|station| keys::station::by_guid(org, station)));
}

/// Requests what [`named`] reads.
pub(crate) fn want_named(org: &Org, user: UserGuid, batch: &mut Batch) {
    batch.want(&member(org, user));
    named_person::want(user, batch);
}

/// Reads a person who is or was a member of the org. Fails with `not-found` and the field if there is no such member.
pub(crate) async fn person(ctx: &Ctx, user: UserGuid, field: &str) -> Result<Stored<Member>> {
    ctx.get(&member(ctx.org()?, user)).await?.ok_or_else(|| Error::no_such(field))
}

/// Reads a member whom a request names for something new. Fails with `not-found` and the field if there is no such
/// member, or if the user may not be named (contract §4, *References*).
pub(crate) async fn named(ctx: &Ctx, user: UserGuid, field: &str) -> Result<Stored<Member>> {
    let member = person(ctx, user, field).await?;
    named_person::read(ctx, user, field).await?;
    Ok(member)
}

fn unfit() -> Error {
    Error::from(Tag::InvalidState).detail("field", "user_guid")
}

/// Refuses a person whose membership is not in force.
pub(crate) fn refuse_absent(ctx: &Ctx, person: &Member) -> Result<()> {
    if person.in_force(ctx.now()) { Ok(()) } else { Err(unfit().detail("state", json!(person.state))) }
}

/// Refuses who is no active member or, where it is about a facility, neither assigned there nor an owner: now, or when
/// the change is written.
pub(crate) async fn refuse_unfit(
    ctx: &Ctx,
    change: &mut Writer,
    stored: &Stored<Member>,
    at: Option<LogicalGuid>,
) -> Result<()> {
    let (org, person) = (ctx.org()?, &stored.record);
    if person.state != MemberState::Active {
        return Err(unfit().detail("state", json!(person.state)));
    }
    change.require(&member(org, person.user_guid), stored)?;
    let Some(logical) = at.filter(|_| !person.is_owner()) else { return Ok(()) };
    let key = assignment(org, Assignee::Member(person.user_guid), logical);
    let assigned = ctx.get(&key).await?.filter(|found| found.record.counts(person.epoch, ctx.now()));
    let assigned = assigned.ok_or_else(|| unfit().detail("logical_guid", json!(logical)))?;
    change.require(&key, &assigned)
}

/// Refuses a station that is not there, of another facility or inactive: now, or when the change is written.
pub(crate) async fn refuse_station(
    ctx: &Ctx,
    change: &mut Writer,
    station: Option<StationGuid>,
    at: LogicalGuid,
) -> Result<()> {
    let Some(guid) = station else { return Ok(()) };
    let key = keys::station::by_guid(ctx.org()?, guid);
    let station = ctx.get(&key).await?.ok_or_else(|| Error::no_such("station_guid"))?;
    if station.record.logical_guid != at || station.record.status == StationStatus::Inactive {
        return Err(unusable("station_guid", station.record.status));
    }
    change.require(&key, &station)
}
