//! Codes that people type: trimmed and upper-cased before they are compared (contract §8).

use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

use crate::{json::json_string, problem::Problem};

/// What the server draws codes from: without I, O, 0 and 1, which are misread. 32 letters take 5 bits each, so
/// that a random byte gives every letter the same chance.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Crockford's base 32: all digits, and the letters but I, L, O and U. In the order of their values, so that what is
/// written in it sorts like the number.
pub(crate) const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The letter of the alphabet that a random byte stands for.
fn letter(random: u8) -> char {
    char::from(ALPHABET[usize::from(random % 32)])
}

/// The form in which a code is compared. Only ASCII is raised: no code holds anything else.
fn canonical(text: &str) -> String {
    text.trim().to_ascii_uppercase()
}

fn is_letter_or_digit(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

macro_rules! code {
    ($(#[$doc:meta])* $name:ident, $valid:ident, $problem:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The code in its canonical form.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Problem;

            fn from_str(text: &str) -> Result<Self, Problem> {
                let code = canonical(text);
                if $valid(code.as_bytes()) { Ok(Self(code)) } else { Err(Problem::new($problem)) }
            }
        }

        json_string!($name, as_str, {"type": "string", "pattern": $pattern});
    };
}

code! {
    /// The code of an org, unique for ever: `^[A-Z][A-Z0-9]{2,15}$`.
    OrgCode, is_org_code,
    "must be 3 to 16 letters or digits, starting with a letter",
    "^ *[A-Za-z][A-Za-z0-9]{2,15} *$"
}

code! {
    /// The code of a record, unique in the scope that its service names: `^[A-Z0-9][A-Z0-9_-]{0,31}$`.
    Code, is_code,
    "must be 1 to 32 letters, digits, '_' or '-', starting with a letter or digit",
    "^ *[A-Za-z0-9][A-Za-z0-9_-]{0,31} *$"
}

code! {
    /// The code of a cost centre: `^[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}$`.
    CcCode, is_cc_code,
    "must be three groups of 4 letters or digits: AAAA-AAAA-AAAA",
    "^ *[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4} *$"
}

code! {
    /// The code of an invitation to create an org: `INV` and 10 letters or digits (ofm §4.1).
    InvitationCode, is_invitation_code,
    "must be INV followed by 10 letters or digits",
    "^ *[Ii][Nn][Vv][A-Za-z0-9]{10} *$"
}

code! {
    /// A mentor's code: `^[A-Z0-9]+(-[A-Z0-9]+)*$`, 4 to 64 characters, unique in the deployment (referral §1).
    ReferralCode, is_referral_code,
    "must be 4 to 64 letters or digits in groups divided by single '-'",
    "^(?= *[A-Za-z0-9-]{4,64} *$) *[A-Za-z0-9]+(-[A-Za-z0-9]+)* *$"
}

impl ReferralCode {
    /// The code that these random bytes stand for, in Crockford's base 32: `XXXX-XXXX-XXXX`.
    pub fn from_random(bytes: [u8; 12]) -> Self {
        let letter = |byte: &u8| char::from(CROCKFORD[usize::from(byte % 32)]);
        let groups = bytes.chunks(4).map(|group| group.iter().map(letter).collect::<String>());
        Self(groups.collect::<Vec<_>>().join("-"))
    }
}

code! {
    /// The code of an invite to become a member: two groups of 5 (ofm §9.1).
    InviteCode, is_invite_code,
    "must be two groups of 5 letters or digits: AAAAA-AAAAA",
    "^ *[A-Za-z0-9]{5}-[A-Za-z0-9]{5} *$"
}

impl InviteCode {
    /// The code that these random bytes stand for.
    pub fn from_random(bytes: [u8; 10]) -> Self {
        let groups = bytes.chunks(5).map(|group| group.iter().copied().map(letter).collect::<String>());
        Self(groups.collect::<Vec<_>>().join("-"))
    }
}

impl CcCode {
    /// The code that these random bytes stand for.
    pub fn from_random(bytes: [u8; 12]) -> Self {
        let groups = bytes.chunks(4).map(|group| group.iter().copied().map(letter).collect::<String>());
        Self(groups.collect::<Vec<_>>().join("-"))
    }
}

impl InvitationCode {
    /// The code that these random bytes stand for.
    pub fn from_random(bytes: [u8; 10]) -> Self {
        Self("INV".chars().chain(bytes.map(letter)).collect())
    }
}

/// An org's own number for a person: trimmed, in compatibility form (NFKC), upper-cased, and then 1 to 32 printable ASCII
/// characters (ofm §9). Unique in the org, so it is kept as it is compared.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmployeeCode(String);

impl EmployeeCode {
    /// The code in its canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// It is a person's, so `Debug` does not show it.
impl std::fmt::Debug for EmployeeCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmployeeCode(***)")
    }
}

impl FromStr for EmployeeCode {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let plain: String = text.trim().nfkc().collect();
        let code = plain.to_uppercase().trim().to_owned();
        let is_printable = |byte: u8| (b' '..=b'~').contains(&byte);
        if (1..=32).contains(&code.len()) && code.bytes().all(is_printable) {
            Ok(Self(code))
        } else {
            Err(Problem::new("must be 1 to 32 printable ASCII characters"))
        }
    }
}

json_string!(EmployeeCode, as_str, {"type": "string", "pattern": "^ *[!-~]([ -~]{0,30}[!-~])? *$"});

fn is_org_code(code: &[u8]) -> bool {
    (3..=16).contains(&code.len())
        && code[0].is_ascii_uppercase()
        && code.iter().copied().all(is_letter_or_digit)
}

fn is_code(code: &[u8]) -> bool {
    (1..=32).contains(&code.len())
        && is_letter_or_digit(code[0])
        && code.iter().all(|&byte| is_letter_or_digit(byte) || byte == b'_' || byte == b'-')
}

fn is_cc_code(code: &[u8]) -> bool {
    let has_its_place = |(place, &byte)| match place {
        4 | 9 => byte == b'-',
        _ => is_letter_or_digit(byte),
    };
    code.len() == 14 && code.iter().enumerate().all(has_its_place)
}

fn is_referral_code(code: &[u8]) -> bool {
    let is_group = |group: &[u8]| !group.is_empty() && group.iter().copied().all(is_letter_or_digit);
    (4..=64).contains(&code.len()) && code.split(|byte| *byte == b'-').all(is_group)
}

fn is_invite_code(code: &[u8]) -> bool {
    let has_its_place = |(place, &byte)| if place == 5 { byte == b'-' } else { is_letter_or_digit(byte) };
    code.len() == 11 && code.iter().enumerate().all(has_its_place)
}

fn is_invitation_code(code: &[u8]) -> bool {
    code.len() == 13 && code.starts_with(b"INV") && code.iter().copied().all(is_letter_or_digit)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn check<T: FromStr<Err = Problem> + std::fmt::Display>(good: &[(&str, &str)], bad: &[&str]) {
        for (given, canonical) in good {
            let read = given.parse::<T>().map(|code| code.to_string());
            assert_eq!(read.as_deref(), Ok(*canonical), "{given:?}");
        }
        for given in bad {
            assert!(given.parse::<T>().is_err(), "{given:?}");
        }
    }

    #[test]
    fn org_codes() {
        let sixteen = "A234567890123456";
        check::<OrgCode>(
            &[("ACME", "ACME"), (" acme9\n", "ACME9"), ("abc", "ABC"), (sixteen, sixteen)],
            &["", "AB", "9ACME", "AC ME", "AC-ME", "ÄCME", "straße", "A2345678901234567"],
        );
    }

    #[test]
    fn codes_of_records() {
        let longest = "A".repeat(32);
        check::<Code>(
            &[("a", "A"), ("9-b_c", "9-B_C"), ("\tmain\u{2003}", "MAIN"), (&longest, &longest)],
            &["", " ", "-A", "_A", "A B", "A.B", "é", &"A".repeat(33)],
        );
    }

    #[test]
    fn cost_centre_codes() {
        check::<CcCode>(
            &[("AAAA-BBBB-0000", "AAAA-BBBB-0000"), (" ab1c-2def-gh34 ", "AB1C-2DEF-GH34")],
            &[
                "",
                "AAAA-BBBB",
                "AAAABBBBCCCC12",
                "AAAA-BBBB-CCC",
                "AAAA-BBBB-CCCCC",
                "AAA--BBBB-CCCC",
                "AAAA_BBBB_CCCC",
            ],
        );
    }

    #[test]
    fn invitation_codes() {
        check::<InvitationCode>(
            &[("INV2345ABCDEF", "INV2345ABCDEF"), (" inv2345abcdef", "INV2345ABCDEF")],
            &["", "INV", "INV123456", "XNV2345ABCDEF", "INV2345ABCDE-", "INV2345ABCDEFG"],
        );
    }

    #[test]
    fn referral_codes() {
        let longest = format!("A{}", "-9".repeat(31));
        check::<ReferralCode>(
            &[("JAN-VERV-8F3A", "JAN-VERV-8F3A"), (" jan-verv-8f3a ", "JAN-VERV-8F3A"), (&longest, &longest)],
            &["", "ABC", "-ABC", "ABC-", "AB--C", "AB_CD", "AB CD", "ÄBCD", &"A".repeat(65)],
        );
        assert_eq!(
            ReferralCode::from_random([0, 1, 2, 3, 9, 10, 31, 32, 33, 34, 63, 255]).as_str(),
            "0123-9AZ0-12ZZ"
        );
    }

    #[test]
    fn invite_codes() {
        check::<InviteCode>(
            &[("ABCDE-23456", "ABCDE-23456"), (" abcde-23456", "ABCDE-23456")],
            &["", "ABCDE23456", "ABCDE-2345", "ABCD-E23456", "ABCDE_23456", "ABCDE-234567"],
        );
    }

    #[test]
    fn employee_codes() {
        let code = |text: &str| text.parse::<EmployeeCode>().ok().map(|code| code.as_str().to_owned());
        for (given, kept) in
            [("E-77", "E-77"), (" e-77\u{3000}", "E-77"), ("Ｅ－７７", "E-77"), ("e 1", "E 1"), ("№5", "NO5")]
        {
            assert_eq!(code(given).as_deref(), Some(kept), "{given}");
        }
        let long = "x".repeat(33);
        for given in ["", " ", "E\u{2010}77", "E-77\u{200b}", "\u{395}-77", "é", "E\t7", "E\u{2011}7", &long]
        {
            assert_eq!(code(given), None, "{given:?}");
        }
    }

    #[test]
    fn the_reader_of_an_error_learns_the_rule() {
        let error = serde_json::from_value::<OrgCode>(json!("A!")).unwrap_err();
        assert_eq!(error.to_string(), "must be 3 to 16 letters or digits, starting with a letter");
    }

    #[test]
    fn every_letter_has_the_same_chance() {
        let mut count = [0; 32];
        for byte in 0..=u8::MAX {
            let at = ALPHABET.iter().position(|&l| char::from(l) == letter(byte)).unwrap();
            count[at] += 1;
        }
        assert_eq!(count, [8; 32]);
        assert_eq!(ALPHABET.iter().collect::<BTreeSet<_>>().len(), 32);
        assert!(!ALPHABET.iter().any(|l| b"IO01".contains(l)));
    }

    proptest! {
        #[test]
        fn what_is_drawn_is_valid_and_stays_as_it_is(cc: [u8; 12], invitation: [u8; 10], invite: [u8; 10]) {
            let cc = CcCode::from_random(cc);
            prop_assert_eq!(cc.as_str().parse(), Ok(cc.clone()));
            let invitation = InvitationCode::from_random(invitation);
            prop_assert_eq!(invitation.as_str().parse(), Ok(invitation.clone()));
            let invite = InviteCode::from_random(invite);
            prop_assert_eq!(invite.as_str().parse(), Ok(invite.clone()));
        }

        #[test]
        fn an_employee_code_reads_as_itself(text in "[ -~Ａ-ｚßıſﬁ\u{a0}\u{2000}-\u{2030}①-⑳]{1,12}") {
            if let Ok(code) = text.parse::<EmployeeCode>() {
                prop_assert!(code.as_str().bytes().all(|b| (b' '..=b'~').contains(&b)));
                prop_assert_eq!(code.as_str().parse(), Ok(code.clone()));
                prop_assert_eq!(text.to_lowercase().parse().ok(), Some(code));
            }
        }

        #[test]
        fn reading_is_idempotent(text in "[ \\t]?[a-zA-Z0-9_-]{1,33} ?") {
            if let Ok(code) = text.parse::<Code>() {
                prop_assert_eq!(code.as_str().parse(), Ok(code.clone()));
            }
        }
    }
}
