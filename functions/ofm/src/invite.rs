//! Invites: how people become members by their own word (contract ofm §9.1).

mod accept;
mod create;
mod standing;

use contract::{
    email::Email,
    error::{Error, Result, Tag},
    ids::{InviteGuid, UserGuid},
    revision,
    roles::Role,
    states::{Filter, visible},
};
use identity::{
    invite::{Invite, InviteStatus},
    keys::{self, InviteesOf},
    user::EmailClaim,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Answer, Class, Ctx, OrgFrom, Route, Written, change, list, names, person, post,
    records::InviteView, revised, write, write_if_named,
};
use store::Stored;

use self::standing::{Standing, stand};

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
        handler: &list(list_by_end).also(|input, _, batch| {
            if let Some(user) = input.user_guid {
                person::want(user, batch);
            }
        }),
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

/// Refuses an invite that is over, saying how it ended.
fn usable(status: InviteStatus) -> Result<()> {
    match status {
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
        (Some(user), _) => {
            person::must_exist(&ctx, user, "user_guid").await?;
            InviteesOf::User(user)
        }
        (None, Some(hash)) => InviteesOf::Email(hash),
        (None, None) => InviteesOf::Org,
    };
    let statuses = visible(input.status, input.include_doomed);
    let listing = keys::invites(ctx.org()?, invited, &statuses, ctx.now());
    let (ctx, statuses) = (&ctx, &statuses);
    let show = |found: Vec<Stored<Invite>>| async move { shown(ctx, found, statuses).await };
    let (invites, next_token) = ctx.list_shown(&listing, show).await?;
    Ok(Answer::new(Invites { invites, next_token }))
}

/// How some invites are shown, where they stand as is wanted.
async fn shown(
    ctx: &Ctx,
    found: Vec<Stored<Invite>>,
    wanted: &[InviteStatus],
) -> Result<Vec<Option<InviteView>>> {
    let standing = stand(ctx, ctx.org()?, found).await?;
    let show = |Standing { invite, status, .. }: Standing| {
        wanted.contains(&status).then(|| InviteView::of(&invite, status))
    };
    Ok(standing.into_iter().map(show).collect())
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
    let org = ctx.org()?;
    let standing = standing::of(&ctx, org, before.clone()).await?;
    usable(standing.status)?;
    let mut change = ctx.change();
    let invite = Invite { status: InviteStatus::Revoked, ..before.record.clone() };
    let after = change.update(org, &before, invite, "member-invite-revoked")?;
    standing.release(&mut change, org)?;
    change.show(&after)
}
