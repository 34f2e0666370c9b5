//! A person's own sessions: looking at them and ending them (contract usm §3).

use contract::{
    error::{Error, Result, Tag},
    ids::{SessionId, UserGuid},
    personal::DisplayName,
    revision,
    states::{Filter, visible},
    text::Text,
    time::Time,
};
use identity::{
    session::{CAP_HOURS, DoomedReason, Session, SessionStatus},
    user::{User, UserStatus},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Answer, Class, Ctx, OrgFrom, Principal, Route, Written, list, post, read, write};
use store::{Action, Batch, Entity, Listing, Stored, System};

use crate::{
    keys,
    open_sessions::{self, OpenSessions},
};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/session/validate"),
        summary: "Say whether a session is good, and whose it is",
        class: Class::C,
        org: OrgFrom::Nowhere,
        access: Access::Human,
        errors: &[],
        handler: &read(validate),
    },
    Route {
        call: post("/session/get"),
        summary: "Get one's own session, this one or another",
        class: Class::B,
        org: OrgFrom::Nowhere,
        access: Access::Human,
        errors: &[Tag::NotFound],
        handler: &read(get),
    },
    Route {
        call: post("/session/list"),
        summary: "List one's own sessions, oldest first",
        class: Class::B,
        org: OrgFrom::Nowhere,
        access: Access::Human,
        errors: &[],
        handler: &list(list_own),
    },
    Route {
        call: post("/session/close"),
        summary: "Close one's own session: log out of this one, or close another",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Human,
        errors: &[Tag::NotFound],
        handler: &write(close),
    },
    Route {
        call: post("/session/logout_other_devices"),
        summary: "Close all of one's own sessions but this one",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Human,
        errors: &[],
        handler: &write(logout_other_devices),
    },
    Route {
        call: post("/session/logout_everywhere"),
        summary: "End all of one's own sessions, this one too",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Human,
        errors: &[],
        handler: &write(logout_everywhere),
    },
];

/// A session as it is answered: never its secret.
#[derive(Serialize, JsonSchema)]
pub struct SessionView {
    /// Its public handle.
    session_id: SessionId,
    /// `sf_…`: what logs show of its secret.
    session_fingerprint: String,
    /// Whose it is.
    user_guid: UserGuid,
    /// What the person calls it.
    caption: Option<Text<1, 200>>,
    /// What the program calls it.
    session_label: Option<Text<1, 200>>,
    /// How it stands now.
    status: SessionStatus,
    /// Why it ended.
    doomed_reason: Option<DoomedReason>,
    /// When it was last seen in use, to the minute.
    last_seen_at: Time,
    /// When it ends unless it is used before.
    expires_at_utc: Time,
    /// When it ends in any case.
    absolute_expires_at_utc: Time,
    /// Whether use prolongs it.
    ttl_refresh_enabled: bool,
    /// The program it was opened with.
    user_agent: Option<String>,
    /// Its revision.
    revision: revision::Tag,
    /// When it was opened.
    created_at: Time,
    /// When it was last changed, other than by use.
    updated_at: Time,
}

impl SessionView {
    fn of(stored: &Stored<Session>, user: &User, now: Time) -> Self {
        let session = stored.record.clone();
        let (status, doomed_reason) = session.standing(user.sessions_valid_from, now);
        Self {
            session_id: session.session_id,
            session_fingerprint: session.session_fingerprint,
            user_guid: session.user_guid,
            caption: session.caption,
            session_label: session.session_label,
            status,
            doomed_reason,
            last_seen_at: session.last_seen_at,
            expires_at_utc: session.expires_at_utc,
            absolute_expires_at_utc: session.absolute_expires_at_utc,
            ttl_refresh_enabled: session.ttl_refresh_enabled,
            user_agent: session.user_agent,
            revision: stored.revision,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

/// An answer about a record, with its revision.
pub(crate) fn about<E: Entity, T>(stored: &Stored<E>, data: T) -> Result<Answer<T>> {
    let revision = serde_json::to_value(stored.revision).map_err(Error::internal)?;
    Ok(Answer { data, revision: Some(revision) })
}

/// The calling session and its user.
fn caller(ctx: &Ctx) -> Result<(&Stored<Session>, &Stored<User>)> {
    match &ctx.caller().principal {
        Principal::Session { session, user } => Ok((session, user)),
        _ => Err(Error::internal("the route takes no sessions")),
    }
}

/// Takes nothing of its own.
#[derive(Clone, Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Serialize, JsonSchema)]
struct Validated {
    #[serde(flatten)]
    session: SessionView,
    /// The name of the person.
    display_name: DisplayName,
    /// How the person stands.
    user_status: UserStatus,
    /// Whether this call counts as use: at most one in a minute does.
    touched: bool,
}

async fn validate(ctx: Ctx, _: Nothing) -> Result<Answer<Validated>> {
    let (session, user) = caller(&ctx)?;
    let touch = session.record.touched(ctx.now());
    let touched = touch.is_some();
    let mut shown = session.clone();
    shown.record = touch.unwrap_or(shown.record);
    let data = Validated {
        session: SessionView::of(&shown, &user.record, ctx.now()),
        display_name: user.record.display_name.clone(),
        user_status: user.record.status,
        touched,
    };
    about(&shown, data)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// Which session; by default the one that calls.
    session_id: Option<SessionId>,
    /// Whether to show one that is only kept for the record.
    include_archived: Option<bool>,
}

async fn get(ctx: Ctx, input: Get) -> Result<Answer<SessionView>> {
    let (current, user) = caller(&ctx)?;
    let session = match input.session_id {
        Some(id) if id != current.record.session_id => own(&ctx, id).await?.0,
        _ => current.clone(),
    };
    let view = SessionView::of(&session, &user.record, ctx.now());
    if view.status == SessionStatus::Archived && input.include_archived != Some(true) {
        return Err(Tag::NotFound.into());
    }
    about(&session, view)
}

/// One of the caller's own sessions, and the index of those that are open.
async fn own(ctx: &Ctx, id: SessionId) -> Result<(Stored<Session>, Option<Stored<OpenSessions>>)> {
    let (current, user) = caller(ctx)?;
    let user_guid = user.record.user_guid;
    let index = keys::session::open(user_guid);
    let handle = keys::session::by_handle(user_guid, id);
    let mut batch = Batch::default();
    batch.want(&index);
    batch.want(&handle);
    let found = ctx.read(batch).await?;
    let index = found.get(&index)?;
    if id == current.record.session_id {
        return Ok((current.clone(), index));
    }
    let handle = found.get(&handle)?.ok_or(Tag::NotFound)?;
    let session = ctx.get(&identity::keys::session(user_guid, &handle.record.token_hash)).await?;
    Ok((session.ok_or(Tag::NotFound)?, index))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Just those that stand so, or `all`; by default those that are active.
    status: Option<Filter<SessionStatus>>,
    /// Whether to show those that have ended too.
    include_doomed: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
struct Listed {
    /// The sessions.
    sessions: Vec<SessionView>,
    /// The one that calls.
    current_session_id: SessionId,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

async fn list_own(ctx: Ctx, input: List) -> Result<Answer<Listed>> {
    let (current, user) = caller(&ctx)?;
    let wanted = visible(input.status, input.include_doomed);
    let listing = listing(user.record.user_guid, &wanted, ctx.now());
    let stands = |session: &Session| session.standing(user.record.sessions_valid_from, ctx.now()).0;
    let page = ctx.list_where(&listing, |session| wanted.contains(&stands(session))).await?;
    let sessions = page.records.iter().map(|session| SessionView::of(session, &user.record, ctx.now()));
    Ok(Answer::new(Listed {
        sessions: sessions.collect(),
        current_session_id: current.record.session_id,
        next_token: page.next_token,
    }))
}

/// Where sessions are found that stand in one of some ways. Which of them have ended is judged on reading; the archive
/// is told apart by its time, so that it is not read for the others.
fn listing(user: UserGuid, wanted: &[SessionStatus], now: Time) -> Listing<Session> {
    let archived_up_to = now.plus_hours(-CAP_HOURS);
    let wants = |status: SessionStatus| wanted.contains(&status);
    let ended = wants(SessionStatus::Doomed) || wants(SessionStatus::Archived);
    // What was not closed may still have ended by its time.
    let stored: &[_] =
        if ended { &[SessionStatus::Active, SessionStatus::Doomed] } else { &[SessionStatus::Active] };
    let fresh = wants(SessionStatus::Active) || wants(SessionStatus::Doomed);
    let from = (!wants(SessionStatus::Archived)).then_some(archived_up_to);
    let to = (!fresh).then_some(archived_up_to);
    identity::keys::sessions_opened(user, stored, from, to)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Close {
    /// Which session; by default the one that calls.
    session_id: Option<SessionId>,
}

#[derive(Serialize, JsonSchema)]
struct Closed {
    #[serde(flatten)]
    session: SessionView,
    /// Whether this call closed it; false where it had ended before.
    closed: bool,
}

async fn close(ctx: Ctx, input: Close) -> Result<Written<Closed>> {
    let (current, user) = caller(&ctx)?;
    let (session, index) = own(&ctx, input.session_id.unwrap_or(current.record.session_id)).await?;
    let mut change = ctx.change();
    let is_active =
        session.record.standing(user.record.sessions_valid_from, ctx.now()).0 == SessionStatus::Active;
    let after = if is_active {
        let is_current = session.record.session_id == current.record.session_id;
        let reason = if is_current { DoomedReason::Logout } else { DoomedReason::Closed };
        open_sessions::forget(&mut change, index.as_ref(), &[session.record.session_id])?;
        change.adjust(&System, &session, session.record.ended(reason), "session-closed")?
    } else {
        session
    };
    let view = SessionView::of(&after, &user.record, ctx.now());
    Ok(change.answer(about(&after, Closed { session: view, closed: is_active })?))
}

#[derive(Serialize, JsonSchema)]
struct OthersClosed {
    /// How many sessions this call closed.
    closed_count: usize,
}

async fn logout_other_devices(ctx: Ctx, _: Nothing) -> Result<Written<OthersClosed>> {
    let (current, user) = caller(&ctx)?;
    let index = ctx.get(&keys::session::open(user.record.user_guid)).await?;
    let mut possible =
        index.as_ref().map(|index| index.record.possible(&user.record, ctx.now())).unwrap_or_default();
    possible.retain(|open| open.session_id != current.record.session_id);
    let others = open_sessions::active(&ctx, &user.record, &possible).await?;
    let mut change = ctx.change();
    for session in &others {
        change.adjust(&System, session, session.record.ended(DoomedReason::Revoked), "session-closed")?;
    }
    let closed: Vec<_> = others.iter().map(|session| session.record.session_id).collect();
    open_sessions::forget(&mut change, index.as_ref(), &closed)?;
    Ok(change.answer(Answer::new(OthersClosed { closed_count: closed.len() })))
}

#[derive(Serialize, JsonSchema)]
struct Revoked {
    /// Always true.
    revoked: bool,
    /// Listed from before are dead.
    sessions_valid_from: Option<Time>,
}

async fn logout_everywhere(ctx: Ctx, _: Nothing) -> Result<Written<Revoked>> {
    let (_, user) = caller(&ctx)?;
    let mut change = ctx.change();
    let revoked = user.record.with_sessions_revoked(ctx.now());
    let sessions_valid_from = revoked.sessions_valid_from;
    change.adjust(&System, user, revoked, Action::from("sessions-revoked"))?;
    Ok(change.answer(Answer::new(Revoked { revoked: true, sessions_valid_from })))
}
