//! Invitations to create an org (ofm §4.1).

use contract::{
    codes::{InvitationCode, OrgCode},
    email::Email,
    error::{Error, Result, Tag},
    ids::{InvitationId, UserGuid},
    revision,
    states::{Filter, visible},
    text::Caption,
    time::Time,
};
use identity::{
    invitation::{
        ARCS, DEFAULT_DAYS, Invitation, InvitationCodeClaim, InvitationStatus, LEAST_HOURS, MOST_DAYS,
    },
    keys::{Invited, invitation_code, invitations, orgcode},
    user::EmailClaim,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Answer, Class, Ctx, OrgFrom, Route, Written, allow, change, direct::action, list, names, person,
    read, read_record, records::InvitationView, revised, write,
};
use store::{Stored, System};

use crate::keys;

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[
    Route {
        call: action("invitation-create"),
        summary: "Invite a person to create an org",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Operator,
        errors: &[Tag::NotFound, Tag::DuplicateCode],
        handler: &write(create),
    },
    Route {
        call: action("invitation-get"),
        summary: "Get an invitation",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Operator,
        errors: &[],
        handler: &read_record(get),
    },
    Route {
        call: action("invitation-list"),
        summary: "List invitations, in the order in which they end",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Operator,
        errors: &[Tag::NotFound],
        handler: &list(list_by_end),
    },
    Route {
        call: action("invitation-resolve"),
        summary: "Find an invitation by its code",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Operator,
        errors: &[Tag::NotFound],
        handler: &read(resolve),
    },
    Route {
        call: action("invitation-reject"),
        summary: "Turn an invitation down, on the invitee's word",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Operator,
        errors: &[Tag::InvalidTransition],
        handler: &change(reject),
    },
    Route {
        call: action("invitation-doom"),
        summary: "Withdraw an invitation",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Operator,
        errors: &[Tag::InvalidTransition],
        handler: &change(doom),
    },
];

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// Who may use it; this or `email`.
    user_guid: Option<UserGuid>,
    /// Whoever may use it has this as a confirmed e-mail.
    email: Option<Email>,
    /// Only this orgcode may be created with it.
    orgcode: Option<OrgCode>,
    /// What it is for.
    caption: Option<Caption>,
    /// When it ends: 1 hour to 90 days from now; 14 days unless given.
    expires_at: Option<Time>,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<InvitationView>> {
    only_one(input.user_guid.is_some(), input.email.is_some(), true)?;
    let expires_at = end(input.expires_at, ctx.now())?;
    if let Some(user_guid) = input.user_guid {
        person::read(&ctx, user_guid, "user_guid").await?;
    }
    let mut random = [0; 10];
    ctx.chance().fill(&mut random);
    let code = InvitationCode::from_random(random);
    let mut change = ctx.change();
    if let Some(code) = &input.orgcode {
        let taken = || Error::from(Tag::DuplicateCode).detail("field", "orgcode");
        change.require_absent(&orgcode(code), taken);
    }
    let invitation_id = InvitationId::from_uuid(change.uuid());
    let claim = InvitationCodeClaim { code: code.clone(), invitation_id };
    change.claim(&System, claim, |_| Error::moved("an invitation code was drawn twice"))?;
    let invitation = Invitation {
        invitation_id,
        code,
        user_guid: input.user_guid,
        email_hash: input.email.as_ref().map(|email| EmailClaim::hash(email, ctx.lookup_key())),
        email: input.email,
        orgcode: input.orgcode,
        caption: input.caption,
        status: InvitationStatus::Open,
        expires_at,
        org_guid: None,
    };
    let created = change.create(&System, invitation, "invitation-created")?;
    change.show(&created)
}

/// An invitation names one person, by id or by e-mail.
fn only_one(user_guid: bool, email: bool, required: bool) -> Result<()> {
    match (user_guid, email) {
        (true, true) => Err(Error::field("email", "must not stand beside user_guid")),
        (false, false) if required => Err(Error::field("user_guid", "is required, or email")),
        _ => Ok(()),
    }
}

/// When an invitation ends that is made now.
fn end(asked: Option<Time>, now: Time) -> Result<Time> {
    let end = asked.unwrap_or(now.plus_days(DEFAULT_DAYS));
    if (now.plus_hours(LEAST_HOURS)..=now.plus_days(MOST_DAYS)).contains(&end) {
        Ok(end)
    } else {
        Err(Error::field("expires_at", "must be 1 hour to 90 days from now"))
    }
}

names!([Get, Reject, Doom] Invitation = keys::invitation[invitation_id]);
revised!(Reject, Doom);

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The invitation.
    invitation_id: InvitationId,
}

async fn get(ctx: Ctx, _: Get, invitation: Stored<Invitation>) -> Result<Answer<InvitationView>> {
    ctx.show(&invitation)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only those that stand so; open ones unless given.
    status: Option<Filter<InvitationStatus>>,
    /// All, however they stand.
    include_doomed: Option<bool>,
    /// Only those that name this user.
    user_guid: Option<UserGuid>,
    /// Only those that name this e-mail.
    email: Option<Email>,
}

#[derive(Serialize, JsonSchema)]
struct Invitations {
    /// A page of invitations.
    invitations: Vec<InvitationView>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

async fn list_by_end(ctx: Ctx, input: List) -> Result<Answer<Invitations>> {
    only_one(input.user_guid.is_some(), input.email.is_some(), false)?;
    let email_hash = input.email.as_ref().map(|email| EmailClaim::hash(email, ctx.lookup_key()));
    let invited = match (input.user_guid, &email_hash) {
        (Some(user_guid), _) => {
            person::must_exist(&ctx, user_guid, "user_guid").await?;
            Invited::User(user_guid)
        }
        (None, Some(hash)) => Invited::Email(hash),
        (None, None) => Invited::Anyone,
    };
    let statuses = visible(input.status, input.include_doomed);
    let page = ctx.list(&invitations(invited, &statuses, ctx.now())).await?;
    Ok(Answer::new(Invitations { invitations: page.show(&ctx), next_token: page.next_token }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Resolve {
    /// The code.
    code: InvitationCode,
}

#[derive(Serialize, JsonSchema)]
struct Resolved {
    /// The invitation.
    invitation_id: InvitationId,
    /// Its code.
    code: InvitationCode,
    /// How it stands now.
    status: InvitationStatus,
}

async fn resolve(ctx: Ctx, input: Resolve) -> Result<Answer<Resolved>> {
    let claim = ctx.get(&invitation_code(&input.code)).await?.ok_or(Tag::NotFound)?;
    let invitation = ctx.get(&keys::invitation(&System, claim.record.invitation_id)).await?;
    let Invitation { invitation_id, code, .. } = invitation.as_ref().ok_or(Tag::NotFound)?.record.clone();
    let status = invitation.ok_or(Tag::NotFound)?.record.status_at(ctx.now());
    Ok(Answer::new(Resolved { invitation_id, code, status }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Reject {
    /// The invitation.
    invitation_id: InvitationId,
    /// The revision that was seen.
    expected_revision: Option<revision::Tag>,
}

async fn reject(ctx: Ctx, _: Reject, before: Stored<Invitation>) -> Result<Written<InvitationView>> {
    set_status(&ctx, &before, InvitationStatus::Rejected, "invitation-rejected")
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Doom {
    /// The invitation.
    invitation_id: InvitationId,
    /// The revision that was seen.
    expected_revision: Option<revision::Tag>,
}

async fn doom(ctx: Ctx, _: Doom, before: Stored<Invitation>) -> Result<Written<InvitationView>> {
    set_status(&ctx, &before, InvitationStatus::Doomed, "invitation-doomed")
}

fn set_status(
    ctx: &Ctx,
    before: &Stored<Invitation>,
    status: InvitationStatus,
    action: &'static str,
) -> Result<Written<InvitationView>> {
    allow(ARCS, before.record.status_at(ctx.now()), status)?;
    let mut change = ctx.change();
    let invitation = Invitation { status, ..before.record.clone() };
    let after = change.update(&System, before, invitation, action)?;
    change.show(&after)
}
