//! `/member/invite/accept`.

use contract::{
    codes::OrgCode,
    error::{Error, Result, Tag},
    ids::{InviteGuid, LogicalGuid, OrgGuid, UserGuid},
};
use identity::{
    assignment::{Assignee, Assignment, AssignmentState},
    facility::LogicalFacility,
    invite::{Invite, InviteCodeClaim, InviteStatus, InvitedTo, StandingInvite},
    keys,
    lifecycle::Status,
    member::{Member, MemberState},
    org::{OrgRecord, OrgStatus},
    user::{EmailClaim, User},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{Ctx, MayName, Principal, Writer, Written, records::MemberView};
use store::{Batch, Found, Key, Org, Stored, System};

use super::{standing, usable};
use crate::{
    giver, giving, keys as own_keys,
    member::joining::{Joining, Terms},
    tries,
};

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct Accept {
    /// The code of the invite. Whatever is none names no invite: 404.
    code: String,
    /// The org, if it is to be checked.
    org_guid: Option<OrgGuid>,
    /// The org's code, if it is to be checked.
    orgcode: Option<OrgCode>,
}

/// A member at the beginning.
#[derive(Serialize, JsonSchema)]
pub(super) struct Accepted {
    /// The member.
    #[serde(flatten)]
    member: MemberView,
    /// The invite.
    invite_guid: InviteGuid,
    /// The facilities that are not active any more: the person is not assigned to them.
    skipped: Vec<LogicalGuid>,
}

impl MayName for Accept {
    type Record = InviteCodeClaim;

    fn key(&self, _: &System) -> Option<Key<InviteCodeClaim>> {
        self.code.parse().ok().map(|code| keys::invite_code(&code))
    }
}

impl Accept {
    /// Whether an org that was named is this one.
    fn fits(&self, org: &OrgRecord) -> bool {
        self.org_guid.is_none_or(|guid| guid == org.org_guid)
            && self.orgcode.as_ref().is_none_or(|code| *code == org.orgcode)
    }
}

/// An invite of the caller's, with all that accepting it takes.
struct Offer {
    org: Org,
    record: Stored<OrgRecord>,
    invite: Stored<Invite>,
    claim: Option<Stored<StandingInvite>>,
    member: Option<Stored<Member>>,
}

pub(super) async fn accept(
    ctx: Ctx,
    input: Accept,
    code: Option<Stored<InviteCodeClaim>>,
) -> Result<Written<Accepted>> {
    let Principal::Session { user, .. } = &ctx.caller().principal else {
        return Err(Tag::Forbidden.into());
    };
    let offer = offered(&ctx, &input, &user.record, code).await?;
    let (org, invite) = (&offer.org, &offer.invite.record);
    open(&offer.record.record)?;
    usable(offer.status(&ctx).await?)?;
    let giving = Giving::read(&ctx, org, invite, user.record.user_guid).await?;
    giving.check_giver(&ctx)?;
    if offer.member.as_ref().is_some_and(|member| member.record.state != MemberState::Removed) {
        return Err(Tag::DuplicateMember.into());
    }
    giving.check_gift(&ctx)?;
    let mut change = ctx.change_in(&offer.record.record);
    let used =
        Invite { status: InviteStatus::Accepted, accepted_by: Some(user.record.user_guid), ..invite.clone() };
    change.adjust(org, &offer.invite, used, "member-invite-accepted")?;
    offer.end_all(&ctx, &mut change, &user.record)?;
    let joining = Joining {
        org,
        orgcode: &offer.record.record.orgcode,
        user,
        before: offer.member.as_ref(),
        by_caller: false,
    };
    let member = joining.join(&ctx, &mut change, terms(invite))?;
    giving.giver.require(&mut change, org)?;
    let skipped = giving.assign(&mut change, &member.record)?;
    let invite_guid = invite.invite_guid;
    let answer = ctx.show(&member)?.map(|member| Accepted { member, invite_guid, skipped });
    Ok(change.answer(answer))
}

impl Offer {
    /// How the invite stands, as far as it does not depend on who made it.
    async fn status(&self, ctx: &Ctx) -> Result<InviteStatus> {
        let status = self.invite.record.status_at(ctx.now(), self.claim.is_some());
        if status == self.invite.record.status || status == InviteStatus::Expired {
            return Ok(status);
        }
        // It was ended, or accepted a moment ago.
        Ok(standing::of(ctx, &self.org, self.invite.clone()).await?.status)
    }

    /// Ends every invite of the person here: this one, as it was read, and one that names them in the other way.
    fn end_all(&self, ctx: &Ctx, change: &mut Writer, user: &User) -> Result<()> {
        let own = self.invite.record.person();
        if let Some(claim) = &self.claim {
            change.release_seen(&keys::standing_invite(&self.org, &own), claim)?;
        }
        for name in names(ctx, user).into_iter().filter(|name| *name != own) {
            change.wipe(&keys::standing_invite(&self.org, &name));
        }
        Ok(())
    }
}

/// What invites call a person by: the user's id, and the e-mail that was confirmed.
fn names(ctx: &Ctx, user: &User) -> Vec<String> {
    let email = user.email.as_ref().filter(|_| user.email_confirmed);
    let email_hash = email.map(|email| EmailClaim::hash(email, ctx.lookup_key()));
    let by_email = email_hash.map(|hash| StandingInvite::of(None, Some(&hash)));
    [StandingInvite::of(Some(user.user_guid), None)].into_iter().chain(by_email).collect()
}

/// The invite with a code, if it is for the caller, to an org that is there. Anything else is one refusal, which is
/// counted.
async fn offered(
    ctx: &Ctx,
    input: &Accept,
    user: &User,
    code: Option<Stored<InviteCodeClaim>>,
) -> Result<Offer> {
    if let Some(code) = code
        && let Some(offer) = read(ctx, user, &code.record).await?
        && input.fits(&offer.record.record)
    {
        return Ok(offer);
    }
    tries::count_failure(ctx, user.user_guid).await?;
    Err(Error::no_such("code"))
}

async fn read(ctx: &Ctx, user: &User, code: &InviteCodeClaim) -> Result<Option<Offer>> {
    let org = ctx.org_of_invite(code);
    let email = user.email.as_ref().filter(|_| user.email_confirmed);
    let tries = own_keys::tries::of_user(user.user_guid);
    let invite = keys::invite(&org, code.invite_guid);
    let member = keys::member(&org, user.user_guid);
    let mut batch = Batch::default();
    for name in names(ctx, user) {
        batch.want(&keys::standing_invite(&org, &name));
    }
    batch.want(&tries);
    batch.want(&invite);
    batch.want(&member);
    batch.want(&keys::org(&org));
    let found = ctx.read(batch).await?;
    if let Some(tries) = found.get(&tries)? {
        tries.record.check(ctx.now())?;
    }
    let is_theirs = |invite: &Stored<Invite>| invite.record.is_for(user.user_guid, email);
    let invite = found.get(&invite)?.filter(is_theirs);
    let record = found.get(&keys::org(&org))?.filter(|org| org.record.status != OrgStatus::Doomed);
    let (Some(invite), Some(record)) = (invite, record) else { return Ok(None) };
    let claim = standing::claim(&org, &invite.record, &found)?;
    Ok(Some(Offer { record, invite, claim, member: found.get(&member)?, org }))
}

/// The org's status must allow changes (contract §4, *Org gate*).
fn open(org: &OrgRecord) -> Result<()> {
    if org.status == OrgStatus::Verified {
        return Ok(());
    }
    Err(Error::from(Tag::OrgWriteBlocked).detail("status", json!(org.status)))
}

fn terms(invite: &Invite) -> Terms {
    Terms {
        role_profile_id: invite.role_profile_id,
        roles: invite.roles.clone(),
        valid_from: invite.valid_from,
        valid_until: invite.valid_until,
        employee_code: None,
        title: None,
    }
}

/// What an invite gives, and who gives it, as they stand now (ofm §1).
struct Giving<'a> {
    org: &'a Org,
    invite: &'a Invite,
    giver: giver::Standing,
    joiner: Assignee,
    found: Found,
}

impl<'a> Giving<'a> {
    async fn read(ctx: &Ctx, org: &'a Org, invite: &'a Invite, joiner: UserGuid) -> Result<Self> {
        let joiner = Assignee::Member(joiner);
        let mut batch = Batch::default();
        giver::want(org, invite.inviter, &mut batch);
        for InvitedTo { logical_guid, .. } in &invite.assignments {
            batch.want(&keys::logical_facility(org, *logical_guid));
            batch.want(&keys::assignment(org, joiner, *logical_guid));
            batch.want(&keys::assignment(org, giver::assignee(invite.inviter), *logical_guid));
        }
        let found = ctx.read(batch).await?;
        let giver = giver::Standing::of(org, invite.inviter, &found)?;
        Ok(Self { org, invite, giver, joiner, found })
    }

    /// The inviter is in force, has not lapsed since, and is somebody else.
    fn check_giver(&self, ctx: &Ctx) -> Result<()> {
        if !self.giver.in_force(ctx.now()) || giver::assignee(self.invite.inviter) == self.joiner {
            return Err(Tag::Forbidden.into());
        }
        if self.giver.has_lapsed() { Err(Tag::InvitationRevoked.into()) } else { Ok(()) }
    }

    /// The inviter may still give all that the invite gives.
    fn check_gift(&self, ctx: &Ctx) -> Result<()> {
        if self.giver.is_owner() {
            return Ok(());
        }
        giving::refuse(
            &self.invite.given_roles().missing_in(&self.giver.roles()).iter().collect::<Vec<_>>(),
        )?;
        for invited in &self.invite.assignments {
            if self.facility(invited)?.is_some() {
                let own = self.giver.grants(self.assignment_of_giver(invited)?.as_ref(), ctx.now());
                giving::refuse(&own.missing(&invited.grants))?;
            }
        }
        Ok(())
    }

    /// A facility of the invite, where it is still active.
    fn facility(&self, invited: &InvitedTo) -> Result<Option<Stored<LogicalFacility>>> {
        let facility = self.found.get(&keys::logical_facility(self.org, invited.logical_guid))?;
        Ok(facility.filter(|facility| facility.record.status == Status::Active))
    }

    fn assignment_of_giver(&self, invited: &InvitedTo) -> Result<Option<Stored<Assignment>>> {
        self.found.get(&self.key_of_giver(invited))
    }

    fn key_of_giver(&self, invited: &InvitedTo) -> Key<Assignment> {
        keys::assignment(self.org, giver::assignee(self.invite.inviter), invited.logical_guid)
    }

    /// Assigns the new member to the facilities; tells those that are not active any more.
    fn assign(&self, change: &mut Writer, member: &Member) -> Result<Vec<LogicalGuid>> {
        let mut skipped = Vec::new();
        for invited in &self.invite.assignments {
            let Some(facility) = self.facility(invited)? else {
                skipped.push(invited.logical_guid);
                continue;
            };
            change.require(&keys::logical_facility(self.org, invited.logical_guid), &facility)?;
            if !self.giver.is_owner() {
                change.require_still(
                    &self.key_of_giver(invited),
                    self.assignment_of_giver(invited)?.as_ref(),
                )?;
            }
            let key = keys::assignment(self.org, self.joiner, invited.logical_guid);
            let (assignment, action) = (self.assignment(invited, member), "member-logical-assigned");
            match self.found.get(&key)? {
                None => change.create(self.org, assignment, action)?,
                Some(before) => change.adjust(self.org, &before, assignment, action)?,
            };
        }
        Ok(skipped)
    }

    fn assignment(&self, invited: &InvitedTo, member: &Member) -> Assignment {
        Assignment {
            org_guid: self.org.guid(),
            user_guid: Some(member.user_guid),
            service_account_guid: None,
            logical_guid: invited.logical_guid,
            grants: invited.grants.clone(),
            state: AssignmentState::Active,
            valid_from: None,
            valid_until: None,
            epoch: member.epoch,
            assigned_by: self.invite.invited_by.clone(),
        }
    }
}
