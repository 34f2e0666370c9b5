//! Users: the people who log in (usm §5).

use contract::{
    codes::OrgCode,
    email::Email,
    error::{Error, Result, Tag},
    ids::{OrgGuid, UserGuid},
    locale::Locale,
    personal::DisplayName,
    revision,
};
use identity::{
    keys::{email as claim_key, memberships_of},
    member::{Member, MemberState},
    passcode::{Passcode, PasscodeHash},
    user::{EmailClaim, User, UserStatus},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Answer, Class, Ctx, OrgFrom, Route, Written, change, direct::action, names, read,
    records::UserView, revised, write,
};
use store::{Stored, System};

use crate::keys;

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[
    Route {
        call: action("user-create"),
        summary: "Create a user",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Operator,
        errors: &[Tag::DuplicateEmail],
        handler: &write(create).with_secret(),
    },
    Route {
        call: action("user-get"),
        summary: "Get a user and the orgs that they belong to",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Operator,
        errors: &[Tag::NotFound],
        handler: &read(get),
    },
    Route {
        call: action("email-confirm"),
        summary: "Confirm that an e-mail is the user's",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Operator,
        errors: &[Tag::InvalidState],
        handler: &change(confirm_email).revision_optional(),
    },
    Route {
        call: action("user-passcode-set"),
        summary: "Give a user another passcode; their sessions end",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Operator,
        errors: &[Tag::InvalidState],
        handler: &change(set_passcode).revision_optional().with_secret(),
    },
];

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// By which the user logs in; nobody else can ever have it.
    email: Email,
    /// The name to show.
    display_name: DisplayName,
    /// To log in with; may be set later.
    passcode: Option<Passcode>,
    /// The person's language.
    locale: Option<Locale>,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<UserView>> {
    let passcode_hash = match &input.passcode {
        Some(passcode) => Some(hash(&ctx, passcode, Some(&input.email)).await?),
        None => None,
    };
    let mut change = ctx.change();
    let user_guid = UserGuid::from_uuid(change.uuid());
    let claim = EmailClaim { email_hash: EmailClaim::hash(&input.email, ctx.lookup_key()), user_guid };
    change.claim(&System, claim, |_| Error::from(Tag::DuplicateEmail).detail("field", "email"))?;
    let user = User {
        user_guid,
        email: Some(input.email),
        email_confirmed: false,
        display_name: input.display_name,
        locale: input.locale,
        passcode_hash,
        status: UserStatus::Unverified,
        sessions_valid_from: None,
    };
    let created = change.create(&System, user, "user-created")?;
    change.show(&created)
}

async fn hash(ctx: &Ctx, passcode: &Passcode, email: Option<&Email>) -> Result<PasscodeHash> {
    if let Some(email) = email {
        passcode.check_differs_from(email)?;
    }
    passcode.hash(ctx.chance(), ctx.deadline()).await
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The user; this or `email`.
    user_guid: Option<UserGuid>,
    /// The user's e-mail.
    email: Option<Email>,
}

/// A user with the orgs that they belong to.
#[derive(Serialize, JsonSchema)]
struct UserWithMemberships {
    #[serde(flatten)]
    user: UserView,
    /// Every membership, also of suspended and removed members, by orgcode.
    memberships: Vec<MembershipView>,
}

/// A membership, in short.
#[derive(Serialize, JsonSchema)]
struct MembershipView {
    /// The org.
    org_guid: OrgGuid,
    /// Its code.
    orgcode: OrgCode,
    /// How the membership stands.
    state: MemberState,
    /// Whether the person is an active owner.
    is_owner: bool,
    /// Whether the person is the active primary owner.
    primary_owner: bool,
}

impl From<&Member> for MembershipView {
    fn from(member: &Member) -> Self {
        Self {
            org_guid: member.org_guid,
            orgcode: member.orgcode.clone(),
            state: member.state,
            is_owner: member.is_owner(),
            primary_owner: member.is_primary_owner(),
        }
    }
}

async fn get(ctx: Ctx, input: Get) -> Result<Answer<UserWithMemberships>> {
    let user_guid = match (input.user_guid, input.email) {
        (Some(user_guid), None) => user_guid,
        (None, Some(email)) => holder(&ctx, &email).await?,
        (None, None) => return Err(Error::field("user_guid", "is required, or email")),
        (Some(_), Some(_)) => return Err(Error::field("email", "must not stand beside user_guid")),
    };
    let user = ctx.get(&keys::user(&System, user_guid)).await?.ok_or(Tag::NotFound)?;
    let members = ctx.all(&memberships_of(user_guid)).await?;
    let memberships = members.iter().map(|member| MembershipView::from(&member.record)).collect();
    Ok(ctx.show(&user)?.map(|user| UserWithMemberships { user, memberships }))
}

/// Whose an e-mail is.
async fn holder(ctx: &Ctx, email: &Email) -> Result<UserGuid> {
    let claim = ctx.get(&claim_key(&EmailClaim::hash(email, ctx.lookup_key()))).await?;
    Ok(claim.ok_or(Tag::NotFound)?.record.user_guid)
}

names!([ConfirmEmail, SetPasscode] User = keys::user[user_guid]);
revised!(ConfirmEmail, SetPasscode);

#[derive(Clone, Deserialize, JsonSchema)]
struct ConfirmEmail {
    /// The user.
    user_guid: UserGuid,
    /// The e-mail on record, so that no other one is confirmed by mistake.
    email: Email,
    /// The revision that was seen.
    expected_revision: Option<revision::Tag>,
}

async fn confirm_email(ctx: Ctx, input: ConfirmEmail, before: Stored<User>) -> Result<Written<UserView>> {
    refuse_doomed(&before.record)?;
    if before.record.email.as_ref() != Some(&input.email) {
        return Err(Error::from(Tag::InvalidState).detail("field", "email"));
    }
    let mut change = ctx.change();
    if before.record.email_confirmed {
        return change.show(&before);
    }
    let user = User { email_confirmed: true, ..before.record.clone() };
    let after = change.adjust(&System, &before, user, "user-email-confirmed")?;
    change.show(&after)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetPasscode {
    /// The user.
    user_guid: UserGuid,
    /// The new passcode.
    passcode: Passcode,
    /// The revision that was seen.
    expected_revision: Option<revision::Tag>,
}

async fn set_passcode(ctx: Ctx, input: SetPasscode, before: Stored<User>) -> Result<Written<UserView>> {
    refuse_doomed(&before.record)?;
    let passcode_hash = hash(&ctx, &input.passcode, before.record.email.as_ref()).await?;
    let user = User { passcode_hash: Some(passcode_hash), ..before.record.with_sessions_revoked(ctx.now()) };
    let mut change = ctx.change();
    let after = change.adjust(&System, &before, user, "user-passcode-set")?;
    change.show(&after)
}

fn refuse_doomed(user: &User) -> Result<()> {
    match user.status {
        UserStatus::Doomed => {
            Err(Error::from(Tag::InvalidState).detail("status", serde_json::json!(user.status)))
        }
        _ => Ok(()),
    }
}
