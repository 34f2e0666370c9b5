//! A user: a person, whatever orgs they belong to (usm §5).

use contract::{email::Email, ids::UserGuid, locale::Locale, personal::DisplayName, revision, time::Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Key, System, classes};

use crate::keys;

/// How a user stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// Created; may not log in yet.
    Unverified,
    /// May log in.
    Verified,
    /// May not log in for now.
    Suspended,
    /// Ended, for ever.
    Doomed,
}

/// A passcode as it is stored: an argon2id hash in its standard text form. Never shown.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasscodeHash(pub String);

impl std::fmt::Debug for PasscodeHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasscodeHash(***)")
    }
}

/// A user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// The person's id.
    pub user_guid: UserGuid,
    /// The address to log in with; none once it was erased.
    pub email: Option<Email>,
    /// Whether an operator confirmed that the address is the person's.
    pub email_confirmed: bool,
    /// The name to show.
    pub display_name: DisplayName,
    /// The person's language.
    pub locale: Option<Locale>,
    /// What a passcode is checked against, once one is set.
    pub passcode_hash: Option<PasscodeHash>,
    /// How the user stands.
    pub status: UserStatus,
    /// Sessions from before are dead (usm §3, *log-out everywhere*).
    pub sessions_valid_from: Option<Time>,
}

classes!(User {
    user_guid: Plain,
    email: Contact,
    email_confirmed: Plain,
    display_name: Identity,
    locale: Plain,
    passcode_hash: Secret,
    status: Plain,
    sessions_valid_from: Plain,
});

impl Entity for User {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "user";
    type Scope = System;
    type Revision = revision::Tag;

    fn key(&self, _: &System) -> Key<Self> {
        keys::user(self.user_guid)
    }

    fn id(&self) -> String {
        self.user_guid.to_string()
    }
}

impl User {
    /// Whether the user's sessions count (usm §2): verified, with a confirmed e-mail.
    pub fn may_act(&self) -> bool {
        self.status == UserStatus::Verified && self.email_confirmed
    }
}
