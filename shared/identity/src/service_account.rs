//! A service account: a program that acts in an org (usm §4).

use contract::{
    codes::Code,
    given_roles::ServiceAccountRoles,
    ids::{OrgGuid, ServiceAccountGuid, UserGuid},
    revision,
    states::States,
    text::Caption,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, Org, classes};

use crate::{keys, marker};

/// How a service account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// Its keys count.
    Active,
    /// Its keys do not count for now.
    Inactive,
    /// Ended, for ever.
    Doomed,
}

impl States for AccountStatus {
    const ALL: &'static [Self] = &[Self::Active, Self::Inactive, Self::Doomed];
    const HIDDEN: &'static [Self] = &[Self::Doomed];
}

/// What may follow what (usm §4).
pub const ARCS: &[(AccountStatus, AccountStatus)] = &[
    (AccountStatus::Active, AccountStatus::Inactive),
    (AccountStatus::Inactive, AccountStatus::Active),
    (AccountStatus::Active, AccountStatus::Doomed),
    (AccountStatus::Inactive, AccountStatus::Doomed),
];

/// A service account. Its roles never change, so that no key gains power unseen.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ServiceAccount {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its id.
    pub service_account_guid: ServiceAccountGuid,
    /// Its code, unique in the org.
    pub code: Code,
    /// What it is called.
    pub caption: Caption,
    /// What it may do.
    pub roles: ServiceAccountRoles,
    /// How it stands.
    pub status: AccountStatus,
    /// Keys from before are dead: those that were made under another marker.
    pub keys_valid_from: Option<Time>,
    /// The owner who made it, whom it outlives; null for one from before this was noted.
    #[serde(default)]
    pub created_by: Option<UserGuid>,
}

classes!(ServiceAccount {
    org_guid: Plain,
    service_account_guid: Plain,
    code: Plain,
    caption: Plain,
    roles: Plain,
    status: Plain,
    keys_valid_from: Plain,
    created_by: Plain,
});

impl Entity for ServiceAccount {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "service-account";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, scope: &Org) -> Key<Self> {
        keys::service_account(scope, self.service_account_guid)
    }

    fn indexes(&self, scope: &Org, _: Time) -> Indexes {
        keys::service_account_lists(scope, self)
    }

    fn id(&self) -> String {
        self.service_account_guid.to_string()
    }
}

impl ServiceAccount {
    /// The account with all its keys revoked.
    #[must_use]
    pub fn with_keys_revoked(&self, now: Time) -> Self {
        Self { keys_valid_from: Some(marker::next(self.keys_valid_from, now)), ..self.clone() }
    }
}
