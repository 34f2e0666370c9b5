//! Who gave something that ends with them: an invite, an override code (ofm §2, *What a person gave ends with them*).

use contract::ids::{ServiceAccountGuid, UserGuid};
use serde::{Deserialize, Serialize};

use crate::member::Member;

/// Who gave something. What a person gave counts only while they have lapsed as often as they had then: so it ends with
/// them, without being written, and taking the person back revives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Giver {
    /// A person.
    Person {
        /// Who.
        user_guid: UserGuid,
        /// How often they had lapsed: see [`Member::lapses`].
        lapses: u64,
    },
    /// A program.
    Program {
        /// Which service account.
        service_account_guid: ServiceAccountGuid,
    },
}

impl Giver {
    /// The person, where it is one.
    pub fn user_guid(self) -> Option<UserGuid> {
        match self {
            Self::Person { user_guid, .. } => Some(user_guid),
            Self::Program { .. } => None,
        }
    }

    /// Whether the person was suspended or removed since, as a member or as an owner. `member` is that person as they
    /// stand; a program does not lapse.
    pub fn has_lapsed(self, member: Option<&Member>) -> bool {
        match self {
            Self::Person { lapses, .. } => member.is_none_or(|member| member.lapses != lapses),
            Self::Program { .. } => false,
        }
    }
}
