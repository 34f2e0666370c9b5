//! Time zones of the IANA database that is built into the program.

use std::str::FromStr;

use jiff::tz::{self, TimeZoneDatabase};

use crate::{json::json_choice, problem::Problem};

/// A time zone by its IANA name, read in any case and shown in the spelling of the database: `Europe/Berlin`.
///
/// A name that the database keeps for an older one is not replaced. What the machine has installed makes no
/// difference: the database is the one in the program.
#[derive(Clone, PartialEq, Eq)]
pub struct TimeZone(tz::TimeZone);

impl TimeZone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(tz::TimeZone::UTC);

    /// The IANA name.
    pub fn as_str(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The rules of the zone, for calendar arithmetic.
    pub fn rules(&self) -> &tz::TimeZone {
        &self.0
    }
}

impl FromStr for TimeZone {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match TimeZoneDatabase::bundled().get(text) {
            Ok(zone) if !zone.is_unknown() && zone.iana_name().is_none_or(is_place) => Ok(Self(zone)),
            _ => Err(Problem::new("must be a time zone of the IANA database, such as Europe/Berlin")),
        }
    }
}

json_choice!(TimeZone, as_str, names());

/// What files of the database are called that are no zones: placeholders of a machine that has not been told where it is
/// (contract §8).
const NO_PLACES: [&str; 3] = ["Factory", "posixrules", "localtime"];

fn is_place(name: &str) -> bool {
    !NO_PLACES.iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// Every name of the database that is a zone's.
fn names() -> Vec<String> {
    let database = TimeZoneDatabase::bundled();
    let names = database.available().filter(|name| is_place(name.as_str()));
    names.map(|name| name.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_shown_in_one() {
        for (given, shown) in [
            ("europe/BERLIN", "Europe/Berlin"),
            ("utc", "UTC"),
            ("Asia/Calcutta", "Asia/Calcutta"),
            ("America/Argentina/Ushuaia", "America/Argentina/Ushuaia"),
        ] {
            let zone: TimeZone = serde_json::from_value(json!(given)).unwrap();
            assert_eq!(serde_json::to_value(zone).unwrap(), json!(shown));
        }
        assert_eq!("UTC".parse(), Ok(TimeZone::UTC));
    }

    #[test]
    fn other_names_are_refused() {
        for text in
            ["", "Mars/Olympus", "+02:00", "Etc/Unknown", "CET-1CEST", "/etc/localtime", "Europe/Berlin "]
        {
            assert!(text.parse::<TimeZone>().is_err(), "{text}");
        }
        for text in [
            "Factory",
            "factory",
            "posixrules",
            "localtime",
            "posix/Europe/Berlin",
            "right/UTC",
            "leapseconds",
        ] {
            assert!(text.parse::<TimeZone>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_name_of_the_schema_is_read() {
        let schema = schemars::schema_for!(TimeZone);
        let names = schema.get("enum").and_then(serde_json::Value::as_array).unwrap();
        assert!(names.len() > 400);
        for name in names {
            let zone: TimeZone = serde_json::from_value(name.clone()).unwrap();
            assert_eq!(&serde_json::to_value(zone).unwrap(), name);
        }
    }
}
