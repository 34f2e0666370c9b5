//! An invite to become a member of an org (ofm §9.1). It stands here because it is for a person, whom the operator may
//! have to forget.

use contract::{
    codes::{InviteCode, OrgCode},
    email::Email,
    given_roles::MemberRoles,
    grants::GivenGrants,
    ids::{InviteGuid, LogicalGuid, OrgGuid, UserGuid},
    personal::Personal,
    revision,
    role_profiles::RoleProfile,
    roles::Roles,
    states::States,
    text::Prose,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, Org, System, classes};

use crate::{giver::Giver, keys};

/// An invite is good for so long unless it says otherwise; at least and at most so long.
pub const DEFAULT_DAYS: i64 = 7;
/// See [`DEFAULT_DAYS`].
pub const LEAST_HOURS: i64 = 1;
/// See [`DEFAULT_DAYS`].
pub const MOST_DAYS: i64 = 30;

/// How an invite stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InviteStatus {
    /// May be accepted.
    Active,
    /// The person is a member by it.
    Accepted,
    /// Taken back.
    Revoked,
    /// Was not accepted in time. Never stored: judged by the time.
    Expired,
}

impl States for InviteStatus {
    const ALL: &'static [Self] = &[Self::Active, Self::Accepted, Self::Revoked, Self::Expired];
    const HIDDEN: &'static [Self] = &[Self::Accepted, Self::Revoked, Self::Expired];
}

/// What may follow what by a command. That an active one expires is no command.
pub const ARCS: &[(InviteStatus, InviteStatus)] =
    &[(InviteStatus::Active, InviteStatus::Accepted), (InviteStatus::Active, InviteStatus::Revoked)];

/// A facility that the person is to be assigned to, and what they may do there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvitedTo {
    /// The facility.
    pub logical_guid: LogicalGuid,
    /// What the person may do there.
    pub grants: GivenGrants,
}

/// An invite. Bound to a person, so that its code alone opens nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invite {
    /// The org.
    pub org_guid: OrgGuid,
    /// The org's code, by which the membership will be listed.
    pub orgcode: OrgCode,
    /// Its id.
    pub invite_guid: InviteGuid,
    /// What the person sends to accept it, unique for ever.
    pub code: InviteCode,
    /// Who may accept it; exactly one of this and `email`.
    pub user_guid: Option<UserGuid>,
    /// Whoever may accept it has this as a confirmed e-mail.
    pub email: Option<Email>,
    /// The keyed hash of `email` ([`crate::user::EmailClaim::hash`]), by which it is listed.
    pub email_hash: Option<String>,
    /// The role profile that the person will have.
    pub role_profile_id: Option<RoleProfile>,
    /// The roles that they will have beside it.
    pub roles: MemberRoles,
    /// From when the membership will be in force.
    pub valid_from: Option<Time>,
    /// Until when, exclusively.
    pub valid_until: Option<Time>,
    /// The facilities that they will be assigned to.
    pub assignments: Vec<InvitedTo>,
    /// What is said to the person.
    pub message: Option<Personal<Prose<500>>>,
    /// From when on it may not be accepted any more.
    pub expires_at: Time,
    /// How it stands as stored: see [`Invite::status_at`].
    pub status: InviteStatus,
    /// Who made it: a user or a service account.
    pub invited_by: String,
    /// The same, as what the invite rests on.
    pub inviter: Giver,
    /// Who accepted it.
    pub accepted_by: Option<UserGuid>,
}

classes!(Invite {
    org_guid: Plain,
    orgcode: Plain,
    invite_guid: Plain,
    code: Plain,
    user_guid: Plain,
    email: Contact,
    email_hash: Secret,
    role_profile_id: Plain,
    roles: Plain,
    valid_from: Plain,
    valid_until: Plain,
    assignments: Plain,
    message: FreeText,
    expires_at: Plain,
    status: Plain,
    invited_by: Plain,
    inviter: Plain,
    accepted_by: Plain,
});

impl Entity for Invite {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "member-invite";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::invite(org, self.invite_guid)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::invite_lists(org, self)
    }

    fn id(&self) -> String {
        self.invite_guid.to_string()
    }
}

impl Invite {
    /// How it stands at this time. `counts` says whether it is still the one that stands for the person and its maker
    /// has not lapsed; one that counts no more reads as revoked (ofm §2). What expired before stays expired.
    pub fn status_at(&self, now: Time, counts: bool) -> InviteStatus {
        match self.status {
            InviteStatus::Active if now >= self.expires_at => InviteStatus::Expired,
            InviteStatus::Active if !counts => InviteStatus::Revoked,
            status => status,
        }
    }

    /// All roles that the person will have.
    pub fn given_roles(&self) -> Roles {
        self.role_profile_id.map(RoleProfile::roles).unwrap_or_default().union(&self.roles)
    }

    /// What stands for the invited person: see [`StandingInvite::person`].
    pub fn person(&self) -> String {
        StandingInvite::of(self.user_guid, self.email_hash.as_deref())
    }

    /// Whether a person may accept it: it names them, or an e-mail that is theirs and confirmed.
    pub fn is_for(&self, user: UserGuid, confirmed_email: Option<&Email>) -> bool {
        self.user_guid == Some(user) || (self.email.is_some() && self.email.as_ref() == confirmed_email)
    }
}

/// Which invite a code belongs to: written with the invite, never released.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InviteCodeClaim {
    /// The code.
    pub code: InviteCode,
    /// The org of the invite.
    pub org_guid: OrgGuid,
    /// The invite.
    pub invite_guid: InviteGuid,
}

classes!(InviteCodeClaim { code: Plain, org_guid: Plain, invite_guid: Plain });

impl Entity for InviteCodeClaim {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "member-invite-code";
    type Scope = System;
    type Revision = revision::Counter;

    fn key(&self, _: &System) -> Key<Self> {
        keys::invite_code(&self.code)
    }

    fn id(&self) -> String {
        self.code.to_string()
    }
}

/// The one invite to an org that counts of those that name a person in one way. An invite that it does not name counts no
/// more. It is taken away when the invite is accepted or revoked, and when the person's membership is suspended or ends;
/// the next invite takes it over once this one has expired or its maker has lapsed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StandingInvite {
    /// The user's id, or the keyed hash of the e-mail.
    pub person: String,
    /// The invite.
    pub invite_guid: InviteGuid,
    /// From when on it may not be accepted any more.
    pub expires_at: Time,
    /// Who made it.
    pub inviter: Giver,
}

classes!(StandingInvite { person: Contact, invite_guid: Plain, expires_at: Plain, inviter: Plain });

impl StandingInvite {
    /// What stands for a person: the user's id, or the keyed hash of the e-mail.
    pub fn of(user_guid: Option<UserGuid>, email_hash: Option<&str>) -> String {
        user_guid.map(|user| user.to_string()).or_else(|| email_hash.map(str::to_owned)).unwrap_or_default()
    }
}

impl Entity for StandingInvite {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "standing-invite";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::standing_invite(org, &self.person)
    }

    fn id(&self) -> String {
        self.invite_guid.to_string()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::arcs;

    fn invite() -> Invite {
        Invite {
            org_guid: OrgGuid::NOWHERE,
            orgcode: "ACME".parse().unwrap(),
            invite_guid: InviteGuid::from_uuid(Uuid::from_u128(1)),
            code: InviteCode::from_random([0; 10]),
            user_guid: None,
            email: Some("ada@example.org".parse().unwrap()),
            email_hash: Some("ab".to_owned()),
            role_profile_id: None,
            roles: MemberRoles::default(),
            valid_from: None,
            valid_until: None,
            assignments: Vec::new(),
            message: None,
            expires_at: Time::EPOCH.plus_hours(1),
            status: InviteStatus::Active,
            invited_by: String::new(),
            inviter: Giver::Person { user_guid: UserGuid::NOWHERE, lapses: 0 },
            accepted_by: None,
        }
    }

    #[test]
    fn the_table_is_the_contracts() {
        use InviteStatus::{Accepted, Active, Expired, Revoked};
        let with_time = [ARCS, &[(Active, Expired)]].concat();
        arcs::check(&with_time, Active, |from, to| {
            matches!((from, to), (Active, Accepted | Revoked | Expired))
        });
    }

    #[test]
    fn an_active_one_expires_at_its_time_and_no_other_does() {
        let (active, before) = (invite(), Time::EPOCH.plus_seconds(3599));
        assert_eq!(active.status_at(before, true), InviteStatus::Active);
        assert_eq!(active.status_at(before, false), InviteStatus::Revoked);
        for counts in [true, false] {
            assert_eq!(active.status_at(active.expires_at, counts), InviteStatus::Expired);
            for status in [InviteStatus::Accepted, InviteStatus::Revoked] {
                let ended = Invite { status, ..active.clone() };
                assert_eq!(ended.status_at(active.expires_at, counts), status);
                assert_eq!(ended.status_at(before, counts), status);
            }
        }
    }

    #[test]
    fn it_is_for_the_person_it_names_and_no_other() {
        let (ada, eve) = (UserGuid::from_uuid(Uuid::from_u128(2)), UserGuid::from_uuid(Uuid::from_u128(3)));
        let by_email = invite();
        let (hers, other) = ("ada@example.org".parse().unwrap(), "eve@example.org".parse().unwrap());
        assert!(by_email.is_for(ada, Some(&hers)));
        assert!(!by_email.is_for(eve, Some(&other)) && !by_email.is_for(ada, None));
        let by_guid = Invite { user_guid: Some(ada), email: None, ..by_email };
        assert!(by_guid.is_for(ada, None) && !by_guid.is_for(eve, Some(&hers)));
    }
}
