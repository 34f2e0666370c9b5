//! Why a value could not be accepted.

use std::{borrow::Cow, fmt};

/// Why a value could not be accepted, as the caller reads it after the name of the field: "must be …".
///
/// The text is public: it tells the rule, never the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(pub Cow<'static, str>);

impl Problem {
    /// A problem with a fixed text.
    pub const fn new(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Problem {}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}
