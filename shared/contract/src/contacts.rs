//! What a text tells of how somebody is reached, or of what they pay with (contract §10).

/// What stands in the place of what is masked.
const MASK: &str = "***";
/// So many digits a phone number has at least, with its country code.
const LEAST_OF_PHONE: usize = 5;
/// So many digits the number of a card has.
const OF_CARD: std::ops::RangeInclusive<usize> = 13..=19;
/// The zeros of the scripts in whose digits people write numbers.
const ZEROS: [char; 8] =
    ['0', '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{e50}', '\u{ff10}', '\u{1d7ce}'];

/// The text with e-mail addresses, phone numbers that begin with `+`, and digits that may be the number of a card (13 to
/// 19 that pass Luhn's check, whatever spaces and dashes stand between them) masked.
pub fn mask(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut hidden = vec![false; chars.len()];
    hide_addresses(&chars, &mut hidden);
    let groups = groups(&chars);
    let mut from = 0;
    while from < groups.len() {
        // A run of groups with nothing but what divides the digits of a number between them.
        let next = |n: &usize| divides(&chars[groups[n - 1].1..groups[*n].0]);
        let to = (from + 1..groups.len()).find(|n| !next(n)).unwrap_or(groups.len());
        let run = &groups[from..to];
        hide_cards(&chars, run, &mut hidden);
        hide_phones(&chars, run, &mut hidden);
        from = to;
    }
    let mut masked = String::with_capacity(text.len());
    for (n, c) in chars.iter().enumerate() {
        if !hidden[n] {
            masked.push(*c);
        } else if n == 0 || !hidden[n - 1] {
            masked.push_str(MASK);
        }
    }
    masked
}

fn digit(c: char) -> Option<u32> {
    let value = |zero: &char| u32::from(c).checked_sub(u32::from(*zero)).filter(|digit| *digit < 10);
    ZEROS.iter().find_map(value)
}

/// Whatever is written without a space around an `@`.
fn hide_addresses(chars: &[char], hidden: &mut [bool]) {
    for (at, c) in chars.iter().enumerate() {
        if matches!(c, '@' | '\u{ff20}' | '\u{fe6b}') {
            let start = chars[..at].iter().rposition(|c| c.is_whitespace()).map_or(0, |space| space + 1);
            let end =
                chars[at..].iter().position(|c| c.is_whitespace()).map_or(chars.len(), |space| at + space);
            hidden[start..end].fill(true);
        }
    }
}

/// The digits that stand together: from where to where.
fn groups(chars: &[char]) -> Vec<(usize, usize)> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for (n, _) in chars.iter().enumerate().filter(|(_, c)| digit(**c).is_some()) {
        match groups.last_mut() {
            Some((_, end)) if *end == n => *end = n + 1,
            _ => groups.push((n, n + 1)),
        }
    }
    groups
}

/// Whether this stands between the digits of one number: at most three of spaces, dashes, brackets, dots and strokes.
fn divides(between: &[char]) -> bool {
    let is_dash = |c: char| matches!(c, '-' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}');
    between.len() <= 3
        && between
            .iter()
            .all(|c| c.is_whitespace() || is_dash(*c) || matches!(c, '(' | ')' | '.' | '/' | '_'))
}

fn hide_cards(chars: &[char], run: &[(usize, usize)], hidden: &mut [bool]) {
    for (first, (start, _)) in run.iter().enumerate() {
        let mut digits = Vec::new();
        for (from, to) in &run[first..] {
            digits.extend(chars[*from..*to].iter().filter_map(|c| digit(*c)));
            if digits.len() > *OF_CARD.end() {
                break;
            }
            if OF_CARD.contains(&digits.len()) && passes_luhn(&digits) {
                hidden[*start..*to].fill(true);
            }
        }
    }
}

/// Luhn's check (ISO/IEC 7812-1, annex B): every second digit from the right counts twice.
fn passes_luhn(digits: &[u32]) -> bool {
    let twice = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let worth = |(n, digit): (usize, &u32)| if n % 2 == 0 { *digit } else { twice(*digit) };
    digits.iter().rev().enumerate().map(worth).sum::<u32>() % 10 == 0
}

/// The digits of a run from a `+` on, but for what begins with another `+`.
fn hide_phones(chars: &[char], run: &[(usize, usize)], hidden: &mut [bool]) {
    let begins = |(start, _): &(usize, usize)| {
        let before = chars[..*start].iter().rposition(|c| !matches!(c, ' ' | '('))?;
        matches!(chars[before], '+' | '\u{ff0b}').then_some(before)
    };
    if let Some(plus) = run.first().and_then(begins) {
        let (_, end) = run[run.len() - 1];
        if run.iter().map(|(from, to)| to - from).sum::<usize>() >= LEAST_OF_PHONE {
            hidden[plus..end].fill(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn contacts_are_masked() {
        for (given, masked) in [
            ("asked by jo@example.com, +4915112345678 called", "asked by *** *** called"),
            ("+1 for this, 100 % @ noon", "+1 for this, 100 % *** noon"),
            ("line\njo@example.com\nline", "line\n***\nline"),
            ("jo＠example.com", "***"),
            ("call +49 151 / 123-45 678 or (+1) 202 555 0147 today", "call *** or (*** today"),
            ("＋４９ １５１ １２３４５６７８", "***"),
            ("+49\u{a0}30\u{a0}123456", "***"),
            ("(+49 30) 123456.", "(***."),
        ] {
            assert_eq!(mask(given), masked, "{given}");
        }
    }

    #[test]
    fn numbers_of_cards_are_masked() {
        for card in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "4111 – 1111 – 1111 – 1111",
            "3782 822463 10005",
            "4222222222222",
            "6304 0000 0000 0000 00",
            "٤١١١١١١١١١١١١١١١",
        ] {
            assert_eq!(mask(&format!("paid with {card}, so")), "paid with ***, so", "{card}");
            assert_eq!(mask(&format!("till 12 {card}")), "till 12 ***", "{card}");
        }
        for text in
            ["4111 1111 1111 1112", "order 411111111111", "41111111111111110000", "2026-03-04 05:06:07"]
        {
            assert_eq!(mask(text), text);
        }
    }

    /// Appends the digit that makes the digits pass Luhn's check, counted the other way round.
    fn card(mut digits: Vec<u32>) -> Vec<u32> {
        let sum: u32 = digits
            .iter()
            .rev()
            .enumerate()
            .map(|(n, digit)| {
                let worth = if n % 2 == 0 { digit * 2 } else { *digit };
                worth / 10 + worth % 10
            })
            .sum();
        digits.push((10 - sum % 10) % 10);
        digits
    }

    proptest! {
        #[test]
        fn a_card_is_never_told(
            digits in prop::collection::vec(0_u32..10, 12..=18),
            gaps in prop::collection::vec(prop::sample::select(vec!["", "", "", " ", "-", " - "]), 19),
        ) {
            let digits = card(digits);
            let written = digits.iter().zip(&gaps).map(|(digit, gap)| format!("{digit}{gap}"));
            let written = written.collect::<Vec<_>>().concat();
            prop_assert!(!mask(&format!("card {written}!")).contains(|c: char| c.is_ascii_digit()), "{}", written);
        }

        #[test]
        fn nothing_panics_and_the_rest_stays(text in "[a-z0-9+@ ().\\-\u{ff10}-\u{ff19}é]{0,40}") {
            let masked = mask(&text);
            prop_assert!(!masked.contains('@'));
            prop_assert_eq!(mask(&masked), masked);
        }
    }
}
