//! The table of controls: what a till profile says of what an operator may do (contract ofm §13). OFM stores, resolves
//! and caps them; the till counts and enforces.

use std::collections::BTreeSet;

use contract::{codes::Code, money::Money};
use schemars::json_schema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What may be paid with.
pub(crate) const TENDERS: &[&str] = &[
    "cash",
    "card",
    "mobile_wallet",
    "gift_card",
    "loyalty_points",
    "store_credit",
    "account_credit",
    "check",
    "voucher",
];

/// What an override code may be for (ofm §14).
pub(crate) const OVERRIDE_TYPES: &[&str] = &[
    "discount_line",
    "discount_order",
    "price_override",
    "refund",
    "return_no_receipt",
    "line_void",
    "post_void",
    "paid_in",
    "paid_out",
    "open_item",
    "check",
    "cash_variance",
    "no_sale",
    "tax_exempt",
    "age_restricted",
];

/// A profile names so many departments.
const MOST_CODES: usize = 256;
/// All of it, in basis points.
const ALL_BASIS_POINTS: i64 = 10_000;

/// What a control holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `b`: whether something is allowed; where `narrows`, whether something is required.
    Flag { narrows: bool },
    /// `n`: how often at most; null for no limit.
    Count,
    /// `bp`: how much at most, in hundredths of a percent; null for no limit.
    BasisPoints,
    /// `m`: how much at most, in minor units of the profile's currency; null for no limit.
    Amount,
    /// Some of these.
    Choice(&'static [&'static str]),
    /// Codes of departments.
    Departments,
    /// How the codes of departments are read.
    Mode,
}

/// How the codes of departments are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// They do not matter: every department is allowed.
    All,
    /// Only these are allowed.
    Allow,
    /// All but these are allowed.
    Deny,
}

/// The value of a control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Setting {
    /// Of a flag.
    Flag(bool),
    /// Of a count, of basis points, of an amount; none for no limit.
    Limit(Option<i64>),
    /// Of a choice, of departments.
    Set(BTreeSet<String>),
    /// Of the mode.
    Mode(Mode),
}

/// The default of a control.
#[derive(Clone, Copy, Debug)]
enum Initial {
    Flag(bool),
    Limit(i64),
    NoLimit,
    Set(&'static [&'static str]),
    All,
}

/// A control.
#[derive(Debug)]
pub(crate) struct Control {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
    initial: Initial,
    /// What it means.
    about: &'static str,
}

const fn flag(name: &'static str, default: bool, about: &'static str) -> Control {
    Control { name, kind: Kind::Flag { narrows: false }, initial: Initial::Flag(default), about }
}

const fn duty(name: &'static str, default: bool, about: &'static str) -> Control {
    Control { name, kind: Kind::Flag { narrows: true }, initial: Initial::Flag(default), about }
}

const fn count(name: &'static str, default: i64, about: &'static str) -> Control {
    Control { name, kind: Kind::Count, initial: Initial::Limit(default), about }
}

const fn share(name: &'static str, default: i64, about: &'static str) -> Control {
    Control { name, kind: Kind::BasisPoints, initial: Initial::Limit(default), about }
}

const fn amount(name: &'static str, default: i64, about: &'static str) -> Control {
    Control { name, kind: Kind::Amount, initial: Initial::Limit(default), about }
}

const fn choice(
    name: &'static str,
    of: &'static [&'static str],
    default: &'static [&'static str],
    about: &'static str,
) -> Control {
    Control { name, kind: Kind::Choice(of), initial: Initial::Set(default), about }
}

/// Every control, in the contract's order.
pub(crate) static CONTROLS: &[Control] = &[
    flag("discount.manual_allowed", true, "any manual discount"),
    share("discount.line_max_bp", 1000, "discount per line; this and the amount both hold"),
    amount("discount.line_max_amount", 5000, "discount per line; this and the share both hold"),
    share("discount.order_max_bp", 500, "discount per order; this and the amount both hold"),
    amount("discount.order_max_amount", 10_000, "discount per order; this and the share both hold"),
    flag("discount.stacking_allowed", false, "a discount on top of a promotion"),
    flag("discount.price_override_allowed", false, "a new price"),
    share("discount.price_override_max_bp", 0, "how far a new price may lie below the list"),
    flag("discount.below_cost_allowed", false, "a price below cost"),
    flag("discount.expired_coupon_allowed", false, "a coupon past its time"),
    flag("discount.employee_allowed", false, "the staff discount"),
    amount("discount.max_amount_per_shift", 50_000, "all discounts of a shift"),
    choice(
        "tender.allowed",
        TENDERS,
        &["cash", "card", "mobile_wallet", "gift_card", "loyalty_points"],
        "what may be paid with",
    ),
    amount("tender.cash_max_amount", 100_000, "cash per sale"),
    amount("tender.cash_back_max_amount", 0, "cash back; 0 for none"),
    amount("tender.check_max_amount", 0, "payment by check"),
    amount("tender.account_credit_max_amount", 0, "payment on account"),
    flag("tender.manual_card_entry_allowed", false, "typing a card's number"),
    amount("tender.offline_card_max_amount", 0, "card payment without a connection"),
    count("tender.split_max_count", 3, "tenders per sale"),
    flag("tender.refund_other_tender_allowed", false, "refund to another tender than was paid with"),
    Control {
        name: DEPARTMENT_MODE,
        kind: Kind::Mode,
        initial: Initial::All,
        about: "how the codes of departments are read: not at all, only these, all but these",
    },
    Control {
        name: DEPARTMENT_CODES,
        kind: Kind::Departments,
        initial: Initial::Set(&[]),
        about: "codes of departments",
    },
    flag("department.age_restricted_allowed", false, "selling what is restricted by age"),
    amount("department.open_item_max_amount", 0, "an item without a code; 0 for none"),
    amount("department.gift_card_sale_max_amount", 20_000, "selling a gift card"),
    Control {
        name: "txn.sale_max_amount",
        kind: Kind::Amount,
        initial: Initial::NoLimit,
        about: "a whole sale",
    },
    count("txn.line_max_quantity", 100, "pieces on a line"),
    flag("txn.line_void_allowed", true, "voiding a line"),
    amount("txn.line_void_max_amount", 20_000, "a line that is voided"),
    flag("txn.post_void_allowed", false, "voiding a finished sale"),
    flag("txn.suspend_allowed", true, "suspending a sale"),
    flag("txn.recall_others_allowed", false, "going on with a sale that another suspended"),
    flag("txn.reprint_allowed", true, "printing a receipt again"),
    flag("txn.tax_exempt_allowed", false, "a sale without tax"),
    flag("txn.tax_override_allowed", false, "another rate of tax"),
    flag("txn.return_allowed", true, "taking goods back"),
    flag("txn.exchange_allowed", true, "exchanging goods"),
    amount("txn.return_no_receipt_max_amount", 0, "a return without a receipt; 0 for none"),
    duty("txn.reason_required", true, "a reason for void, return and override"),
    flag("txn.training_mode_allowed", false, "training mode"),
    amount("refund.max_per_refund_amount", 10_000, "one refund"),
    count("refund.max_count_per_hour", 6, "refunds in any 60 minutes"),
    amount("refund.max_amount_per_hour", 30_000, "all refunds in any 60 minutes"),
    count("refund.max_count_per_shift", 20, "refunds of a shift"),
    amount("refund.max_amount_per_shift", 50_000, "all refunds of a shift"),
    count("refund.lookback_days", 30, "age of the sale that is refunded, in days"),
    count("refund.same_customer_max_per_day", 2, "refunds to one customer in a day"),
    flag("refund.own_sale_allowed", false, "refunding a sale that the operator rang up"),
    count("cash.no_sale_max_per_shift", 0, "opening the drawer without a sale; 0 for never"),
    amount("cash.paid_in_max_amount", 0, "cash paid in"),
    amount("cash.paid_out_max_amount", 0, "cash paid out"),
    amount("cash.drop_required_above_amount", 50_000, "cash in the drawer before some must be taken out"),
    duty("cash.blind_close_required", true, "counting without seeing what is expected"),
    amount("cash.count_variance_max_amount", 500, "how far the count may be off"),
    amount("cash.opening_float_max_amount", 20_000, "cash in the drawer at the beginning"),
    flag("cash.other_drawer_allowed", false, "using another operator's drawer"),
    flag("cash.x_report_allowed", true, "the report in between"),
    flag("cash.z_report_allowed", false, "the report that closes"),
    flag("override.issue_allowed", false, "giving out override codes"),
    choice("override.issue_types", OVERRIDE_TYPES, &[], "what override codes may be given out for"),
    count("override.issue_max_uses", 1, "uses of a code that is given out"),
    count("override.issue_max_minutes", 15, "minutes for which a code that is given out holds"),
    count("override.issue_max_per_hour", 10, "codes given out in any 60 minutes"),
    flag("override.self_use_allowed", false, "using one's own code"),
];

/// The mode and the codes of departments are judged together.
pub(crate) const DEPARTMENT_MODE: &str = "department.mode";
/// See [`DEPARTMENT_MODE`].
pub(crate) const DEPARTMENT_CODES: &str = "department.codes";

/// Where a control stands in the table.
pub(crate) fn place_of(name: &str) -> Option<usize> {
    CONTROLS.iter().position(|control| control.name == name)
}

impl Control {
    /// What holds where a profile says nothing else.
    pub(crate) fn default(&self) -> Setting {
        match self.initial {
            Initial::Flag(value) => Setting::Flag(value),
            Initial::Limit(most) => Setting::Limit(Some(most)),
            Initial::NoLimit => Setting::Limit(None),
            Initial::Set(entries) => Setting::Set(entries.iter().map(|entry| (*entry).to_owned()).collect()),
            Initial::All => Setting::Mode(Mode::All),
        }
    }

    /// The largest limit.
    const fn most(&self) -> i64 {
        match self.kind {
            Kind::BasisPoints => ALL_BASIS_POINTS,
            // Counts too: every reader of JSON takes numbers up to here exactly.
            _ => Money::MAX,
        }
    }

    /// Reads a value, or says what it must be.
    pub(crate) fn read(&self, value: &Value) -> Result<Setting, String> {
        match self.kind {
            Kind::Flag { .. } => {
                value.as_bool().map(Setting::Flag).ok_or_else(|| "must be true or false".to_owned())
            }
            Kind::Count | Kind::BasisPoints | Kind::Amount => self.read_limit(value),
            Kind::Mode => Mode::deserialize(value)
                .map(Setting::Mode)
                .map_err(|_| "must be one of all, allow, deny".to_owned()),
            Kind::Choice(of) => read_set(value, of.len(), |text| {
                of.contains(&text).then(|| text.to_owned()).ok_or_else(|| of.join(", "))
            }),
            Kind::Departments => read_set(value, MOST_CODES, |text| {
                text.parse::<Code>()
                    .map(|code| code.as_str().to_owned())
                    .map_err(|_| "codes of at most 32 letters, digits, '_' or '-'".to_owned())
            }),
        }
    }

    fn read_limit(&self, value: &Value) -> Result<Setting, String> {
        let most = self.most();
        match value.as_i64() {
            _ if value.is_null() => Ok(Setting::Limit(None)),
            Some(limit) if (0..=most).contains(&limit) => Ok(Setting::Limit(Some(limit))),
            _ => Err(format!("must be a whole number from 0 to {most}, or null for no limit")),
        }
    }

    /// The JSON schema of its value.
    pub(crate) fn schema(&self) -> schemars::Schema {
        let mut schema = match self.kind {
            Kind::Flag { .. } => json_schema!({"type": "boolean"}),
            Kind::Count | Kind::BasisPoints | Kind::Amount => {
                json_schema!({"type": ["integer", "null"], "minimum": 0, "maximum": self.most()})
            }
            Kind::Mode => json_schema!({"type": "string", "enum": ["all", "allow", "deny"]}),
            Kind::Choice(of) => json_schema!({
                "type": "array", "items": {"type": "string", "enum": of}, "uniqueItems": true,
            }),
            Kind::Departments => json_schema!({
                "type": "array",
                "items": {"type": "string", "pattern": "^ *[A-Za-z0-9][A-Za-z0-9_-]{0,31} *$"},
                "maxItems": MOST_CODES,
                "uniqueItems": true,
            }),
        };
        schema.insert("description".to_owned(), self.describe().into());
        schema
    }

    fn describe(&self) -> String {
        match self.kind {
            Kind::Flag { narrows: false } => format!("Whether this is allowed: {}.", self.about),
            Kind::Flag { narrows: true } => format!("Whether this is required: {}.", self.about),
            Kind::Count => format!("At most so many, or null for no limit: {}.", self.about),
            Kind::BasisPoints => {
                format!("At most so many basis points, or null for no limit: {}.", self.about)
            }
            Kind::Amount => {
                format!("At most so many minor units of the currency, or null for no limit: {}.", self.about)
            }
            _ => {
                let mut letters = self.about.chars();
                let first = letters.next().map(|letter| letter.to_ascii_uppercase());
                format!("{}{}.", first.map(String::from).unwrap_or_default(), letters.as_str())
            }
        }
    }
}

/// Reads a list without repeats; `entry` reads one text, or says of what entries must be.
fn read_set(
    value: &Value,
    most: usize,
    entry: impl Fn(&str) -> Result<String, String>,
) -> Result<Setting, String> {
    let list = value.as_array().ok_or("must be a list")?;
    if list.len() > most {
        return Err(format!("must have at most {most} entries"));
    }
    let mut set = BTreeSet::new();
    for (n, value) in list.iter().enumerate() {
        let text = value.as_str().ok_or("must be a list of strings")?;
        let read = entry(text).map_err(|of| format!("must be a list of {of}; entry {n} is not"))?;
        if !set.insert(read) {
            return Err(format!("must not have an entry twice: entry {n}"));
        }
    }
    Ok(Setting::Set(set))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn control(name: &str) -> &'static Control {
        &CONTROLS[place_of(name).expect("a control")]
    }

    #[test]
    fn names_are_distinct_and_defaults_are_values_of_their_controls() {
        let names: BTreeSet<_> = CONTROLS.iter().map(|control| control.name).collect();
        assert_eq!(names.len(), CONTROLS.len());
        for control in CONTROLS {
            let written = serde_json::to_value(control.default()).unwrap();
            assert_eq!(control.read(&written), Ok(control.default()), "{}", control.name);
        }
    }

    #[test]
    fn there_is_each_control_of_the_contract() {
        let of_group = |group: &str| {
            CONTROLS.iter().filter(|control| control.name.split('.').next() == Some(group)).count()
        };
        let counts = ["discount", "tender", "department", "txn", "refund", "cash", "override"].map(of_group);
        assert_eq!(counts, [12, 9, 5, 15, 8, 10, 6]);
        let duties = CONTROLS.iter().filter(|control| control.kind == Kind::Flag { narrows: true });
        let duties: Vec<_> = duties.map(|control| control.name).collect();
        assert_eq!(duties, ["txn.reason_required", "cash.blind_close_required"]);
    }

    #[test]
    fn a_value_of_another_type_or_beyond_its_bounds_is_refused() {
        for (name, good, bad) in [
            (
                "discount.manual_allowed",
                vec![json!(true), json!(false)],
                vec![json!(null), json!(1), json!("true")],
            ),
            (
                "discount.line_max_bp",
                vec![json!(0), json!(10_000), json!(null)],
                vec![json!(-1), json!(10_001), json!(1.5), json!("1"), json!(true)],
            ),
            (
                "txn.line_max_quantity",
                vec![json!(0), json!(9_000_000_000_000_000_i64), json!(null)],
                vec![json!(-1), json!(9_000_000_000_000_001_i64), json!(2.0), json!([])],
            ),
            (
                "tender.allowed",
                vec![json!([]), json!(TENDERS)],
                vec![json!(null), json!(["gold"]), json!(["cash", "cash"]), json!([1]), json!("cash")],
            ),
            (
                "override.issue_types",
                vec![json!(["refund"]), json!(OVERRIDE_TYPES)],
                vec![json!(["refunds"]), json!({})],
            ),
            (
                DEPARTMENT_CODES,
                vec![json!([]), json!([" a1 ", "B-2"])],
                vec![json!(null), json!(["A1", "a1"]), json!(["a b"]), json!([""])],
            ),
            (
                DEPARTMENT_MODE,
                vec![json!("all"), json!("allow"), json!("deny")],
                vec![json!(null), json!("some")],
            ),
        ] {
            for value in good {
                assert!(control(name).read(&value).is_ok(), "{name} {value}");
            }
            for value in bad {
                assert!(control(name).read(&value).is_err(), "{name} {value}");
            }
        }
        let codes = |most: usize| json!((0..most).map(|n| format!("D{n}")).collect::<Vec<_>>());
        assert!(control(DEPARTMENT_CODES).read(&codes(256)).is_ok());
        assert!(control(DEPARTMENT_CODES).read(&codes(257)).is_err());
    }

    #[test]
    fn codes_of_departments_are_kept_as_codes() {
        let read = control(DEPARTMENT_CODES).read(&json!([" toys "])).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), json!(["TOYS"]));
    }
}
