//! Logging in: `session/create` (contract usm §3).

use contract::{
    email::Email,
    error::{Error, Result, Tag},
    ids::{SessionId, UserGuid},
    network::SourceNetwork,
    personal::DisplayName,
    secret::Secret,
    text::Text,
    time::Time,
};
use identity::{
    passcode::PasscodeHash,
    session::{CAP_HOURS, DoomedReason, SLIDING_HOURS, Session, SessionStatus},
    token::SessionToken,
    user::{EmailClaim, User, UserStatus},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{Access, Class, Ctx, OrgFrom, Route, Writer, Written, post, write};
use store::{Batch, Stored, System};

use crate::{
    keys,
    lockout::{Counts, Subject},
    open_sessions::{self, OpenSession, OpenSessions, SessionHandle},
    passcode_check,
    session::about,
};

/// The routes.
pub static ROUTES: &[Route] = &[Route {
    call: post("/session/create"),
    summary: "Log in",
    class: Class::A,
    org: OrgFrom::Nowhere,
    access: Access::Public,
    errors: &[
        Tag::InvalidPasscode,
        Tag::UserNotVerified,
        Tag::EmailNotVerified,
        Tag::TooManySessions,
        Tag::RateLimited,
    ],
    handler: &write(create).ignoring_idempotency(),
}];

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// The e-mail address of the user.
    email: Email,
    /// The user's passcode.
    passcode: Secret,
    /// What the person calls the session.
    caption: Option<Text<1, 200>>,
    /// What the program calls it.
    session_label: Option<Text<1, 200>>,
    /// Whether use prolongs it (the default), or it ends after an hour in any case.
    ttl_refresh_enabled: Option<bool>,
    /// Whether to close the oldest session where there are as many as there may be; by default the log-in is refused.
    replace_oldest: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
struct LoggedIn {
    /// The secret by which the session is used; told here only.
    session_guid: String,
    /// The session's public handle.
    session_id: SessionId,
    /// Who logged in.
    user_guid: UserGuid,
    /// The name of who logged in.
    display_name: DisplayName,
    /// When the session was opened.
    created_at: Time,
    /// When it ends unless it is used before.
    expires_at_utc: Time,
    /// When it ends in any case.
    absolute_expires_at_utc: Time,
    /// Whether use prolongs it.
    ttl_refresh_enabled: bool,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<LoggedIn>> {
    let Authenticated { user, index, counts } = authenticate(&ctx, &input.email, &input.passcode).await?;
    may_log_in(&user.record)?;
    let token = SessionToken::mint(user.record.user_guid, ctx.chance());
    let mut change = ctx.change_in_session(&token);
    require_user(&ctx, &mut change, &user, &input.passcode).await?;
    counts.clear(&mut change)?;
    let mut open = make_room(&ctx, &mut change, &user.record, index.as_ref(), &input).await?;

    let session = opened(&ctx, &user.record, &token, input);
    open.push(OpenSession::from(&session));
    change.keep(&System, index.as_ref(), OpenSessions::of(&user.record, open))?;
    change.keep(&System, None, SessionHandle::from(&session))?;
    let created = change.create(&System, session, "session-created")?;
    let data = LoggedIn {
        session_guid: token.secret.reveal().to_owned(),
        session_id: created.record.session_id,
        user_guid: created.record.user_guid,
        display_name: user.record.display_name,
        created_at: created.created_at,
        expires_at_utc: created.record.expires_at_utc,
        absolute_expires_at_utc: created.record.absolute_expires_at_utc,
        ttl_refresh_enabled: created.record.ttl_refresh_enabled,
    };
    Ok(change.answer(about(&created, data)?))
}

/// Who logs in, and what goes with it.
struct Authenticated {
    user: Stored<User>,
    /// The user's open sessions.
    index: Option<Stored<OpenSessions>>,
    /// The failures that were counted so far.
    counts: Counts,
}

/// The user whose e-mail and passcode these are. Takes the same steps for an e-mail that nobody has as for a wrong
/// passcode, so that neither answer nor time tells them apart.
async fn authenticate(ctx: &Ctx, email: &Email, given: &Secret) -> Result<Authenticated> {
    let network = ctx.source_ip().and_then(|address| address.parse::<SourceNetwork>().ok());
    let subjects = Subject::of(email, network, ctx.lookup_key());
    let claim = identity::keys::email(&EmailClaim::hash(email, ctx.lookup_key()));
    let mut batch = Batch::default();
    batch.want(&claim);
    Counts::want(&subjects, &mut batch);
    let found = ctx.read(batch).await?;
    let counts = Counts::of(&subjects, &found)?;
    counts.check(ctx.now())?;

    let user_guid = found.get(&claim)?.map(|claim| claim.record.user_guid);
    let some_guid = user_guid.unwrap_or(UserGuid::NOWHERE);
    let (user, index) = (identity::keys::user(some_guid), keys::session::open(some_guid));
    let mut batch = Batch::default();
    batch.want(&user);
    batch.want(&index);
    let found = ctx.read(batch).await?;
    let user = found.get(&user)?;
    let hash = user.as_ref().and_then(|user| user.record.passcode_hash.as_ref());
    let is_right = passcode_check::is_right(ctx, hash, given).await?;
    match user {
        Some(user) if is_right => Ok(Authenticated { user, index: found.get(&index)?, counts }),
        _ => {
            counts.count_failure(ctx, user_guid).await?;
            Err(Tag::InvalidPasscode.into())
        }
    }
}

/// What is told only after a right passcode.
fn may_log_in(user: &User) -> Result<()> {
    if !user.email_confirmed {
        return Err(Tag::EmailNotVerified.into());
    }
    if user.status != UserStatus::Verified {
        return Err(Tag::UserNotVerified.into());
    }
    Ok(())
}

/// The user must be the same when the session is written: not suspended, no other passcode, no other marker. Where the
/// passcode was hashed with less work than is asked for now, it is hashed anew.
async fn require_user(ctx: &Ctx, change: &mut Writer, user: &Stored<User>, given: &Secret) -> Result<()> {
    if user.record.passcode_hash.as_ref().is_some_and(PasscodeHash::needs_rehash) {
        let passcode_hash = Some(passcode_check::rehashed(ctx, given).await?);
        return change.keep(&System, Some(user), User { passcode_hash, ..user.record.clone() });
    }
    change.require(&identity::keys::user(user.record.user_guid), user)
}

/// The user's open sessions, once there is room for one more.
async fn make_room(
    ctx: &Ctx,
    change: &mut Writer,
    user: &User,
    index: Option<&Stored<OpenSessions>>,
    input: &Create,
) -> Result<Vec<OpenSession>> {
    let possible = index.map(|index| index.record.possible(user, ctx.now())).unwrap_or_default();
    if possible.len() < open_sessions::MOST {
        return Ok(possible);
    }
    let active = open_sessions::active(ctx, user, &possible).await?;
    let too_many = (active.len() + 1).saturating_sub(open_sessions::MOST);
    if too_many > 0 && input.replace_oldest != Some(true) {
        return Err(Error::from(Tag::TooManySessions).detail("active", json!(active.len())));
    }
    let (oldest, rest) = active.split_at(too_many);
    for session in oldest {
        change.adjust(&System, session, session.record.ended(DoomedReason::Closed), "session-closed")?;
    }
    Ok(rest.iter().map(|session| OpenSession::from(&session.record)).collect())
}

fn opened(ctx: &Ctx, user: &User, token: &SessionToken, input: Create) -> Session {
    let now = ctx.now();
    Session {
        session_id: SessionId::from_uuid(ctx.uuid()),
        session_fingerprint: token.fingerprint(),
        token_hash: token.secret.hash().hex(),
        user_guid: user.user_guid,
        caption: input.caption,
        session_label: input.session_label,
        status: SessionStatus::Active,
        doomed_reason: None,
        last_seen_at: now,
        expires_at_utc: now.plus_hours(SLIDING_HOURS),
        absolute_expires_at_utc: now.plus_hours(CAP_HOURS),
        ttl_refresh_enabled: input.ttl_refresh_enabled.unwrap_or(true),
        user_agent: ctx.user_agent().map(str::to_owned),
        sessions_valid_from: user.sessions_valid_from,
    }
}
