//! A user: a person, whatever orgs they belong to (usm §5).

use contract::{
    email::Email, ids::UserGuid, locale::Locale, personal::DisplayName, revision, secret::LookupKey,
    states::States, time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Key, System, classes};

use crate::{keys, marker, passcode::PasscodeHash};

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

impl States for UserStatus {
    const ALL: &'static [Self] = &[Self::Unverified, Self::Verified, Self::Suspended, Self::Doomed];
    const HIDDEN: &'static [Self] = &[Self::Doomed];
}

/// What a user is called once the name was erased (ofm §9, `member/names`).
pub const FORMER_MEMBER: &str = "Former member";

/// What may follow what (usm §5).
pub const ARCS: &[(UserStatus, UserStatus)] = &[
    (UserStatus::Unverified, UserStatus::Verified),
    (UserStatus::Verified, UserStatus::Suspended),
    (UserStatus::Suspended, UserStatus::Verified),
    (UserStatus::Unverified, UserStatus::Doomed),
    (UserStatus::Verified, UserStatus::Doomed),
    (UserStatus::Suspended, UserStatus::Doomed),
];

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

/// Who holds an e-mail address: written with the user, never released, also not when the user is erased (usm §5).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EmailClaim {
    /// Keyed hash of the address: the claim does not hold the address itself.
    pub email_hash: String,
    /// The user.
    pub user_guid: UserGuid,
}

classes!(EmailClaim { email_hash: Contact, user_guid: Plain });

impl Entity for EmailClaim {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "email";
    type Scope = System;
    type Revision = revision::Counter;

    fn key(&self, _: &System) -> Key<Self> {
        keys::email(&self.email_hash)
    }

    fn id(&self) -> String {
        self.user_guid.to_string()
    }
}

impl EmailClaim {
    /// What stands for an address in the claim's key.
    pub fn hash(email: &Email, lookup_key: &LookupKey) -> String {
        lookup_key.hash("-", "email", email.as_str())
    }
}

impl User {
    /// The user with all sessions revoked. The marker always changes, also twice within a millisecond.
    #[must_use]
    pub fn with_sessions_revoked(&self, now: Time) -> Self {
        Self { sessions_valid_from: Some(marker::next(self.sessions_valid_from, now)), ..self.clone() }
    }

    /// Whether the user's sessions count (usm §2): verified, with a confirmed e-mail.
    pub fn may_act(&self) -> bool {
        self.status == UserStatus::Verified && self.email_confirmed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arcs;

    #[test]
    fn the_table_is_the_contracts() {
        use UserStatus::{Doomed, Suspended, Unverified, Verified};
        arcs::check(ARCS, Unverified, |from, to| match (from, to) {
            (Unverified | Suspended, Verified) | (Verified, Suspended) => true,
            (from, Doomed) => from != Doomed,
            _ => false,
        });
    }
}
