//! Codes: what a mentor hands out (referral §1). Made by the operator, never over HTTP.

use contract::{
    codes::{OrgCode, ReferralCode},
    foreign_id::ForeignId,
    ids::OrgGuid,
    revision::Counter,
    states::States,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Arc, Ctx, Resource};
use store::{Entity, Indexes, Key, Org, Shown, Stored, System, classes};

use crate::keys;

/// How a code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeStatus {
    /// Clicks are recorded.
    Active,
    /// Clicks are refused; those that were recorded can be confirmed.
    Disabled,
}

impl States for CodeStatus {
    const ALL: &'static [Self] = &[Self::Active, Self::Disabled];
    const HIDDEN: &'static [Self] = &[];
}

/// The moves there are. There is no deletion, so a code is never used again.
pub const ARCS: &[Arc<CodeStatus>] =
    &[(CodeStatus::Active, CodeStatus::Disabled), (CodeStatus::Disabled, CodeStatus::Active)];

/// For so many days after a click a recruitment can be confirmed, unless the code says otherwise.
pub const DEFAULT_WINDOW: u16 = 30;
/// A code may say so many.
pub const MOST_WINDOW: u16 = 365;

/// A mentor's code.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Code {
    /// The code, unique in the deployment; never changes.
    pub code: ReferralCode,
    /// Whose it is: the id of another system.
    pub mentor_id: ForeignId,
    /// The org.
    pub orgcode: OrgCode,
    /// How it stands.
    pub status: CodeStatus,
    /// From when on clicks are refused.
    pub expires_at: Option<Time>,
    /// For so many times 24 hours after a click a recruitment can be confirmed.
    pub window_days: u16,
}

classes!(Code {
    code: Plain,
    mentor_id: Plain,
    orgcode: Plain,
    status: Plain,
    expires_at: Plain,
    window_days: Plain,
});

impl Code {
    /// Whether a click at this time is recorded.
    pub fn is_active(&self, at: Time) -> bool {
        self.status == CodeStatus::Active && self.expires_at.is_none_or(|end| at < end)
    }
}

impl Entity for Code {
    const SERVICE: &'static str = "referral";
    const TYPE: &'static str = "referral-code";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::code::by_code(org, &self.code)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::code::lists(org, self)
    }

    fn id(&self) -> String {
        self.code.to_string()
    }
}

impl Resource for Code {
    type View = Shown<Self>;

    fn view(stored: &Stored<Self>, _: &Ctx) -> Shown<Self> {
        stored.shown()
    }
}

/// Which org holds a code: a click names none. Written with the code, never released.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CodeClaim {
    /// The code.
    pub code: ReferralCode,
    /// The org.
    pub org_guid: OrgGuid,
}

classes!(CodeClaim { code: Plain, org_guid: Plain });

impl Entity for CodeClaim {
    const SERVICE: &'static str = "referral";
    const TYPE: &'static str = "referral-code-claim";
    type Scope = System;
    type Revision = Counter;

    fn key(&self, _: &System) -> Key<Self> {
        keys::code::claim(&self.code)
    }

    fn id(&self) -> String {
        self.code.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_active_until_it_expires_or_is_disabled() {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let code = Code {
            code: "JAN-VERV-8F3A".parse().unwrap(),
            mentor_id: "usr_4491".parse().unwrap(),
            orgcode: "ACME".parse().unwrap(),
            status: CodeStatus::Active,
            expires_at: Some(at("2026-03-20T00:00:00Z")),
            window_days: DEFAULT_WINDOW,
        };
        assert!(code.is_active(at("2026-03-19T23:59:59.999Z")));
        assert!(!code.is_active(at("2026-03-20T00:00:00Z")));
        let disabled = Code { status: CodeStatus::Disabled, expires_at: None, ..code.clone() };
        assert!(!disabled.is_active(at("2026-03-19T00:00:00Z")));
        assert!(Code { expires_at: None, ..code }.is_active(at("9999-01-01T00:00:00Z")));
    }
}
