//! Who was recruited: nobody twice in an org (referral §5).

use contract::{attribution_id::AttributionId, foreign_id::ForeignId, revision::Counter, secret::LookupKey};
use serde::{Deserialize, Serialize};
use store::{Entity, Key, Org, classes};

use crate::keys;

/// The attribution that was confirmed for a member. Members are known by a keyed hash: a key tells nothing of a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemberClaim {
    /// The keyed hash of the member's id.
    pub member_hash: String,
    /// The attribution.
    pub attribution_id: AttributionId,
}

classes!(MemberClaim { member_hash: Plain, attribution_id: Plain });

impl MemberClaim {
    /// The hash that stands for a member in an org.
    pub fn hash(org: &Org, member: &ForeignId, key: &LookupKey) -> String {
        key.hash(&org.guid().to_string(), "referral-member", member.as_str())
    }
}

impl Entity for MemberClaim {
    const SERVICE: &'static str = "referral";
    const TYPE: &'static str = "referral-member";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::member::by_hash(org, &self.member_hash)
    }

    fn id(&self) -> String {
        self.member_hash.clone()
    }
}
