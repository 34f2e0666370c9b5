//! Values that tell something about a person.

use std::{borrow::Cow, fmt, ops::Deref};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// The name by which a person is shown.
pub type DisplayName = Personal<Text<1, 200>>;

/// A value that tells something about a person: read and written as `T`, but never shown by `Debug`, so that it
/// gets into no log and no error.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal<T>(pub T);

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Personal(***)")
    }
}

impl<T> Deref for Personal<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: JsonSchema> JsonSchema for Personal<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_read_and_written_but_never_shown() {
        let name: DisplayName = serde_json::from_value(json!(" Ada ")).unwrap();
        assert_eq!(name.as_str(), "Ada");
        assert_eq!(serde_json::to_value(&name).unwrap(), json!("Ada"));
        assert_eq!(format!("{:?}", Some(&name)), "Some(Personal(***))");
        assert!(serde_json::from_value::<DisplayName>(json!("")).is_err());
    }
}
