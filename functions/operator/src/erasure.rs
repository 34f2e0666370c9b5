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

use crate::{
    erasure_finish,
    membership::{self, Tie},
};

/// Up to so many memberships (five items each) are written together with the user's own record …
const TIES_AT_ONCE: usize = 16;
/// … and so many invitations (two items each). Where there are more, all of them are written before it, in parts: a
/// part that is written again finds nothing to do.
const INVITATIONS_AT_ONCE: usize = 6;

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

/// Scrubs what other records repeat of a user, cuts the e-mail's claim off from the user, and notes that the indexes are
/// to be looked at again.
pub(crate) async fn of_copies(ctx: &Ctx, change: &mut Writer, user: &User) -> Result<()> {
    let email_hash = user.email.as_ref().map(|email| EmailClaim::hash(email, ctx.lookup_key()));
    of_invites(ctx, user.user_guid, email_hash.as_deref()).await?;
    let ties = membership::ties(ctx, user.user_guid).await?;
    let invitations = invitations(ctx, email_hash.as_deref()).await?;
    if let Some(hash) = &email_hash {
        cut_off(ctx, change, hash).await?;
    }
    if ties.len() <= TIES_AT_ONCE && invitations.len() <= INVITATIONS_AT_ONCE {
        invitations.iter().try_for_each(|invitation| rebind(change, invitation, user.user_guid))?;
        ties.iter().try_for_each(|tie| scrub(ctx, change, tie).map(drop))?;
    } else {
        in_parts(ctx, user.user_guid, &invitations, &ties).await?;
    }
    erasure_finish::note(ctx, change, user.user_guid, email_hash)
}

/// Scrubs what the indexes did not tell of before: how many records that were. What was scrubbed already is found and left.
pub(crate) async fn again(ctx: &Ctx, user: UserGuid, email_hash: Option<&str>) -> Result<u64> {
    let invites = of_invites(ctx, user, email_hash).await?;
    let ties = membership::ties(ctx, user).await?;
    let invitations = invitations(ctx, email_hash).await?;
    Ok(invites + in_parts(ctx, user, &invitations, &ties).await?)
}

/// Scrubs invitations and memberships in as many transactions as it takes: how many records told of the user.
async fn in_parts(
    ctx: &Ctx,
    user: UserGuid,
    invitations: &[Stored<Invitation>],
    ties: &[Tie],
) -> Result<u64> {
    let mut found = 0;
    for part in invitations.chunks(TIES_AT_ONCE) {
        let mut writer = ctx.change();
        for invitation in part {
            rebind(&mut writer, invitation, user)?;
            found += 1;
        }
        ctx.commit(writer).await?;
    }
    for part in ties.chunks(TIES_AT_ONCE) {
        let mut writer = ctx.change();
        for tie in part {
            found += u64::from(scrub(ctx, &mut writer, tie)?);
        }
        ctx.commit(writer).await?;
    }
    Ok(found)
}

/// Binds the person's invites to become a member to their id, and takes e-mail and message out of them: before all else,
/// because there may be many. How many told of the person; what is written again finds nothing to do.
async fn of_invites(ctx: &Ctx, user: UserGuid, email_hash: Option<&str>) -> Result<u64> {
    let mut names = vec![user.to_string()];
    names.extend(email_hash.map(str::to_owned));
    let mut found = 0;
    for name in names {
        for invites in ctx.all(&keys::invites_to_person(&name)).await?.chunks(TIES_AT_ONCE) {
            let mut writer = ctx.change();
            for invite in invites {
                found += u64::from(forget(&mut writer, invite, user)?);
            }
            ctx.commit(writer).await?;
        }
    }
    Ok(found)
}

/// Whether there was anything to forget.
fn forget(change: &mut Writer, before: &Stored<Invite>, user: UserGuid) -> Result<bool> {
    let Invite { email, message, org_guid, .. } = &before.record;
    if email.is_none() && message.is_none() {
        return Ok(false);
    }
    let nameless = Invite {
        user_guid: Some(user),
        email: None,
        email_hash: None,
        message: None,
        ..before.record.clone()
    };
    change.adjust(&Org::checked(*org_guid), before, nameless, "member-invite-updated").map(|_| true)
}

/// Leaves the claim with nothing but its hash.
async fn cut_off(ctx: &Ctx, change: &mut Writer, email_hash: &str) -> Result<()> {
    if let Some(claim) = ctx.get(&keys::email(email_hash)).await? {
        let bare = EmailClaim { user_guid: UserGuid::NOWHERE, ..claim.record.clone() };
        change.keep(&System, Some(&claim), bare)?;
    }
    Ok(())
}

/// The invitations that hold the e-mail.
async fn invitations(ctx: &Ctx, email_hash: Option<&str>) -> Result<Vec<Stored<Invitation>>> {
    let Some(hash) = email_hash else { return Ok(Vec::new()) };
    ctx.all(&keys::invitations(Invited::Email(hash), InvitationStatus::ALL, ctx.now())).await
}

/// Binds an invitation to the user's id instead of the e-mail, which nobody else can ever have.
fn rebind(change: &mut Writer, before: &Stored<Invitation>, user: UserGuid) -> Result<()> {
    let rebound =
        Invitation { user_guid: Some(user), email: None, email_hash: None, ..before.record.clone() };
    change.adjust(&System, before, rebound, "invitation-updated").map(drop)
}

/// Takes name, e-mail and the org's number out of a membership, and the name out of the ownership that goes with it.
/// Whether there was anything to take.
fn scrub(ctx: &Ctx, change: &mut Writer, tie: &Tie) -> Result<bool> {
    let name = former_member()?;
    let mut found = false;
    if let Some(owner) = tie.owner.as_ref().filter(|owner| owner.record.display_name != name) {
        let scrubbed = Owner { display_name: name.clone(), ..owner.record.clone() };
        change.adjust(&tie.org, owner, scrubbed, "owner-updated")?;
        found = true;
    }
    let member = &tie.member.record;
    if let Some(code) = &member.employee_code {
        let hash = EmployeeCodeClaim::hash(&tie.org, code, ctx.lookup_key());
        change.release(&keys::employee_code(&tie.org, &hash));
    }
    if member.display_name != name || member.email.is_some() || member.employee_code.is_some() {
        let scrubbed = Member { display_name: name, email: None, employee_code: None, ..member.clone() };
        change.adjust(&tie.org, &tie.member, scrubbed, "member-updated")?;
        found = true;
    }
    Ok(found)
}
