//! E-mail addresses (contract §8).

use std::{fmt, str::FromStr};

use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization;

use crate::{json::json_string, problem::Problem};

/// What may stand in the field: no name around the address, no number in place of the domain.
const ADDRESS_ALONE: Options =
    Options { minimum_sub_domains: 0, allow_domain_literal: false, allow_display_text: false };

/// An e-mail address: trimmed, lower-cased, one `@`, at most 254 bytes.
///
/// Two spellings of one address are one value, so that it can be claimed. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

impl Email {
    /// Most bytes of an address.
    pub const MAX: usize = 254;

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(***)")
    }
}

impl FromStr for Email {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        // Lower case can undo the normal form, and composing never brings capitals back.
        let address: String = text.trim().to_lowercase().nfc().collect();
        let is_plain = !address.contains(|c: char| c.is_whitespace() || c.is_control())
            && address.matches('@').count() == 1
            && EmailAddress::parse_with_options(&address, ADDRESS_ALONE).is_ok();
        if !is_plain {
            return Err(Problem::new("must be an e-mail address"));
        }
        if address.len() > Self::MAX {
            return Err(Problem::new("must be at most 254 characters"));
        }
        Ok(Self(address))
    }
}

json_string!(Email, as_str, {"type": "string", "format": "email", "maxLength": Self::MAX});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        for (given, kept) in [
            (" Ada.Lovelace@Example.ORG\n", "ada.lovelace@example.org"),
            ("o'hara+news_1@mail.example.org", "o'hara+news_1@mail.example.org"),
            ("JOSE\u{301}@example.org", "josé@example.org"),
            ("root@localhost", "root@localhost"),
        ] {
            assert_eq!(given.parse::<Email>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let too_long = format!("a@{}example.org", "a123456789.".repeat(23));
        for text in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@@example.org",
            "\"a@b\"@example.org",
            "\"a b\"@example.org",
            "ada lovelace@example.org",
            "ada@exa mple.org",
            "ada@.org",
            "ada@example..org",
            "ada.@example.org",
            "ada@-example.org",
            "ada@[127.0.0.1]",
            "Ada <ada@example.org>",
            "a\0@example.org",
            &too_long,
        ] {
            assert!(text.parse::<Email>().is_err(), "{text}");
        }
    }

    #[test]
    fn it_is_not_shown() {
        let email: Email = serde_json::from_value(json!("ada@example.org")).unwrap();
        assert_eq!(format!("{email:?}"), "Email(***)");
        let error = serde_json::from_value::<Email>(json!("ada at example.org")).unwrap_err();
        assert_eq!(error.to_string(), "must be an e-mail address");
    }

    proptest! {
        #[test]
        fn an_address_reads_as_itself(text in "[a-zA-ZÀ-ÿİΣ\\u{301}.+]{1,8}@[a-zA-ZÀ-ÿİΣ0-9.-]{1,12}") {
            if let Ok(email) = text.parse::<Email>() {
                prop_assert_eq!(email.as_str().parse(), Ok(email.clone()));
            }
        }
    }
}
