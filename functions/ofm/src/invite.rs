//! Invites: how people become members by their own word (contract ofm §9.1).

mod accept;
mod create;

use contract::{
    email::Email,
    error::{Error, Result, Tag},
    ids::{InviteGuid, UserGuid},
    revision,
    roles::Role,
    states::{Filter, visible},
    time::Time,
};
use identity::{
    invite::{Invite, InviteStatus, StandingInvite},
    keys::{self, InviteesOf},
    user::EmailClaim,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Answer, Class, Ctx, OrgFrom, Route, Writer, Written, change, list, names, post,
    records::InviteView, revised, write, write_if_named,
};
use store::{Org, Stored};

const ADMINS: Access = Access::OneOf(&[Role::OfmMemberAdmin]);

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/member/invite/accept"),
        summary: "Become a member by an invite",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Human,
        errors: &[
            Tag::NotFound,
            Tag::OrgWriteBlocked,
            Tag::InvitationExpired,
            Tag::InvitationRevoked,
            Tag::InvitationAccepted,
            Tag::DuplicateMember,
            Tag::RateLimited,
        ],
        handler: &write_if_named(accept::accept),
    },
    Route {
        call: post("/member/invite/create"),
        summary: "Invite a person to become a member",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMINS,
        errors: &[Tag::InvalidState, Tag::DuplicateInvite, Tag::DuplicateMember],
        handler: &write(create::create),
    },
    Route {
        call: post("/member/invite/list"),
        summary: "List invites, in the order in which they end",
        class: Class::B,
        org: OrgFrom::Body,
        access: ADMINS,
        errors: &[],
        handler: &list(list_by_end),
    },
    Route {
        call: post("/member/invite/revoke"),
        summary: "Take an invite back",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMINS,
        errors: &[Tag::InvitationAccepted, Tag::InvitationExpired, Tag::InvitationRevoked],
        handler: &change(revoke),
    },
];

/// An invite names one person, by id or by e-mail.
fn only_one(user_guid: bool, email: bool) -> Result<()> {
    if user_guid && email {
        return Err(Error::field("email", "must not stand beside user_guid"));
    }
    Ok(())
}

/// What stands for the person in the invite that stands: the user's id, or the keyed hash of the e-mail.
fn person(user_guid: Option<UserGuid>, email_hash: Option<&str>) -> String {
    user_guid.map(|user| user.to_string()).or_else(|| email_hash.map(str::to_owned)).unwrap_or_default()
}

/// The invite that stands for the person of this one, if it is this one.
async fn standing(ctx: &Ctx, org: &Org, invite: &Invite) -> Result<Option<Stored<StandingInvite>>> {
    let person = person(invite.user_guid, invite.email_hash.as_deref());
    let standing = ctx.get(&keys::standing_invite(org, &person)).await?;
    Ok(standing.filter(|standing| standing.record.invite_guid == invite.invite_guid))
}

/// Lets the next invite of the person be made.
fn release(change: &mut Writer, org: &Org, standing: Option<&Stored<StandingInvite>>) -> Result<()> {
    let Some(standing) = standing else { return Ok(()) };
    change.release_seen(&keys::standing_invite(org, &standing.record.person), standing)
}

/// Refuses an invite that is over, saying how it ended.
fn usable(invite: &Invite, now: Time) -> Result<()> {
    match invite.status_at(now) {
        InviteStatus::Active => Ok(()),
        InviteStatus::Accepted => Err(Tag::InvitationAccepted.into()),
        InviteStatus::Revoked => Err(Tag::InvitationRevoked.into()),
        InviteStatus::Expired => Err(Tag::InvitationExpired.into()),
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only those that stand so, or `all`; active ones unless given.
    status: Option<Filter<InviteStatus>>,
    /// All, however they stand.
    include_doomed: Option<bool>,
    /// Only those for this e-mail.
    email: Option<Email>,
    /// Only those for this user.
    user_guid: Option<UserGuid>,
}

/// A page of invites.
#[derive(Serialize, JsonSchema)]
struct Invites {
    /// The invites.
    invites: Vec<InviteView>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

async fn list_by_end(ctx: Ctx, input: List) -> Result<Answer<Invites>> {
    only_one(input.user_guid.is_some(), input.email.is_some())?;
    let email_hash = input.email.as_ref().map(|email| EmailClaim::hash(email, ctx.lookup_key()));
    let invited = match (input.user_guid, &email_hash) {
        (Some(user), _) if user.is_nowhere() => return Err(Error::no_such("user_guid")),
        (Some(user), _) => InviteesOf::User(user),
        (None, Some(hash)) => InviteesOf::Email(hash),
        (None, None) => InviteesOf::Org,
    };
    let statuses = visible(input.status, input.include_doomed);
    let page = ctx.list(&keys::invites(ctx.org()?, invited, &statuses, ctx.now())).await?;
    Ok(Answer::new(Invites { invites: page.show(&ctx), next_token: page.next_token }))
}

names!([Revoke] Invite = keys::invite[invite_guid]);
revised!(Revoke);

#[derive(Clone, Deserialize, JsonSchema)]
struct Revoke {
    /// The invite.
    invite_guid: InviteGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
}

async fn revoke(ctx: Ctx, _: Revoke, before: Stored<Invite>) -> Result<Written<InviteView>> {
    usable(&before.record, ctx.now())?;
    let org = ctx.org()?;
    let standing = standing(&ctx, org, &before.record).await?;
    let mut change = ctx.change();
    let invite = Invite { status: InviteStatus::Revoked, ..before.record.clone() };
    let after = change.update(org, &before, invite, "member-invite-revoked")?;
    release(&mut change, org, standing.as_ref())?;
    change.show(&after)
}
