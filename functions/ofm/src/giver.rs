//! Those who gave something, as they stand now: whether they may still give it (ofm §1, §2).

use contract::{error::Result, grants::Grants, roles::Roles, time::Time};
use identity::{
    assignment::{Assignee, Assignment},
    giver::Giver,
    keys,
    member::Member,
    service_account::{AccountStatus, ServiceAccount},
    user::User,
};
use service::Writer;
use store::{Batch, Found, Org, Stored};

/// A giver as they were read.
pub(crate) enum Standing {
    /// A person.
    Person {
        /// Whether they lapsed since.
        has_lapsed: bool,
        /// The user.
        user: Option<Stored<User>>,
        /// The membership.
        member: Option<Box<Stored<Member>>>,
    },
    /// A program.
    Program(Option<Stored<ServiceAccount>>),
}

/// Asks for a giver.
pub(crate) fn want(org: &Org, giver: Giver, batch: &mut Batch) {
    match giver {
        Giver::Person { user_guid, .. } => {
            batch.want(&keys::user(user_guid));
            batch.want(&keys::member(org, user_guid));
        }
        Giver::Program { service_account_guid } => {
            batch.want(&keys::service_account(org, service_account_guid));
        }
    }
}

/// Who a giver is to assignments.
pub(crate) fn assignee(giver: Giver) -> Assignee {
    match giver {
        Giver::Person { user_guid, .. } => Assignee::Member(user_guid),
        Giver::Program { service_account_guid } => Assignee::ServiceAccount(service_account_guid),
    }
}

impl Standing {
    /// The giver that was asked for.
    pub(crate) fn of(org: &Org, giver: Giver, found: &Found) -> Result<Self> {
        Ok(match giver {
            Giver::Person { user_guid, .. } => {
                let member = found.get(&keys::member(org, user_guid))?;
                let has_lapsed = giver.has_lapsed(member.as_ref().map(|member| &member.record));
                Self::Person {
                    has_lapsed,
                    user: found.get(&keys::user(user_guid))?,
                    member: member.map(Box::new),
                }
            }
            Giver::Program { service_account_guid } => {
                Self::Program(found.get(&keys::service_account(org, service_account_guid))?)
            }
        })
    }

    /// Whether they were suspended or removed since.
    pub(crate) fn has_lapsed(&self) -> bool {
        matches!(self, Self::Person { has_lapsed: true, .. })
    }

    /// Whether they could act now.
    pub(crate) fn in_force(&self, now: Time) -> bool {
        match self {
            Self::Person { user, member, .. } => {
                user.as_ref().is_some_and(|user| user.record.may_act())
                    && member.as_ref().is_some_and(|member| member.record.in_force(now))
            }
            Self::Program(account) => {
                account.as_ref().is_some_and(|account| account.record.status == AccountStatus::Active)
            }
        }
    }

    /// The membership.
    pub(crate) fn member(&self) -> Option<&Member> {
        match self {
            Self::Person { member, .. } => member.as_ref().map(|member| &member.record),
            Self::Program(_) => None,
        }
    }

    /// Whether they pass for an owner.
    pub(crate) fn is_owner(&self) -> bool {
        match self {
            Self::Person { .. } => self.member().is_some_and(Member::is_owner),
            Self::Program(account) => {
                account.as_ref().is_some_and(|account| account.record.roles.are_owners())
            }
        }
    }

    /// Their roles.
    pub(crate) fn roles(&self) -> Roles {
        match self {
            Self::Person { .. } => self.member().map(Member::effective_roles).unwrap_or_default(),
            Self::Program(account) => {
                account.as_ref().map(|account| (*account.record.roles).clone()).unwrap_or_default()
            }
        }
    }

    /// What they may do at a facility that is open, given their assignment to it.
    pub(crate) fn grants(&self, assignment: Option<&Stored<Assignment>>, now: Time) -> Grants {
        if self.is_owner() {
            return Grants::all();
        }
        let epoch = self.member().map_or(0, |member| member.epoch);
        let counting = assignment.filter(|assignment| assignment.record.counts(epoch, now));
        counting.map(|assignment| Grants::from(&assignment.record.grants)).unwrap_or_default()
    }

    /// Writes only if they still stand so; else the command is decided again.
    pub(crate) fn require(&self, change: &mut Writer, org: &Org) -> Result<()> {
        match self {
            Self::Person { user, member, .. } => {
                if let Some(user) = user {
                    change.require(&keys::user(user.record.user_guid), user)?;
                }
                match member {
                    Some(member) => change.require(&keys::member(org, member.record.user_guid), member),
                    None => Ok(()),
                }
            }
            Self::Program(Some(account)) => {
                change.require(&keys::service_account(org, account.record.service_account_guid), account)
            }
            Self::Program(None) => Ok(()),
        }
    }
}
