//! Which profile holds for an operator at a facility, and why (contract ofm §13, *Resolve*).

use contract::{
    codes::Code,
    error::{Error, Result, Tag},
    grants::Grant,
    ids::{LogicalGuid, OrgGuid, ProfileId, UserGuid},
    money::Currency,
    revision,
    roles::Role,
    text::Caption,
    time::Time,
};
use identity::{
    assignment::{Assignee, Assignment},
    lifecycle::Status,
    member::Member,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{Access, Answer, Class, Ctx, MayName, OrgFrom, Route, Writer, post, read_if_named};
use store::{Batch, Found, Key, Org, Stored};

use super::{
    OperatorProfile,
    controls::{Controls, Power},
    slot::{ProfileSlot, Seat},
};
use crate::keys;

/// The routes.
pub static ROUTES: &[Route] = &[Route {
    call: post("/profile/resolve"),
    summary: "Tell what an operator may do at the till of a facility, and which profile says so",
    class: Class::C,
    org: OrgFrom::Body,
    access: Access::Judged("oneself; or grant `facility:read` there; or role `ofm_member_admin`"),
    errors: &[Tag::FacilityGrantRequired],
    handler: &read_if_named(resolve).at(|input| Some(input.logical_guid)),
}];

/// From where a profile comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// The operator's own at the facility.
    Member,
    /// The default of the facility.
    Facility,
    /// The default of the org.
    Org,
    /// No slot is filled: the defaults of all controls.
    Builtin,
}

impl From<Seat> for Source {
    fn from(seat: Seat) -> Self {
        match seat {
            Seat::Member(..) => Self::Member,
            Seat::Facility(_) => Self::Facility,
            Seat::Org => Self::Org,
        }
    }
}

/// A slot as it was looked at.
struct Look {
    seat: Seat,
    slot: Option<Stored<ProfileSlot>>,
    /// The profile in it, where it counts.
    profile_id: Option<ProfileId>,
}

/// What holds for an operator.
pub(crate) struct Effective {
    /// From where.
    pub(crate) source: Source,
    looks: Vec<Look>,
    profile: Option<Stored<OperatorProfile>>,
    controls: Controls,
    /// What the amounts are counted in; none where neither a profile nor the org says so.
    pub(crate) currency: Option<Currency>,
}

impl Effective {
    /// What holds for a member at a facility, or for whoever is no member.
    pub(crate) async fn of(ctx: &Ctx, member: Option<&Member>, logical: LogicalGuid) -> Result<Self> {
        let mut batch = Batch::default();
        Self::want(ctx.org()?, member.map(|member| member.user_guid), logical, &mut batch);
        let found = ctx.read(batch).await?;
        Self::found(ctx, member, logical, &found).await
    }

    fn seats(user: Option<UserGuid>, logical: LogicalGuid) -> impl Iterator<Item = Seat> {
        let own = user.map(|user| Seat::Member(user, logical));
        own.into_iter().chain([Seat::Facility(logical), Seat::Org])
    }

    /// Asks for the slots of a member at a facility, or of whoever is no member.
    pub(crate) fn want(org: &Org, user: Option<UserGuid>, logical: LogicalGuid, batch: &mut Batch) {
        for seat in Self::seats(user, logical) {
            batch.want(&keys::profile::slot(org, seat));
        }
    }

    /// What holds by the slots that were asked for.
    pub(crate) async fn found(
        ctx: &Ctx,
        member: Option<&Member>,
        logical: LogicalGuid,
        found: &Found,
    ) -> Result<Self> {
        let org = ctx.org()?;
        let seats = Self::seats(member.map(|member| member.user_guid), logical);
        let look = |seat: Seat| {
            let slot = found.get(&keys::profile::slot(org, seat))?;
            let profile_id = slot.as_ref().and_then(|slot| slot.record.counting(member));
            Ok(Look { seat, slot, profile_id })
        };
        let looks: Vec<Look> = seats.map(look).collect::<Result<_>>()?;
        let Some((seat, profile_id)) = looks.iter().find_map(|look| Some((look.seat, look.profile_id?)))
        else {
            let currency = ctx.org_record()?.record.default_currency;
            let controls = Controls::default();
            return Ok(Self { source: Source::Builtin, looks, profile: None, controls, currency });
        };
        let profile = ctx.get(&keys::profile::by_id(org, profile_id)).await?;
        let profile = profile.ok_or_else(|| Error::internal("a slot names a profile that is not there"))?;
        let (controls, currency) = (profile.record.controls.clone(), Some(profile.record.currency));
        Ok(Self { source: seat.into(), looks, profile: Some(profile), controls, currency })
    }

    /// What holds for the caller; for a program, what holds for whoever has nothing of their own.
    pub(crate) async fn own(ctx: &Ctx, logical: LogicalGuid) -> Result<Self> {
        Self::of(ctx, ctx.caller().member.as_ref().map(|member| &member.record), logical).await
    }

    /// The profile; none for the defaults of all controls.
    pub(crate) fn profile_id(&self) -> Option<ProfileId> {
        self.profile.as_ref().map(|profile| profile.record.profile_id)
    }

    /// What it allows.
    pub(crate) fn power(&self) -> Power<'_> {
        Power { controls: &self.controls, currency: self.currency }
    }

    /// Writes only if it still holds; else the command is decided again. A profile that the change relies on anyway is
    /// named once.
    pub(crate) fn require(&self, change: &mut Writer, org: &Org, but: Option<ProfileId>) -> Result<()> {
        for look in &self.looks {
            change.require_still(&keys::profile::slot(org, look.seat), look.slot.as_ref())?;
            if look.profile_id.is_some() {
                break;
            }
        }
        match &self.profile {
            Some(profile) if Some(profile.record.profile_id) != but => {
                change.require(&keys::profile::by_id(org, profile.record.profile_id), profile)
            }
            _ => Ok(()),
        }
    }

    fn cascade(&self) -> Vec<Step> {
        let used = self.looks.iter().position(|look| look.profile_id.is_some());
        let step = |(n, look): (usize, &Look)| Step {
            level: look.seat.into(),
            profile_id: look.profile_id,
            revision: look.slot.as_ref().map(|slot| slot.revision),
            used: Some(n) == used,
        };
        self.looks.iter().enumerate().map(step).collect()
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Resolve {
    /// The facility.
    logical_guid: LogicalGuid,
    /// The operator; the caller unless given. A key must name one.
    user_guid: Option<UserGuid>,
}

impl MayName for Resolve {
    type Record = Member;

    fn key(&self, org: &Org) -> Option<Key<Member>> {
        self.user_guid.map(|user| identity::keys::member(org, user))
    }
}

/// One level of the cascade.
#[derive(Serialize, JsonSchema)]
struct Step {
    /// Which.
    level: Source,
    /// The profile in its slot; null where it is empty.
    profile_id: Option<ProfileId>,
    /// The revision of the slot; null where it was never filled.
    revision: Option<revision::Tag>,
    /// Whether it is the one that holds.
    used: bool,
}

/// What an operator may do at the till of a facility.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Resolved")]
struct Till {
    /// The org.
    org_guid: OrgGuid,
    /// The facility.
    logical_guid: LogicalGuid,
    /// The operator.
    user_guid: UserGuid,
    /// From where the profile comes.
    level: Source,
    /// The profile; null for the defaults of all controls, as the following.
    profile_id: Option<ProfileId>,
    /// Its code.
    code: Option<Code>,
    /// What it is called.
    caption: Option<Caption>,
    /// What the amounts are counted in; for the defaults, the org's default currency if it has one.
    currency: Option<Currency>,
    /// Every control.
    controls: Controls,
    /// The version of the profile's controls.
    policy_version: Option<u64>,
    /// A hash: while it stays, a till's copy of all this is current.
    effective_version: String,
    /// Whether the operator has an assignment there or is an owner. Without, a till must refuse.
    assigned: bool,
    /// Where was looked, in order.
    cascade: Vec<Step>,
    /// When.
    resolved_at: Time,
}

async fn resolve(ctx: Ctx, input: Resolve, named: Option<Stored<Member>>) -> Result<Answer<Till>> {
    let org = ctx.org()?;
    let logical = input.logical_guid;
    let own = ctx.caller().user_guid();
    let user = input.user_guid.or(own).ok_or_else(|| Error::field("user_guid", "is required"))?;
    let place = ctx.place(logical).await?;
    let facility = place.facility()?;
    if own != Some(user) && !ctx.caller().roles.contains_any(&[Role::OfmMemberAdmin]) {
        ctx.need_grant(logical, Grant::FacilityRead).await?;
    }
    let member = match named {
        Some(member) => member,
        None if own == Some(user) => *ctx.caller().member.clone().ok_or(Tag::NotFound)?,
        None => return Err(Error::no_such("user_guid")),
    };
    let key = identity::keys::assignment(org, Assignee::Member(user), logical);
    let (effective, assignment) =
        futures::future::try_join(Effective::of(&ctx, Some(&member.record), logical), ctx.get(&key)).await?;
    let is_open = facility.record.status != Status::Doomed;
    let assigned = is_assigned(&member.record, assignment.as_ref(), is_open, ctx.now());
    Ok(Answer::new(resolved(&ctx, org, (user, logical), &effective, assigned)))
}

/// Whether somebody may work at a facility: as an owner, or by an assignment that counts.
pub(crate) fn is_assigned(
    member: &Member,
    assignment: Option<&Stored<Assignment>>,
    is_open: bool,
    now: Time,
) -> bool {
    let counts = |assignment: &Stored<Assignment>| assignment.record.counts(member.epoch, now);
    member.in_force(now) && (member.is_owner() || (is_open && assignment.is_some_and(counts)))
}

fn resolved(
    ctx: &Ctx,
    org: &Org,
    (user_guid, logical_guid): (UserGuid, LogicalGuid),
    effective: &Effective,
    assigned: bool,
) -> Till {
    let profile = effective.profile.as_ref().map(|profile| &profile.record);
    let mut resolved = Till {
        org_guid: org.guid(),
        logical_guid,
        user_guid,
        level: effective.source,
        profile_id: profile.map(|profile| profile.profile_id),
        code: profile.map(|profile| profile.code.clone()),
        caption: profile.map(|profile| profile.caption.clone()),
        currency: effective.currency,
        controls: effective.controls.clone(),
        policy_version: profile.map(|profile| profile.policy_version),
        effective_version: String::new(),
        assigned,
        cascade: effective.cascade(),
        resolved_at: ctx.now(),
    };
    resolved.effective_version = version(&resolved);
    resolved
}

/// A hash of all that a till keeps: not of how it was found, and not of when.
fn version(resolved: &Till) -> String {
    let Till { level, profile_id, code, caption, currency, controls, policy_version, assigned, .. } =
        resolved;
    contract::canonical::hash(&json!({
        "level": level, "profile_id": profile_id, "code": code, "caption": caption, "currency": currency,
        "controls": controls, "policy_version": policy_version, "assigned": assigned,
    }))
}
