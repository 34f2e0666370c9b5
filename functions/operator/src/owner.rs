//! Owners, put right by the operator (ofm §8).

use contract::{
    error::{Error, Result, Tag},
    ids::UserGuid,
    revision,
};
use identity::{
    keys,
    member::{Member, MemberState},
    org::OrgRecord,
    owned_orgs::OwnedOrgs,
    owner::{ARCS, MOST_ACTIVE, Owner, OwnerState},
    user::{User, UserStatus},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Class, Ctx, OrgFrom, Route, Writer, Written, allow, change, direct::action, names, revised, write,
};
use store::{Action, Batch, Org, Shown, Stored, System};

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[
    Route {
        call: action("owner-primary-set"),
        summary: "Name another primary owner: an active member, made an owner if not one",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Operator,
        errors: &[Tag::InvalidState, Tag::LimitExceeded, Tag::Conflict],
        handler: &write(set_primary),
    },
    Route {
        call: action("owner-state-set"),
        summary: "Suspend, reinstate or remove an owner who is not the primary one",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Operator,
        errors: &[Tag::InvalidTransition, Tag::InvalidState, Tag::LastOwner, Tag::LimitExceeded],
        handler: &change(set_state),
    },
];

#[derive(Clone, Deserialize, JsonSchema)]
struct SetPrimary {
    /// Who is to be the primary owner.
    user_guid: UserGuid,
    /// The revision of that person's owner record that was seen, where there is one.
    expected_revision: Option<revision::Tag>,
}

/// The primary owner, and who it was before.
#[derive(Serialize, JsonSchema)]
struct PrimarySet {
    #[serde(flatten)]
    owner: Shown<Owner>,
    /// Who was the primary owner before, and is a secondary one now.
    former_primary_user_guid: UserGuid,
}

/// What a change of the primary owner writes of a person.
struct Person {
    member: Stored<Member>,
    owner: Option<Stored<Owner>>,
    owned: Option<Stored<OwnedOrgs>>,
}

async fn set_primary(ctx: Ctx, input: SetPrimary) -> Result<Written<PrimarySet>> {
    let (org, seen) = (ctx.org()?, ctx.org_record()?);
    let former = seen.record.primary_owner_user_guid;
    let (user, heir, primary) = people(&ctx, org, input.user_guid, former).await?;
    check_revision(&ctx, heir.owner.as_ref(), input.expected_revision)?;
    refuse_unfit(&heir.member.record, former)?;
    if heir.owner.as_ref().is_none_or(|owner| owner.record.state != OwnerState::Active) {
        refuse_too_many(&ctx, org).await?;
    }
    let mut change = ctx.change();
    // The org names its primary owner: who comes second finds that it moved, and decides anew.
    let named = OrgRecord { primary_owner_user_guid: input.user_guid, ..seen.record.clone() };
    change.adjust(org, seen, named, "org-updated")?;
    change.require(&keys::user(input.user_guid), &user)?;
    step_back(&ctx, &mut change, org, &primary)?;
    let owner = inherit(&ctx, &mut change, org, &heir, former)?;
    let answer = ctx.show(&owner)?;
    Ok(change.answer(answer.map(|owner| PrimarySet { owner, former_primary_user_guid: former })))
}

/// Reads the records of the person who is to be the primary owner, who must be a verified user and a member, and of
/// the one who is, in one round trip.
async fn people(
    ctx: &Ctx,
    org: &Org,
    heir: UserGuid,
    former: UserGuid,
) -> Result<(Stored<User>, Person, Person)> {
    let mut batch = Batch::default();
    batch.want(&keys::user(heir));
    for user in [heir, former] {
        batch.want(&keys::member(org, user));
        batch.want(&keys::owner(org, user));
        batch.want(&keys::owned_orgs(user));
    }
    let found = ctx.read(batch).await?;
    let person = |user| -> Result<Option<Person>> {
        let owner = found.get(&keys::owner(org, user))?;
        let owned = found.get(&keys::owned_orgs(user))?;
        Ok(found.get(&keys::member(org, user))?.map(|member| Person { member, owner, owned }))
    };
    let nobody = || Error::no_such("user_guid");
    let user = found.get(&keys::user(heir))?.filter(|user| user.record.status == UserStatus::Verified);
    let user = user.ok_or_else(nobody)?;
    let heir = person(heir)?.ok_or_else(nobody)?;
    let former = person(former)?.ok_or_else(|| Error::internal("a primary owner who is no member"))?;
    Ok((user, heir, former))
}

/// The revision of the owner record, where the request says which it saw.
fn check_revision(ctx: &Ctx, owner: Option<&Stored<Owner>>, expected: Option<revision::Tag>) -> Result<()> {
    match (expected, owner) {
        (Some(_), None) => Err(Tag::NotFound.into()),
        (Some(expected), Some(owner)) if owner.revision != expected => Err(ctx.conflict(owner)?),
        _ => Ok(()),
    }
}

fn refuse_unfit(member: &Member, former: UserGuid) -> Result<()> {
    if member.user_guid == former {
        return Err(Error::from(Tag::InvalidState).detail("field", "user_guid"));
    }
    refuse_unfit_member(member)
}

/// An active owner is an active member, without an end (ofm §9, `valid_until`).
fn refuse_unfit_member(member: &Member) -> Result<()> {
    let lasts = member.valid_from.is_none() && member.valid_until.is_none();
    if member.state == MemberState::Active && lasts {
        return Ok(());
    }
    Err(Error::from(Tag::InvalidState).detail("field", "user_guid"))
}

async fn refuse_too_many(ctx: &Ctx, org: &Org) -> Result<()> {
    let active = ctx.some(&keys::owners_by_state(org, &[OwnerState::Active]), MOST_ACTIVE).await?;
    if active.len() < MOST_ACTIVE {
        return Ok(());
    }
    Err(Error::from(Tag::LimitExceeded).detail("most", MOST_ACTIVE))
}

/// Makes the primary owner a secondary one.
fn step_back(ctx: &Ctx, change: &mut Writer, org: &Org, person: &Person) -> Result<()> {
    let user = person.member.record.user_guid;
    let owner = person.owner.as_ref().ok_or_else(|| Error::internal("a primary owner who is no owner"))?;
    let secondary = owner.record.made_secondary(ctx.now());
    write_owner(change, org, owner, secondary, &person.member, "owner-primary-set")?;
    let owned = OwnedOrgs::of(user, person.owned.as_ref()).without(org.guid());
    change.keep(&System, person.owned.as_ref(), owned)
}

/// Makes a member the primary owner.
fn inherit(
    ctx: &Ctx,
    change: &mut Writer,
    org: &Org,
    person: &Person,
    former: UserGuid,
) -> Result<Stored<Owner>> {
    let member = &person.member.record;
    let owned = OwnedOrgs::of(member.user_guid, person.owned.as_ref()).with(org.guid());
    change.keep(&System, person.owned.as_ref(), owned)?;
    let action = Action::from("owner-primary-set").with("former_primary_user_guid", former.to_string());
    if let Some(before) = &person.owner {
        let primary = before.record.made_primary(ctx.now());
        return write_owner(change, org, before, primary, &person.member, action);
    }
    let owner = Owner {
        org_guid: member.org_guid,
        user_guid: member.user_guid,
        display_name: member.display_name.clone(),
        create_owner: false,
        primary_owner: true,
        secondary_owner: false,
        state: OwnerState::Active,
        since: ctx.now(),
    };
    copy_to_member(change, org, &person.member, &owner)?;
    change.create(org, owner, action)
}

/// Writes an owner together with what the member record repeats of it.
fn write_owner(
    change: &mut Writer,
    org: &Org,
    before: &Stored<Owner>,
    owner: Owner,
    member: &Stored<Member>,
    action: impl Into<Action>,
) -> Result<Stored<Owner>> {
    copy_to_member(change, org, member, &owner)?;
    change.adjust(org, before, owner, action)
}

fn copy_to_member(change: &mut Writer, org: &Org, before: &Stored<Member>, owner: &Owner) -> Result<()> {
    let member = Member { owner: Some(owner.copy()), ..before.record.clone() };
    change.adjust(org, before, member, "member-updated").map(drop)
}

names!([SetState] Owner = keys::owner[user_guid]);
revised!(SetState);

#[derive(Clone, Deserialize, JsonSchema)]
struct SetState {
    /// The owner.
    user_guid: UserGuid,
    /// The revision that was seen.
    expected_revision: Option<revision::Tag>,
    /// The new state.
    state: OwnerState,
}

async fn set_state(ctx: Ctx, input: SetState, before: Stored<Owner>) -> Result<Written<Shown<Owner>>> {
    let (org, seen) = (ctx.org()?, ctx.org_record()?);
    allow(ARCS, before.record.state, input.state)?;
    if seen.record.primary_owner_user_guid == input.user_guid {
        return Err(Tag::LastOwner.into());
    }
    let member = ctx.get(&keys::member(org, input.user_guid)).await?;
    let member = member.ok_or_else(|| Error::internal("an owner who is no member"))?;
    if input.state == OwnerState::Active {
        refuse_unfit_member(&member.record)?;
        refuse_too_many(&ctx, org).await?;
    }
    let mut change = ctx.change();
    // Nobody may make this owner the primary one meanwhile.
    change.require(&keys::org(org), seen)?;
    let owner = before.record.moved(input.state, ctx.now());
    let after = write_owner(&mut change, org, &before, owner, &member, "owner-state-set")?;
    change.show(&after)
}
