//! `/member/invite/accept`.

use contract::{
    codes::OrgCode,
    error::{Error, Result, Tag},
    ids::{InviteGuid, LogicalGuid, OrgGuid},
};
use identity::{
    assignment::{Assignee, Assignment, AssignmentState},
    invite::{Invite, InviteCodeClaim, InviteStatus, StandingInvite},
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
use store::{Batch, Key, Org, Stored, System};

use super::{person, release, usable};
use crate::{
    keys as own_keys,
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
    standing: Option<Stored<StandingInvite>>,
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
    usable(invite, ctx.now())?;
    if offer.member.as_ref().is_some_and(|member| member.record.state != MemberState::Removed) {
        return Err(Tag::DuplicateMember.into());
    }
    let mut change = ctx.change_in(&offer.record.record);
    let used =
        Invite { status: InviteStatus::Accepted, accepted_by: Some(user.record.user_guid), ..invite.clone() };
    change.adjust(org, &offer.invite, used, "member-invite-accepted")?;
    release(&mut change, org, offer.standing.as_ref())?;
    let joining = Joining {
        org,
        orgcode: &offer.record.record.orgcode,
        user,
        before: offer.member.as_ref(),
        by_caller: false,
    };
    let member = joining.join(&ctx, &mut change, terms(invite))?;
    let skipped = assign(&ctx, &mut change, org, invite, &member.record).await?;
    let invite_guid = invite.invite_guid;
    let answer = ctx.show(&member)?.map(|member| Accepted { member, invite_guid, skipped });
    Ok(change.answer(answer))
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
    let email_hash = email.map(|email| EmailClaim::hash(email, ctx.lookup_key()));
    let by_user = keys::standing_invite(&org, &person(Some(user.user_guid), None));
    let by_email = keys::standing_invite(&org, &person(None, email_hash.as_deref()));
    let tries = own_keys::tries::of_user(user.user_guid);
    let invite = keys::invite(&org, code.invite_guid);
    let member = keys::member(&org, user.user_guid);
    let mut batch = Batch::default();
    batch.want(&by_user);
    batch.want(&by_email);
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
    let standing = if invite.record.user_guid.is_some() { &by_user } else { &by_email };
    let standing = found.get(standing)?;
    let standing = standing.filter(|standing| standing.record.invite_guid == code.invite_guid);
    Ok(Some(Offer { record, invite, standing, member: found.get(&member)?, org }))
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

/// Assigns a new member to the facilities of the invite; tells those that are not active any more.
async fn assign(
    ctx: &Ctx,
    change: &mut Writer,
    org: &Org,
    invite: &Invite,
    member: &Member,
) -> Result<Vec<LogicalGuid>> {
    let assignee = Assignee::Member(member.user_guid);
    let mut batch = Batch::default();
    for wanted in &invite.assignments {
        batch.want(&keys::logical_facility(org, wanted.logical_guid));
        batch.want(&keys::assignment(org, assignee, wanted.logical_guid));
    }
    let found = ctx.read(batch).await?;
    let mut skipped = Vec::new();
    for wanted in &invite.assignments {
        let key = keys::logical_facility(org, wanted.logical_guid);
        let facility = found.get(&key)?.filter(|facility| facility.record.status == Status::Active);
        let Some(facility) = facility else {
            skipped.push(wanted.logical_guid);
            continue;
        };
        change.require(&key, &facility)?;
        let assignment = Assignment {
            org_guid: org.guid(),
            user_guid: Some(member.user_guid),
            service_account_guid: None,
            logical_guid: wanted.logical_guid,
            grants: wanted.grants.clone(),
            state: AssignmentState::Active,
            valid_from: None,
            valid_until: None,
            epoch: member.epoch,
            assigned_by: invite.invited_by.clone(),
        };
        let action = "member-logical-assigned";
        match found.get(&keys::assignment(org, assignee, wanted.logical_guid))? {
            None => change.create(org, assignment, action)?,
            Some(before) => change.adjust(org, &before, assignment, action)?,
        };
    }
    Ok(skipped)
}
