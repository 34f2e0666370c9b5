//! How an org begins: `/org/create`, by which an invited person founds it (contract ofm §4, §4.1).

use contract::{
    codes::{InvitationCode, OrgCode},
    error::{Error, Result, Tag},
    fiscal::FiscalCalendar,
    given_roles::MemberRoles,
    ids::{CcGuid, InvitationId, UserGuid},
    locale::Locale,
    money::Currency,
    text::Caption,
    time::{Time, TimeZone},
};
use identity::{
    invitation::{Invitation, InvitationCodeClaim, InvitationStatus},
    keys,
    member::{Member, MemberState},
    org::{OrgCodeClaim, OrgRecord, OrgStatus},
    owned_orgs::OwnedOrgs,
    owner::{Owner, OwnerState},
    user::User,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Class, Ctx, MayName, OrgFrom, Principal, Route, Writer, Written, post, write_if_named,
};
use store::{Batch, Key, Org, Shown, Stored, System};

use crate::{
    cost_centre::{self, Brief, CostCentre},
    keys as own_keys,
    lifecycle::Status,
    tries,
};

/// The routes.
pub static ROUTES: &[Route] = &[Route {
    call: post("/org/create"),
    summary: "Found an org by an invitation; the caller becomes its primary owner",
    class: Class::A,
    org: OrgFrom::Nowhere,
    access: Access::Human,
    errors: &[
        Tag::NotFound,
        Tag::DuplicateCode,
        Tag::InvitationExpired,
        Tag::InvitationAccepted,
        Tag::InvitationRejected,
        Tag::InvitationDoomed,
        Tag::InvitationMismatch,
        Tag::RateLimited,
    ],
    handler: &write_if_named(create),
}];

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// Its code, unique among all orgs for ever.
    orgcode: OrgCode,
    /// The code of the invitation. Whatever is none names no invitation: 404.
    invitation_code: String,
    /// What it is called.
    caption: Caption,
    /// The founder: nobody else than the caller.
    user_guid: Option<UserGuid>,
    /// Its time zone; UTC unless given.
    timezone: Option<TimeZone>,
    /// How its years are cut; as the calendar unless given.
    fiscal_calendar: Option<FiscalCalendar>,
    /// Suggested for new till profiles.
    default_currency: Option<Currency>,
    /// Its language.
    default_locale: Option<Locale>,
}

/// An org at its beginning.
#[derive(Serialize, JsonSchema)]
struct Founded {
    /// The org.
    #[serde(flatten)]
    org: Shown<OrgRecord>,
    /// The invitation that was used.
    invitation: UsedInvitation,
    /// Who owns it.
    owners: Owners,
    /// The master cost centre.
    cost_centre: Brief,
}

/// The invitation that was used.
#[derive(Serialize, JsonSchema)]
struct UsedInvitation {
    /// Its code.
    code: InvitationCode,
    /// Its id.
    invitation_id: InvitationId,
    /// How it stands now.
    status: InvitationStatus,
}

/// Who owns a new org.
#[derive(Serialize, JsonSchema)]
struct Owners {
    /// Who founded it.
    create_owner_user_guid: UserGuid,
    /// Who answers for it.
    primary_owner_user_guid: UserGuid,
}

impl MayName for Create {
    type Record = InvitationCodeClaim;

    fn key(&self, _: &System) -> Option<Key<InvitationCodeClaim>> {
        self.invitation_code.parse().ok().map(|code| keys::invitation_code(&code))
    }
}

async fn create(
    ctx: Ctx,
    input: Create,
    code: Option<Stored<InvitationCodeClaim>>,
) -> Result<Written<Founded>> {
    let founder = founder(&ctx, input.user_guid)?;
    let user = &founder.record;
    let (invitation, owned) = invitation_of(&ctx, user, code).await?;
    usable(&invitation.record, &input.orgcode, ctx.now())?;

    let (org, mut change) = ctx.found_org(&input.orgcode);
    let accepted = Invitation {
        status: InvitationStatus::Accepted,
        org_guid: Some(org.guid()),
        ..invitation.record.clone()
    };
    change.adjust(&System, &invitation, accepted, "invitation-accepted")?;
    let claim = OrgCodeClaim { orgcode: input.orgcode.clone(), org_guid: org.guid() };
    change.claim(&System, claim, |_| Error::from(Tag::DuplicateCode).detail("field", "orgcode"))?;
    let centre = add_master(&ctx, &mut change, &org)?;
    let record = new_org(&org, user.user_guid, centre.record.cc_guid, input);
    let created = change.create(&org, record, "org-created")?;
    add_owner(&mut change, &org, user, &created.record.orgcode, ctx.now())?;
    let owns = OwnedOrgs::of(user.user_guid, owned.as_ref()).with(org.guid());
    change.keep(&System, owned.as_ref(), owns)?;
    // The founder must not have been ended meanwhile.
    change.require(&keys::user(user.user_guid), founder)?;

    let answer = ctx.show(&created)?.map(|org| Founded {
        org,
        invitation: UsedInvitation {
            code: invitation.record.code,
            invitation_id: invitation.record.invitation_id,
            status: InvitationStatus::Accepted,
        },
        owners: Owners { create_owner_user_guid: user.user_guid, primary_owner_user_guid: user.user_guid },
        cost_centre: centre.record.into(),
    });
    Ok(change.answer(answer))
}

/// The person who calls, and no other.
fn founder(ctx: &Ctx, named: Option<UserGuid>) -> Result<&Stored<User>> {
    match &ctx.caller().principal {
        Principal::Session { user, .. } if named.is_none_or(|named| named == user.record.user_guid) => {
            Ok(user)
        }
        _ => Err(Error::from(Tag::Forbidden).detail("field", "user_guid")),
    }
}

/// The person's invitation with a code, and the orgs that they own already. No such code and another's invitation are
/// one refusal, which is counted.
async fn invitation_of(
    ctx: &Ctx,
    user: &User,
    code: Option<Stored<InvitationCodeClaim>>,
) -> Result<(Stored<Invitation>, Option<Stored<OwnedOrgs>>)> {
    if let Some(code) = code {
        let (tries, invitation) =
            (own_keys::tries::of_user(user.user_guid), keys::invitation(code.record.invitation_id));
        let owned = keys::owned_orgs(user.user_guid);
        let mut batch = Batch::default();
        batch.want(&tries);
        batch.want(&invitation);
        batch.want(&owned);
        let found = ctx.read(batch).await?;
        if let Some(tries) = found.get(&tries)? {
            tries.record.check(ctx.now())?;
        }
        let email = user.email.as_ref().filter(|_| user.email_confirmed);
        let is_theirs = |found: &Stored<Invitation>| found.record.is_for(user.user_guid, email);
        if let Some(invitation) = found.get(&invitation)?.filter(is_theirs) {
            return Ok((invitation, found.get(&owned)?));
        }
    }
    tries::count_failure(ctx, user.user_guid).await?;
    Err(Error::no_such("invitation_code"))
}

/// Refuses an invitation that may not be used any more, or not for this orgcode.
fn usable(invitation: &Invitation, orgcode: &OrgCode, now: Time) -> Result<()> {
    match invitation.status_at(now) {
        InvitationStatus::Accepted => Err(Tag::InvitationAccepted.into()),
        InvitationStatus::Rejected => Err(Tag::InvitationRejected.into()),
        InvitationStatus::Expired => Err(Tag::InvitationExpired.into()),
        InvitationStatus::Doomed => Err(Tag::InvitationDoomed.into()),
        InvitationStatus::Open if invitation.orgcode.as_ref().is_some_and(|only| only != orgcode) => {
            Err(Tag::InvitationMismatch.into())
        }
        InvitationStatus::Open => Ok(()),
    }
}

fn new_org(org: &Org, founder: UserGuid, master: CcGuid, input: Create) -> OrgRecord {
    OrgRecord {
        org_guid: org.guid(),
        orgcode: input.orgcode,
        caption: input.caption,
        status: OrgStatus::Unverified,
        timezone: input.timezone.unwrap_or(TimeZone::UTC),
        fiscal_calendar: input.fiscal_calendar.unwrap_or_default(),
        default_currency: input.default_currency,
        default_locale: input.default_locale,
        cost_centre_guid: master,
        primary_owner_user_guid: founder,
        verified_at: None,
        park_changed_at: None,
        park_allowed_at: None,
    }
}

fn add_master(ctx: &Ctx, change: &mut Writer, org: &Org) -> Result<Stored<CostCentre>> {
    let centre = CostCentre {
        org_guid: org.guid(),
        cc_guid: CcGuid::from_uuid(change.uuid()),
        cccode: cost_centre::random_code(ctx),
        caption: "Master cost centre".parse().map_err(Error::internal)?,
        description: None,
        status: Status::Active,
    };
    cost_centre::add(change, org, centre)
}

/// Makes the founder the primary owner, and a member, which every owner is.
fn add_owner(change: &mut Writer, org: &Org, user: &User, orgcode: &OrgCode, now: Time) -> Result<()> {
    let owner = Owner {
        org_guid: org.guid(),
        user_guid: user.user_guid,
        display_name: user.display_name.clone(),
        create_owner: true,
        primary_owner: true,
        secondary_owner: false,
        state: OwnerState::Active,
        since: now,
    };
    let owner = change.create(org, owner, "owner-created")?;
    let member = Member {
        org_guid: org.guid(),
        orgcode: orgcode.clone(),
        user_guid: user.user_guid,
        display_name: user.display_name.clone(),
        email: user.email.clone(),
        state: MemberState::Active,
        role_profile_id: None,
        roles: MemberRoles::default(),
        valid_from: None,
        valid_until: None,
        employee_code: None,
        title: None,
        epoch: 1,
        lapses: 0,
        owner: Some(owner.record.copy()),
    };
    change.create(org, member, "member-added")?;
    Ok(())
}
