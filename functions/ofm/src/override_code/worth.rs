//! What an override code is for, and how much it allows (contract ofm §14).

use std::borrow::Cow;

use contract::{
    error::{Error, Result, Tag},
    money::{Currency, Money},
    problem::Problem,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What an override code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverrideType {
    /// A discount on a line.
    DiscountLine,
    /// A discount on an order.
    DiscountOrder,
    /// A new price, so far below the list.
    PriceOverride,
    /// A refund.
    Refund,
    /// A return without a receipt.
    ReturnNoReceipt,
    /// Voiding a line.
    LineVoid,
    /// Voiding a finished sale.
    PostVoid,
    /// Cash paid in.
    PaidIn,
    /// Cash paid out.
    PaidOut,
    /// An item without a code.
    OpenItem,
    /// Payment by check.
    Check,
    /// A count that is off.
    CashVariance,
    /// Opening the drawer without a sale.
    NoSale,
    /// A sale without tax.
    TaxExempt,
    /// Selling what is restricted by age.
    AgeRestricted,
}

/// What the worth of something is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Basis points.
    Share,
    /// An amount of money.
    Money,
}

impl OverrideType {
    /// Every type, in the order of the contract.
    #[cfg(test)]
    pub(crate) const ALL: &'static [Self] = &[
        Self::DiscountLine,
        Self::DiscountOrder,
        Self::PriceOverride,
        Self::Refund,
        Self::ReturnNoReceipt,
        Self::LineVoid,
        Self::PostVoid,
        Self::PaidIn,
        Self::PaidOut,
        Self::OpenItem,
        Self::Check,
        Self::CashVariance,
        Self::NoSale,
        Self::TaxExempt,
        Self::AgeRestricted,
    ];

    /// Its name, as controls hold it.
    pub(crate) fn name(self) -> String {
        let name = serde_json::to_value(self).ok();
        name.as_ref().and_then(|name| name.as_str()).unwrap_or_default().to_owned()
    }

    /// In which units its worth may be given; none where it has no worth.
    pub(crate) const fn units(self) -> &'static [Unit] {
        match self {
            Self::DiscountLine | Self::DiscountOrder => &[Unit::Share, Unit::Money],
            Self::PriceOverride => &[Unit::Share],
            Self::Refund
            | Self::ReturnNoReceipt
            | Self::LineVoid
            | Self::PostVoid
            | Self::PaidIn
            | Self::PaidOut
            | Self::OpenItem
            | Self::Check
            | Self::CashVariance => &[Unit::Money],
            Self::NoSale | Self::TaxExempt | Self::AgeRestricted => &[],
        }
    }

    /// Refuses a worth that the type has not got, or in another unit, or none where it has one.
    pub(crate) fn check(self, worth: Option<Worth>, field: &str) -> Result<()> {
        let problem = match (self.units(), worth.map(Worth::unit)) {
            ([], None) => return Ok(()),
            ([], Some(_)) => "does not belong to this type",
            (_, None) => "is required for this type",
            (units, Some(unit)) if units.contains(&unit) => return Ok(()),
            (_, Some(Unit::Share)) => "must be an amount with its currency for this type",
            (_, Some(Unit::Money)) => "must be basis points for this type",
        };
        Err(Error::field(field, problem))
    }
}

/// How much: basis points, or an amount of money; never less than nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Worth {
    /// 0 to 10,000 basis points.
    Share(i64),
    /// An amount.
    Money(Money),
}

/// How a [`Worth`] is written.
#[derive(Clone, Serialize, Deserialize)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    bp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
}

impl TryFrom<Written> for Worth {
    type Error = Problem;

    fn try_from(written: Written) -> Result<Self, Problem> {
        match (written.bp, written.currency, written.amount) {
            (Some(bp), None, None) if (0..=10_000).contains(&bp) => Ok(Self::Share(bp)),
            (Some(_), None, None) => Err(Problem::new("must be 0 to 10000 basis points")),
            (None, Some(currency), Some(amount)) if amount >= 0 => Money::new(currency, amount)
                .map(Self::Money)
                .map_err(|_| Problem::new("must be at most 9000000000000000 minor units")),
            (None, Some(_), Some(_)) => Err(Problem::new("must not be below 0")),
            _ => Err(Problem::new("must be either bp, or currency and amount")),
        }
    }
}

impl From<Worth> for Written {
    fn from(worth: Worth) -> Self {
        match worth {
            Worth::Share(bp) => Self { bp: Some(bp), currency: None, amount: None },
            Worth::Money(money) => {
                Self { bp: None, currency: Some(money.currency()), amount: Some(money.amount()) }
            }
        }
    }
}

impl JsonSchema for Worth {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Worth".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"oneOf": [
            {
                "type": "object",
                "properties": {"bp": {"type": "integer", "minimum": 0, "maximum": 10_000}},
                "required": ["bp"],
                "additionalProperties": false,
            },
            {
                "type": "object",
                "properties": {
                    "currency": generator.subschema_for::<Currency>(),
                    "amount": {"type": "integer", "minimum": 0, "maximum": Money::MAX},
                },
                "required": ["currency", "amount"],
                "additionalProperties": false,
            },
        ]})
    }
}

impl Worth {
    /// What it is counted in.
    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::Share(_) => Unit::Share,
            Self::Money(_) => Unit::Money,
        }
    }

    /// Its figure.
    pub(crate) fn figure(self) -> i64 {
        match self {
            Self::Share(bp) => bp,
            Self::Money(money) => money.amount(),
        }
    }

    /// Whether it is no more than another; `currency-mismatch` where they are not to be compared. Of two units neither is
    /// within the other.
    pub(crate) fn is_within(self, most: Self) -> Result<bool, Tag> {
        match (self, most) {
            (Self::Money(own), Self::Money(most)) if own.currency() != most.currency() => {
                Err(Tag::CurrencyMismatch)
            }
            _ => Ok(self.unit() == most.unit() && self.figure() <= most.figure()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::profile::control::OVERRIDE_TYPES;

    fn worth(value: serde_json::Value) -> Result<Worth, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn the_types_are_those_that_profiles_name() {
        let names: Vec<_> = OverrideType::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names, OVERRIDE_TYPES);
    }

    #[test]
    fn a_worth_is_a_share_or_an_amount() {
        for good in [json!({"bp": 0}), json!({"bp": 10_000}), json!({"currency": "EUR", "amount": 5})] {
            assert_eq!(serde_json::to_value(worth(good.clone()).unwrap()).unwrap(), good);
        }
        for bad in [
            json!({}),
            json!({"bp": 10_001}),
            json!({"bp": -1}),
            json!({"amount": 5}),
            json!({"currency": "EUR"}),
            json!({"currency": "EUR", "amount": -1}),
            json!({"currency": "EUR", "amount": 9_000_000_000_000_001_i64}),
            json!({"bp": 1, "currency": "EUR", "amount": 1}),
        ] {
            assert!(worth(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_type_says_in_what_its_worth_is_given() {
        let (share, euros) = (Worth::Share(5), worth(json!({"currency": "EUR", "amount": 5})).unwrap());
        for kind in OverrideType::ALL {
            let takes = [None, Some(share), Some(euros)].map(|worth| kind.check(worth, "value").is_ok());
            let units = kind.units();
            let expected = [units.is_empty(), units.contains(&Unit::Share), units.contains(&Unit::Money)];
            assert_eq!(takes, expected, "{kind:?}");
        }
    }

    #[test]
    fn only_like_is_compared_with_like() {
        let money =
            |currency: &str, amount: i64| worth(json!({"currency": currency, "amount": amount})).unwrap();
        assert_eq!(money("EUR", 5).is_within(money("EUR", 5)), Ok(true));
        assert_eq!(money("EUR", 6).is_within(money("EUR", 5)), Ok(false));
        assert_eq!(money("EUR", 1).is_within(money("USD", 5)), Err(Tag::CurrencyMismatch));
        assert_eq!(Worth::Share(1).is_within(money("USD", 5)), Ok(false));
        assert_eq!(Worth::Share(500).is_within(Worth::Share(500)), Ok(true));
    }
}
