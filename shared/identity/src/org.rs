//! An org: the tenant (ofm §4).

use contract::{
    codes::OrgCode,
    error::{Error, Result, Tag},
    fiscal::FiscalCalendar,
    ids::{CcGuid, OrgGuid, UserGuid},
    locale::Locale,
    money::Currency,
    revision,
    states::States,
    text::Caption,
    time::{Time, TimeZone},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Entity, Indexes, Key, Org, classes};

use crate::keys;

/// How an org stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrgStatus {
    /// Created, not yet looked at by the operator.
    Unverified,
    /// In business.
    Verified,
    /// Put to rest by an owner.
    Parked,
    /// Put to rest by the operator.
    Suspended,
    /// Stopped by the operator.
    Frozen,
    /// Ended, for ever.
    Doomed,
}

impl States for OrgStatus {
    const ALL: &'static [Self] =
        &[Self::Unverified, Self::Verified, Self::Parked, Self::Suspended, Self::Frozen, Self::Doomed];
    const HIDDEN: &'static [Self] = &[Self::Doomed];
}

/// What may follow what: every move that the operator may make (ofm §4).
pub const ARCS: &[(OrgStatus, OrgStatus)] = &[
    (OrgStatus::Unverified, OrgStatus::Verified),
    (OrgStatus::Unverified, OrgStatus::Frozen),
    (OrgStatus::Unverified, OrgStatus::Doomed),
    (OrgStatus::Verified, OrgStatus::Parked),
    (OrgStatus::Verified, OrgStatus::Suspended),
    (OrgStatus::Verified, OrgStatus::Frozen),
    (OrgStatus::Verified, OrgStatus::Doomed),
    (OrgStatus::Parked, OrgStatus::Verified),
    (OrgStatus::Parked, OrgStatus::Frozen),
    (OrgStatus::Parked, OrgStatus::Doomed),
    (OrgStatus::Suspended, OrgStatus::Verified),
    (OrgStatus::Suspended, OrgStatus::Frozen),
    (OrgStatus::Suspended, OrgStatus::Doomed),
    (OrgStatus::Frozen, OrgStatus::Suspended),
    (OrgStatus::Frozen, OrgStatus::Doomed),
];

/// Those of [`ARCS`] that an owner may make too.
pub const OWNER_ARCS: &[(OrgStatus, OrgStatus)] =
    &[(OrgStatus::Verified, OrgStatus::Parked), (OrgStatus::Parked, OrgStatus::Verified)];

/// Between two moves of an owner.
pub const COOLDOWN_HOURS: i64 = 48;

/// An org.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct OrgRecord {
    /// Its id.
    pub org_guid: OrgGuid,
    /// Its code, unique among all orgs for ever.
    pub orgcode: OrgCode,
    /// What it is called.
    pub caption: Caption,
    /// How it stands.
    pub status: OrgStatus,
    /// Its time zone.
    pub timezone: TimeZone,
    /// How its years are cut.
    pub fiscal_calendar: FiscalCalendar,
    /// Suggested for new till profiles.
    pub default_currency: Option<Currency>,
    /// Its language.
    pub default_locale: Option<Locale>,
    /// The master cost centre.
    pub cost_centre_guid: CcGuid,
    /// The one primary owner.
    pub primary_owner_user_guid: UserGuid,
    /// When the operator first verified it.
    pub verified_at: Option<Time>,
    /// When an owner last parked or unparked it.
    pub park_changed_at: Option<Time>,
    /// From when an owner may do so again.
    pub park_allowed_at: Option<Time>,
}

classes!(OrgRecord {
    org_guid: Plain,
    orgcode: Plain,
    caption: Plain,
    status: Plain,
    timezone: Plain,
    fiscal_calendar: Plain,
    default_currency: Plain,
    default_locale: Plain,
    cost_centre_guid: Plain,
    primary_owner_user_guid: Plain,
    verified_at: Plain,
    park_changed_at: Plain,
    park_allowed_at: Plain,
});

impl Entity for OrgRecord {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "org";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, scope: &Org) -> Key<Self> {
        keys::org(scope)
    }

    fn id(&self) -> String {
        self.org_guid.to_string()
    }

    fn indexes(&self, _: &Org, _: Time) -> Indexes {
        Indexes::none()
    }
}

impl OrgRecord {
    /// The org after a move of the operator's, which must be one of [`ARCS`]. There is no cooldown, and the move does
    /// not count for an owner's.
    #[must_use]
    pub fn moved_by_operator(&self, to: OrgStatus, now: Time) -> Self {
        let verified_at = self.verified_at.or((to == OrgStatus::Verified).then_some(now));
        Self { status: to, verified_at, ..self.clone() }
    }

    /// The org after a move of an owner's, which must be one of [`ARCS`]: `forbidden` for a move of the operator's
    /// alone, `cooldown` within 48 hours of an owner's last one.
    pub fn moved_by_owner(&self, to: OrgStatus, now: Time) -> Result<Self> {
        if !OWNER_ARCS.contains(&(self.status, to)) {
            return Err(Error::from(Tag::Forbidden).detail("needs", "operator"));
        }
        if let Some(allowed_at) = self.park_allowed_at.filter(|allowed_at| now < *allowed_at) {
            return Err(Error::from(Tag::Cooldown).detail("allowed_at", allowed_at.to_string()));
        }
        let park_allowed_at = Some(now.plus_hours(COOLDOWN_HOURS));
        Ok(Self { status: to, park_changed_at: Some(now), park_allowed_at, ..self.clone() })
    }
}

/// Who holds an orgcode: written with the org, never released.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrgCodeClaim {
    /// The code.
    pub orgcode: OrgCode,
    /// The org.
    pub org_guid: OrgGuid,
}

classes!(OrgCodeClaim { orgcode: Plain, org_guid: Plain });

impl Entity for OrgCodeClaim {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "orgcode";
    type Scope = store::System;
    type Revision = revision::Counter;

    fn key(&self, _: &store::System) -> Key<Self> {
        keys::orgcode(&self.orgcode)
    }

    fn id(&self) -> String {
        self.orgcode.to_string()
    }
}

#[cfg(test)]
mod tests {
    use contract::ids::OrgGuid;
    use proptest::{prelude::*, sample::select};

    use super::*;

    fn org(status: OrgStatus) -> OrgRecord {
        OrgRecord {
            org_guid: OrgGuid::NOWHERE,
            orgcode: "ACME".parse().unwrap(),
            caption: "Acme".parse().unwrap(),
            status,
            timezone: TimeZone::UTC,
            fiscal_calendar: FiscalCalendar::default(),
            default_currency: None,
            default_locale: None,
            cost_centre_guid: CcGuid::NOWHERE,
            primary_owner_user_guid: UserGuid::NOWHERE,
            verified_at: None,
            park_changed_at: None,
            park_allowed_at: None,
        }
    }

    fn time() -> Time {
        "2026-03-04T08:00:00Z".parse().unwrap()
    }

    /// The table of ofm §4 in its own words.
    fn allowed(from: OrgStatus, to: OrgStatus) -> bool {
        use OrgStatus::{Doomed, Frozen, Parked, Suspended, Unverified, Verified};
        match (from, to) {
            (from, to) if from == to => false,
            (Unverified | Parked | Suspended, Verified) | (Verified, Parked | Suspended) => true,
            (Frozen, Suspended) => true,
            (from, Frozen | Doomed) => from != Doomed,
            _ => false,
        }
    }

    #[test]
    fn a_new_org_can_reach_every_status() {
        let mut reached = vec![OrgStatus::Unverified];
        while let Some((_, next)) =
            ARCS.iter().find(|(from, to)| reached.contains(from) && !reached.contains(to))
        {
            reached.push(*next);
        }
        reached.sort_unstable();
        assert_eq!(reached, OrgStatus::ALL);
    }

    proptest! {
        #[test]
        fn the_table_is_the_contracts(from in select(OrgStatus::ALL), to in select(OrgStatus::ALL)) {
            prop_assert_eq!(ARCS.contains(&(from, to)), allowed(from, to));
        }

        #[test]
        fn an_owner_parks_and_unparks_alone(from in select(OrgStatus::ALL), to in select(OrgStatus::ALL)) {
            let moved = org(from).moved_by_owner(to, time());
            match (from, to) {
                (OrgStatus::Verified, OrgStatus::Parked) | (OrgStatus::Parked, OrgStatus::Verified) => {
                    prop_assert_eq!(moved.unwrap().status, to);
                }
                _ => {
                    let refused = moved.unwrap_err();
                    prop_assert_eq!(refused.tag(), Tag::Forbidden);
                    prop_assert_eq!(refused.get("needs"), Some(&"operator".into()));
                }
            }
        }

        #[test]
        fn an_owners_moves_are_48_hours_apart(seconds in 0..400_000i64) {
            let parked = org(OrgStatus::Verified).moved_by_owner(OrgStatus::Parked, time()).unwrap();
            let moved = parked.moved_by_owner(OrgStatus::Verified, time().plus_seconds(seconds));
            if seconds < 48 * 3600 {
                let refused = moved.unwrap_err();
                prop_assert_eq!(refused.tag(), Tag::Cooldown);
                prop_assert_eq!(refused.get("allowed_at"), Some(&"2026-03-06T08:00:00.000Z".into()));
            } else {
                prop_assert_eq!(moved.unwrap().park_changed_at, Some(time().plus_seconds(seconds)));
            }
        }
    }

    #[test]
    fn the_operators_moves_know_no_cooldown_and_start_none() {
        let parked = org(OrgStatus::Verified).moved_by_owner(OrgStatus::Parked, time()).unwrap();
        let verified = parked.moved_by_operator(OrgStatus::Verified, time().plus_hours(1));
        assert_eq!(
            (verified.verified_at, verified.park_changed_at),
            (Some(time().plus_hours(1)), Some(time()))
        );
        let again = verified.moved_by_operator(OrgStatus::Verified, time().plus_hours(2));
        assert_eq!(again.verified_at, verified.verified_at);
        let unparked = org(OrgStatus::Parked).moved_by_operator(OrgStatus::Verified, time());
        assert_eq!(unparked.moved_by_owner(OrgStatus::Parked, time()).unwrap().status, OrgStatus::Parked);
    }
}
