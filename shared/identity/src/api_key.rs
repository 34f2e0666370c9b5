//! An API key of a service account, and the org's policy for keys (usm §4).

use contract::{
    error::{Result, Tag},
    ids::{KeyId, OrgGuid, ServiceAccountGuid, UserGuid},
    problem::Problem,
    revision,
    states::States,
    text::Caption,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, Org, classes};

use crate::{
    keys, marker,
    service_account::{AccountStatus, ServiceAccount},
};

/// How a key stands. What was done to it is stored; what else ended it is judged on read ([`ApiKey::status`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// Counts, while its account is active and the org's policy lets it.
    Active,
    /// Ended, for ever.
    Doomed,
}

impl States for KeyStatus {
    const ALL: &'static [Self] = &[Self::Active, Self::Doomed];
    const HIDDEN: &'static [Self] = &[Self::Doomed];
}

/// An API key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its public handle.
    pub key_id: KeyId,
    /// `kf_…`: what may be logged of it.
    pub api_key_fingerprint: String,
    /// SHA-256 of it, in hex digits.
    pub token_hash: String,
    /// Whose it is.
    pub service_account_guid: ServiceAccountGuid,
    /// What it is called.
    pub caption: Option<Caption>,
    /// How it stands.
    pub status: KeyStatus,
    /// When it ends, if it does.
    pub expires_at: Option<Time>,
    /// When it was last used, written at most hourly.
    pub last_used_at: Option<Time>,
    /// The account's marker when it was made. Another one now means that it was revoked with all others.
    pub keys_valid_from: Option<Time>,
    /// Likewise the marker of the org's policy.
    pub org_keys_valid_from: Option<Time>,
    /// The owner who made it, whom it outlives; none for one from before this was noted.
    #[serde(default)]
    pub created_by: Option<UserGuid>,
}

classes!(ApiKey {
    org_guid: Plain,
    key_id: Plain,
    api_key_fingerprint: Plain,
    token_hash: Secret,
    service_account_guid: Plain,
    caption: Plain,
    status: Plain,
    expires_at: Plain,
    last_used_at: Plain,
    keys_valid_from: Plain,
    org_keys_valid_from: Plain,
    created_by: Plain,
});

impl Entity for ApiKey {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "api-key";
    type Scope = Org;
    type Revision = revision::Tag;
    const KEY_IS_SECRET: bool = true;

    fn key(&self, scope: &Org) -> Key<Self> {
        keys::api_key(scope, self.service_account_guid, &self.token_hash)
    }

    fn indexes(&self, scope: &Org, created_at: Time) -> Indexes {
        keys::api_key_lists(scope, self, created_at)
    }

    fn id(&self) -> String {
        self.key_id.to_string()
    }
}

impl ApiKey {
    /// What a use changes.
    pub const TOUCHED: &'static [&'static str] = &["last_used_at"];

    /// How it stands at this time: doomed where nothing can make it good again. A key that is too old for the policy
    /// is not, for the policy may change.
    pub fn status(&self, account: &ServiceAccount, policy: Option<&KeyPolicy>, now: Time) -> KeyStatus {
        let ended = self.status == KeyStatus::Doomed
            || account.status == AccountStatus::Doomed
            || self.keys_valid_from != account.keys_valid_from
            || self.org_keys_valid_from != policy.and_then(|policy| policy.keys_valid_from)
            || self.expires_at.is_some_and(|end| now >= end);
        if ended { KeyStatus::Doomed } else { KeyStatus::Active }
    }

    /// Refuses a key that is not good at this time (usm §4, *a key is valid when*).
    pub fn check(
        &self,
        made_at: Time,
        account: Option<&ServiceAccount>,
        policy: Option<&KeyPolicy>,
        now: Time,
    ) -> Result<()> {
        let account = account.ok_or(Tag::ApiKeyInvalid)?;
        let revoked = self.status != KeyStatus::Active
            || self.keys_valid_from != account.keys_valid_from
            || self.org_keys_valid_from != policy.and_then(|policy| policy.keys_valid_from);
        if revoked || account.status != AccountStatus::Active {
            return Err(Tag::ApiKeyInvalid.into());
        }
        let max_age = policy.and_then(|policy| policy.max_age_days);
        let too_old_at = max_age.map(|days| made_at.plus_days(days.0.into()));
        if [self.expires_at, too_old_at].iter().flatten().any(|end| now >= *end) {
            return Err(Tag::ApiKeyExpired.into());
        }
        Ok(())
    }

    /// The key after a use, or none where its use was noted within the hour.
    pub fn used(&self, now: Time) -> Option<Self> {
        let due = self.last_used_at.is_none_or(|last| now >= last.plus_hours(1));
        due.then(|| Self { last_used_at: Some(now), ..self.clone() })
    }
}

/// How old a key may become: 1 to 3650 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u16", into = "u16")]
#[schemars(extend("minimum" = 1, "maximum" = 3650))]
pub struct MaxAgeDays(u16);

impl TryFrom<u16> for MaxAgeDays {
    type Error = Problem;

    fn try_from(days: u16) -> Result<Self, Problem> {
        if (1..=3650).contains(&days) {
            Ok(Self(days))
        } else {
            Err(Problem::new("must be 1 to 3650, or null"))
        }
    }
}

impl From<MaxAgeDays> for u16 {
    fn from(days: MaxAgeDays) -> Self {
        days.0
    }
}

/// An org's policy for its keys, judged at every check.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KeyPolicy {
    /// The org.
    pub org_guid: OrgGuid,
    /// A key ends so many days after its creation; null for no such end.
    pub max_age_days: Option<MaxAgeDays>,
    /// Whether a new key must say when it ends.
    pub require_expiry: bool,
    /// Keys of all accounts from before are dead: those that were made under another marker.
    pub keys_valid_from: Option<Time>,
}

classes!(KeyPolicy { org_guid: Plain, max_age_days: Plain, require_expiry: Plain, keys_valid_from: Plain });

impl Entity for KeyPolicy {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "api-key-policy";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, scope: &Org) -> Key<Self> {
        keys::key_policy(scope)
    }

    fn id(&self) -> String {
        self.org_guid.to_string()
    }
}

impl KeyPolicy {
    /// No rules: what holds where an org has set no policy.
    pub fn none(org_guid: OrgGuid) -> Self {
        Self { org_guid, max_age_days: None, require_expiry: false, keys_valid_from: None }
    }

    /// The policy with all keys of the org revoked.
    #[must_use]
    pub fn with_keys_revoked(&self, now: Time) -> Self {
        Self { keys_valid_from: Some(marker::next(self.keys_valid_from, now)), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Time {
        "2026-03-04T08:00:00Z".parse::<Time>().unwrap().plus_seconds(seconds)
    }

    fn account(status: AccountStatus) -> ServiceAccount {
        ServiceAccount {
            org_guid: OrgGuid::NOWHERE,
            service_account_guid: ServiceAccountGuid::NOWHERE,
            code: "TILL".parse().unwrap(),
            caption: "Till".parse().unwrap(),
            roles: serde_json::from_value(serde_json::json!(["crm_view"])).unwrap(),
            status,
            keys_valid_from: None,
            created_by: None,
        }
    }

    fn policy(max_age_days: u16) -> KeyPolicy {
        let max_age_days = Some(MaxAgeDays::try_from(max_age_days).unwrap());
        KeyPolicy { max_age_days, ..KeyPolicy::none(OrgGuid::NOWHERE) }
    }

    fn key(expires_at: Option<Time>) -> ApiKey {
        ApiKey {
            org_guid: OrgGuid::NOWHERE,
            key_id: KeyId::NOWHERE,
            api_key_fingerprint: "kf_".to_owned(),
            token_hash: String::new(),
            service_account_guid: ServiceAccountGuid::NOWHERE,
            caption: None,
            status: KeyStatus::Active,
            expires_at,
            last_used_at: None,
            keys_valid_from: None,
            org_keys_valid_from: None,
            created_by: None,
        }
    }

    fn tag(result: Result<()>) -> Option<Tag> {
        result.err().map(|error| error.tag())
    }

    #[test]
    fn only_the_keys_of_an_active_account_count() {
        let checked =
            |account: Option<ServiceAccount>| tag(key(None).check(at(0), account.as_ref(), None, at(0)));
        assert_eq!(checked(Some(account(AccountStatus::Active))), None);
        assert_eq!(checked(Some(account(AccountStatus::Inactive))), Some(Tag::ApiKeyInvalid));
        assert_eq!(checked(Some(account(AccountStatus::Doomed))), Some(Tag::ApiKeyInvalid));
        assert_eq!(checked(None), Some(Tag::ApiKeyInvalid));
    }

    #[test]
    fn either_marker_revokes_also_in_the_moment_of_making() {
        let active = account(AccountStatus::Active);
        let revoked = active.with_keys_revoked(at(0));
        assert_eq!(tag(key(None).check(at(0), Some(&revoked), None, at(0))), Some(Tag::ApiKeyInvalid));
        let policy = KeyPolicy::none(OrgGuid::NOWHERE);
        assert_eq!(tag(key(None).check(at(0), Some(&active), Some(&policy), at(0))), None);
        let policy = policy.with_keys_revoked(at(0));
        assert_eq!(
            tag(key(None).check(at(0), Some(&active), Some(&policy), at(0))),
            Some(Tag::ApiKeyInvalid)
        );
        assert_eq!(key(None).status(&active, Some(&policy), at(0)), KeyStatus::Doomed);
    }

    #[test]
    fn the_age_allowed_is_1_to_3650_days() {
        let days = [0, 1, 3650, 3651].map(|days| MaxAgeDays::try_from(days).is_ok());
        assert_eq!(days, [false, true, true, false]);
    }

    proptest! {
        #[test]
        fn it_ends_with_its_own_time_or_the_policys_whichever_is_first(
            own in 1i64..20 * 86_400,
            days in 1u16..20,
            now in 0i64..20 * 86_400,
        ) {
            let (key, active, policy) = (key(Some(at(own))), account(AccountStatus::Active), policy(days));
            let over = now >= own || now >= i64::from(days) * 86_400;
            let checked = tag(key.check(at(0), Some(&active), Some(&policy), at(now)));
            prop_assert_eq!(checked, over.then_some(Tag::ApiKeyExpired));
            // The policy may change; the key's own end does not.
            let doomed = key.status(&active, Some(&policy), at(now)) == KeyStatus::Doomed;
            prop_assert_eq!(doomed, now >= own);
        }
    }
}
