//! A session: a person's proof of having logged in (usm §3).

use contract::{
    error::{Error, Minor, Result, Tag},
    ids::{SessionId, UserGuid},
    revision,
    states::States,
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

/// How a session stands. What was done to it is stored, as `Active` or `Doomed`; whether its time has passed and whether
/// all sessions of its user were revoked is judged on read ([`Session::standing`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Open.
    Active,
    /// Ended.
    Doomed,
    /// Ended, past the longest life it could have had, and kept for the record.
    Archived,
}

impl States for SessionStatus {
    const ALL: &'static [Self] = &[Self::Active, Self::Doomed, Self::Archived];
    const HIDDEN: &'static [Self] = &[Self::Doomed, Self::Archived];
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DoomedReason {
    /// Closed from another session, or as the oldest of too many.
    Closed,
    /// Closed by itself.
    Logout,
    /// Ended with other sessions of the user.
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
    /// The user's marker when it was opened. Another marker now means that it was revoked with all others: that is
    /// exact also where the clocks of two machines differ.
    pub sessions_valid_from: Option<Time>,
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
    sessions_valid_from: Plain,
});

impl Entity for Session {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "session";
    type Scope = System;
    type Revision = revision::Tag;
    const KEY_IS_SECRET: bool = true;

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

    /// When it ends if it is touched as often as it can be.
    pub fn ends_at_latest(&self) -> Time {
        if self.ttl_refresh_enabled { self.absolute_expires_at_utc } else { self.ends_at() }
    }

    /// How it stands at this time, with its user's marker as it is now, and why it ended if it did.
    pub fn standing(
        &self,
        sessions_valid_from: Option<Time>,
        now: Time,
    ) -> (SessionStatus, Option<DoomedReason>) {
        let reason = self.doomed_reason.or_else(|| self.ended_by(sessions_valid_from, now));
        let status = match reason {
            None => SessionStatus::Active,
            Some(_) if now >= self.absolute_expires_at_utc => SessionStatus::Archived,
            Some(_) => SessionStatus::Doomed,
        };
        (status, reason)
    }

    /// What ended it without being written into it.
    fn ended_by(&self, sessions_valid_from: Option<Time>, now: Time) -> Option<DoomedReason> {
        let revoked = sessions_valid_from != self.sessions_valid_from;
        let ended = now >= self.ends_at();
        match (revoked, ended) {
            (false, false) => None,
            (false, true) => Some(DoomedReason::Expired),
            // It had ended by itself when the others were revoked.
            (true, true) if sessions_valid_from >= Some(self.ends_at()) => Some(DoomedReason::Expired),
            (true, _) => Some(DoomedReason::Revoked),
        }
    }

    /// Refuses a session that is not good at this time.
    pub fn check(&self, user: Option<&User>, now: Time) -> Result<()> {
        let user = user.ok_or(Tag::SessionInvalid)?;
        match self.standing(user.sessions_valid_from, now) {
            (SessionStatus::Active, _) if user.may_act() => Ok(()),
            (SessionStatus::Active, _) => Err(Tag::SessionInvalid.into()),
            (_, Some(DoomedReason::Expired)) => {
                Err(Error::from(Tag::SessionExpired).minor(Minor::TtlExpired))
            }
            _ => Err(Error::from(Tag::SessionInvalid).minor(Minor::SessionDoomed)),
        }
    }

    /// The session after it was ended.
    #[must_use]
    pub fn ended(&self, reason: DoomedReason) -> Self {
        Self { status: SessionStatus::Doomed, doomed_reason: Some(reason), ..self.clone() }
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

#[cfg(test)]
mod tests {
    use contract::ids::UserGuid;
    use proptest::prelude::*;

    use super::*;
    use crate::user::UserStatus;

    fn at(seconds: i64) -> Time {
        "2026-03-04T08:00:00Z".parse::<Time>().unwrap().plus_seconds(seconds)
    }

    fn session(ttl_refresh_enabled: bool) -> Session {
        Session {
            session_id: SessionId::NOWHERE,
            session_fingerprint: "sf_".to_owned(),
            token_hash: String::new(),
            user_guid: UserGuid::NOWHERE,
            caption: None,
            session_label: None,
            status: SessionStatus::Active,
            doomed_reason: None,
            last_seen_at: at(0),
            expires_at_utc: at(3600),
            absolute_expires_at_utc: at(12 * 3600),
            ttl_refresh_enabled,
            user_agent: None,
            sessions_valid_from: None,
        }
    }

    fn user(status: UserStatus, email_confirmed: bool) -> User {
        User {
            user_guid: UserGuid::NOWHERE,
            email: None,
            email_confirmed,
            display_name: contract::personal::Personal("Ada".parse().unwrap()),
            locale: None,
            passcode_hash: None,
            status,
            sessions_valid_from: None,
        }
    }

    fn tag(result: Result<()>) -> Option<Tag> {
        result.err().map(|error| error.tag())
    }

    #[test]
    fn it_ends_when_its_time_has_passed_and_not_before() {
        let ada = user(UserStatus::Verified, true);
        assert_eq!(tag(session(true).check(Some(&ada), at(3599))), None);
        assert_eq!(tag(session(true).check(Some(&ada), at(3600))), Some(Tag::SessionExpired));
        let standing = |seconds| session(true).standing(None, at(seconds)).0;
        assert_eq!(standing(12 * 3600 - 1), SessionStatus::Doomed);
        assert_eq!(standing(12 * 3600), SessionStatus::Archived);
    }

    #[test]
    fn it_counts_only_while_its_user_may_act() {
        for (status, confirmed) in [
            (UserStatus::Unverified, true),
            (UserStatus::Suspended, true),
            (UserStatus::Doomed, true),
            (UserStatus::Verified, false),
        ] {
            let refused = session(true).check(Some(&user(status, confirmed)), at(0));
            assert_eq!(tag(refused), Some(Tag::SessionInvalid));
        }
        assert_eq!(tag(session(true).check(None, at(0))), Some(Tag::SessionInvalid));
    }

    #[test]
    fn another_marker_revokes_also_in_the_moment_of_opening() {
        let ada = user(UserStatus::Verified, true).with_sessions_revoked(at(0));
        assert_eq!(tag(session(true).check(Some(&ada), at(0))), Some(Tag::SessionInvalid));
        let later = Session { sessions_valid_from: ada.sessions_valid_from, ..session(true) };
        assert_eq!(tag(later.check(Some(&ada), at(0))), None);
        let again = ada.with_sessions_revoked(at(0));
        assert!(again.sessions_valid_from > ada.sessions_valid_from);
        assert_eq!(tag(later.check(Some(&again), at(0))), Some(Tag::SessionInvalid));
    }

    #[test]
    fn the_reason_is_what_came_first() {
        let reason = |marker, seconds| session(true).standing(marker, at(seconds)).1;
        assert_eq!(reason(Some(at(10)), 20), Some(DoomedReason::Revoked));
        assert_eq!(reason(Some(at(10)), 4000), Some(DoomedReason::Revoked));
        assert_eq!(reason(Some(at(3600)), 4000), Some(DoomedReason::Expired));
        let closed = session(true).ended(DoomedReason::Logout);
        assert_eq!(closed.standing(Some(at(10)), at(4000)).1, Some(DoomedReason::Logout));
    }

    #[test]
    fn a_fixed_session_is_never_touched() {
        assert!(session(false).touched(at(1800)).is_none());
        assert_eq!(session(false).ends_at_latest(), at(3600));
        assert_eq!(session(true).ends_at_latest(), at(12 * 3600));
    }

    proptest! {
        #[test]
        fn touches_prolong_by_an_hour_at_most_once_a_minute_and_never_past_the_cap(
            pauses in prop::collection::vec(1i64..4000, 1..60),
        ) {
            let mut session = session(true);
            let mut now = 0;
            for pause in pauses {
                now += pause;
                let good = session.standing(None, at(now)).0 == SessionStatus::Active;
                prop_assert_eq!(good, at(now) < session.ends_at());
                if !good {
                    break;
                }
                let since = at(now).since(session.last_seen_at).as_secs();
                let touched = session.touched(at(now));
                prop_assert_eq!(touched.is_some(), since >= 60);
                if let Some(touched) = touched {
                    prop_assert_eq!(touched.ends_at(), at(now + 3600).min(at(12 * 3600)));
                    session = touched;
                }
                prop_assert!(session.ends_at() <= session.absolute_expires_at_utc);
            }
        }

        #[test]
        fn once_ended_it_stays_so(
            marker in prop::option::of(0i64..20_000),
            first in 0i64..50_000,
            later in 0i64..50_000,
        ) {
            // No marker is ahead of the time.
            let (first, marker) = (first + marker.unwrap_or(0), marker.map(at));
            let (status, reason) = session(true).standing(marker, at(first));
            if status != SessionStatus::Active {
                let (status_later, reason_later) = session(true).standing(marker, at(first + later));
                prop_assert!(status_later >= status);
                prop_assert_eq!(reason_later, reason);
            }
        }
    }
}
