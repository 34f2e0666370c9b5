//! How an org cuts its year into periods (ofm §4). The periods themselves are not computed here.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::{Value, json};

use crate::{json, problem::Problem};

/// The fiscal calendar of an org. The default is the calendar year, with weeks from Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given")]
pub struct FiscalCalendar {
    code: FiscalCode,
    start_month: u8,
    start_day: u8,
    week_start: WeekStart,
    #[serde(skip_serializing_if = "Option::is_none")]
    anchor: Option<Anchor>,
}

/// How a fiscal year falls into months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FiscalCode {
    /// Quarters of 4, 5 and 4 weeks.
    #[serde(rename = "retail-454")]
    Retail454,
    /// Quarters of 4, 4 and 5 weeks.
    #[serde(rename = "retail-445")]
    Retail445,
    /// Quarters of 5, 4 and 4 weeks.
    #[serde(rename = "retail-544")]
    Retail544,
    /// The months of the calendar.
    #[serde(rename = "gregorian")]
    Gregorian,
}

/// The day on which a week begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the days of the week")]
pub enum WeekStart {
    #[default]
    Sun,
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
}

/// How the first week of a retail year sits against its start day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anchor {
    /// Whichever begin of a week is nearest.
    #[default]
    Nearest,
    /// The last begin of a week up to the start day.
    OnOrBefore,
    /// The first begin of a week from the start day.
    OnOrAfter,
}

impl Default for FiscalCalendar {
    fn default() -> Self {
        let week_start = WeekStart::default();
        Self { code: FiscalCode::Gregorian, start_month: 1, start_day: 1, week_start, anchor: None }
    }
}

/// The fields as they are sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    code: FiscalCode,
    #[serde(deserialize_with = "within::<_, 12>")]
    start_month: u8,
    #[serde(deserialize_with = "within::<_, 31>")]
    start_day: u8,
    week_start: Option<WeekStart>,
    anchor: Option<Anchor>,
}

/// A whole number from 1.
fn within<'de, D: Deserializer<'de>, const MAX: u8>(deserializer: D) -> Result<u8, D::Error> {
    let number = u8::try_from(json::whole_number(deserializer)?).unwrap_or(0);
    if !(1..=MAX).contains(&number) {
        return Err(Error::custom(format_args!("must be 1 to {MAX}")));
    }
    Ok(number)
}

impl TryFrom<Given> for FiscalCalendar {
    type Error = Problem;

    fn try_from(given: Given) -> Result<Self, Problem> {
        let Given { code, start_month, start_day, .. } = given;
        let (week_start, anchor) = if code == FiscalCode::Gregorian {
            if given.anchor.is_some() {
                return Err(Problem::new("must have no anchor when its code is gregorian"));
            }
            if start_day > GREGORIAN_DAYS {
                return Err(Problem::new("must have a start_day of 1 to 28 when its code is gregorian"));
            }
            (given.week_start.unwrap_or_default(), None)
        } else {
            if start_day > days(start_month) {
                return Err(Problem::new("must have a start_day that its start_month has in every year"));
            }
            let week_start =
                given.week_start.ok_or(Problem::new("must have week_start when its code is retail"))?;
            (week_start, Some(given.anchor.unwrap_or_default()))
        };
        Ok(Self { code, start_month, start_day, week_start, anchor })
    }
}

/// A year that starts on a later day would have months without that day.
const GREGORIAN_DAYS: u8 = 28;

/// Days that a month has in every year.
const fn days(month: u8) -> u8 {
    match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl JsonSchema for FiscalCalendar {
    fn schema_name() -> Cow<'static, str> {
        "FiscalCalendar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let retail = |length: u8| {
            let months: Vec<_> = (1..=12).filter(|&month| days(month) == length).collect();
            let mut variant =
                variant(&["retail-454", "retail-445", "retail-544"], &months, length, &["week_start"]);
            variant["properties"]["anchor"] =
                json!({"type": ["string", "null"], "enum": ["nearest", "on-or-before", "on-or-after", null]});
            variant
        };
        let all: Vec<_> = (1..=12).collect();
        let gregorian = variant(&["gregorian"], &all, GREGORIAN_DAYS, &[]);
        json_schema!({"anyOf": [gregorian, retail(31), retail(30), retail(28)]})
    }
}

fn variant(codes: &[&str], months: &[u8], last_day: u8, required: &[&str]) -> Value {
    let required: Vec<_> = ["code", "start_month", "start_day"].iter().chain(required).collect();
    json!({
        "type": "object",
        "properties": {
            "code": {"type": "string", "enum": codes},
            "start_month": {"type": "integer", "enum": months},
            "start_day": {"type": "integer", "minimum": 1, "maximum": last_day},
            "week_start": {"type": "string", "enum": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]},
        },
        "required": required,
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Result<Value, String> {
        let calendar: FiscalCalendar = serde_json::from_value(value).map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(calendar).unwrap())
    }

    #[test]
    fn the_default_is_the_calendar_year() {
        let default = json!({"code": "gregorian", "start_month": 1, "start_day": 1, "week_start": "sun"});
        assert_eq!(serde_json::to_value(FiscalCalendar::default()).unwrap(), default);
        assert_eq!(read(json!({"code": "gregorian", "start_month": 1, "start_day": 1})), Ok(default));
    }

    #[test]
    fn a_retail_calendar_is_anchored() {
        let given = json!({"code": "retail-454", "start_month": 2, "start_day": 1, "week_start": "sun"});
        let mut kept = given.clone();
        kept["anchor"] = json!("nearest");
        assert_eq!(read(given), Ok(kept));
        let full = json!({"code": "retail-544", "start_month": 12, "start_day": 31, "week_start": "mon", "anchor": "on-or-after"});
        assert_eq!(read(full.clone()), Ok(full));
    }

    #[test]
    fn other_combinations_are_refused() {
        let gregorian = json!({"code": "gregorian", "start_month": 1, "start_day": 1});
        let retail = json!({"code": "retail-445", "start_month": 2, "start_day": 28, "week_start": "sat"});
        for (base, change, problem) in [
            (&gregorian, json!({"code": "lunar"}), "unknown variant"),
            (&gregorian, json!({"start_month": 0}), "must be 1 to 12"),
            (&gregorian, json!({"start_month": 13}), "must be 1 to 12"),
            (&gregorian, json!({"start_month": 257}), "must be 1 to 12"),
            (&gregorian, json!({"start_month": 1.0}), "a whole number"),
            (&gregorian, json!({"start_day": 32}), "must be 1 to 31"),
            (&gregorian, json!({"start_day": 29}), "start_day of 1 to 28"),
            (&gregorian, json!({"anchor": "nearest"}), "no anchor"),
            (&gregorian, json!({"week_start": "sunday"}), "unknown variant"),
            (&gregorian, json!({"weeks": 53}), "unknown field"),
            (&retail, json!({"start_day": 29}), "in every year"),
            (&retail, json!({"start_month": 4, "start_day": 31}), "in every year"),
            (&retail, json!({"week_start": null}), "must have week_start"),
            (&retail, json!({"anchor": "middle"}), "unknown variant"),
        ] {
            let mut value = base.clone();
            value.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let error = read(value).unwrap_err();
            assert!(error.contains(problem), "{change}: {error}");
        }
    }

    #[test]
    fn days_are_those_of_every_year() {
        for month in 1..=12 {
            let shortest =
                (2025..2029).map(|year| jiff::civil::date(year, month, 1).days_in_month()).min().unwrap();
            assert_eq!(i8::try_from(days(u8::try_from(month).unwrap())), Ok(shortest));
        }
    }
}
