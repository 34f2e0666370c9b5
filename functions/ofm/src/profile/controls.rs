//! The controls of a profile as a whole: read, merged, compared (contract ofm §13).

use std::{borrow::Cow, collections::BTreeMap, fmt};

use contract::{
    error::{Result, Tag},
    input::Patch,
    money::Currency,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Map, Value, json};

use super::control::{CONTROLS, Control, DEPARTMENT_CODES, DEPARTMENT_MODE, Kind, Mode, Setting, place_of};

/// The value of every control, in the order of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controls(Vec<Setting>);

/// The names of all controls, as fields of an object.
fn names() -> &'static [&'static str] {
    static NAMES: std::sync::OnceLock<Vec<&'static str>> = std::sync::OnceLock::new();
    NAMES.get_or_init(|| CONTROLS.iter().map(|control| control.name).collect())
}

impl Default for Controls {
    fn default() -> Self {
        Self(CONTROLS.iter().map(Control::default).collect())
    }
}

impl Controls {
    /// The value of a control.
    pub(crate) fn get(&self, name: &str) -> Option<&Setting> {
        self.0.get(place_of(name)?)
    }

    /// Applies changes, key by key.
    pub(crate) fn apply(&mut self, changes: ControlChanges) {
        for (place, setting) in changes.0 {
            self.0[place] = setting;
        }
    }

    /// Puts controls back to their defaults.
    pub(crate) fn reset(&mut self, names: &[ControlName]) {
        for ControlName(place) in names {
            self.0[*place] = CONTROLS[*place].default();
        }
    }

    /// The controls in which these differ from others.
    pub(crate) fn changed(&self, from: &Self) -> Vec<&'static str> {
        let pairs = CONTROLS.iter().zip(self.0.iter().zip(&from.0));
        pairs.filter(|(_, (now, before))| now != before).map(|(control, _)| control.name).collect()
    }

    fn departments(&self) -> Departments<'_> {
        let codes = match self.get(DEPARTMENT_CODES) {
            Some(Setting::Set(codes)) => codes.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        };
        match self.get(DEPARTMENT_MODE) {
            Some(Setting::Mode(Mode::Allow)) => Departments::Only(codes),
            Some(Setting::Mode(Mode::Deny)) if !codes.is_empty() => Departments::AllBut(codes),
            _ => Departments::All,
        }
    }
}

/// Controls, and what their amounts are counted in; none where nobody said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Power<'a> {
    pub(crate) controls: &'a Controls,
    pub(crate) currency: Option<Currency>,
}

impl Power<'_> {
    /// The controls in which this is wider than another (ofm §13): what somebody who holds the other may not give.
    pub(crate) fn beyond(self, own: Self) -> Vec<&'static str> {
        let one_currency = self.is_comparable(own);
        let pairs = CONTROLS.iter().zip(self.controls.0.iter().zip(&own.controls.0));
        let mut beyond: Vec<_> = pairs
            .filter(|(control, (given, own))| is_wider(control, given, own, one_currency))
            .map(|(control, _)| control.name)
            .collect();
        if !self.controls.departments().is_within(&own.controls.departments()) {
            let same_mode = self.controls.get(DEPARTMENT_MODE) == own.controls.get(DEPARTMENT_MODE);
            beyond.push(if same_mode { DEPARTMENT_CODES } else { DEPARTMENT_MODE });
        }
        beyond
    }
}

impl Power<'_> {
    /// Refuses what is wider than what its giver holds, saying in what (ofm §1): `details.missing[]`, and
    /// `details.currency` where amounts are among it that cannot be compared.
    pub(crate) fn within(self, own: Self) -> Result<()> {
        let missing = self.beyond(own);
        if missing.is_empty() {
            return Ok(());
        }
        let is_amount = |name: &&str| place_of(name).is_some_and(|at| CONTROLS[at].kind == Kind::Amount);
        let refused = contract::error::Error::from(Tag::Forbidden).detail("missing", json!(missing));
        if self.is_comparable(own) || !missing.iter().any(is_amount) {
            return Err(refused);
        }
        Err(refused.detail("currency", json!({"own": own.currency, "given": self.currency})))
    }

    /// Whether amounts of one can be compared with amounts of the other.
    fn is_comparable(self, own: Self) -> bool {
        self.currency.is_some() && self.currency == own.currency
    }
}

/// Whether a value gives more than another of the same control.
fn is_wider(control: &Control, given: &Setting, own: &Setting, one_currency: bool) -> bool {
    match (given, own) {
        (Setting::Flag(given), Setting::Flag(own)) => match control.kind {
            Kind::Flag { narrows: true } => *own && !given,
            _ => *given && !own,
        },
        (Setting::Limit(given), Setting::Limit(own)) => match (given, own) {
            (_, None) => false,
            (None, Some(_)) => true,
            // Nothing is nothing in every currency; other amounts of two are not compared.
            (Some(given), Some(_)) if control.kind == Kind::Amount && !one_currency => *given > 0,
            (Some(given), Some(own)) => given > own,
        },
        (Setting::Set(given), Setting::Set(own)) if control.name != DEPARTMENT_CODES => !given.is_subset(own),
        _ => false,
    }
}

/// In which departments somebody may sell.
enum Departments<'a> {
    All,
    Only(Vec<&'a str>),
    AllBut(Vec<&'a str>),
}

impl Departments<'_> {
    fn is_within(&self, own: &Departments<'_>) -> bool {
        match (self, own) {
            (_, Departments::All) => true,
            (Departments::All, _) | (Departments::AllBut(_), Departments::Only(_)) => false,
            (Departments::Only(given), Departments::Only(own)) => given.iter().all(|code| own.contains(code)),
            (Departments::Only(given), Departments::AllBut(own)) => {
                given.iter().all(|code| !own.contains(code))
            }
            (Departments::AllBut(given), Departments::AllBut(own)) => {
                own.iter().all(|code| given.contains(code))
            }
        }
    }
}

impl Serialize for Controls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(CONTROLS.len()))?;
        for (control, setting) in CONTROLS.iter().zip(&self.0) {
            map.serialize_entry(control.name, setting)?;
        }
        map.end()
    }
}

/// As they were stored: a control that came later has its default, one that is no more is passed over.
impl<'de> Deserialize<'de> for Controls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = BTreeMap::<String, Value>::deserialize(deserializer)?;
        let read = |control: &Control| match stored.get(control.name) {
            Some(value) => control.read(value),
            None => Ok(control.default()),
        };
        CONTROLS.iter().map(read).collect::<Result<_, _>>().map(Self).map_err(D::Error::custom)
    }
}

/// Values for some of the controls.
#[derive(Clone, Debug, Default)]
pub(crate) struct ControlChanges(Vec<(usize, Setting)>);

impl ControlChanges {
    /// Whether a control is among them.
    pub(crate) fn name(&self, ControlName(place): ControlName) -> bool {
        self.0.iter().any(|(changed, _)| *changed == place)
    }
}

/// Reads the value of one control, where it is given.
struct Given(&'static Control);

impl<'de> DeserializeSeed<'de> for Given {
    type Value = Option<Setting>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Setting>, D::Error> {
        let value = match Patch::<Value>::deserialize(deserializer)? {
            Patch::Keep => return Ok(None),
            Patch::Clear => Value::Null,
            Patch::Set(value) => value,
        };
        self.0.read(&value).map(Some).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for ControlChanges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = ControlChanges;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ControlChanges, A::Error> {
                let mut changes = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    let Some(place) = place_of(&name) else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    if let Some(setting) = map.next_value_seed(Given(&CONTROLS[place]))? {
                        changes.push((place, setting));
                    }
                }
                Ok(ControlChanges(changes))
            }
        }

        // As the fields of a struct, so that a name which is no control is refused like any unknown field.
        deserializer.deserialize_struct("Controls", names(), Fields)
    }
}

/// The name of a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ControlName(usize);

impl<'de> Deserialize<'de> for ControlName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        place_of(&name).map(Self).ok_or_else(|| D::Error::custom("must be the name of a control"))
    }
}

impl JsonSchema for ControlName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ControlName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": names()})
    }
}

fn schema() -> Schema {
    let properties: Map<String, Value> =
        CONTROLS.iter().map(|control| (control.name.to_owned(), control.schema().to_value())).collect();
    json_schema!({"type": "object", "properties": properties, "additionalProperties": false})
}

impl JsonSchema for ControlChanges {
    fn schema_name() -> Cow<'static, str> {
        "ControlChanges".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema()
    }
}

impl JsonSchema for Controls {
    fn schema_name() -> Cow<'static, str> {
        "Controls".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = schema();
        schema.insert("required".to_owned(), names().into());
        schema
    }
}

#[cfg(test)]
mod tests {
    use contract::input;
    use proptest::{prelude::*, sample::select};
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Request {
        controls: ControlChanges,
    }

    fn with(changes: &Value) -> Controls {
        let mut controls = Controls::default();
        controls.apply(input::read::<Request>(&json!({"controls": changes})).expect("controls").controls);
        controls
    }

    fn beyond(given: &Controls, own: &Controls) -> Vec<&'static str> {
        let currency = "EUR".parse().ok();
        Power { controls: given, currency }.beyond(Power { controls: own, currency })
    }

    #[test]
    fn every_wrong_control_is_named_with_what_it_must_be() {
        let wrong = json!({"controls": {
            "discount.line_max_bp": 10_001,
            "discount.line_max": 1,
            "tender.allowed": ["gold"],
            "txn.sale_max_amount": 1.5,
            "txn.reason_required": null,
            "txn.line_max_quantity": 5,
        }});
        let problems = input::read::<Request>(&wrong).unwrap_err();
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "controls.discount.line_max",
                "controls.discount.line_max_bp",
                "controls.tender.allowed",
                "controls.txn.sale_max_amount",
                "controls.txn.reason_required",
            ]
        );
        assert_eq!(problems[1].problem, "must be a whole number from 0 to 10000, or null for no limit");
    }

    #[test]
    fn null_is_no_limit_and_what_is_left_out_stays() {
        let controls = with(&json!({"discount.line_max_bp": null, "txn.sale_max_amount": 7}));
        assert_eq!(controls.get("discount.line_max_bp"), Some(&Setting::Limit(None)));
        assert_eq!(controls.get("txn.sale_max_amount"), Some(&Setting::Limit(Some(7))));
        assert_eq!(controls.changed(&Controls::default()), ["discount.line_max_bp", "txn.sale_max_amount"]);
        let mut back = controls;
        let names = ["txn.sale_max_amount", "discount.line_max_bp"].map(|name| json!(name));
        let names: Vec<ControlName> =
            names.iter().map(|name| ControlName::deserialize(name).expect("a name")).collect();
        back.reset(&names);
        assert_eq!(back, Controls::default());
    }

    #[test]
    fn controls_are_stored_whole_and_read_with_the_defaults_of_later_ones() {
        let controls = with(&json!({"txn.sale_max_amount": null, "department.codes": ["toys"]}));
        let mut stored = serde_json::to_value(&controls).unwrap();
        assert_eq!(stored.as_object().unwrap().len(), CONTROLS.len());
        assert_eq!(Controls::deserialize(&stored).unwrap(), controls);
        stored.as_object_mut().unwrap().remove("cash.x_report_allowed");
        stored["cash.no_such_control"] = json!(1);
        assert_eq!(Controls::deserialize(&stored).unwrap(), controls);
    }

    #[test]
    fn wider_is_what_the_contract_says() {
        for (narrow, wide, control) in [
            (json!(false), json!(true), "discount.stacking_allowed"),
            (json!(true), json!(false), "txn.reason_required"),
            (json!(true), json!(false), "cash.blind_close_required"),
            (json!(5), json!(6), "txn.line_max_quantity"),
            (json!(5), json!(null), "txn.line_max_quantity"),
            (json!(5), json!(6), "txn.sale_max_amount"),
            (json!(["cash"]), json!(["card", "cash"]), "tender.allowed"),
            (json!(["cash"]), json!(["card"]), "tender.allowed"),
        ] {
            let (narrow, wide) = (with(&json!({control: narrow})), with(&json!({control: wide})));
            assert_eq!(beyond(&wide, &narrow), [control]);
        }
    }

    #[test]
    fn departments_are_compared_by_what_they_let_sell() {
        let of =
            |mode: &str, codes: &[&str]| with(&json!({"department.mode": mode, "department.codes": codes}));
        for (given, own, missing) in [
            (of("all", &["A"]), of("all", &[]), None),
            (of("deny", &[]), of("all", &[]), None),
            (of("all", &[]), of("deny", &[]), None),
            (of("all", &[]), of("deny", &["A"]), Some("department.mode")),
            (of("all", &[]), of("allow", &["A"]), Some("department.mode")),
            (of("deny", &["A"]), of("allow", &["B"]), Some("department.mode")),
            (of("allow", &["A"]), of("allow", &["A", "B"]), None),
            (of("allow", &["A", "C"]), of("allow", &["A", "B"]), Some("department.codes")),
            (of("allow", &["A"]), of("deny", &["B"]), None),
            (of("allow", &["A"]), of("deny", &["A"]), Some("department.mode")),
            (of("deny", &["A", "B"]), of("deny", &["A"]), None),
            (of("deny", &["B"]), of("deny", &["A"]), Some("department.codes")),
        ] {
            assert_eq!(beyond(&given, &own), missing.into_iter().collect::<Vec<_>>(), "{given:?} {own:?}");
        }
    }

    #[test]
    fn amounts_of_two_currencies_are_not_compared() {
        let (given, own) = (Controls::default(), with(&json!({"txn.line_void_max_amount": null})));
        let [euro, dollar] = ["EUR", "USD"].map(|code| code.parse::<Currency>().ok());
        for currency in [dollar, None] {
            let beyond =
                Power { controls: &given, currency: euro }.beyond(Power { controls: &own, currency });
            // Without a limit of one's own, whatever the currency; nothing is nothing.
            let within = ["txn.line_void_max_amount", "txn.sale_max_amount", "cash.paid_in_max_amount"];
            let amounts = CONTROLS.iter().filter(|control| control.kind == Kind::Amount);
            let expected = amounts
                .map(|control| control.name)
                .filter(|name| !within.contains(name) && given.get(name) != Some(&Setting::Limit(Some(0))));
            assert_eq!(beyond, expected.collect::<Vec<_>>());
        }
    }

    fn any_controls() -> impl Strategy<Value = Controls> {
        let limit = prop_oneof![Just(Value::Null), (0_i64..4).prop_map(|most| json!(most))];
        let codes = prop::collection::btree_set(select(&["A", "B", "C"][..]), 0..3);
        (limit.clone(), limit, any::<bool>(), any::<bool>(), select(&["all", "allow", "deny"][..]), codes)
            .prop_map(|(count, amount, flag, duty, mode, codes)| {
                with(&json!({
                    "txn.line_max_quantity": count,
                    "txn.sale_max_amount": amount,
                    "txn.return_allowed": flag,
                    "txn.reason_required": duty,
                    "department.mode": mode,
                    "department.codes": codes,
                }))
            })
    }

    proptest! {
        #[test]
        fn within_is_an_order(a in any_controls(), b in any_controls(), c in any_controls()) {
            let within = |x: &Controls, y: &Controls| beyond(x, y).is_empty();
            prop_assert!(within(&a, &a));
            if within(&a, &b) && within(&b, &c) {
                prop_assert!(within(&a, &c));
            }
        }

        #[test]
        fn what_is_within_lets_nothing_be_sold_that_the_other_does_not(
            a in any_controls(),
            b in any_controls(),
            code in select(&["A", "B", "C", "D"][..]),
        ) {
            let sells = |controls: &Controls| match controls.departments() {
                Departments::All => true,
                Departments::Only(codes) => codes.contains(&code),
                Departments::AllBut(codes) => !codes.contains(&code),
            };
            if beyond(&a, &b).is_empty() {
                prop_assert!(!sells(&a) || sells(&b));
            }
        }
    }
}
