//! What is kept beside sessions: which of them are open, and which one a public handle means.

use contract::{
    error::Result,
    ids::{SessionId, UserGuid},
    revision,
    time::Time,
};
use identity::{
    session::{Session, SessionStatus},
    user::User,
};
use serde::{Deserialize, Serialize};
use service::{Ctx, Writer};
use store::{Batch, Entity, Key, Stored, System, classes};

use crate::keys;

/// A user has so many active sessions at most (usm §3).
pub const MOST: usize = 10;

/// The open sessions of a user. Everything that opens or closes one also writes this item, at the revision that it
/// saw: that makes the cap exact. It may name some that have ended by their time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenSessions {
    /// The user.
    pub user_guid: UserGuid,
    /// The user's marker when this was written: under another one none of them is open.
    pub sessions_valid_from: Option<Time>,
    /// The sessions, oldest first.
    pub sessions: Vec<OpenSession>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenSession {
    /// Its public handle.
    pub session_id: SessionId,
    /// By which it is stored.
    pub token_hash: String,
    /// When it is over in any case.
    pub ends_at_latest: Time,
}

classes!(OpenSessions { user_guid: Plain, sessions_valid_from: Plain, sessions: Secret });

impl Entity for OpenSessions {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "open-sessions";
    type Scope = System;
    type Revision = revision::Tag;

    fn key(&self, _: &System) -> Key<Self> {
        keys::session::open(self.user_guid)
    }

    fn id(&self) -> String {
        self.user_guid.to_string()
    }

    fn expires(&self) -> Option<Time> {
        self.sessions.iter().map(|session| session.ends_at_latest).max()
    }
}

impl From<&Session> for OpenSession {
    fn from(session: &Session) -> Self {
        Self {
            session_id: session.session_id,
            token_hash: session.token_hash.clone(),
            ends_at_latest: session.ends_at_latest(),
        }
    }
}

impl OpenSessions {
    /// The open sessions of a user who has these.
    pub fn of(user: &User, sessions: Vec<OpenSession>) -> Self {
        Self { user_guid: user.user_guid, sessions_valid_from: user.sessions_valid_from, sessions }
    }

    /// Those that may be open, as far as this item alone can tell.
    pub fn possible(&self, user: &User, now: Time) -> Vec<OpenSession> {
        if self.sessions_valid_from != user.sessions_valid_from {
            return Vec::new();
        }
        self.sessions.iter().filter(|session| now < session.ends_at_latest).cloned().collect()
    }
}

/// Those of some sessions that are open, oldest first.
pub async fn active(ctx: &Ctx, user: &User, possible: &[OpenSession]) -> Result<Vec<Stored<Session>>> {
    let keys = possible.iter().map(|open| identity::keys::session(user.user_guid, &open.token_hash));
    let keys: Vec<_> = keys.collect();
    let mut batch = Batch::default();
    for key in &keys {
        batch.want(key);
    }
    let found = ctx.read(batch).await?;
    let mut sessions = Vec::new();
    for key in &keys {
        sessions.extend(found.get(key)?);
    }
    let is_active = |session: &Stored<Session>| {
        session.record.standing(user.sessions_valid_from, ctx.now()).0 == SessionStatus::Active
    };
    sessions.retain(is_active);
    sessions.sort_by_key(|session| (session.created_at, session.record.session_id));
    Ok(sessions)
}

/// Takes sessions that are being closed off the index.
pub fn forget(change: &mut Writer, index: Option<&Stored<OpenSessions>>, closed: &[SessionId]) -> Result<()> {
    let Some(index) = index else { return Ok(()) };
    let mut left = index.record.clone();
    left.sessions.retain(|open| !closed.contains(&open.session_id));
    if left.sessions.len() == index.record.sessions.len() {
        return Ok(());
    }
    change.keep(&System, Some(index), left)
}

/// Which session a public handle means: written with the session, and gone with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionHandle {
    /// The user.
    pub user_guid: UserGuid,
    /// The handle.
    pub session_id: SessionId,
    /// By which the session is stored.
    pub token_hash: String,
    /// When it may be forgotten.
    pub until: Option<Time>,
}

classes!(SessionHandle { user_guid: Plain, session_id: Plain, token_hash: Secret, until: Plain });

impl Entity for SessionHandle {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "session-handle";
    type Scope = System;
    type Revision = revision::Counter;

    fn key(&self, _: &System) -> Key<Self> {
        keys::session::by_handle(self.user_guid, self.session_id)
    }

    fn id(&self) -> String {
        self.session_id.to_string()
    }

    fn expires(&self) -> Option<Time> {
        self.until
    }
}

impl From<&Session> for SessionHandle {
    fn from(session: &Session) -> Self {
        Self {
            user_guid: session.user_guid,
            session_id: session.session_id,
            token_hash: session.token_hash.clone(),
            until: session.expires(),
        }
    }
}
