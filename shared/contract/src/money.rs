//! Amounts of money: whole minor units of one currency (contract §8).

use std::{fmt, str::FromStr};

use iso_currency::IntoEnumIterator;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::{
    json::{self, json_choice},
    problem::Problem,
};

/// A currency by its ISO 4217 code, in capitals: `EUR`.
///
/// Codes without a minor unit (gold, testing, "no currency") are no currencies here: nothing could be counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The code.
    pub fn as_str(self) -> &'static str {
        self.0.code()
    }

    fn all() -> impl Iterator<Item = Self> {
        iso_currency::Currency::iter().filter(|currency| currency.exponent().is_some()).map(Self)
    }
}

impl FromStr for Currency {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        iso_currency::Currency::from_code(text)
            .filter(|currency| currency.exponent().is_some())
            .map(Self)
            .ok_or(Problem::new("must be a currency of ISO 4217, such as EUR"))
    }
}

json_choice!(Currency, as_str, Self::all().map(Self::as_str).collect::<Vec<_>>());

/// An amount of money: at most 9·10^15 minor units (cents) either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// What the amount is counted in.
    currency: Currency,
    /// Minor units; never a fraction.
    #[serde(deserialize_with = "amount")]
    #[schemars(range(min = -Money::MAX, max = Money::MAX))]
    amount: i64,
}

/// Why two amounts have no sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyError {
    /// Two currencies never meet in one sum.
    CurrencyMismatch,
    /// The amount is beyond 9·10^15.
    Overflow,
}

impl Money {
    /// Largest amount either way, in minor units: exact in every JSON reader, also where numbers are floats.
    pub const MAX: i64 = 9_000_000_000_000_000;

    /// So many minor units.
    pub fn new(currency: Currency, amount: i64) -> Result<Self, MoneyError> {
        if amount.unsigned_abs() > Self::MAX.unsigned_abs() {
            return Err(MoneyError::Overflow);
        }
        Ok(Self { currency, amount })
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { currency, amount: 0 }
    }

    /// What the amount is counted in.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Minor units.
    pub const fn amount(self) -> i64 {
        self.amount
    }

    /// The sum of both.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.currency, self.amount + other.amount)
    }

    /// What is left of this without the other; may be negative.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.currency, self.amount - other.amount)
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::CurrencyMismatch) }
    }
}

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let amount = json::whole_number(deserializer)?;
    if amount.unsigned_abs() > Money::MAX.unsigned_abs() {
        return Err(Error::custom("must be within 9000000000000000 either way"));
    }
    Ok(amount)
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CurrencyMismatch => "the amounts are in different currencies",
            Self::Overflow => "the amount is too large",
        })
    }
}

impl std::error::Error for MoneyError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn read(value: Value) -> Result<Money, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn currencies_are_codes_that_have_a_minor_unit() {
        for code in ["EUR", "USD", "JPY", "KWD", "XCG"] {
            assert_eq!(currency(code).to_string(), code);
        }
        for code in ["", "eur", "EU", "EURO", "ABC", "XXX", "XTS", "XAU", " EUR"] {
            assert!(code.parse::<Currency>().is_err(), "{code}");
        }
        for code in Currency::all() {
            assert_eq!(code.as_str().parse(), Ok(code));
        }
    }

    #[test]
    fn money_is_read_exactly() {
        for amount in [0, -1, 1099, Money::MAX, -Money::MAX] {
            let written = json!({"currency": "EUR", "amount": amount});
            let money = read(written.clone()).unwrap();
            assert_eq!((money.currency(), money.amount()), (currency("EUR"), amount));
            assert_eq!(serde_json::to_value(money).unwrap(), written);
        }
    }

    #[test]
    fn fractions_unknown_currencies_and_fields_are_refused() {
        for (wrong, problem) in [
            (json!({"currency": "EUR", "amount": 10.99}), "a whole number"),
            (json!({"currency": "EUR", "amount": 10.0}), "a whole number"),
            (json!({"currency": "EUR", "amount": "10"}), "a whole number"),
            (json!({"currency": "EUR", "amount": Money::MAX + 1}), "must be within"),
            (json!({"currency": "EUR", "amount": i64::MIN}), "must be within"),
            (json!({"currency": "EUR", "amount": u64::MAX}), "is too large"),
            (json!({"currency": "EUX", "amount": 1}), "ISO 4217"),
            (json!({"currency": "EUR"}), "missing field"),
            (json!({"currency": "EUR", "amount": 1, "scale": 2}), "unknown field"),
        ] {
            let error = read(wrong.clone()).unwrap_err();
            assert!(error.contains(problem), "{wrong}: {error}");
        }
    }

    #[test]
    fn two_currencies_never_meet() {
        let (euro, yen) = (Money::zero(currency("EUR")), Money::zero(currency("JPY")));
        assert_eq!(euro.checked_add(yen), Err(MoneyError::CurrencyMismatch));
        assert_eq!(euro.checked_sub(yen), Err(MoneyError::CurrencyMismatch));
    }

    proptest! {
        #[test]
        fn sums_are_exact_or_refused(a in -Money::MAX..=Money::MAX, b in -Money::MAX..=Money::MAX) {
            let money = |amount| Money::new(currency("EUR"), amount);
            let (x, y) = (money(a).unwrap(), money(b).unwrap());
            prop_assert_eq!(x.checked_add(y), money(a + b));
            prop_assert_eq!(x.checked_sub(y), money(a - b));
            if let Ok(sum) = x.checked_add(y) {
                prop_assert_eq!(sum.checked_sub(y), Ok(x));
            }
        }
    }
}
