//! `/member/invite/create`.

use std::collections::BTreeSet;

use contract::{
    codes::InviteCode,
    email::Email,
    error::{Error, Result, Tag},
    given_roles::MemberRoles,
    ids::{InviteGuid, UserGuid},
    personal::Personal,
    role_profiles::RoleProfile,
    several::Several,
    text::Prose,
    time::Time,
};
use identity::{
    invite::{
        DEFAULT_DAYS, Invite, InviteCodeClaim, InviteStatus, InvitedTo, LEAST_HOURS, MOST_DAYS,
        StandingInvite,
    },
    keys,
    lifecycle::Status,
    member::MemberState,
    user::EmailClaim,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use service::{Ctx, Principal, Writer, Written, person, records::InviteView};
use store::{Batch, Org, Stored, System};

use super::{only_one, standing::blocks};
use crate::{giving, member::joining};

/// So many facilities are named at most.
const MOST_FACILITIES: usize = 16;

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct Create {
    /// Whoever may accept it has this as a confirmed e-mail; this or `user_guid`.
    email: Option<Email>,
    /// Who may accept it.
    user_guid: Option<UserGuid>,
    /// The role profile that the person will have.
    role_profile_id: Option<RoleProfile>,
    /// The roles that they will have beside it.
    roles: Option<MemberRoles>,
    /// From when the membership will be in force.
    valid_from: Option<Time>,
    /// Until when, exclusively.
    valid_until: Option<Time>,
    /// The facilities that they will be assigned to.
    assignments: Option<Several<InvitedTo, 0, MOST_FACILITIES>>,
    /// What is said to the person.
    message: Option<Personal<Prose<500>>>,
    /// When it ends: 1 hour to 30 days from now; 7 days unless given.
    expires_at: Option<Time>,
}

pub(super) async fn create(ctx: Ctx, input: Create) -> Result<Written<InviteView>> {
    let invite = input.invite(&ctx)?;
    of_another(&ctx, &invite)?;
    giving::within_own(&ctx, &invite.given_roles())?;
    let org = ctx.org()?;
    let (before, is_member) = known(&ctx, org, &invite).await?;
    offered(&ctx, &invite.assignments).await?;
    if is_member {
        return Err(Tag::DuplicateMember.into());
    }
    if let Some(before) = &before
        && blocks(&ctx, org, &before.record).await?
    {
        return Err(Tag::DuplicateInvite.into());
    }
    let mut change = ctx.change();
    stand(&mut change, org, &invite, before.as_ref())?;
    let Invite { org_guid, invite_guid, .. } = invite;
    let claim = InviteCodeClaim { code: invite.code.clone(), org_guid, invite_guid };
    change.claim(&System, claim, |_| Error::moved("an invite code was drawn twice"))?;
    let created = change.create(org, invite, "member-invite-created")?;
    change.show(&created)
}

impl Create {
    /// The invite that this asks for.
    fn invite(self, ctx: &Ctx) -> Result<Invite> {
        only_one(self.user_guid.is_some(), self.email.is_some())?;
        if self.user_guid.is_none() && self.email.is_none() {
            return Err(Error::field("email", "is required, or user_guid"));
        }
        joining::check_validity(self.valid_from, self.valid_until)?;
        let org = &ctx.org_record()?.record;
        let mut random = [0; 10];
        ctx.chance().fill(&mut random);
        Ok(Invite {
            org_guid: org.org_guid,
            orgcode: org.orgcode.clone(),
            invite_guid: InviteGuid::from_uuid(ctx.uuid()),
            code: InviteCode::from_random(random),
            user_guid: self.user_guid,
            email_hash: self.email.as_ref().map(|email| EmailClaim::hash(email, ctx.lookup_key())),
            email: self.email,
            role_profile_id: self.role_profile_id,
            roles: self.roles.unwrap_or_default(),
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            assignments: distinct(self.assignments.unwrap_or_default().to_vec())?,
            message: self.message,
            expires_at: end(self.expires_at, ctx.now())?,
            status: InviteStatus::Active,
            invited_by: ctx.caller().actor().unwrap_or_default(),
            inviter: ctx.caller().giver().ok_or(Tag::Forbidden)?,
            accepted_by: None,
        })
    }
}

/// Nobody invites themselves: an invite outlives a membership that is meant to end.
fn of_another(ctx: &Ctx, invite: &Invite) -> Result<()> {
    let Principal::Session { user, .. } = &ctx.caller().principal else { return Ok(()) };
    let field = if invite.user_guid == Some(user.record.user_guid) {
        "user_guid"
    } else if invite.email.is_some() && invite.email == user.record.email {
        "email"
    } else {
        return Ok(());
    };
    Err(Error::from(Tag::Forbidden).detail("field", field))
}

/// A facility is named once.
fn distinct(assignments: Vec<InvitedTo>) -> Result<Vec<InvitedTo>> {
    let mut seen = BTreeSet::new();
    match assignments.iter().position(|assignment| !seen.insert(assignment.logical_guid)) {
        Some(n) => Err(Error::field(format!("assignments[{n}].logical_guid"), "must not be named twice")),
        None => Ok(assignments),
    }
}

/// When an invite ends that is made now.
fn end(asked: Option<Time>, now: Time) -> Result<Time> {
    let end = asked.unwrap_or(now.plus_days(DEFAULT_DAYS));
    if (now.plus_hours(LEAST_HOURS)..=now.plus_days(MOST_DAYS)).contains(&end) {
        Ok(end)
    } else {
        Err(Error::field("expires_at", "must be 1 hour to 30 days from now"))
    }
}

/// The invite that stands for the person already, and whether they are a member: of an e-mail it is not told whose it
/// is.
async fn known(ctx: &Ctx, org: &Org, invite: &Invite) -> Result<(Option<Stored<StandingInvite>>, bool)> {
    let standing = keys::standing_invite(org, &invite.person());
    let Some(user_guid) = invite.user_guid else { return Ok((ctx.get(&standing).await?, false)) };
    let member = keys::member(org, user_guid);
    let mut batch = Batch::default();
    person::want(user_guid, &mut batch);
    batch.want(&member);
    batch.want(&standing);
    let found = ctx.read(batch).await?;
    person::found(&found, user_guid, "user_guid")?;
    let is_member = found.get(&member)?.is_some_and(|member| member.record.state != MemberState::Removed);
    Ok((found.get(&standing)?, is_member))
}

/// The facilities are active ones of the org, and the grants there within the giver's own.
async fn offered(ctx: &Ctx, assignments: &[InvitedTo]) -> Result<()> {
    let logicals: Vec<_> = assignments.iter().map(|assignment| assignment.logical_guid).collect();
    for (n, place) in ctx.places(&logicals).await?.iter().enumerate() {
        let field = format!("assignments[{n}].logical_guid");
        let facility = place.facility().map_err(|_| Error::no_such(&field))?;
        if facility.record.status != Status::Active {
            return Err(Error::from(Tag::InvalidState)
                .detail("field", field)
                .detail("status", json!(facility.record.status)));
        }
        giving::within_own_grants_in(ctx, place, &assignments[n].grants)?;
    }
    Ok(())
}

/// Makes this the one invite that counts for the person.
fn stand(
    change: &mut Writer,
    org: &Org,
    invite: &Invite,
    before: Option<&Stored<StandingInvite>>,
) -> Result<()> {
    let standing = StandingInvite {
        person: invite.person(),
        invite_guid: invite.invite_guid,
        expires_at: invite.expires_at,
        inviter: invite.inviter,
    };
    match before {
        None => change.claim(org, standing, |_| Tag::DuplicateInvite.into()),
        Some(before) => change.keep(org, Some(before), standing),
    }
}
