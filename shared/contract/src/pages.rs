//! Lists by page number (referral §3). Where a list may be long and its reader goes on from page to page, `next_token` is
//! the better way ([`crate::paging`]): a numbered page costs by how deep it lies.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    error::{Result, Tag},
    paging::Limit,
};

/// No page ends behind this record.
pub const DEEPEST: u64 = 10_000;
const MOST_LIMIT: u64 = 100;
const DEFAULT_LIMIT: u64 = 20;

/// A whole number from 1, also as the text of a query parameter. Larger than 64 bits counts as the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Whole(u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WholeVisitor;
        impl de::Visitor<'_> for WholeVisitor {
            type Value = Whole;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 1")
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Whole, E> {
                self.visit_u64(u64::try_from(value).unwrap_or(0))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Whole, E> {
                match value {
                    0 => Err(E::custom("must be a whole number from 1")),
                    value => Ok(Whole(value)),
                }
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Whole, E> {
                if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
                    return self.visit_u64(0);
                }
                self.visit_u64(text.parse().unwrap_or(u64::MAX))
            }
        }
        deserializer.deserialize_any(WholeVisitor)
    }
}

macro_rules! wish {
    ($(#[$doc:meta])* $name:ident, $schema:tt) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name(Option<Whole>);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Option::<Whole>::deserialize(deserializer).map(Self)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
            #[doc(hidden)]
            fn _schemars_private_is_option() -> bool {
                true
            }
        }
    };
}

wish! {
    /// The `page` of a request: 1 unless given.
    Number, {"type": "integer", "minimum": 1, "maximum": DEEPEST, "default": 1}
}

wish! {
    /// The `limit` of a request: 20 unless given; above 100 counts as 100.
    Length, {"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT}
}

/// Which records a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    page: u64,
    limit: u64,
}

impl Window {
    /// The page that is asked for; `page-too-deep` where it ends behind record 10,000.
    pub fn of(page: Number, limit: Length) -> Result<Self> {
        let limit = limit.0.map_or(DEFAULT_LIMIT, |limit| limit.0.min(MOST_LIMIT));
        let page = page.0.map_or(1, |page| page.0);
        if page.saturating_mul(limit) > DEEPEST {
            return Err(Tag::PageTooDeep.into());
        }
        Ok(Self { page, limit })
    }

    /// How many records come before it.
    pub fn skip(self) -> usize {
        usize::try_from((self.page - 1) * self.limit).unwrap_or(usize::MAX)
    }

    /// How many it holds.
    pub fn limit(self) -> Limit {
        Limit::clamp(i64::try_from(self.limit).unwrap_or(i64::MAX))
    }

    /// What an answer tells of it.
    pub fn of_total(self, total: i64) -> Pagination {
        Pagination { page: self.page, limit: self.limit, total }
    }
}

/// Where a page lies in its list.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Pagination {
    /// The number of the page.
    page: u64,
    /// How many records a page holds.
    limit: u64,
    /// How many records the list holds.
    total: i64,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::input;

    #[derive(Debug, Deserialize)]
    struct List {
        page: Number,
        limit: Length,
    }

    fn window(fields: &Value) -> Result<(usize, usize), String> {
        let list = input::read::<List>(fields).map_err(|problems| problems[0].problem.clone())?;
        let window = Window::of(list.page, list.limit).map_err(|error| error.tag().name().to_owned())?;
        Ok((window.skip(), window.limit().get()))
    }

    #[test]
    fn a_page_is_read_from_numbers_and_from_texts() {
        for (fields, expected) in [
            (json!({}), (0, 20)),
            (json!({"page": null, "limit": null}), (0, 20)),
            (json!({"page": "3", "limit": "10"}), (20, 10)),
            (json!({"page": 2, "limit": 101}), (100, 100)),
            (json!({"page": "1", "limit": "99999999999999999999999"}), (0, 100)),
            (json!({"page": "100", "limit": "100"}), (9_900, 100)),
            (json!({"page": "10000", "limit": "1"}), (9_999, 1)),
            (json!({"page": "500"}), (9_980, 20)),
        ] {
            assert_eq!(window(&fields), Ok(expected), "{fields}");
        }
    }

    #[test]
    fn what_is_no_number_from_1_is_refused() {
        for bad in
            [json!("0"), json!(0), json!("-1"), json!(-1), json!("1.0"), json!(1.5), json!("one"), json!("")]
        {
            for field in ["page", "limit"] {
                let told = window(&json!({ field: bad }));
                assert_eq!(told, Err("must be a whole number from 1".to_owned()), "{field} {bad}");
            }
        }
    }

    #[test]
    fn nothing_behind_record_10_000_is_listed() {
        for deep in [
            json!({"page": "501"}),
            json!({"page": "101", "limit": "100"}),
            json!({"page": "99999999999999999999"}),
        ] {
            assert_eq!(window(&deep), Err("page-too-deep".to_owned()));
        }
        assert_eq!(window(&json!({"page": "101", "limit": "1000"})), Err("page-too-deep".to_owned()));
    }
}
