//! Languages and countries by their standard codes.

use std::{fmt, str::FromStr};

use crate::{
    json::{json_choice, json_string},
    problem::Problem,
};

/// A language, perhaps of a script and a region, by its BCP 47 tag in canonical case: `zh-Hant-TW`.
///
/// Tags are checked for their form, not for whether anybody speaks the language.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Locale(String);

impl Locale {
    /// Most characters of a tag.
    pub const MAX: usize = 64;

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Locale {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let problem = Problem::new("must be a language tag of BCP 47, such as en-US");
        if text.len() > Self::MAX {
            return Err(problem);
        }
        match icu_locale_core::Locale::normalize(text) {
            Ok(tag) => Ok(Self(tag.into_owned())),
            Err(_) => Err(problem),
        }
    }
}

// The schema has the parts that are in use; variants and extensions are read all the same.
json_string!(Locale, as_str, {
    "type": "string",
    "maxLength": Self::MAX,
    "pattern": "^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$",
});

/// A country by its ISO 3166-1 alpha-2 code, in capitals: `DE`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country(iso_country::Country);

impl Country {
    fn alpha2(self) -> impl fmt::Display {
        self.0
    }
}

impl FromStr for Country {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text.parse() {
            // The library reads the empty text as a country that is not named.
            Ok(country) if country != iso_country::Country::Unspecified => Ok(Self(country)),
            _ => Err(Problem::new("must be a country of ISO 3166-1 alpha-2, such as DE")),
        }
    }
}

json_choice!(Country, alpha2, codes());

/// Every code.
fn codes() -> Vec<&'static str> {
    let mut codes: Vec<_> = iso_country::data::all().iter().map(|country| country.alpha2).collect();
    codes.sort_unstable();
    codes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn tags_have_one_case() {
        for (given, kept) in [
            ("en", "en"),
            ("DE-de", "de-DE"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("ES-419", "es-419"),
            ("de-DE-u-co-phonebk", "de-DE-u-co-phonebk"),
            ("sl-Rozaj", "sl-rozaj"),
        ] {
            assert_eq!(given.parse::<Locale>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn other_tags_are_refused() {
        for text in [
            "",
            "e",
            "-",
            "en-",
            "en US",
            "en_US",
            "en--US",
            "123",
            "english-language-tag",
            "en-US\n",
            &"en-".repeat(40),
        ] {
            assert!(text.parse::<Locale>().is_err(), "{text}");
        }
    }

    #[test]
    fn countries_are_those_of_the_standard() {
        let schema = schemars::schema_for!(Country);
        let codes = schema.get("enum").and_then(Value::as_array).unwrap();
        assert_eq!(codes.len(), 249);
        for code in codes {
            let country: Country = serde_json::from_value(code.clone()).unwrap();
            assert_eq!(&serde_json::to_value(country).unwrap(), code);
        }
        for text in ["", "de", "DEU", "XX", "UK", "AN", "Germany", "276"] {
            assert!(serde_json::from_value::<Country>(json!(text)).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_the_schema_allows_is_read_and_stays(
            text in "[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?",
        ) {
            let locale = text.parse::<Locale>().unwrap();
            prop_assert_eq!(locale.as_str().parse(), Ok(locale.clone()));
        }
    }
}
