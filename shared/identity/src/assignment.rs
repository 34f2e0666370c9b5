//! An assignment: what a member or a service account may do at a logical facility, and when (ofm §10).

use std::fmt;

use contract::{
    grants::GivenGrants,
    ids::{LogicalGuid, OrgGuid, ServiceAccountGuid, UserGuid},
    revision,
    states::States,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, Org, classes};

use crate::keys;

/// How an assignment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssignmentState {
    /// It counts, inside its validity.
    Active,
    /// Ended; may begin again.
    Detached,
}

impl States for AssignmentState {
    const ALL: &'static [Self] = &[Self::Active, Self::Detached];
    const HIDDEN: &'static [Self] = &[Self::Detached];
}

/// Who is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignee {
    /// A person.
    Member(UserGuid),
    /// A program.
    ServiceAccount(ServiceAccountGuid),
}

/// Kind and id, as keys name it.
impl fmt::Display for Assignee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(user) => user.fmt(f),
            Self::ServiceAccount(account) => account.fmt(f),
        }
    }
}

impl Assignee {
    /// The kind of assignee, as keys name it.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Member(_) => Self::MEMBER,
            Self::ServiceAccount(_) => Self::SERVICE_ACCOUNT,
        }
    }

    pub(crate) const MEMBER: &'static str = "member";
    pub(crate) const SERVICE_ACCOUNT: &'static str = "service-account";
}

/// An assignment. One record per assignee and facility: exactly one of `user_guid` and `service_account_guid` is set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// The org.
    pub org_guid: OrgGuid,
    /// The person.
    pub user_guid: Option<UserGuid>,
    /// The program.
    pub service_account_guid: Option<ServiceAccountGuid>,
    /// The facility.
    pub logical_guid: LogicalGuid,
    /// What the assignee may do there.
    pub grants: GivenGrants,
    /// How it stands.
    pub state: AssignmentState,
    /// From when it counts.
    pub valid_from: Option<Time>,
    /// Until when, exclusively.
    pub valid_until: Option<Time>,
    /// The membership's epoch in which it was made: it counts in no other (ofm §2). 0 for a service account.
    pub epoch: u64,
    /// Who made it.
    pub assigned_by: String,
}

classes!(Assignment {
    org_guid: Plain,
    user_guid: Plain,
    service_account_guid: Plain,
    logical_guid: Plain,
    grants: Plain,
    state: Plain,
    valid_from: Plain,
    valid_until: Plain,
    epoch: Plain,
    assigned_by: Plain,
});

impl Entity for Assignment {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "assignment";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::assignment(org, self.assignee(), self.logical_guid)
    }

    fn indexes(&self, org: &Org, created_at: Time) -> Indexes {
        keys::assignment_lists(org, self, created_at)
    }

    fn id(&self) -> String {
        format!("{}:{}", self.assignee(), self.logical_guid)
    }
}

impl Assignment {
    /// Who is assigned.
    pub fn assignee(&self) -> Assignee {
        match (self.user_guid, self.service_account_guid) {
            (_, Some(account)) => Assignee::ServiceAccount(account),
            (user, None) => Assignee::Member(user.unwrap_or(UserGuid::NOWHERE)),
        }
    }

    /// How it stands in this epoch of its assignee: one of an earlier membership reads as detached (ofm §2).
    pub fn state_in(&self, epoch: u64) -> AssignmentState {
        if self.epoch == epoch { self.state } else { AssignmentState::Detached }
    }

    /// Whether it is active in this epoch and inside its validity. Says nothing of its assignee and its facility.
    pub fn counts(&self, epoch: u64, now: Time) -> bool {
        self.state_in(epoch) == AssignmentState::Active
            && self.valid_from.is_none_or(|from| from <= now)
            && self.valid_until.is_none_or(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use contract::grants::Grant;
    use proptest::prelude::*;

    use super::*;

    fn assignment(state: AssignmentState, span: (Option<i64>, Option<i64>)) -> Assignment {
        let at = |millis: Option<i64>| millis.and_then(Time::from_millis);
        Assignment {
            org_guid: OrgGuid::NOWHERE,
            user_guid: Some(UserGuid::NOWHERE),
            service_account_guid: None,
            logical_guid: LogicalGuid::NOWHERE,
            grants: vec![Grant::FacilityRead].try_into().unwrap(),
            state,
            valid_from: at(span.0),
            valid_until: at(span.1),
            epoch: 3,
            assigned_by: String::new(),
        }
    }

    proptest! {
        #[test]
        fn it_counts_when_all_is_as_it_should_be(
            is_active: bool,
            epoch in 2_u64..5,
            from in proptest::option::of(0_i64..9),
            until in proptest::option::of(0_i64..9),
            now in 0_i64..9,
        ) {
            let state = if is_active { AssignmentState::Active } else { AssignmentState::Detached };
            let assignment = assignment(state, (from, until));
            let is_inside = from.is_none_or(|from| from <= now) && until.is_none_or(|until| now < until);
            let counts = assignment.counts(epoch, Time::from_millis(now).unwrap());
            prop_assert_eq!(counts, is_active && epoch == 3 && is_inside);
            let reads_as_active = assignment.state_in(epoch) == AssignmentState::Active;
            prop_assert_eq!(reads_as_active, is_active && epoch == 3);
        }
    }
}
