//! An invitation to create an org (ofm §4.1): made by the operator, used up by `org/create`.

use contract::{
    codes::{InvitationCode, OrgCode},
    email::Email,
    ids::{InvitationId, OrgGuid, UserGuid},
    revision,
    states::States,
    text::Caption,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, System, classes};

use crate::keys;

/// How long an invitation is good for, in days, unless the operator says otherwise.
pub const DEFAULT_DAYS: i64 = 14;
/// The shortest that an invitation may be good for, in hours.
pub const LEAST_HOURS: i64 = 1;
/// The longest that an invitation may be good for, in days.
pub const MOST_DAYS: i64 = 90;

/// How an invitation stands. `expired` is never stored: it is judged on read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationStatus {
    /// May be used.
    Open,
    /// Was used.
    Accepted,
    /// Was turned down by the invitee.
    Rejected,
    /// Was not used in time.
    Expired,
    /// Was withdrawn.
    Doomed,
}

impl States for InvitationStatus {
    const ALL: &'static [Self] = &[Self::Open, Self::Accepted, Self::Rejected, Self::Expired, Self::Doomed];
    const HIDDEN: &'static [Self] = &[Self::Accepted, Self::Rejected, Self::Expired, Self::Doomed];
}

/// What may follow what by a command. That an open one expires is no command.
pub const ARCS: &[(InvitationStatus, InvitationStatus)] = &[
    (InvitationStatus::Open, InvitationStatus::Accepted),
    (InvitationStatus::Open, InvitationStatus::Rejected),
    (InvitationStatus::Open, InvitationStatus::Doomed),
    (InvitationStatus::Rejected, InvitationStatus::Doomed),
    (InvitationStatus::Expired, InvitationStatus::Doomed),
];

/// An invitation. Bound to a person, so that its code alone opens nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub invitation_id: InvitationId,
    /// What the invitee sends to use it, unique for ever.
    pub code: InvitationCode,
    /// Who may use it; exactly one of this and `email`.
    pub user_guid: Option<UserGuid>,
    /// Whoever may use it has this as a confirmed e-mail.
    pub email: Option<Email>,
    /// The keyed hash of `email` ([`crate::user::EmailClaim::hash`]), by which it is listed.
    pub email_hash: Option<String>,
    /// Only this orgcode may be created with it.
    pub orgcode: Option<OrgCode>,
    /// What it is for.
    pub caption: Option<Caption>,
    /// How it stands as stored: see [`Invitation::status_at`].
    pub status: InvitationStatus,
    /// From when on it may not be used any more.
    pub expires_at: Time,
    /// The org that was created with it.
    pub org_guid: Option<OrgGuid>,
}

classes!(Invitation {
    invitation_id: Plain,
    code: Plain,
    user_guid: Plain,
    email: Contact,
    email_hash: Secret,
    orgcode: Plain,
    caption: FreeText,
    status: Plain,
    expires_at: Plain,
    org_guid: Plain,
});

impl Entity for Invitation {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "invitation";
    type Scope = System;
    type Revision = revision::Tag;

    fn key(&self, _: &System) -> Key<Self> {
        keys::invitation(self.invitation_id)
    }

    fn indexes(&self, _: &System, _: Time) -> Indexes {
        keys::invitation_lists(self)
    }

    fn id(&self) -> String {
        self.invitation_id.to_string()
    }
}

impl Invitation {
    /// How it stands at this time.
    pub fn status_at(&self, now: Time) -> InvitationStatus {
        match self.status {
            InvitationStatus::Open if now >= self.expires_at => InvitationStatus::Expired,
            status => status,
        }
    }

    /// Whether a person may use it: it names them, or an e-mail that is theirs and confirmed.
    pub fn is_for(&self, user: UserGuid, confirmed_email: Option<&Email>) -> bool {
        self.user_guid == Some(user) || (self.email.is_some() && self.email.as_ref() == confirmed_email)
    }
}

/// Which invitation a code belongs to: written with the invitation, never released.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InvitationCodeClaim {
    /// The code.
    pub code: InvitationCode,
    /// The invitation.
    pub invitation_id: InvitationId,
}

classes!(InvitationCodeClaim { code: Plain, invitation_id: Plain });

impl Entity for InvitationCodeClaim {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "invitation-code";
    type Scope = System;
    type Revision = revision::Counter;

    fn key(&self, _: &System) -> Key<Self> {
        keys::invitation_code(&self.code)
    }

    fn id(&self) -> String {
        self.code.to_string()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::arcs;

    fn invitation() -> Invitation {
        Invitation {
            invitation_id: InvitationId::from_uuid(Uuid::from_u128(1)),
            code: InvitationCode::from_random([0; 10]),
            user_guid: None,
            email: Some("ada@example.org".parse().unwrap()),
            email_hash: Some("ab".to_owned()),
            orgcode: None,
            caption: None,
            status: InvitationStatus::Open,
            expires_at: Time::EPOCH.plus_hours(1),
            org_guid: None,
        }
    }

    #[test]
    fn the_table_is_the_contracts() {
        use InvitationStatus::{Accepted, Doomed, Expired, Open, Rejected};
        let with_time = [ARCS, &[(Open, Expired)]].concat();
        arcs::check(&with_time, Open, |from, to| match (from, to) {
            (Open, Accepted | Rejected | Expired) => true,
            (from, Doomed) => !matches!(from, Accepted | Doomed),
            _ => false,
        });
    }

    #[test]
    fn an_open_one_expires_at_its_time_and_no_other_does() {
        let open = invitation();
        assert_eq!(open.status_at(Time::EPOCH.plus_seconds(3599)), InvitationStatus::Open);
        assert_eq!(open.status_at(open.expires_at), InvitationStatus::Expired);
        let late = open.expires_at.plus_days(1);
        for status in [InvitationStatus::Accepted, InvitationStatus::Rejected, InvitationStatus::Doomed] {
            assert_eq!(Invitation { status, ..open.clone() }.status_at(late), status);
        }
    }

    #[test]
    fn it_is_for_the_person_it_names_and_no_other() {
        let (ada, eve) = (UserGuid::from_uuid(Uuid::from_u128(2)), UserGuid::from_uuid(Uuid::from_u128(3)));
        let by_email = invitation();
        let (hers, other) = ("ada@example.org".parse().unwrap(), "eve@example.org".parse().unwrap());
        assert!(by_email.is_for(ada, Some(&hers)));
        assert!(!by_email.is_for(eve, Some(&other)) && !by_email.is_for(ada, None));
        let by_guid = Invitation { user_guid: Some(ada), email: None, ..by_email };
        assert!(by_guid.is_for(ada, None) && !by_guid.is_for(eve, Some(&hers)) && !by_guid.is_for(eve, None));
    }
}
