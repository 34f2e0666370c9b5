//! Slots: which till profile a member has at a facility, and which is the default of a facility or of the org (contract
//! ofm §13). One profile per slot.

use contract::{
    error::{Error, Result, Tag},
    ids::{LogicalGuid, OrgGuid, ProfileId, UserGuid},
    revision,
    roles::Role,
};
use futures::future::try_join;
use identity::{
    assignment::Assignee,
    member::{Member, MemberState},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service::{
    Access, Answer, Class, Ctx, MayName, OrgFrom, Resource, Route, Writer, Written, person, post,
    write_if_named,
};
use store::{Batch, Entity, Found, Key, Org, Stored, classes};

use super::{
    OperatorProfile,
    effective::{Effective, Source},
};
use crate::{
    giving::of_others,
    hold::{Child, Hold, MOST_COUNTED, Parent, Weight, all_blocking, hang, in_use, watch},
    keys,
    lifecycle::{unusable, usable},
};

/// Owners fill every slot, whoever administers members those of members.
const ADMIN: Access = Access::OneOf(&[Role::OfmMemberAdmin]);

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/profile/assign"),
        summary: "Give a till profile to a member at a facility, or make it the default of a facility or the org",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMIN,
        errors: &[Tag::NotOwner, Tag::ExpectedRevisionRequired, Tag::Conflict, Tag::InvalidState],
        handler: &write_if_named(assign).at(|input| input.logical_guid).also(|input, org, batch| {
            want(org, input.user_guid, Some(input.profile_id), batch);
            if let Some(user) = input.user_guid {
                person::want(user, batch);
            }
        }),
    },
    Route {
        call: post("/profile/unassign"),
        summary: "Take the till profile of a member at a facility, or the default of a facility, away",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMIN,
        errors: &[Tag::NotOwner, Tag::Conflict, Tag::OrgDefaultRequired],
        handler: &write_if_named(unassign)
            .at(|input| input.logical_guid)
            .also(|input, org, batch| want(org, input.user_guid, None, batch)),
    },
];

/// For whom a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For a member at a facility.
    Member,
    /// For everybody at a facility who has none of their own.
    Facility,
    /// For everybody else.
    Org,
}

/// Which slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// That of a member at a facility.
    Member(UserGuid, LogicalGuid),
    /// That of a facility.
    Facility(LogicalGuid),
    /// That of the org.
    Org,
}

impl Seat {
    /// The slot that a request names; refuses what does not belong to its level.
    fn of(level: Level, user: Option<UserGuid>, logical: Option<LogicalGuid>) -> Result<Self> {
        let needed = |field| Error::field(field, "is required for this level");
        let strange = |field| Error::field(field, "does not belong to this level");
        match (level, user, logical) {
            (Level::Member, Some(user), Some(logical)) => Ok(Self::Member(user, logical)),
            (Level::Member, None, _) => Err(needed("user_guid")),
            (Level::Member | Level::Facility, _, None) => Err(needed("logical_guid")),
            (Level::Facility, None, Some(logical)) => Ok(Self::Facility(logical)),
            (Level::Org, None, None) => Ok(Self::Org),
            (Level::Facility | Level::Org, Some(_), _) => Err(strange("user_guid")),
            (Level::Org, None, Some(_)) => Err(strange("logical_guid")),
        }
    }

    fn parts(self) -> (Level, Option<UserGuid>, Option<LogicalGuid>) {
        match self {
            Self::Member(user, logical) => (Level::Member, Some(user), Some(logical)),
            Self::Facility(logical) => (Level::Facility, None, Some(logical)),
            Self::Org => (Level::Org, None, None),
        }
    }

    /// Refuses a caller who may not fill or empty it. That the caller administers members, or owns the org, is known.
    fn permit(self, ctx: &Ctx) -> Result<()> {
        match self {
            Self::Member(user, _) => of_others(ctx, Assignee::Member(user)),
            Self::Facility(_) | Self::Org if !ctx.caller().is_owner => Err(Tag::NotOwner.into()),
            Self::Facility(_) | Self::Org => Ok(()),
        }
    }
}

/// A slot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProfileSlot {
    /// The org.
    pub org_guid: OrgGuid,
    /// For whom.
    pub level: Level,
    /// The member.
    pub user_guid: Option<UserGuid>,
    /// The facility.
    pub logical_guid: Option<LogicalGuid>,
    /// The profile in it; none where it was emptied.
    pub profile_id: Option<ProfileId>,
    /// The epoch of the membership in which it was filled: it counts in no other (ofm §2). 0 for what is no member's.
    pub epoch: u64,
}

classes!(ProfileSlot {
    org_guid: Plain,
    level: Plain,
    user_guid: Plain,
    logical_guid: Plain,
    profile_id: Plain,
    epoch: Plain,
});

impl Entity for ProfileSlot {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "profile-slot";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::profile::slot(org, self.seat())
    }

    fn id(&self) -> String {
        match self.seat() {
            Seat::Member(user, logical) => format!("{user}:{logical}"),
            Seat::Facility(logical) => logical.to_string(),
            Seat::Org => self.org_guid.to_string(),
        }
    }
}

/// A slot as it is answered.
#[derive(Clone, Serialize, JsonSchema)]
pub struct SlotView {
    /// The org.
    org_guid: OrgGuid,
    /// For whom.
    level: Level,
    /// The member, for theirs.
    user_guid: Option<UserGuid>,
    /// The facility, for a member's or its own.
    logical_guid: Option<LogicalGuid>,
    /// The profile in it.
    profile_id: Option<ProfileId>,
    /// Its revision.
    revision: revision::Tag,
}

impl Resource for ProfileSlot {
    type View = SlotView;

    fn view(stored: &Stored<Self>, _: &Ctx) -> SlotView {
        let Self { org_guid, level, user_guid, logical_guid, profile_id, .. } = stored.record;
        SlotView { org_guid, level, user_guid, logical_guid, profile_id, revision: stored.revision }
    }
}

impl ProfileSlot {
    fn seat(&self) -> Seat {
        match (self.user_guid, self.logical_guid) {
            (Some(user), Some(logical)) => Seat::Member(user, logical),
            (None, Some(logical)) => Seat::Facility(logical),
            (_, None) => Seat::Org,
        }
    }

    /// The profile in it, where it counts: that of a former membership does not.
    pub(crate) fn counting(&self, member: Option<&Member>) -> Option<ProfileId> {
        let counts = match self.level {
            Level::Member => member.is_some_and(|member| is_of(member, self.epoch)),
            Level::Facility | Level::Org => true,
        };
        self.profile_id.filter(|_| counts)
    }

    /// How the profile in it notes that it is there.
    fn note(&self) -> Option<(Parent, Child, String)> {
        let parent = Parent::Profile(self.profile_id?);
        Some(match self.seat() {
            Seat::Member(user, logical) => {
                (parent, Child::MemberProfileSlot, format!("{user}:{}:{logical}", self.epoch))
            }
            Seat::Facility(logical) => (parent, Child::FacilityProfileSlot, logical.to_string()),
            Seat::Org => (parent, Child::OrgProfileSlot, self.org_guid.to_string()),
        })
    }

    /// Notes on what it hangs from now on, and no longer.
    fn hang(&self, change: &mut Writer, org: &Org, before: Option<&Self>) -> Result<()> {
        let (had, has) = (before.and_then(Self::note), self.note());
        if had != has {
            if let Some((parent, child, id)) = had {
                hang(change, org, (parent, child), &id, (Weight::Active, Weight::Nothing))?;
            }
            if let Some((parent, child, id)) = has {
                hang(change, org, (parent, child), &id, (Weight::Nothing, Weight::Active))?;
            }
        }
        let Seat::Facility(logical) = self.seat() else { return Ok(()) };
        let was = Weight::of(before.is_some_and(|before| before.profile_id.is_some()));
        let is = Weight::of(self.profile_id.is_some());
        hang(change, org, (Parent::Logical(logical), Child::ProfileSlot), &logical, (was, is))
    }
}

/// Whether something of this epoch belongs to the membership as it stands.
fn is_of(member: &Member, epoch: u64) -> bool {
    member.state != MemberState::Removed && member.epoch == epoch
}

/// Refuses to go on where a profile is in a slot that counts, also where it comes to be in one meanwhile.
pub(crate) async fn in_no_slot(ctx: &Ctx, change: &mut Writer, profile: ProfileId) -> Result<()> {
    let parent = Parent::Profile(profile);
    watch(ctx, change, parent).await?;
    let (members, others) =
        try_join(of_members(ctx, parent), all_blocking(ctx, parent, Weight::Present)).await?;
    let blocking: Vec<Value> = members.into_iter().chain(others).collect();
    if blocking.is_empty() { Ok(()) } else { Err(in_use(blocking)) }
}

/// How many slots of members a profile is in, if any, but those of former memberships.
async fn of_members(ctx: &Ctx, parent: Parent) -> Result<Option<Value>> {
    let org = ctx.org()?;
    let holds = keys::hold::on(org, parent, Child::MemberProfileSlot);
    let (mut users, mut after) = (Vec::new(), None);
    loop {
        let page = ctx.page(&holds, after.as_deref(), Batch::MOST).await?;
        users.extend(still_members(ctx, org, &page.records).await?);
        after = page.position;
        if after.is_none() || users.len() >= MOST_COUNTED {
            break;
        }
    }
    let count = users.len().min(MOST_COUNTED);
    let kind = Child::MemberProfileSlot;
    Ok(users.first().map(|user| json!({"kind": kind, "count": count, "sample_id": user})))
}

/// The members of some slots, without those who were members in another epoch.
async fn still_members(ctx: &Ctx, org: &Org, holds: &[Stored<Hold>]) -> Result<Vec<UserGuid>> {
    let slots = holds.iter().filter_map(|hold| {
        let mut parts = hold.record.id.split(':');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    });
    let slots: Vec<(UserGuid, u64)> = slots.collect();
    let mut batch = Batch::default();
    for (user, _) in &slots {
        batch.want(&identity::keys::member(org, *user));
    }
    let found = ctx.read(batch).await?;
    let mut users = Vec::new();
    for (user, epoch) in slots {
        let member = found.get(&identity::keys::member(org, user))?;
        if member.is_some_and(|member| is_of(&member.record, epoch)) {
            users.push(user);
        }
    }
    Ok(users)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Assign {
    /// The profile: an active one.
    profile_id: ProfileId,
    /// For whom.
    level: Level,
    /// The member, for level `member`.
    user_guid: Option<UserGuid>,
    /// The facility, for levels `member` and `facility`: an active one.
    logical_guid: Option<LogicalGuid>,
    /// The revision of the slot that the caller saw, where it is filled.
    expected_revision: Option<revision::Tag>,
}

impl MayName for Assign {
    type Record = ProfileSlot;

    fn key(&self, org: &Org) -> Option<Key<ProfileSlot>> {
        let seat = Seat::of(self.level, self.user_guid, self.logical_guid).ok()?;
        Some(keys::profile::slot(org, seat))
    }
}

/// A slot that was filled.
#[derive(Serialize, JsonSchema)]
struct Assigned {
    /// The slot.
    #[serde(flatten)]
    slot: SlotView,
    /// The profile that was in it before.
    replaced_profile_id: Option<ProfileId>,
}

fn want(org: &Org, user: Option<UserGuid>, profile: Option<ProfileId>, batch: &mut Batch) {
    batch.want_all(&profile.map(|profile| keys::profile::by_id(org, profile)));
    batch.want_all(&user.map(|user| identity::keys::member(org, user)));
}

/// What a slot is about to be filled with, and whose it is.
struct Parties {
    found: Found,
    member: Option<Stored<Member>>,
}

impl Parties {
    async fn read(ctx: &Ctx, seat: Seat, profile: Option<ProfileId>) -> Result<Self> {
        let org = ctx.org()?;
        let mut batch = Batch::default();
        let user = if let Seat::Member(user, _) = seat { Some(user) } else { None };
        want(org, user, profile, &mut batch);
        let found = ctx.read(batch).await?;
        let member = match seat {
            Seat::Member(user, _) => found.get(&identity::keys::member(org, user))?,
            Seat::Facility(_) | Seat::Org => None,
        };
        Ok(Self { found, member })
    }

    /// The profile that the slot holds, where it counts.
    fn in_slot(&self, slot: Option<&Stored<ProfileSlot>>) -> Option<ProfileId> {
        slot?.record.counting(self.member.as_ref().map(|member| &member.record))
    }
}

async fn assign(ctx: Ctx, input: Assign, before: Option<Stored<ProfileSlot>>) -> Result<Written<Assigned>> {
    let org = ctx.org()?;
    let seat = Seat::of(input.level, input.user_guid, input.logical_guid)?;
    seat.permit(&ctx)?;
    let parties = Parties::read(&ctx, seat, Some(input.profile_id)).await?;
    let replaced_profile_id = parties.in_slot(before.as_ref());
    if replaced_profile_id.is_some() {
        ctx.expect_if_there(before.as_ref(), input.expected_revision)?;
    } else {
        ctx.expect(before.as_ref(), input.expected_revision)?;
    }
    let mut change = ctx.change();
    let epoch = rely(&ctx, &mut change, seat, &parties).await?;
    let key = keys::profile::by_id(org, input.profile_id);
    let profile = usable(parties.found.get(&key)?, "profile_id")?;
    change.require(&key, &profile)?;
    within_own(&ctx, &mut change, seat, &profile.record).await?;
    let (level, user_guid, logical_guid) = seat.parts();
    let profile_id = Some(input.profile_id);
    let slot = ProfileSlot { org_guid: org.guid(), level, user_guid, logical_guid, profile_id, epoch };
    slot.hang(&mut change, org, before.as_ref().map(|before| &before.record))?;
    let after = match before {
        Some(before) => change.update(org, &before, slot, "profile-assigned")?,
        None => change.create_unless(org, slot, "profile-assigned", |_| Error::moved("a slot was filled"))?,
    };
    let answer = ctx.show(&after)?;
    Ok(change.answer(answer.map(|slot| Assigned { slot, replaced_profile_id })))
}

/// Whose slot it is must be usable, and still so when the change is written. Tells the epoch of a member.
async fn rely(ctx: &Ctx, change: &mut Writer, seat: Seat, parties: &Parties) -> Result<u64> {
    let org = ctx.org()?;
    if let Seat::Member(_, logical) | Seat::Facility(logical) = seat {
        let facility = usable(Some(ctx.place(logical).await?.facility()?.clone()), "logical_guid")?;
        change.require(&identity::keys::logical_facility(org, logical), &facility)?;
    }
    let Seat::Member(user, _) = seat else { return Ok(0) };
    let member = parties.member.as_ref().ok_or_else(|| Error::no_such("user_guid"))?;
    person::read(ctx, user, "user_guid").await?;
    if member.record.state != MemberState::Active {
        return Err(unusable("user_guid", member.record.state));
    }
    change.require(&identity::keys::member(org, user), member)?;
    Ok(member.record.epoch)
}

/// Refuses a profile wider than what the giver has at that facility (ofm §1). An owner gives any.
async fn within_own(ctx: &Ctx, change: &mut Writer, seat: Seat, profile: &OperatorProfile) -> Result<()> {
    let Seat::Member(_, logical) = seat else { return Ok(()) };
    if ctx.caller().is_owner {
        return Ok(());
    }
    let own = Effective::own(ctx, logical).await?;
    profile.power().within(own.power())?;
    own.require(change, ctx.org()?, Some(profile.profile_id))
}

/// Refuses to empty the slot of a member where what holds for them then is wider than what the caller has at that
/// facility (ofm §1). An owner empties any.
async fn falls_within_own(ctx: &Ctx, change: &mut Writer, seat: Seat) -> Result<()> {
    let Seat::Member(_, logical) = seat else { return Ok(()) };
    if ctx.caller().is_owner {
        return Ok(());
    }
    let org = ctx.org()?;
    let own = Effective::own(ctx, logical).await?;
    own.require(change, org, None)?;
    if own.source != Source::Member {
        // What holds for the caller is what will hold for the member.
        return Ok(());
    }
    let left = Effective::of(ctx, None, logical).await?;
    left.power().within(own.power())?;
    left.require(change, org, own.profile_id())
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Unassign {
    /// For whom. The default of the org can only be replaced.
    level: Level,
    /// The member, for level `member`.
    user_guid: Option<UserGuid>,
    /// The facility, for levels `member` and `facility`.
    logical_guid: Option<LogicalGuid>,
    /// The revision of the slot that the caller saw.
    expected_revision: Option<revision::Tag>,
}

impl MayName for Unassign {
    type Record = ProfileSlot;

    fn key(&self, org: &Org) -> Option<Key<ProfileSlot>> {
        let seat = Seat::of(self.level, self.user_guid, self.logical_guid).ok()?;
        Some(keys::profile::slot(org, seat))
    }
}

/// A slot that is empty.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Unassigned")]
struct Emptied {
    /// The org.
    org_guid: OrgGuid,
    /// For whom.
    level: Level,
    /// The member, for theirs.
    user_guid: Option<UserGuid>,
    /// The facility.
    logical_guid: Option<LogicalGuid>,
    /// Whether it was this request that emptied it.
    unassigned: bool,
    /// The revision of the slot; null where it was never filled.
    revision: Option<revision::Tag>,
}

async fn unassign(
    ctx: Ctx,
    input: Unassign,
    before: Option<Stored<ProfileSlot>>,
) -> Result<Written<Emptied>> {
    let seat = Seat::of(input.level, input.user_guid, input.logical_guid)?;
    seat.permit(&ctx)?;
    if seat == Seat::Org {
        return Err(Tag::OrgDefaultRequired.into());
    }
    let parties = Parties::read(&ctx, seat, None).await?;
    if let Some(logical) = input.logical_guid {
        ctx.place(logical).await?.facility()?;
    }
    if matches!(seat, Seat::Member(..)) && parties.member.is_none() {
        return Err(Error::no_such("user_guid"));
    }
    let seen = before.as_ref().map(|before| before.revision);
    let Some(before) = before.filter(|before| parties.in_slot(Some(before)).is_some()) else {
        return Ok(Written::nothing(emptied(&ctx, seat, seen, false)?));
    };
    ctx.expect(Some(&before), input.expected_revision)?;
    let org = ctx.org()?;
    let mut change = ctx.change();
    falls_within_own(&ctx, &mut change, seat).await?;
    let slot = ProfileSlot { profile_id: None, ..before.record.clone() };
    slot.hang(&mut change, org, Some(&before.record))?;
    let after = change.adjust(org, &before, slot, "profile-unassigned")?;
    Ok(change.answer(emptied(&ctx, seat, Some(after.revision), true)?))
}

fn emptied(
    ctx: &Ctx,
    seat: Seat,
    revision: Option<revision::Tag>,
    unassigned: bool,
) -> Result<Answer<Emptied>> {
    let (level, user_guid, logical_guid) = seat.parts();
    let org_guid = ctx.org()?.guid();
    let data = Emptied { org_guid, level, user_guid, logical_guid, unassigned, revision };
    Ok(Answer { data, revision: revision.map(|revision| json!(revision)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_says_what_names_its_slot() {
        let (user, logical) = (UserGuid::NOWHERE, LogicalGuid::NOWHERE);
        for level in [Level::Member, Level::Facility, Level::Org] {
            for named in
                [(None, None), (Some(user), None), (None, Some(logical)), (Some(user), Some(logical))]
            {
                let right = match level {
                    Level::Member => named == (Some(user), Some(logical)),
                    Level::Facility => named == (None, Some(logical)),
                    Level::Org => named == (None, None),
                };
                let seat = Seat::of(level, named.0, named.1);
                assert_eq!(seat.is_ok(), right, "{level:?} {named:?}");
                if let Ok(seat) = seat {
                    assert_eq!(seat.parts(), (level, named.0, named.1));
                }
            }
        }
    }
}
