//! Forgetting who a user was (usm §5, `erase`): the user's own record, and what other records repeat of it.

use contract::{
    error::{Error, Result},
    ids::UserGuid,
    personal::{DisplayName, Personal},
    states::States,
};
use identity::{
    invitation::{Invitation, InvitationStatus},
    invite::Invite,
    keys::{self, Invited},
    member::{EmployeeCodeClaim, Member},
    owner::Owner,
    user::{EmailClaim, FORMER_MEMBER, User},
};
use service::{Ctx, Writer};
use store::{Org, Stored, System};

use crate::membership::{self, Tie};

/// Up to so many memberships (five items each) are written together with the user's own record …
const TIES_AT_ONCE: usize = 16;
/// … and so many invitations (two items each). Where there are more, all of them are written before it, in parts: a
/// part that is written again finds nothing to do.
const INVITATIONS_AT_ONCE: usize = 7;

fn former_member() -> Result<DisplayName> {
    FORMER_MEMBER.parse().map(Personal).map_err(Error::internal)
}

/// The user without e-mail and name.
pub(crate) fn of_user(user: &User) -> Result<User> {
    Ok(User {
        email: None,
        email_confirmed: false,
        display_name: former_member()?,
        locale: None,
        ..user.clone()
    })
}

/// Scrubs what other records repeat of a user, and cuts the e-mail's claim off from the user.
pub(crate) async fn of_copies(ctx: &Ctx, change: &mut Writer, user: &User) -> Result<()> {
    of_invites(ctx, user).await?;
    let ties = membership::ties(ctx, user.user_guid).await?;
    let invitations = match &user.email {
        Some(email) => of_email(ctx, change, &EmailClaim::hash(email, ctx.lookup_key())).await?,
        None => Vec::new(),
    };
    if ties.len() <= TIES_AT_ONCE && invitations.len() <= INVITATIONS_AT_ONCE {
        invitations.iter().try_for_each(|invitation| rebind(change, invitation, user.user_guid))?;
        return ties.iter().try_for_each(|tie| scrub(ctx, change, tie));
    }
    for part in invitations.chunks(TIES_AT_ONCE) {
        let mut writer = ctx.change();
        part.iter().try_for_each(|invitation| rebind(&mut writer, invitation, user.user_guid))?;
        ctx.commit(writer).await?;
    }
    for part in ties.chunks(TIES_AT_ONCE) {
        let mut writer = ctx.change();
        part.iter().try_for_each(|tie| scrub(ctx, &mut writer, tie))?;
        ctx.commit(writer).await?;
    }
    Ok(())
}

/// Binds the person's invites to become a member to their id, and takes e-mail and message out of them: before all else,
/// for there may be many. What is written again finds nothing to do.
async fn of_invites(ctx: &Ctx, user: &User) -> Result<()> {
    let mut names = vec![user.user_guid.to_string()];
    names.extend(user.email.as_ref().map(|email| EmailClaim::hash(email, ctx.lookup_key())));
    for name in names {
        for invites in ctx.all(&keys::invites_to_person(&name)).await?.chunks(TIES_AT_ONCE) {
            let mut writer = ctx.change();
            invites.iter().try_for_each(|invite| forget(&mut writer, invite, user.user_guid))?;
            ctx.commit(writer).await?;
        }
    }
    Ok(())
}

fn forget(change: &mut Writer, before: &Stored<Invite>, user: UserGuid) -> Result<()> {
    let Invite { email, message, org_guid, .. } = &before.record;
    if email.is_none() && message.is_none() {
        return Ok(());
    }
    let nameless = Invite {
        user_guid: Some(user),
        email: None,
        email_hash: None,
        message: None,
        ..before.record.clone()
    };
    change.adjust(&Org::checked(*org_guid), before, nameless, "member-invite-updated").map(drop)
}

/// Leaves the claim with nothing but its hash, and finds the invitations that hold the e-mail.
async fn of_email(ctx: &Ctx, change: &mut Writer, email_hash: &str) -> Result<Vec<Stored<Invitation>>> {
    if let Some(claim) = ctx.get(&keys::email(email_hash)).await? {
        let bare = EmailClaim { user_guid: UserGuid::NOWHERE, ..claim.record.clone() };
        change.keep(&System, Some(&claim), bare)?;
    }
    ctx.all(&keys::invitations(Invited::Email(email_hash), InvitationStatus::ALL, ctx.now())).await
}

/// Binds an invitation to the user's id instead of the e-mail, which nobody else can ever have.
fn rebind(change: &mut Writer, before: &Stored<Invitation>, user: UserGuid) -> Result<()> {
    let rebound =
        Invitation { user_guid: Some(user), email: None, email_hash: None, ..before.record.clone() };
    change.adjust(&System, before, rebound, "invitation-updated").map(drop)
}

/// Takes name, e-mail and the org's number out of a membership, and the name out of the ownership that goes with it.
fn scrub(ctx: &Ctx, change: &mut Writer, tie: &Tie) -> Result<()> {
    let name = former_member()?;
    if let Some(owner) = tie.owner.as_ref().filter(|owner| owner.record.display_name != name) {
        let scrubbed = Owner { display_name: name.clone(), ..owner.record.clone() };
        change.adjust(&tie.org, owner, scrubbed, "owner-updated")?;
    }
    let member = &tie.member.record;
    if let Some(code) = &member.employee_code {
        let hash = EmployeeCodeClaim::hash(&tie.org, code, ctx.lookup_key());
        change.release(&keys::employee_code(&tie.org, &hash));
    }
    if member.display_name != name || member.email.is_some() || member.employee_code.is_some() {
        let scrubbed = Member { display_name: name, email: None, employee_code: None, ..member.clone() };
        change.adjust(&tie.org, &tie.member, scrubbed, "member-updated")?;
    }
    Ok(())
}
