//! What of a text can be seen (contract §8).
//!
//! The tables are those of Unicode 17: what is ignored where it cannot be shown (`Default_Ignorable_Code_Point`), and
//! format characters (general category `Cf`) but those that are drawn. A test compares them with the properties that
//! ICU ships.

use std::ops::RangeInclusive;

use unicode_normalization::char::canonical_combining_class;

use crate::problem::Problem;

type Ranges = &'static [RangeInclusive<char>];

/// What is never seen and does nothing that a name needs: bidi controls, zero-width spaces, fillers, tags.
const UNSEEN: Ranges = &[
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200b}',
    '\u{200e}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{2060}',
    '\u{2061}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e00ff}',
    '\u{e01f0}'..='\u{e0fff}',
];

/// Those of them that programs put between the words of a long text, and that change nothing beside them: soft hyphens,
/// marks of direction, spaces and joints without width.
const TYPESETTING: Ranges = &[
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{200b}'..='\u{200b}',
    '\u{200e}'..='\u{200f}',
    '\u{2060}'..='\u{2060}',
    '\u{feff}'..='\u{feff}',
];

/// What chooses between two shapes of the character before it, as many Japanese names need it.
const SELECTORS: Ranges =
    &['\u{180b}'..='\u{180d}', '\u{180f}'..='\u{180f}', '\u{fe00}'..='\u{fe0f}', '\u{e0100}'..='\u{e01ef}'];

/// What keeps two letters apart, and what joins them.
const JOINERS: Ranges = &['\u{200c}'..='\u{200d}'];

/// What is drawn as nothing, though it is no space: blank Braille, the null note head, the place of an object.
const BLANKS: Ranges = &['\u{2800}'..='\u{2800}', '\u{fffc}'..='\u{fffc}', '\u{1d159}'..='\u{1d159}'];

/// The blocks of the scripts whose letters change by what they are joined to: Arabic and its like, those of India, Tibet,
/// Burma, Java and Cambodia, Mongolian.
const JOINING_SCRIPTS: Ranges = &[
    '\u{600}'..='\u{8ff}',
    '\u{900}'..='\u{dff}',
    '\u{f00}'..='\u{109f}',
    '\u{1780}'..='\u{18af}',
    '\u{1a20}'..='\u{1aaf}',
    '\u{1b00}'..='\u{1bff}',
    '\u{a840}'..='\u{a8ff}',
    '\u{a980}'..='\u{a9df}',
    '\u{aa60}'..='\u{aa7f}',
    '\u{fb50}'..='\u{fdff}',
    '\u{fe70}'..='\u{fefc}',
    '\u{10ac0}'..='\u{10aff}',
    '\u{10d00}'..='\u{10d3f}',
    '\u{11000}'..='\u{11cff}',
    '\u{1e900}'..='\u{1e95f}',
];

fn is_in(ranges: Ranges, c: char) -> bool {
    ranges.iter().any(|range| range.contains(&c))
}

/// What a text may hold beside what is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// What the letters of some scripts need: names, captions, labels, reasons.
    Strict,
    /// Also what programs put into long texts.
    Prose,
}

impl Rule {
    fn allows(self, c: char, before: Option<char>, after: Option<char>) -> bool {
        if is_in(SELECTORS, c) {
            before.is_some_and(is_visible)
        } else if is_in(JOINERS, c) {
            self == Self::Prose || joins(before, after)
        } else {
            !is_in(UNSEEN, c) || (self == Self::Prose && is_in(TYPESETTING, c))
        }
    }

    /// The characters that it never allows, for a class of a regular expression.
    fn never(self) -> String {
        let unseen = UNSEEN.iter().filter(|range| self == Self::Strict || !TYPESETTING.contains(range));
        unseen.map(class).collect()
    }
}

/// Whether a joiner stands where it changes how letters look: between two of such a script, or behind a sign that takes
/// the vowel from a consonant (RFC 5892, appendix A).
fn joins(before: Option<char>, after: Option<char>) -> bool {
    let is_letter = |c: char| is_in(JOINING_SCRIPTS, c) && c.is_alphabetic();
    let is_virama = |c: char| is_in(JOINING_SCRIPTS, c) && canonical_combining_class(c) == 9;
    before.is_some_and(is_virama) || (before.is_some_and(is_letter) && after.is_some_and(is_letter))
}

/// Whether something is drawn.
pub(crate) fn is_visible(c: char) -> bool {
    !c.is_whitespace()
        && !c.is_control()
        && ![UNSEEN, SELECTORS, JOINERS, BLANKS].iter().any(|of| is_in(of, c))
}

/// That a text, unless it is empty, has something that is seen, and nothing unseen but what the rule allows.
pub(crate) fn check(text: &str, rule: Rule) -> Result<(), Problem> {
    if text.is_ascii() {
        return Ok(());
    }
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if !rule.allows(c, before, rest.peek().copied()) {
            return Err(format!("must not contain the invisible character U+{:04X}", u32::from(c)).into());
        }
        before = Some(c);
    }
    if text.contains(is_visible) { Ok(()) } else { Err(Problem::new("must have a visible character")) }
}

/// A range as it stands in a class of a regular expression: escaped where every dialect knows the escape.
fn class(range: &RangeInclusive<char>) -> String {
    let shown = |c: &char| match u32::from(*c) {
        code @ 0..=0xffff => format!("\\u{code:04x}"),
        _ => c.to_string(),
    };
    let (first, last) = (shown(range.start()), shown(range.end()));
    if first == last { first } else { format!("{first}-{last}") }
}

/// The JSON schema pattern of texts that may not hold these control characters, and hold to a rule. Where joiners and
/// selectors may stand, it does not say.
pub(crate) fn pattern(controls: &str, rule: Rule, may_be_empty: bool) -> String {
    let unshown: String = [SELECTORS, JOINERS, BLANKS].into_iter().flatten().map(class).collect();
    let typesetting: String = TYPESETTING.iter().map(class).collect();
    let never = rule.never();
    let (nothing, anything) = match rule {
        Rule::Strict => (format!("[\\s{unshown}]*"), format!("[^{controls}{never}]*")),
        Rule::Prose => (format!("[\\s{unshown}{typesetting}]*"), format!("[^{controls}{never}]*")),
    };
    if may_be_empty {
        format!("^(\\s*|(?!{nothing}$){anything})$")
    } else {
        format!("^(?!{nothing}$){anything}$")
    }
}

#[cfg(test)]
mod tests {
    use icu_properties::{
        CodePointMapData, CodePointSetData,
        props::{
            BidiControl, DefaultIgnorableCodePoint, GeneralCategory, JoinControl, PrependedConcatenationMark,
            VariationSelector,
        },
    };

    use super::*;

    #[test]
    fn the_tables_are_those_of_unicode() {
        let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
        let drawn = CodePointSetData::new::<PrependedConcatenationMark>();
        let category = CodePointMapData::<GeneralCategory>::new();
        for c in '\0'..=char::MAX {
            let format = category.get(c) == GeneralCategory::Format && !drawn.contains(c);
            let unseen = [UNSEEN, SELECTORS, JOINERS].iter().any(|of| is_in(of, c));
            assert_eq!(unseen, ignorable.contains(c) || format, "U+{:04X}", u32::from(c));
            assert_eq!(is_in(SELECTORS, c), CodePointSetData::new::<VariationSelector>().contains(c));
            assert_eq!(is_in(JOINERS, c), CodePointSetData::new::<JoinControl>().contains(c));
            if CodePointSetData::new::<BidiControl>().contains(c) {
                assert!(is_in(UNSEEN, c), "U+{:04X}", u32::from(c));
            }
        }
        assert!(TYPESETTING.iter().all(|range| UNSEEN.contains(range)));
    }

    #[test]
    fn what_shows_nothing_is_no_text() {
        for text in [
            "\u{200b}",
            "\u{feff}",
            "\u{3164}",
            "\u{202e}",
            "\u{ad}",
            "\u{2800}",
            "\u{180e}",
            "\u{e0041}",
            "\u{fe0f}",
            "\u{e0100}",
            "\u{200d}",
            "\u{2800} \u{2800}",
            "\u{1d159}",
            "\u{fffc}",
            "\u{2066}",
            "\u{115f}\u{1160}",
        ] {
            for rule in [Rule::Strict, Rule::Prose] {
                assert!(check(text, rule).is_err(), "{}", text.escape_unicode());
            }
        }
        for rule in [Rule::Strict, Rule::Prose] {
            assert!(
                check("", rule).is_ok() && check("⠃⠗⠁⠊⠇⠇⠑⠀⠃", rule).is_ok() && check("\u{301}", rule).is_ok()
            );
        }
    }

    #[test]
    fn joiners_stand_where_letters_need_them() {
        for name in ["می‌خواهم", "क्‍ष", "ക്‍ഷ", "ශ්‍රී", "ন্‌ধ", "\u{d28}\u{d4d}\u{200d}"]
        {
            assert!(check(name, Rule::Strict).is_ok(), "{name}");
        }
        for name in [
            "ab\u{200d}c",
            "\u{200c}می",
            "می\u{200c}",
            "می\u{200c}\u{200c}خ",
            "می\u{200c}x",
            "1\u{200d}2",
            "\u{1f469}\u{200d}\u{1f373}",
        ] {
            assert!(check(name, Rule::Strict).is_err(), "{name}");
            assert!(check(name, Rule::Prose).is_ok(), "{name}");
        }
    }

    #[test]
    fn selectors_follow_what_they_choose() {
        for name in ["葛\u{e0100}城", "\u{2615}\u{fe0f} Café", "1\u{fe0f}\u{20e3}"] {
            assert!(check(name, Rule::Strict).is_ok(), "{name}");
        }
        for name in ["\u{fe0f}a", "a \u{fe0f}b", "a\u{fe0f}\u{fe0f}", "a\u{e0100}\u{e0101}"] {
            assert!(check(name, Rule::Prose).is_err(), "{name}");
        }
    }

    #[test]
    fn prose_holds_what_programs_put_into_it_and_nothing_that_turns_it_round() {
        for text in ["\u{feff}Donau\u{ad}dampf\u{200b}schiff", "call \u{200e}+49 30\u{200f}"] {
            assert!(check(text, Rule::Prose).is_ok() && check(text, Rule::Strict).is_err());
        }
        for text in ["a\u{202e}b", "a\u{2066}b\u{2069}", "a\u{e0041}"] {
            assert!(check(text, Rule::Prose).is_err());
        }
    }
}
