//! Lists: how many, and where to go on (contract §6).

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use sha2::Sha256;

use crate::{
    error::{Result, Tag},
    secret::KeyMaterial,
};

/// How many records a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    /// Without a wish.
    pub const DEFAULT: Self = Self(8);
    /// The most that a page of a usual list holds.
    pub const MOST: Self = Self(256);

    /// The number of records.
    pub const fn get(self) -> usize {
        self.0 as usize
    }

    /// The nearest limit of a usual list to what was asked for.
    pub fn clamp(asked: i64) -> Self {
        PageSize::USUAL.nearest(asked)
    }
}

/// Which limits a list takes: 1 to `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize {
    /// Without a wish.
    pub default: u16,
    /// The most.
    pub most: u16,
}

impl PageSize {
    /// 8 unless asked otherwise, clamped to 1–256.
    pub const USUAL: Self = Self { default: Limit::DEFAULT.0, most: Limit::MOST.0 };

    /// The limit for what was asked for.
    pub fn limit(self, asked: Asked) -> Limit {
        asked.0.map_or(Limit(self.default), |asked| self.nearest(asked))
    }

    fn nearest(self, asked: i64) -> Limit {
        Limit(u16::try_from(asked.clamp(1, i64::from(self.most))).unwrap_or(self.most))
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self::USUAL
    }
}

/// The `limit` of a request: any whole number, or none. Which records a page then holds, its [`PageSize`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked(Option<i64>);

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<Whole>::deserialize(deserializer)?.map(|whole| whole.0)))
    }
}

/// Any whole number, also one in the text of a query parameter; larger than 64 bits counts as the largest.
struct Whole(i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WholeVisitor;
        impl serde::de::Visitor<'_> for WholeVisitor {
            type Value = Whole;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }
            fn visit_i64<E>(self, value: i64) -> Result<Whole, E> {
                Ok(Whole(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Whole, E> {
                Ok(Whole(i64::try_from(value).unwrap_or(i64::MAX)))
            }
            // What is larger than 64 bits comes as a float.
            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Whole, E> {
                match value {
                    9e18.. => Ok(Whole(i64::MAX)),
                    ..=-9e18 => Ok(Whole(i64::MIN)),
                    _ => Err(E::invalid_type(serde::de::Unexpected::Float(value), &self)),
                }
            }
        }
        deserializer.deserialize_any(WholeVisitor)
    }
}

impl JsonSchema for Asked {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "integer",
            "default": PageSize::USUAL.default,
            "description": "How many records a page holds; clamped to 1 to 256.",
        })
    }
    #[doc(hidden)]
    fn _schemars_private_is_option() -> bool {
        true
    }
}

/// The key that cursors are sealed with, the same in all functions of a deployment.
#[derive(Clone, Debug)]
pub struct CursorKey(pub KeyMaterial);

/// What a cursor is bound to: it opens in no other org, route or set of filters.
#[derive(Clone, Copy, Debug)]
pub struct CursorScope<'a> {
    /// The org's guid, or the caller's where the list has no org.
    pub tenant: &'a str,
    /// Service and path.
    pub route: &'a str,
    /// The filters of the list, in a canonical text.
    pub filters: &'a str,
}

const VERSION: u8 = 1;
const SEAL_LEN: usize = 16;

impl CursorKey {
    /// Makes the `next_token` for a position (the sort key of the last record answered).
    pub fn seal(&self, scope: CursorScope<'_>, position: &str) -> String {
        let mut token = vec![VERSION];
        token.extend_from_slice(&self.tag(scope, position)[..SEAL_LEN]);
        token.extend_from_slice(position.as_bytes());
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The position in a `next_token`, or `invalid-token` for one that was not sealed for this list.
    pub fn open(&self, scope: CursorScope<'_>, token: &str) -> Result<String> {
        self.try_open(scope, token).ok_or_else(|| Tag::InvalidToken.into())
    }

    fn try_open(&self, scope: CursorScope<'_>, token: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (seal, position) = rest.split_at_checked(SEAL_LEN)?;
        let position = std::str::from_utf8(position).ok()?;
        let good = *version == VERSION && self.mac(scope, position).verify_truncated_left(seal).is_ok();
        good.then(|| position.to_owned())
    }

    fn tag(&self, scope: CursorScope<'_>, position: &str) -> [u8; 32] {
        self.mac(scope, position).finalize().into_bytes().into()
    }

    fn mac(&self, scope: CursorScope<'_>, position: &str) -> Hmac<Sha256> {
        self.0.mac(&[scope.tenant, scope.route, scope.filters, position])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::input;

    const SCOPE: CursorScope<'static> = CursorScope { tenant: "org", route: "ofm/zone/list", filters: "{}" };

    fn key() -> CursorKey {
        CursorKey(KeyMaterial::from_hex(&"0a".repeat(32)).unwrap())
    }

    #[derive(Debug, Deserialize)]
    struct List {
        limit: Asked,
    }

    #[test]
    fn limits_are_clamped_and_whole() {
        let limit = |value| input::read::<List>(&value).map(|list| PageSize::USUAL.limit(list.limit).get());
        assert_eq!(limit(json!({})), Ok(8));
        assert_eq!(limit(json!({"limit": 0})), Ok(1));
        assert_eq!(limit(json!({"limit": -7})), Ok(1));
        assert_eq!(limit(json!({"limit": 20})), Ok(20));
        assert_eq!(limit(json!({"limit": u64::MAX})), Ok(256));
        let beyond = |text: &str| limit(serde_json::from_str(&format!(r#"{{"limit": {text}}}"#)).unwrap());
        assert_eq!(beyond("32589158477190044729"), Ok(256));
        assert_eq!(beyond("-32589158477190044729"), Ok(1));
        assert_eq!(limit(json!({"limit": 2.5})).unwrap_err()[0].problem, "must be a whole number");
        assert_eq!(limit(json!({"limit": "x"})).unwrap_err()[0].problem, "must be a whole number");
    }

    #[test]
    fn a_cursor_opens_only_where_it_was_sealed() {
        let token = key().seal(SCOPE, "a|b");
        assert_eq!(key().open(SCOPE, &token).unwrap(), "a|b");
        for other in [
            CursorScope { tenant: "other", ..SCOPE },
            CursorScope { route: "ofm/team/list", ..SCOPE },
            CursorScope { filters: "{\"a\":1}", ..SCOPE },
        ] {
            assert_eq!(key().open(other, &token).unwrap_err().tag(), Tag::InvalidToken);
        }
    }

    proptest! {
        #[test]
        fn any_altered_cursor_is_refused(position in ".{0,40}", at in any::<prop::sample::Index>(), flip in 1u8..) {
            let token = key().seal(SCOPE, &position);
            prop_assert_eq!(key().open(SCOPE, &token).unwrap(), position);
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert!(key().open(SCOPE, &URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }

        #[test]
        fn no_text_opens_by_accident(token in ".{0,80}") {
            prop_assert!(key().open(SCOPE, &token).is_err());
        }
    }
}
