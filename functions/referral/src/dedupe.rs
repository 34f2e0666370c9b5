//! Repeated clicks (referral §4): the same code, address and agent, less than some minutes from the last counted click.

use contract::{
    attribution_id::AttributionId,
    codes::ReferralCode,
    revision::Counter,
    secret::LookupKey,
    time::Time,
    web::{IpAddress, UserAgent},
};
use serde::{Deserialize, Serialize};
use store::{Entity, Key, Org, classes};

use crate::{attribution::Attribution, keys};

/// The last counted click of somebody on a code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LastClick {
    /// The keyed hash of code, address and agent.
    pub hash: String,
    /// The click.
    pub attribution_id: AttributionId,
    /// When it was.
    pub clicked_at: Time,
    /// Until when it is remembered: as long as address and agent are. Whether another click is a repeat is judged by
    /// the times of both.
    pub until: Time,
}

classes!(LastClick { hash: Plain, attribution_id: Plain, clicked_at: Plain, until: Plain });

impl LastClick {
    /// The hash that stands for whoever clicks on a code.
    pub fn hash(
        org: &Org,
        code: &ReferralCode,
        address: &IpAddress,
        agent: &UserAgent,
        key: &LookupKey,
    ) -> String {
        // The address is canonical and the code has no space, so no two lists of parts make the same text.
        let clicker = format!("{code} {address} {}", agent.as_str());
        key.hash(&org.guid().to_string(), "referral-click", &clicker)
    }

    /// The hash that stands for whoever made this click, unless that is forgotten.
    pub fn hash_of(org: &Org, click: &Attribution, key: &LookupKey) -> Option<String> {
        let (address, agent) = (click.ip_address.as_ref()?, click.user_agent.as_ref()?);
        Some(Self::hash(org, &click.code, address, agent, key))
    }

    /// Whether a click at this time is a repeat: less than so many minutes before or after.
    pub fn is_repeated(&self, at: Time, minutes: u32) -> bool {
        (at.millis() - self.clicked_at.millis()).abs() < i64::from(minutes) * 60_000
    }
}

impl Entity for LastClick {
    const SERVICE: &'static str = "referral";
    const TYPE: &'static str = "referral-last-click";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::attribution::last_click(org, &self.hash)
    }

    fn id(&self) -> String {
        self.hash.clone()
    }

    fn expires(&self) -> Option<Time> {
        Some(self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_is_less_than_the_window_away_on_either_side() {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let last = LastClick {
            hash: "h".to_owned(),
            attribution_id: "attr_a1b2c3".parse().unwrap(),
            clicked_at: at("2026-03-20T14:22:00Z"),
            until: at("2026-06-18T14:22:00Z"),
        };
        for (time, repeated) in [
            ("2026-03-20T14:22:00Z", true),
            ("2026-03-20T14:51:59.999Z", true),
            ("2026-03-20T14:52:00Z", false),
            ("2026-03-20T13:52:00.001Z", true),
            ("2026-03-20T13:52:00Z", false),
        ] {
            assert_eq!(last.is_repeated(at(time), 30), repeated, "{time}");
        }
        assert!(!last.is_repeated(last.clicked_at, 0), "0 counts every click");
    }
}
