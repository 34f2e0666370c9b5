//! How the owners of an org change (ofm §8): the same for the owners themselves and for the operator.
//!
//! The org names its primary owner, and every change is written on the condition that the org is as it was read: so
//! there is always exactly one, and active. What the member records repeat of the owner records, who holds a seat, and
//! which orgs a person owns are written with them.

use contract::{
    error::{Error, Result, Tag},
    ids::UserGuid,
};
use identity::{
    keys,
    member::{Member, MemberState},
    org::OrgRecord,
    owned_orgs::OwnedOrgs,
    owner::{ARCS, Owner, OwnerSeats, OwnerState},
    user::User,
};
use schemars::JsonSchema;
use serde::Serialize;
use store::{Action, Batch, Found, Org, Shown, Stored, System};

use crate::{
    answer::Written,
    ctx::{Ctx, Writer},
    made_keys::{MadeKeys, OpenKey},
    parting, person,
    transition::allow,
};

/// The primary owner, and who it was before.
#[derive(Serialize, JsonSchema)]
pub struct PrimarySet {
    /// The primary owner.
    #[serde(flatten)]
    owner: Shown<Owner>,
    /// Who was the primary owner before, and is a secondary one now.
    former_primary_user_guid: UserGuid,
}

/// What is stored of some people, all that a change of owners reads and writes.
pub struct People(Found);

impl People {
    /// Asks for them, with the seats of the org's owners.
    pub fn want(org: &Org, users: &[UserGuid], batch: &mut Batch) {
        batch.want(&keys::owner_seats(org));
        for user in users {
            batch.want(&keys::user(*user));
            batch.want(&keys::member(org, *user));
            batch.want(&keys::owner(org, *user));
            batch.want(&keys::owned_orgs(*user));
        }
    }

    /// Reads them, in one round trip, or in none where the route's row asks for them.
    pub async fn read(ctx: &Ctx, users: &[UserGuid]) -> Result<Self> {
        let mut batch = Batch::default();
        Self::want(ctx.org()?, users, &mut batch);
        ctx.read(batch).await.map(Self)
    }

    /// A member.
    pub fn member(&self, org: &Org, user: UserGuid) -> Result<Stored<Member>> {
        self.0.get(&keys::member(org, user))?.ok_or_else(|| Error::no_such("user_guid"))
    }

    /// An owner, where the person is or was one.
    pub fn owner(&self, org: &Org, user: UserGuid) -> Result<Option<Stored<Owner>>> {
        self.0.get(&keys::owner(org, user))
    }

    /// A person who may be named: a verified user.
    pub fn user(&self, user: UserGuid) -> Result<Stored<User>> {
        person::found(&self.0, user, "user_guid")
    }

    fn seats(&self, org: &Org) -> Result<Option<Stored<OwnerSeats>>> {
        self.0.get(&keys::owner_seats(org))
    }

    fn owned(&self, user: UserGuid) -> Result<Option<Stored<OwnedOrgs>>> {
        self.0.get(&keys::owned_orgs(user))
    }
}

/// A member as an owner of the org, other than the primary one.
pub fn secondary(member: &Member, ctx: &Ctx) -> Owner {
    Owner {
        org_guid: member.org_guid,
        user_guid: member.user_guid,
        display_name: member.display_name.clone(),
        create_owner: false,
        primary_owner: false,
        secondary_owner: true,
        state: OwnerState::Active,
        since: ctx.now(),
    }
}

/// Refuses a member who may not be an active owner: that takes an active membership without an end (ofm §9,
/// `valid_until`).
pub fn refuse_unfit(member: &Member) -> Result<()> {
    let lasts = member.valid_from.is_none() && member.valid_until.is_none();
    if member.state == MemberState::Active && lasts {
        return Ok(());
    }
    Err(Error::from(Tag::InvalidState).detail("field", "user_guid"))
}

/// Writes a new or changed owner, with what follows from it. With `by_caller`, who comes second gets `conflict`, for
/// the caller named the revision; else the command is decided again.
pub fn put(
    ctx: &Ctx,
    change: &mut Writer,
    people: &People,
    before: Option<&Stored<Owner>>,
    owner: Owner,
    action: impl Into<Action>,
    by_caller: bool,
) -> Result<Stored<Owner>> {
    let (org, seen) = (ctx.org()?, ctx.org_record()?);
    let (user, state, copy) = (owner.user_guid, owner.state, owner.copy());
    let after = match before {
        None => change.create(org, owner, action)?,
        Some(before) if by_caller => change.update(org, before, owner, action)?,
        Some(before) => change.adjust(org, before, owner, action)?,
    };
    let member = people.member(org, user)?;
    let mut repeated = Member { owner: Some(copy), ..member.record.clone() };
    if state != OwnerState::Active {
        repeated = parting::lapsed(ctx, change, repeated)?;
    }
    change.adjust(org, &member, repeated, "member-updated")?;
    let before = people.seats(org)?;
    let seats = OwnerSeats::of(&seen.record, before.as_ref());
    let seats = if state == OwnerState::Active { seats.with(user)? } else { seats.without(user) };
    if before.as_ref().is_none_or(|before| before.record.users != seats.users) {
        change.keep(org, before.as_ref(), seats)?;
    }
    Ok(after)
}

/// An owner whose state was set; where they were removed, with the active keys that they made.
#[derive(Serialize, JsonSchema)]
pub struct StateSet {
    /// The owner.
    #[serde(flatten)]
    owner: Shown<Owner>,
    /// The keys that the owner made and that were active, oldest first, at most 100: they outlive the owner. Only where
    /// the owner was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_keys: Option<Vec<OpenKey>>,
}

/// Suspends or reinstates an owner at the revision that the caller saw.
pub async fn set_state(
    ctx: &Ctx,
    before: &Stored<Owner>,
    state: OwnerState,
    action: &'static str,
) -> Result<Written<Shown<Owner>>> {
    let (change, after) = moved(ctx, before, state, action).await?;
    change.show(&after)
}

/// Suspends, reinstates or removes an owner at the revision that the caller saw. `revoke_keys` stands with a removal
/// alone.
pub async fn set_any_state(
    ctx: &Ctx,
    before: &Stored<Owner>,
    state: OwnerState,
    action: &'static str,
    revoke_keys: bool,
) -> Result<Written<StateSet>> {
    if state == OwnerState::Removed {
        return remove(ctx, before, action, revoke_keys).await;
    }
    if revoke_keys {
        return Err(Error::field("revoke_keys", "must stand with the state removed"));
    }
    let (change, after) = moved(ctx, before, state, action).await?;
    Ok(change.answer(ctx.show(&after)?.map(|owner| StateSet { owner, open_keys: None })))
}

/// Removes an owner at the revision that the caller saw, and tells of the active keys that they made; revokes these in
/// the same transaction where that is asked.
pub async fn remove(
    ctx: &Ctx,
    before: &Stored<Owner>,
    action: &'static str,
    revoke_keys: bool,
) -> Result<Written<StateSet>> {
    let (mut change, after) = moved(ctx, before, OwnerState::Removed, action).await?;
    let made = MadeKeys::read(ctx, before.record.user_guid).await?;
    made.require(ctx, &mut change)?;
    if revoke_keys {
        made.revoke(ctx, &mut change).await?;
    }
    let open_keys = Some(made.told(revoke_keys));
    Ok(change.answer(ctx.show(&after)?.map(|owner| StateSet { owner, open_keys })))
}

/// Asks for what a removal reads.
pub fn want_for_removal(org: &Org, user: UserGuid, batch: &mut Batch) {
    People::want(org, &[user], batch);
    MadeKeys::want(org, user, batch);
}

async fn moved(
    ctx: &Ctx,
    before: &Stored<Owner>,
    state: OwnerState,
    action: &'static str,
) -> Result<(Writer, Stored<Owner>)> {
    let (org, seen) = (ctx.org()?, ctx.org_record()?);
    let user = before.record.user_guid;
    allow(ARCS, before.record.state, state)?;
    if seen.record.primary_owner_user_guid == user {
        return Err(Tag::LastOwner.into());
    }
    let people = People::read(ctx, &[user]).await?;
    if state == OwnerState::Active {
        refuse_unfit(&people.member(org, user)?.record)?;
    }
    let mut change = ctx.change();
    let owner = before.record.moved(state, ctx.now());
    let after = put(ctx, &mut change, &people, Some(before), owner, action, true)?;
    // Nobody may make this owner the primary one meanwhile.
    change.require(&keys::org(org), seen)?;
    Ok((change, after))
}

/// Names another primary owner: a fit member who is an owner already, or is made one. The former one stays an owner.
/// `people` are both of them.
pub fn hand_over(
    ctx: &Ctx,
    people: &People,
    heir: UserGuid,
    before: Option<&Stored<Owner>>,
    by_caller: bool,
) -> Result<Written<PrimarySet>> {
    let (org, seen) = (ctx.org()?, ctx.org_record()?);
    let former = seen.record.primary_owner_user_guid;
    let user = people.user(heir)?;
    let member = people.member(org, heir)?;
    refuse_unfit(&member.record)?;
    let mut change = ctx.change();
    let owner = before.map_or_else(|| secondary(&member.record, ctx), |before| before.record.clone());
    let action = Action::from("owner-primary-set").with("former_primary_user_guid", former.to_string());
    let owner = put(ctx, &mut change, people, before, owner.made_primary(ctx.now()), action, by_caller)?;
    step_back(ctx, &mut change, people, former)?;
    // The org names its primary owner: who comes second finds that it moved, and decides anew.
    let named = OrgRecord { primary_owner_user_guid: heir, ..seen.record.clone() };
    change.adjust(org, seen, named, "org-updated")?;
    own(&mut change, people, heir, |owned| owned.with(org.guid()))?;
    own(&mut change, people, former, |owned| owned.without(org.guid()))?;
    change.require(&keys::user(heir), &user)?;
    let answer = ctx.show(&owner)?;
    Ok(change.answer(answer.map(|owner| PrimarySet { owner, former_primary_user_guid: former })))
}

/// Makes the primary owner a secondary one, who keeps the seat.
fn step_back(ctx: &Ctx, change: &mut Writer, people: &People, former: UserGuid) -> Result<()> {
    let org = ctx.org()?;
    let none = || Error::internal("a primary owner who is no owner");
    let before = people.owner(org, former)?.ok_or_else(none)?;
    let owner = before.record.made_secondary(ctx.now());
    let member = people.member(org, former)?;
    let repeated = Member { owner: Some(owner.copy()), ..member.record.clone() };
    change.adjust(org, &member, repeated, "member-updated")?;
    change.adjust(org, &before, owner, "owner-primary-set").map(drop)
}

/// Writes which orgs a person owns.
fn own(
    change: &mut Writer,
    people: &People,
    user: UserGuid,
    edit: impl FnOnce(OwnedOrgs) -> OwnedOrgs,
) -> Result<()> {
    let before = people.owned(user)?;
    let owned = edit(OwnedOrgs::of(user, before.as_ref()));
    change.keep(&System, before.as_ref(), owned)
}
