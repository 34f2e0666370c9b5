//! Text that people read: names, captions, descriptions (contract §8).

use std::str::FromStr;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::{
    json::json_string,
    problem::Problem,
    visible::{self, Rule},
};

/// A caption or the name of a thing.
pub type Caption = Text<1, 200>;

/// One line of `MIN` to `MAX` characters: trimmed, in Unicode normal form C, without control characters. Something of it
/// is seen, and what is unseen stands only where letters need it ([`Rule::Strict`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

/// At most `MAX` characters, which may be several lines: otherwise as [`Text`], but with the invisible characters that
/// programs put into long texts ([`Rule::Prose`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prose<const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> FromStr for Text<MIN, MAX> {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        tidy(text, (MIN, MAX), Rule::Strict, char::is_control).map(Self)
    }
}

json_string!(Text<MIN, MAX> where [const MIN: usize, const MAX: usize], as_str, {
    "type": "string",
    "minLength": MIN,
    "maxLength": MAX,
    "pattern": visible::pattern(CONTROLS, Rule::Strict, MIN == 0),
});

impl<const MAX: usize> Prose<MAX> {
    /// The text; lines end in `\n`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> FromStr for Prose<MAX> {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        tidy_lines(text, (0, MAX), Rule::Prose).map(Self)
    }
}

json_string!(Prose<MAX> where [const MAX: usize], as_str, {
    "type": "string",
    "maxLength": MAX,
    "pattern": visible::pattern(CONTROLS_BUT_LINES, Rule::Prose, true),
});

/// The control characters, for classes of JSON schema patterns.
const CONTROLS: &str = r"\u0000-\u001f\u007f-\u009f";
/// Those that several lines do not hold either.
pub(crate) const CONTROLS_BUT_LINES: &str = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f";

/// Trimmed and in normal form C, if it then has `min` to `max` characters, none that is `forbidden`, and nothing unseen
/// but what the rule allows.
pub(crate) fn tidy(
    text: &str,
    (min, max): (usize, usize),
    rule: Rule,
    forbidden: fn(char) -> bool,
) -> Result<String, Problem> {
    let text = text.trim();
    if text.contains(forbidden) {
        return Err(Problem::new("must not contain control characters"));
    }
    let text: String = if is_nfc(text) { text.to_owned() } else { text.nfc().collect() };
    visible::check(&text, rule)?;
    let length = text.chars().count();
    if (min..=max).contains(&length) {
        Ok(text)
    } else if length == 0 {
        Err(Problem::new("must not be empty"))
    } else if min > 1 {
        Err(format!("must be {min} to {max} characters").into())
    } else {
        Err(format!("must be at most {max} characters").into())
    }
}

/// As [`tidy`], but line breaks and tabs stand. Line ends are written in many ways and kept in one.
pub(crate) fn tidy_lines(text: &str, lengths: (usize, usize), rule: Rule) -> Result<String, Problem> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    tidy(&text, lengths, rule, |c| c.is_control() && c != '\n' && c != '\t')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_trimmed_and_composed() {
        for (given, kept) in
            [("  Main store \n", "Main store"), ("Cafe\u{301}", "Café"), ("日本", "日本"), ("a  b", "a  b")]
        {
            assert_eq!(given.parse::<Caption>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn length_is_counted_in_characters_of_what_is_kept() {
        let at_most = |text: &str| text.parse::<Text<2, 3>>().map_err(|problem| problem.to_string());
        assert!(at_most("äöü").is_ok());
        assert!(at_most(" e\u{301}bc ").is_ok());
        assert_eq!(at_most("a"), Err("must be 2 to 3 characters".to_owned()));
        assert_eq!(at_most("abcd"), Err("must be 2 to 3 characters".to_owned()));
        let caption = |text: &str| text.parse::<Caption>().map_err(|problem| problem.to_string());
        assert!(caption(&"é".repeat(200)).is_ok());
        assert_eq!(caption(&"é".repeat(201)), Err("must be at most 200 characters".to_owned()));
        assert_eq!(caption(" \u{2003}\t"), Err("must not be empty".to_owned()));
        assert_eq!("".parse::<Text<0, 5>>().unwrap().as_str(), "");
    }

    #[test]
    fn control_characters_are_refused() {
        for c in ['\0', '\u{1f}', '\u{7f}', '\u{85}', '\u{9f}', '\n', '\t'] {
            assert!(format!("a{c}b").parse::<Caption>().is_err(), "{c:?}");
        }
    }

    #[test]
    fn a_name_is_seen() {
        for text in ["\u{200b}", " \u{feff} ", "\u{202e}Laden", "La\u{ad}den", "\u{2800}"] {
            assert!(text.parse::<Caption>().is_err(), "{}", text.escape_unicode());
        }
        assert_eq!("می‌خواهم".parse::<Caption>().unwrap().as_str(), "می‌خواهم");
    }

    #[test]
    fn prose_has_lines() {
        assert_eq!("a\r\nb\rc\n\td\n".parse::<Prose<10>>().unwrap().as_str(), "a\nb\nc\n\td");
        assert_eq!(" ".parse::<Prose<10>>().unwrap(), Prose::default());
        assert!("a\u{b}b".parse::<Prose<10>>().is_err());
        assert!("12345678901".parse::<Prose<10>>().is_err());
    }

    #[test]
    fn the_schema_tells_the_limits() {
        let schema = schemars::schema_for!(Text<2, 64>);
        assert_eq!(schema.get("minLength"), Some(&2.into()));
        assert_eq!(schema.get("maxLength"), Some(&64.into()));
        assert_eq!(schema.get("pattern"), Some(&visible::pattern(CONTROLS, Rule::Strict, false).into()));
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_seen_and_not_turned_round(text in "[ a-cب\u{ad}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{fe0f}\u{2800}\u{e0041}]{1,6}") {
            let unseen = |c: char| !visible::is_visible(c);
            let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}');
            if let Ok(name) = text.parse::<Caption>() {
                prop_assert!(!name.as_str().chars().all(unseen) && !name.as_str().contains(turns));
            }
            if text.chars().all(unseen) {
                prop_assert!(text.parse::<Caption>().is_err());
                prop_assert!(text.parse::<Prose<10>>().is_ok_and(|text| text.as_str().is_empty()) == text.trim().is_empty());
            }
        }

        #[test]
        fn what_was_read_reads_as_itself(text in "\\PC{0,8}[\\u{300}-\\u{320}]?\\PC{0,8}", lines in "[a-z \\r\\n\\t\\u{301}]{0,12}") {
            if let Ok(text) = text.parse::<Text<0, 12>>() {
                prop_assert_eq!(text.as_str().parse(), Ok(text.clone()));
            }
            let lines = lines.parse::<Prose<12>>().unwrap();
            prop_assert_eq!(lines.as_str().parse(), Ok(lines.clone()));
        }
    }
}
