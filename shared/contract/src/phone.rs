//! Phone numbers (contract §8).
//!
//! Whether a number is in use, or what it is called inside its country, would take a megabyte of national rules
//! and a region to read it in; the contract wants neither.

use std::{fmt, str::FromStr};

use crate::{json::json_string, problem::Problem};

/// A phone number in the form of E.164: `+`, then 7 to 15 digits of which the first is not 0.
///
/// Spaces, brackets, hyphens and dots that people write between the digits are dropped. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(String);

impl Phone {
    /// The number: `+493012345678`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(***)")
    }
}

impl FromStr for Phone {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let number = text.trim().replace([' ', '(', ')', '-', '.'], "");
        let is_international = number.strip_prefix('+').is_some_and(|digits| {
            (7..=15).contains(&digits.len())
                && !digits.starts_with('0')
                && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        if is_international {
            Ok(Self(number))
        } else {
            Err(Problem::new("must be a phone number with country code, such as +49 30 1234567"))
        }
    }
}

json_string!(Phone, as_str, {
    "type": "string",
    "pattern": r"^[ ().-]*\+[ ().-]*[1-9]([ ().-]*[0-9]){6,14}[ ().-]*$",
});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_people_write_between_digits_is_dropped() {
        for (given, kept) in [
            ("+493012345678", "+493012345678"),
            (" +49 (30) 1234-56.78\n", "+493012345678"),
            ("+1.212.555.0100", "+12125550100"),
            ("+1234567", "+1234567"),
            ("+123456789012345", "+123456789012345"),
        ] {
            assert_eq!(given.parse::<Phone>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn other_numbers_are_refused() {
        for text in [
            "",
            "+",
            "030 1234567",
            "0049301234567",
            "+0301234567",
            "+123456",
            "+1234567890123456",
            "+49/301234567",
            "+49x301234567",
            "++49301234567",
            "+٤٩٣٠١٢٣٤٥",
            "49301234567+",
        ] {
            assert!(text.parse::<Phone>().is_err(), "{text}");
        }
    }

    #[test]
    fn it_is_not_shown() {
        let phone: Phone = serde_json::from_value(json!("+49 30 12345678")).unwrap();
        assert_eq!(format!("{phone:?}"), "Phone(***)");
        assert_eq!(serde_json::to_value(phone).unwrap(), json!("+493012345678"));
    }

    proptest! {
        #[test]
        fn a_number_reads_as_itself(text in "[ (]?\\+[1-9]([ ().-]?[0-9]){5,15}") {
            if let Ok(phone) = text.parse::<Phone>() {
                prop_assert_eq!(phone.as_str().parse(), Ok(phone.clone()));
            }
        }
    }
}
