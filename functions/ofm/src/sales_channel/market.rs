//! The market of a sales channel.

use std::str::FromStr;

use contract::{locale::Country, problem::Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// A market: a country, or the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Market {
    /// The world.
    Global(Global),
    /// A country.
    Country(Country),
}

/// The world: `GLOBAL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Global {
    /// All of it.
    #[serde(rename = "GLOBAL")]
    Global,
}

impl FromStr for Market {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        const PROBLEM: Problem =
            Problem::new("must be GLOBAL, or a country of ISO 3166-1 alpha-2, such as DE");
        if text == "GLOBAL" {
            return Ok(Self::Global(Global::Global));
        }
        text.parse().map(Self::Country).map_err(|_| PROBLEM)
    }
}

/// Read by hand: the derived reader of an untagged enum tells callers about variants, and not what the field must be.
impl<'de> Deserialize<'de> for Market {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use contract::input;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Request {
        market_code: Market,
    }

    fn read(value: &Value) -> Result<Value, String> {
        let read = input::read::<Request>(&json!({"market_code": value}));
        read.map(|read| json!(read.market_code)).map_err(|problems| {
            let problems: Vec<_> = problems.iter().map(|of| format!("{} {}", of.field, of.problem)).collect();
            problems.join(", ")
        })
    }

    #[test]
    fn a_market_is_a_country_or_the_world() {
        for market in ["GLOBAL", "DE", "FR"] {
            assert_eq!(read(&json!(market)), Ok(json!(market)));
        }
        let problem = "market_code must be GLOBAL, or a country of ISO 3166-1 alpha-2, such as DE";
        for wrong in ["XX", "EU", "", "global", "World"] {
            assert_eq!(read(&json!(wrong)), Err(problem.to_owned()), "{wrong}");
        }
        for wrong in [json!(7), json!(null), json!({}), json!(["DE"])] {
            assert_eq!(read(&wrong), Err("market_code must be a string".to_owned()));
        }
    }
}
