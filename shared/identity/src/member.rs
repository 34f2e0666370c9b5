//! A member: a person who belongs to an org (ofm §9).

use contract::{
    codes::{self, OrgCode},
    email::Email,
    given_roles::MemberRoles,
    ids::{OrgGuid, UserGuid},
    personal::{DisplayName, Personal},
    revision,
    role_profiles::RoleProfile,
    roles::Roles,
    secret::LookupKey,
    states::States,
    text::Text,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, Org, classes};

use crate::{keys, owner::OwnerState};

/// How a membership stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// In force, inside its validity.
    Active,
    /// Paused.
    Suspended,
    /// Ended; may begin again.
    Removed,
}

impl States for MemberState {
    const ALL: &'static [Self] = &[Self::Active, Self::Suspended, Self::Removed];
    const HIDDEN: &'static [Self] = &[Self::Removed];
}

/// What may follow what by setting the state. A removed member begins again only by being added anew.
pub const ARCS: &[(MemberState, MemberState)] = &[
    (MemberState::Active, MemberState::Suspended),
    (MemberState::Suspended, MemberState::Active),
    (MemberState::Active, MemberState::Removed),
    (MemberState::Suspended, MemberState::Removed),
];

/// What the member record repeats of the owner record, written with it, so that one read tells both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnerCopy {
    /// How the ownership stands.
    pub state: OwnerState,
    /// Whether it is the primary one.
    pub primary: bool,
}

/// An org's own number for a person.
pub type EmployeeCode = Personal<codes::EmployeeCode>;

/// A member of an org. One record per person and org.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    /// The org.
    pub org_guid: OrgGuid,
    /// The org's code, by which a person's orgs are listed.
    pub orgcode: OrgCode,
    /// The person.
    pub user_guid: UserGuid,
    /// The person's name, from the user.
    pub display_name: DisplayName,
    /// The person's e-mail, from the user.
    pub email: Option<Email>,
    /// How the membership stands.
    pub state: MemberState,
    /// The named bundle of roles.
    pub role_profile_id: Option<RoleProfile>,
    /// Roles beside the profile's.
    pub roles: MemberRoles,
    /// From when it is in force.
    pub valid_from: Option<Time>,
    /// Until when, exclusively.
    pub valid_until: Option<Time>,
    /// The org's own number for the person, unique in the org.
    pub employee_code: Option<EmployeeCode>,
    /// What the person is there.
    pub title: Option<Text<1, 80>>,
    /// Grants of an earlier membership do not count: they carry another epoch (ofm §2).
    pub epoch: u64,
    /// How often the person was suspended or removed, as a member or as an owner: what they gave before counts no more
    /// (ofm §2).
    #[serde(default)]
    pub lapses: u64,
    /// The owner record's flags and state.
    pub owner: Option<OwnerCopy>,
}

classes!(Member {
    org_guid: Plain,
    orgcode: Plain,
    user_guid: Plain,
    display_name: Identity,
    email: Contact,
    state: Plain,
    role_profile_id: Plain,
    roles: Plain,
    valid_from: Plain,
    valid_until: Plain,
    employee_code: Identity,
    title: Plain,
    epoch: Plain,
    lapses: Plain,
    owner: Plain,
});

impl Entity for Member {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "member";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, scope: &Org) -> Key<Self> {
        keys::member(scope, self.user_guid)
    }

    fn indexes(&self, scope: &Org, created_at: Time) -> Indexes {
        keys::member_lists(scope, self, created_at)
    }

    fn id(&self) -> String {
        self.user_guid.to_string()
    }
}

impl Member {
    /// Whether the person counts as associated at this time (contract §4).
    pub fn in_force(&self, now: Time) -> bool {
        self.state == MemberState::Active
            && self.valid_from.is_none_or(|from| from <= now)
            && self.valid_until.is_none_or(|until| now < until)
    }

    /// Whether some time from now on at which this is in force is none at which it was as it stood before. A membership
    /// that comes back into force, or lasts longer, is one.
    pub fn in_force_beyond(&self, before: &Self, now: Time) -> bool {
        let Some((from, until)) = self.span_from(now) else { return false };
        let Some((had_from, had_until)) = before.span_from(now) else { return true };
        let lasts_longer = match (until, had_until) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(until), Some(had_until)) => until > had_until,
        };
        from < had_from || lasts_longer
    }

    /// From when until when it is in force, from now on; none if it never is.
    fn span_from(&self, now: Time) -> Option<(Time, Option<Time>)> {
        let from = self.valid_from.map_or(now, |from| from.max(now));
        let lasts = self.valid_until.is_none_or(|until| from < until);
        (self.state == MemberState::Active && lasts).then_some((from, self.valid_until))
    }

    /// Whether the person is an active owner. Owner flags count only while the member is active (usm §2).
    pub fn is_owner(&self) -> bool {
        self.state == MemberState::Active && self.owner.is_some_and(|owner| owner.state == OwnerState::Active)
    }

    /// Whether the person is the active primary owner.
    pub fn is_primary_owner(&self) -> bool {
        self.is_owner() && self.owner.is_some_and(|owner| owner.primary)
    }

    /// Role profile and explicit roles together (contract §4).
    pub fn effective_roles(&self) -> Roles {
        let profile = self.role_profile_id.map(RoleProfile::roles).unwrap_or_default();
        profile.union(&self.roles)
    }
}

/// Who holds an org's own number for a person: as long as the member record carries it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EmployeeCodeClaim {
    /// Keyed hash of the number: the claim does not hold the number itself.
    pub code_hash: String,
    /// The person.
    pub user_guid: UserGuid,
}

classes!(EmployeeCodeClaim { code_hash: Identity, user_guid: Plain });

impl Entity for EmployeeCodeClaim {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "employee-code";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, scope: &Org) -> Key<Self> {
        keys::employee_code(scope, &self.code_hash)
    }

    fn id(&self) -> String {
        self.user_guid.to_string()
    }
}

impl EmployeeCodeClaim {
    /// What stands for a number in the claim's key.
    pub fn hash(org: &Org, code: &EmployeeCode, lookup_key: &LookupKey) -> String {
        lookup_key.hash(&org.guid().to_string(), "employee_code", code.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arcs;

    #[test]
    fn the_table_is_the_contracts() {
        use MemberState::{Active, Removed, Suspended};
        arcs::check(ARCS, Active, |from, to| match (from, to) {
            (Active, Suspended) | (Suspended, Active) => true,
            (from, Removed) => from != Removed,
            _ => false,
        });
    }
}
