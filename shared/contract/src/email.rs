//! E-mail addresses (contract §8).

use std::{fmt, str::FromStr};

use email_address::{EmailAddress, Options};
use idna::{
    AsciiDenyList,
    uts46::{DnsLength, Hyphens, Uts46},
};
use unicode_normalization::UnicodeNormalization;

use crate::{
    json::json_string,
    problem::Problem,
    visible::{self, is_visible},
};

/// What may stand in the field: no name around the address, no number in place of the domain.
const ADDRESS_ALONE: Options =
    Options { minimum_sub_domains: 0, allow_domain_literal: false, allow_display_text: false };

/// An e-mail address: trimmed, one `@`, at most 254 bytes, ASCII letters in lower case.
///
/// The domain is shown in the letters in which it was given, and compared by the labels that the domain name system knows
/// it by (IDNA, UTS 46): `x@bücher.example` and `x@xn--bcher-kva.example` are one value, so that it can be claimed.
/// `Debug` does not show it.
#[derive(Clone)]
pub struct Email {
    shown: String,
    compared: String,
}

impl Email {
    /// Most bytes of an address.
    pub const MAX: usize = 254;

    /// The address in the one form in which it is compared, looked for and hashed; [`Email`] is shown otherwise.
    pub fn as_str(&self) -> &str {
        &self.compared
    }

    fn shown(&self) -> &str {
        &self.shown
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.compared == other.compared
    }
}

impl Eq for Email {}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(***)")
    }
}

impl FromStr for Email {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        const PROBLEM: Problem = Problem::new("must be an e-mail address");
        let (local, domain) = text.trim().split_once('@').ok_or(PROBLEM)?;
        // Only the host knows whether other letters are one to it (RFC 6530, section 10.1).
        let local: String = local.to_ascii_lowercase().nfc().collect();
        let is_seen = local.chars().all(is_visible) && visible::check(&local, visible::Rule::Strict).is_ok();
        let labels = Uts46::new()
            .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
            .map_err(|_| PROBLEM)?;
        let compared = format!("{local}@{labels}");
        if !is_seen || EmailAddress::parse_with_options(&compared, ADDRESS_ALONE).is_err() {
            return Err(PROBLEM);
        }
        let shown =
            if domain.is_ascii() { compared.clone() } else { format!("{local}@{}", in_letters(domain)) };
        if compared.len().max(shown.len()) > Self::MAX {
            return Err(Problem::new("must be at most 254 characters"));
        }
        Ok(Self { shown, compared })
    }
}

/// A domain that has labels, with those that have other letters than ASCII written in them.
fn in_letters(domain: &str) -> String {
    let (letters, _) =
        Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    letters.into_owned()
}

json_string!(Email, shown, {"type": "string", "format": "email", "maxLength": Self::MAX});

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
            ("Jose\u{301}@example.org", "josé@example.org"),
            ("JOSÉ@example.org", "josÉ@example.org"),
            ("x@BÜCHER.Example", "x@xn--bcher-kva.example"),
            ("x@XN--bcher-KVA.example", "x@xn--bcher-kva.example"),
            ("x@bu\u{308}cher。example", "x@xn--bcher-kva.example"),
            ("x@Ｅxample.org", "x@example.org"),
            ("x@straße.example", "x@xn--strae-oqa.example"),
            ("root@localhost", "root@localhost"),
        ] {
            assert_eq!(given.parse::<Email>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn a_domain_is_shown_in_the_letters_in_which_it_was_given() {
        for (given, shown) in [
            (" X@BÜCHER.example", "x@bücher.example"),
            ("x@xn--bcher-kva.example", "x@xn--bcher-kva.example"),
            ("x@xn--bcher-kva.büro.example", "x@bücher.büro.example"),
        ] {
            let email: Email = given.parse().unwrap();
            assert_eq!(serde_json::to_value(&email).unwrap(), json!(shown));
            assert_eq!(shown.parse(), Ok(email));
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
            "x@xn--",
            "x@xn--a-\u{fc}.example",
            "x@xn--example-.org",
            "x\u{200b}@example.org",
            "x\u{2800}@example.org",
            "\u{202e}x@example.org",
            "x@exam_ple.org",
            "x@example.org.",
            "x@b\u{fc}cher..example",
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
        fn an_address_reads_as_itself(text in "[a-zA-ZÀ-ÿİΣ\\u{301}.+]{1,8}@[a-zA-ZÀ-ÿİΣß。0-9.-]{1,12}") {
            if let Ok(email) = text.parse::<Email>() {
                prop_assert_eq!(email.as_str().parse(), Ok(email.clone()));
                let shown = serde_json::to_value(&email).unwrap();
                prop_assert_eq!(serde_json::from_value::<Email>(shown.clone()).unwrap().shown, email.shown.clone());
                let (local, domain) = email.as_str().split_once('@').unwrap();
                prop_assert!(domain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b)));
                prop_assert!(!local.contains(|c: char| c.is_ascii_uppercase()));
                let (given, _) = text.trim().split_once('@').unwrap();
                prop_assert_eq!(format!("{given}@{}", domain.to_uppercase()).parse(), Ok(email));
            }
        }
    }
}
