//! Patterns of IAM: `*` stands for any characters, `?` for one.

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<char>);

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Self(text.chars().collect())
    }

    /// Whether it stands for this text.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (&self.0, text.chars().collect::<Vec<_>>());
        // Where to go on when a text does not fit: the last `*` takes one character more.
        let (mut at, mut from, mut again) = (0, 0, None);
        while from < text.len() {
            match pattern.get(at) {
                Some('*') => {
                    again = Some((at + 1, from));
                    at += 1;
                }
                Some(c) if *c == '?' || *c == text[from] => {
                    at += 1;
                    from += 1;
                }
                _ => {
                    let Some((after, taken)) = again else { return false };
                    again = Some((after, taken + 1));
                    (at, from) = (after, taken + 1);
                }
            }
        }
        pattern[at..].iter().all(|c| *c == '*')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, as the definition has it.
    fn defined(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => defined(rest, text) || !text.is_empty() && defined(pattern, &text[1..]),
            (['?', rest @ ..], [_, text @ ..]) => defined(rest, text),
            ([c, rest @ ..], [t, text @ ..]) => c == t && defined(rest, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_as_defined(pattern in "[ab|*?]{0,8}", text in "[ab|é]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(Pattern::new(&pattern).matches(&text), defined(&chars(&pattern), &chars(&text)));
        }

        #[test]
        fn a_text_matches_itself_and_what_it_begins_with(text in "[a-z|-]{0,12}", more in "[a-z|-]{0,12}") {
            prop_assert!(Pattern::new(&text).matches(&text));
            let (longer, prefix) = (text.clone() + &more, Pattern::new(&(text + "*")));
            prop_assert!(prefix.matches(&longer));
        }
    }

    #[test]
    fn case_counts() {
        assert!(!Pattern::new("crm|*").matches("CRM|x"));
    }
}
