//! Where something is: postal addresses and coordinates of places that are no person's (ofm §6).

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{locale::Country, problem::Problem, text::Text};

/// A line of an address.
pub type Line = Text<1, 120>;

/// A postal address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// Street and number.
    pub line1: Line,
    /// What else leads there.
    pub line2: Option<Line>,
    /// Town.
    pub city: Line,
    /// State or province.
    pub region: Option<Line>,
    /// Post code.
    pub postal_code: Option<Line>,
    /// Country.
    pub country: Country,
}

/// A point on the earth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Geo {
    /// Degrees north.
    pub lat: Degrees<90>,
    /// Degrees east.
    pub lng: Degrees<180>,
}

/// Degrees from `-MAX` to `MAX`, in ten-millionths, so that none is rounded: at most 7 decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Degrees<const MAX: i32>(i32);

/// So many parts has a degree.
const PARTS: i32 = 10_000_000;

impl<const MAX: i32> Degrees<MAX> {
    fn read(degrees: f64) -> Result<Self, Problem> {
        let limit = f64::from(MAX);
        if !(-limit..=limit).contains(&degrees) {
            return Err(format!("must be from -{MAX} to {MAX}").into());
        }
        #[expect(clippy::cast_possible_truncation, reason = "180 degrees fit into 31 bits")]
        let parts = (degrees * f64::from(PARTS)).round() as i32;
        // The quotient is the number nearest to a decimal fraction of 7 digits: what was read is one, or is not.
        #[expect(clippy::float_cmp, reason = "any difference is an eighth decimal")]
        let is_exact = Self(parts).degrees() == degrees;
        if is_exact { Ok(Self(parts)) } else { Err(Problem::new("must have at most 7 decimals")) }
    }

    fn degrees(self) -> f64 {
        f64::from(self.0) / f64::from(PARTS)
    }
}

impl<const MAX: i32> Serialize for Degrees<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Whole degrees as they come back from storage, which knows no `13.0`: the journal's hashes cover them.
        if self.0 % PARTS == 0 {
            serializer.serialize_i32(self.0 / PARTS)
        } else {
            serializer.serialize_f64(self.degrees())
        }
    }
}

impl<'de, const MAX: i32> Deserialize<'de> for Degrees<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<const MAX: i32>;

        impl<const MAX: i32> de::Visitor<'_> for Number<MAX> {
            type Value = Degrees<MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E: de::Error>(self, degrees: f64) -> Result<Self::Value, E> {
                Degrees::read(degrees).map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, degrees: i64) -> Result<Self::Value, E> {
                // What does not fit is out of range in either form.
                self.visit_f64(f64::from(i32::try_from(degrees).unwrap_or(i32::MAX)))
            }

            fn visit_u64<E: de::Error>(self, degrees: u64) -> Result<Self::Value, E> {
                self.visit_f64(f64::from(u32::try_from(degrees).unwrap_or(u32::MAX)))
            }
        }

        deserializer.deserialize_f64(Number)
    }
}

impl<const MAX: i32> JsonSchema for Degrees<MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Degrees".into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("Degrees{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "minimum": -MAX, "maximum": MAX, "multipleOf": 1e-7})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Result<Degrees<90>, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn degrees_have_a_range_and_seven_decimals() {
        for good in [json!(0), json!(90), json!(-90), json!(52.520_008_1), json!(-0.000_000_1), json!(5e1)] {
            let shown = serde_json::to_value(read(good.clone()).unwrap()).unwrap();
            assert_eq!(shown.as_f64(), good.as_f64());
        }
        for outside in [json!(90.000_000_1), json!(-91), json!(1e300), json!(u64::MAX), json!(i64::MIN)] {
            assert_eq!(read(outside).unwrap_err(), "must be from -90 to 90");
        }
        assert_eq!(read(json!(1.000_000_01)).unwrap_err(), "must have at most 7 decimals");
        for wrong in [json!("52.5"), json!(null), json!([1])] {
            assert!(read(wrong).unwrap_err().ends_with("expected a number"));
        }
    }

    proptest! {
        #[test]
        fn a_point_is_shown_as_it_was_given(parts in -900_000_000_i32..=900_000_000) {
            let text = format!("{}{}.{:07}", if parts < 0 { "-" } else { "" }, parts.abs() / PARTS, parts.abs() % PARTS);
            let degrees = read(serde_json::from_str(&text).unwrap()).unwrap();
            prop_assert_eq!(degrees, Degrees(parts));
            prop_assert_eq!(serde_json::to_value(degrees).unwrap().as_f64(), Some(text.parse::<f64>().unwrap()));
        }
    }
}
