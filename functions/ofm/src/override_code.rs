//! Override codes: six digits that let a cashier go once beyond what their profile allows (contract ofm §14).

mod cap;
pub mod checks;
pub mod digits;
pub mod generate;
pub mod issued;
mod issuer;
pub mod lockout;
pub mod revoke;
pub mod validate;
pub mod worth;

use contract::{
    ids::{LogicalGuid, OrgGuid, OverrideId, UserGuid},
    reason::{Reason, SourceRef},
    revision,
    states::States,
    text::Text,
    time::Time,
};
use identity::giver::Giver;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Ctx, Resource};
use store::{Entity, Indexes, Key, Org, Stored, classes};

use self::worth::{OverrideType, Worth};
use crate::keys;

/// No code holds for longer.
pub(crate) const MOST_MINUTES: i64 = 480;
/// The digits of a dead code stay found for so long.
const FOUND_HOURS: i64 = 24;

/// What was done to a code. What time and use did is judged on read ([`OverrideCode::status`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredStatus {
    /// Nothing.
    Active,
    /// It was stopped.
    Revoked,
}

/// How a code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverrideStatus {
    /// It can be used.
    Active,
    /// It was stopped.
    Revoked,
    /// It was used as often as it may be.
    Exhausted,
    /// Its time is over.
    Expired,
}

impl States for OverrideStatus {
    const ALL: &'static [Self] = &[Self::Active, Self::Revoked, Self::Exhausted, Self::Expired];
    const HIDDEN: &'static [Self] = &[Self::Revoked, Self::Exhausted, Self::Expired];
}

/// Where a code is listed: as what was done to it, and whether it was used up. Whether it is over, its time says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shelf {
    /// With uses left.
    Open,
    /// Without.
    Exhausted,
    /// Stopped.
    Revoked,
}

impl OverrideStatus {
    /// Where codes lie that may stand so. One reads as revoked too once its issuer is not in force any more.
    pub(crate) fn shelves(self) -> &'static [Shelf] {
        match self {
            Self::Active | Self::Expired => &[Shelf::Open],
            Self::Exhausted => &[Shelf::Exhausted],
            Self::Revoked => &[Shelf::Open, Shelf::Revoked],
        }
    }
}

impl From<OverrideStatus> for Shelf {
    fn from(status: OverrideStatus) -> Self {
        match status {
            OverrideStatus::Active | OverrideStatus::Expired => Self::Open,
            OverrideStatus::Exhausted => Self::Exhausted,
            OverrideStatus::Revoked => Self::Revoked,
        }
    }
}

/// What a code can be used for alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bind {
    /// What is done.
    pub action: Option<Text<1, 64>>,
    /// The record that it is done to.
    pub record: Option<SourceRef>,
    /// How much, exactly.
    pub amount: Option<Worth>,
    /// The cashier.
    pub user_guid: Option<UserGuid>,
}

/// An override code, without its digits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OverrideCode {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its public handle.
    pub override_id: OverrideId,
    /// The facility.
    pub logical_guid: LogicalGuid,
    /// What it is for.
    pub override_type: OverrideType,
    /// How much it allows at a time; none for what has no worth.
    pub max_value: Option<Worth>,
    /// How often it may be used.
    pub max_uses: u32,
    /// How often it was.
    pub used_count: u32,
    /// When it ends.
    pub expires_at: Time,
    /// What it can be used for alone.
    pub bind: Option<Bind>,
    /// What was done to it.
    pub status: StoredStatus,
    /// Who gave it out.
    pub issued_by: UserGuid,
    /// How often they had lapsed: the code counts while they have not again (ofm §2).
    pub issuer_lapses: u64,
    /// Why.
    pub reason: Option<Reason>,
    /// When it was stopped or used up, if it was.
    pub ended_at: Option<Time>,
    /// The business references of its uses.
    pub uses: Vec<Text<1, 128>>,
}

classes!(OverrideCode {
    org_guid: Plain,
    override_id: Plain,
    logical_guid: Plain,
    override_type: Plain,
    max_value: Plain,
    max_uses: Plain,
    used_count: Plain,
    expires_at: Plain,
    bind: FreeText,
    status: Plain,
    issued_by: Plain,
    issuer_lapses: Plain,
    reason: FreeText,
    ended_at: Plain,
    uses: FreeText,
});

impl Entity for OverrideCode {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "override-code";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::override_code::by_id(org, self.override_id)
    }

    fn indexes(&self, org: &Org, created_at: Time) -> Indexes {
        keys::override_code::lists(org, self, created_at)
    }

    fn id(&self) -> String {
        self.override_id.to_string()
    }
}

impl OverrideCode {
    /// How it stands at this time: what was done to it goes before its use, its use before its time (ofm §14, *Validate*).
    /// What could still be used reads as revoked where its issuer is not in force (ofm §2); what is over stays so.
    pub fn status(&self, now: Time, issuer_in_force: bool) -> OverrideStatus {
        match self.status {
            StoredStatus::Revoked => OverrideStatus::Revoked,
            StoredStatus::Active if self.used_count >= self.max_uses => OverrideStatus::Exhausted,
            StoredStatus::Active if now >= self.expires_at => OverrideStatus::Expired,
            StoredStatus::Active if !issuer_in_force => OverrideStatus::Revoked,
            StoredStatus::Active => OverrideStatus::Active,
        }
    }

    /// Where it is listed.
    pub(crate) fn shelf(&self) -> Shelf {
        // Before its end the time decides nothing.
        self.status(Time::EPOCH, true).into()
    }

    /// On whom it rests.
    pub(crate) fn giver(&self) -> Giver {
        Giver::Person { user_guid: self.issued_by, lapses: self.issuer_lapses }
    }

    /// Whether its digits still lead to it at this time.
    pub(crate) fn is_found(&self, now: Time) -> bool {
        let ended = self.ended_at.map_or(self.expires_at, |ended| ended.min(self.expires_at));
        now < ended.plus_hours(FOUND_HOURS)
    }

    /// Until when its digits lead to it at most.
    pub(crate) fn found_until(&self) -> Time {
        self.expires_at.plus_hours(FOUND_HOURS)
    }
}

/// An override code as it is answered: never its digits.
#[derive(Clone, Serialize, JsonSchema)]
pub struct OverrideView {
    /// The org.
    org_guid: OrgGuid,
    /// Its public handle.
    override_id: OverrideId,
    /// The facility.
    logical_guid: LogicalGuid,
    /// What it is for.
    #[serde(rename = "type")]
    kind: OverrideType,
    /// How much it allows at a time; null for what has no worth.
    max_value: Option<Worth>,
    /// How often it may be used.
    max_uses: u32,
    /// How often it was.
    used_count: u32,
    /// How often it may still be.
    uses_left: u32,
    /// When it ends.
    expires_at: Time,
    /// What it can be used for alone.
    bind: Option<Bind>,
    /// How it stands now.
    status: OverrideStatus,
    /// Who gave it out.
    issued_by: UserGuid,
    /// Why.
    reason: Option<Reason>,
    /// Its revision.
    revision: revision::Tag,
    /// When it was given out.
    created_at: Time,
    /// When it was last used or stopped.
    updated_at: Time,
}

impl Resource for OverrideCode {
    type View = OverrideView;

    fn facility(&self) -> Option<LogicalGuid> {
        Some(self.logical_guid)
    }

    fn view(stored: &Stored<Self>, ctx: &Ctx) -> OverrideView {
        OverrideView::of(stored, stored.record.status(ctx.now(), true))
    }
}

impl OverrideView {
    /// A code that stands so.
    fn of(stored: &Stored<OverrideCode>, status: OverrideStatus) -> Self {
        let code = stored.record.clone();
        Self {
            status,
            uses_left: code.max_uses.saturating_sub(code.used_count),
            org_guid: code.org_guid,
            override_id: code.override_id,
            logical_guid: code.logical_guid,
            kind: code.override_type,
            max_value: code.max_value,
            max_uses: code.max_uses,
            used_count: code.used_count,
            expires_at: code.expires_at,
            bind: code.bind,
            issued_by: code.issued_by,
            reason: code.reason,
            revision: stored.revision,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn at(minutes: i64) -> Time {
        "2026-03-04T08:00:00Z".parse::<Time>().unwrap().plus_minutes(minutes)
    }

    /// A code for two uses, given out at 0 for 15 minutes.
    pub(crate) fn code() -> OverrideCode {
        OverrideCode {
            org_guid: OrgGuid::NOWHERE,
            override_id: OverrideId::NOWHERE,
            logical_guid: LogicalGuid::NOWHERE,
            override_type: OverrideType::DiscountLine,
            max_value: Some(Worth::Share(500)),
            max_uses: 2,
            used_count: 0,
            expires_at: at(15),
            bind: None,
            status: StoredStatus::Active,
            issued_by: UserGuid::NOWHERE,
            issuer_lapses: 0,
            reason: None,
            ended_at: None,
            uses: Vec::new(),
        }
    }

    #[test]
    fn revoked_goes_before_exhausted_and_exhausted_before_expired() {
        let (used, mut revoked) = (OverrideCode { used_count: 2, ..code() }, code());
        assert_eq!(
            [14, 15].map(|now| code().status(at(now), true)),
            [OverrideStatus::Active, OverrideStatus::Expired]
        );
        assert_eq!(
            [14, 15].map(|now| code().status(at(now), false)),
            [OverrideStatus::Revoked, OverrideStatus::Expired]
        );
        for in_force in [true, false] {
            assert_eq!([14, 15].map(|now| used.status(at(now), in_force)), [OverrideStatus::Exhausted; 2]);
        }
        revoked.status = StoredStatus::Revoked;
        revoked.used_count = 2;
        assert_eq!([14, 15].map(|now| revoked.status(at(now), true)), [OverrideStatus::Revoked; 2]);
        assert_eq!(
            [code().shelf(), used.shelf(), revoked.shelf()],
            [Shelf::Open, Shelf::Exhausted, Shelf::Revoked]
        );
        for status in OverrideStatus::ALL {
            assert_eq!(Shelf::from(*status) == Shelf::Open, status.is_by_time(), "{status:?}");
            assert!(status.shelves().contains(&Shelf::from(*status)), "{status:?}");
        }
    }

    impl OverrideStatus {
        fn is_by_time(self) -> bool {
            matches!(self, Self::Active | Self::Expired)
        }
    }

    #[test]
    fn digits_lead_to_a_dead_code_for_a_day() {
        let day = 24 * 60;
        assert_eq!([14 + day, 15 + day].map(|now| code().is_found(at(now))), [true, false]);
        let ended = OverrideCode { ended_at: Some(at(5)), ..code() };
        assert_eq!([4 + day, 5 + day].map(|now| ended.is_found(at(now))), [true, false]);
        let late = OverrideCode { ended_at: Some(at(60)), ..code() };
        assert_eq!([14 + day, 15 + day].map(|now| late.is_found(at(now))), [true, false]);
    }
}
