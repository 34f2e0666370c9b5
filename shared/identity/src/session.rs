//! A session: a person's proof of having logged in (usm §3).

use contract::{
    error::{Error, Minor, Result, Tag},
    ids::{SessionId, UserGuid},
    revision,
    text::Text,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, System, classes};

use crate::{keys, user::User};

/// How long a session lives after its last touch.
pub const SLIDING_HOURS: i64 = 1;
/// How long it lives at most.
pub const CAP_HOURS: i64 = 12;
/// It is touched when the last touch is so old.
pub const TOUCH_AFTER_SECONDS: i64 = 60;
/// How long it is kept after its end.
pub const ARCHIVE_DAYS: i64 = 30;

/// What was done to a session. Whether its time has passed is judged on read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Open.
    Active,
    /// Ended.
    Doomed,
    /// Ended and kept for the record.
    Archived,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DoomedReason {
    /// Closed from another session, or as the oldest of too many.
    Closed,
    /// Closed by itself.
    Logout,
    /// Ended with all others of the user.
    Revoked,
    /// Its time passed.
    Expired,
}

/// A session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// Its public handle.
    pub session_id: SessionId,
    /// `sf_…`: what may be logged of its token.
    pub session_fingerprint: String,
    /// SHA-256 of its token, in hex digits.
    pub token_hash: String,
    /// Whose it is.
    pub user_guid: UserGuid,
    /// What the person called it.
    pub caption: Option<Text<1, 200>>,
    /// What the program called it.
    pub session_label: Option<Text<1, 200>>,
    /// What was done to it.
    pub status: SessionStatus,
    /// Why it ended.
    pub doomed_reason: Option<DoomedReason>,
    /// When it was last touched.
    pub last_seen_at: Time,
    /// When it ends unless touched before.
    pub expires_at_utc: Time,
    /// When it ends in any case.
    pub absolute_expires_at_utc: Time,
    /// Whether touches prolong it.
    pub ttl_refresh_enabled: bool,
    /// The program it was opened with.
    pub user_agent: Option<String>,
}

classes!(Session {
    session_id: Plain,
    session_fingerprint: Plain,
    token_hash: Secret,
    user_guid: Plain,
    caption: FreeText,
    session_label: FreeText,
    status: Plain,
    doomed_reason: Plain,
    last_seen_at: Plain,
    expires_at_utc: Plain,
    absolute_expires_at_utc: Plain,
    ttl_refresh_enabled: Plain,
    user_agent: Identity,
});

impl Entity for Session {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "session";
    type Scope = System;
    type Revision = revision::Tag;

    fn key(&self, _: &System) -> Key<Self> {
        keys::session(self.user_guid, &self.token_hash)
    }

    fn indexes(&self, _: &System, created_at: Time) -> Indexes {
        keys::session_lists(self, created_at)
    }

    fn id(&self) -> String {
        self.session_id.to_string()
    }

    fn expires(&self) -> Option<Time> {
        Some(self.absolute_expires_at_utc.plus_days(ARCHIVE_DAYS))
    }
}

impl Session {
    /// What a touch changes.
    pub const TOUCHED: &'static [&'static str] = &["last_seen_at", "expires_at_utc"];

    /// When it ends, as things stand.
    pub fn ends_at(&self) -> Time {
        self.expires_at_utc.min(self.absolute_expires_at_utc)
    }

    /// Refuses a session that is not good at this time; `opened_at` is when it was created.
    pub fn check(&self, opened_at: Time, user: Option<&User>, now: Time) -> Result<()> {
        if self.status != SessionStatus::Active {
            return Err(match self.doomed_reason {
                Some(DoomedReason::Expired) => expired(),
                _ => doomed(),
            });
        }
        if now >= self.ends_at() {
            return Err(expired());
        }
        let user = user.ok_or(Tag::SessionInvalid)?;
        if user.sessions_valid_from.is_some_and(|from| opened_at < from) {
            return Err(doomed());
        }
        if user.may_act() { Ok(()) } else { Err(Tag::SessionInvalid.into()) }
    }

    /// The session after a touch, or none where no touch is due.
    pub fn touched(&self, now: Time) -> Option<Self> {
        let due = self.ttl_refresh_enabled && now >= self.last_seen_at.plus_seconds(TOUCH_AFTER_SECONDS);
        due.then(|| Self {
            last_seen_at: now,
            expires_at_utc: now.plus_hours(SLIDING_HOURS).min(self.absolute_expires_at_utc),
            ..self.clone()
        })
    }
}

fn doomed() -> Error {
    Error::from(Tag::SessionInvalid).minor(Minor::SessionDoomed)
}

fn expired() -> Error {
    Error::from(Tag::SessionExpired).minor(Minor::TtlExpired)
}
