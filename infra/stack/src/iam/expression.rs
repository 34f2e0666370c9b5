//! What IAM reads in DynamoDB's expressions: which attributes they name, and with what a key is compared.

use std::collections::BTreeSet;

use serde_json::Value;

/// Words that are no attributes; attributes of these names can only be written as placeholders.
const KEYWORDS: &[&str] = &["ADD", "AND", "BETWEEN", "DELETE", "IN", "NOT", "OR", "REMOVE", "SET"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'e> {
    /// A name, a placeholder (`#name`, `:value`), a keyword, a function or a number.
    Word(&'e str),
    Sign(char),
}

/// The top-level attributes that an expression names: IAM sees no deeper.
pub(super) fn attributes(expression: &str, names: &Value) -> BTreeSet<String> {
    let tokens = tokens(expression);
    let is_attribute = |at: usize, word: &str| {
        let is_below = at > 0 && tokens[at - 1] == Token::Sign('.');
        let is_function = !word.starts_with('#') && tokens.get(at + 1) == Some(&Token::Sign('('));
        let is_keyword = KEYWORDS.contains(&word.to_ascii_uppercase().as_str());
        let is_name = word.starts_with(|c: char| c == '#' || c == '_' || c.is_alphabetic());
        is_name && !is_below && !is_function && !is_keyword
    };
    let words = tokens.iter().enumerate().filter_map(|(at, token)| match token {
        Token::Word(word) if is_attribute(at, word) => Some(name(word, names)),
        _ => None,
    });
    words.map(str::to_owned).collect()
}

/// The placeholder of the value that an attribute is to equal.
pub(super) fn equals<'e>(expression: &'e str, attribute: &str, names: &Value) -> Option<&'e str> {
    tokens(expression).windows(3).find_map(|tokens| match tokens {
        [Token::Word(word), Token::Sign('='), Token::Word(value)] if name(word, names) == attribute => {
            value.starts_with(':').then_some(*value)
        }
        _ => None,
    })
}

/// What a placeholder stands for; a name stands for itself.
fn name<'n>(word: &'n str, names: &'n Value) -> &'n str {
    names[word].as_str().unwrap_or(word)
}

fn tokens(expression: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '#' | ':');
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len()).max(first.len_utf8());
        let (token, after) = rest.split_at(length);
        tokens.push(if is_word(first) { Token::Word(token) } else { Token::Sign(first) });
        rest = after.trim_start();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(expression: &str) -> Vec<String> {
        let names = json!({"#data": "data", "#seen": "last_seen_at", "#set": "set", "#revision": "revision"});
        attributes(expression, &names).into_iter().collect()
    }

    #[test]
    fn the_top_level_of_each_path_is_named() {
        assert_eq!(named("SET #data.#seen = :seen, #data.list[0] = :x"), ["data"]);
        assert_eq!(named("pk, sk, #data.name"), ["data", "pk", "sk"]);
        assert_eq!(named("attribute_not_exists(pk) OR size(#set) <= :n"), ["pk", "set"]);
        assert_eq!(named("SET a = if_not_exists(b, :zero) + :one REMOVE c ADD d :n"), ["a", "b", "c", "d"]);
        assert_eq!(named("#revision = :revision AND NOT e IN (:x, f)"), ["e", "f", "revision"]);
        assert!(named("").is_empty());
    }

    #[test]
    fn a_key_is_found_wherever_it_stands() {
        let names = json!({"#pk": "gsi1pk", "#sk": "gsi1sk"});
        let found = |expression, attribute| equals(expression, attribute, &names);
        assert_eq!(found("#pk = :pk AND #sk BETWEEN :a AND :b", "gsi1pk"), Some(":pk"));
        assert_eq!(found("begins_with(#sk, :a) AND gsi1pk=:key", "gsi1pk"), Some(":key"));
        assert_eq!(found("#pk = :pk", "pk"), None);
        assert_eq!(found("#sk > :pk", "gsi1sk"), None);
    }
}
