//! Ids of records: UUIDs made by the server, version 7 (contract §8).

use std::{fmt, str::FromStr};

use uuid::Uuid;

use crate::problem::Problem;

/// Length of a UUID in its hyphenated form, the only one that is read.
const HYPHENATED: usize = 36;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Read case-insensitively in the hyphenated form, shown in lower case. A malformed id names no record,
        /// which is 404 and not 400 (contract §8); so reading one from JSON gives [`Self::NOWHERE`] instead of
        /// failing, and the record is then not found like any other that is not there.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// The id of nothing (the nil UUID): no record ever has it.
            pub const NOWHERE: Self = Self(Uuid::nil());

            /// The id with these bits.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bits of the id.
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// Whether no record can have this id. A list filtered by such an id is refused with 404.
            pub const fn is_nowhere(self) -> bool {
                self.0.is_nil()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        /// Strict, unlike reading from JSON.
        impl FromStr for $name {
            type Err = Problem;

            fn from_str(text: &str) -> Result<Self, Problem> {
                hyphenated(text).map(Self).ok_or(Problem::new("must be a UUID"))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::json::string(deserializer).map(|Lenient(uuid)| Self(uuid))
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "format": "uuid"})
            }
        }
    )*};
}

ids! {
    /// An organisation: the tenant.
    OrgGuid;
    /// A person who can sign in; belongs to no org.
    UserGuid;
    /// A cost centre of an org.
    CcGuid;
    /// A physical facility: a place.
    PfGuid;
    /// A legal facility: who trades.
    LegalGuid;
    /// A logical facility: a trader at a place, which people, tills and stock hang on.
    LogicalGuid;
    /// A part of a logical facility: a floor, an aisle, a shelf.
    ZoneGuid;
    /// A sales channel of a logical facility.
    ChannelGuid;
    /// A till or other station of a logical facility.
    StationGuid;
    /// An invite to become a member.
    InviteGuid;
    /// A team of an org.
    TeamGuid;
    /// A shift of a person at a facility.
    ShiftGuid;
    /// An entry of a timesheet.
    EntryGuid;
    /// A customer of an org.
    CustomerGuid;
    /// One of the addresses of a record.
    AddressId;
    /// The public handle of a session. The bearer secret is something else.
    SessionId;
    /// A service account of an org.
    ServiceAccountGuid;
    /// The public handle of an API key. The bearer secret is something else.
    KeyId;
    /// An invitation to create an org.
    InvitationId;
    /// A till profile of an org.
    ProfileId;
    /// The public handle of an override code. Its digits are something else.
    OverrideId;
    /// A journal entry and the event that tells of it (contract §10).
    EventId;
}

/// Whatever is not a UUID reads as the nil UUID.
struct Lenient(Uuid);

impl FromStr for Lenient {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        Ok(Self(hyphenated(text).unwrap_or_default()))
    }
}

/// A UUID in the hyphenated form. `uuid` itself also reads braces, URNs and bare digits.
pub(crate) fn hyphenated(text: &str) -> Option<Uuid> {
    (text.len() == HYPHENATED).then(|| Uuid::try_parse(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

    #[test]
    fn ids_are_read_in_any_case_and_shown_in_lower_case() {
        for text in [ID.to_owned(), ID.to_uppercase()] {
            let id: OrgGuid = serde_json::from_value(json!(text)).unwrap();
            assert_eq!(id.to_string(), ID);
            assert_eq!(serde_json::to_value(id).unwrap(), json!(ID));
            assert_eq!(format!("{id:?}"), format!("OrgGuid({ID})"));
        }
    }

    #[test]
    fn a_malformed_id_names_nothing() {
        let bare = ID.replace('-', "");
        for text in
            ["", "ACME", "0190163d-8694-739b-aea5-966c26f8ad9g", &format!("{{{ID}}}"), &bare, &ID[1..]]
        {
            let id: UserGuid = serde_json::from_value(json!(text)).unwrap();
            assert_eq!(id, UserGuid::NOWHERE, "{text}");
            assert!(id.is_nowhere());
            assert_eq!(text.parse::<UserGuid>(), Err(Problem::new("must be a UUID")), "{text}");
        }
    }

    #[test]
    fn an_id_is_a_string() {
        for wrong in [json!(7), json!(null), json!({}), json!([ID])] {
            let error = serde_json::from_value::<OrgGuid>(wrong).unwrap_err().to_string();
            assert!(error.ends_with("expected a string"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn an_id_reads_as_it_is_shown(bits: u128) {
            let id = CustomerGuid::from_uuid(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn any_string_is_read(text: String) {
            prop_assert!(serde_json::from_value::<OrgGuid>(json!(text)).is_ok());
        }
    }
}
