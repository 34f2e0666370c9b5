//! What an issuer may give out: nothing beyond their own profile (contract ofm §14, *Generate*).

use contract::error::{Error, Result, Tag};
use serde_json::{Value, json};

use super::worth::{OverrideType, Unit, Worth};
use crate::profile::{
    control::Setting,
    controls::{Controls, Power},
};

/// What of a profile caps a type of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cap {
    /// It must be allowed.
    Allowed(&'static str),
    /// It must be allowed at least once.
    Some(&'static str),
    /// It must be no more than this.
    Most(&'static str),
}

/// The caps of a type, given in some unit.
const fn caps(kind: OverrideType, unit: Option<Unit>) -> &'static [Cap] {
    use Cap::{Allowed, Most, Some};
    match (kind, unit) {
        (OverrideType::DiscountLine, Option::Some(Unit::Share)) => &[Most("discount.line_max_bp")],
        (OverrideType::DiscountLine, _) => &[Most("discount.line_max_amount")],
        (OverrideType::DiscountOrder, Option::Some(Unit::Share)) => &[Most("discount.order_max_bp")],
        (OverrideType::DiscountOrder, _) => &[Most("discount.order_max_amount")],
        (OverrideType::PriceOverride, _) => {
            &[Allowed("discount.price_override_allowed"), Most("discount.price_override_max_bp")]
        }
        (OverrideType::Refund, _) => &[Most("refund.max_per_refund_amount")],
        (OverrideType::ReturnNoReceipt, _) => &[Most("txn.return_no_receipt_max_amount")],
        (OverrideType::LineVoid, _) => &[Most("txn.line_void_max_amount")],
        (OverrideType::PostVoid, _) => &[Allowed("txn.post_void_allowed"), Most("txn.sale_max_amount")],
        (OverrideType::PaidIn, _) => &[Most("cash.paid_in_max_amount")],
        (OverrideType::PaidOut, _) => &[Most("cash.paid_out_max_amount")],
        (OverrideType::OpenItem, _) => &[Most("department.open_item_max_amount")],
        (OverrideType::Check, _) => &[Most("tender.check_max_amount")],
        (OverrideType::CashVariance, _) => &[Most("cash.count_variance_max_amount")],
        (OverrideType::NoSale, _) => &[Some("cash.no_sale_max_per_shift")],
        (OverrideType::TaxExempt, _) => &[Allowed("txn.tax_exempt_allowed")],
        (OverrideType::AgeRestricted, _) => &[Allowed("department.age_restricted_allowed")],
    }
}

/// What an issuer asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// For what.
    pub(super) kind: OverrideType,
    /// How much.
    pub(super) worth: Option<Worth>,
    /// How often.
    pub(super) uses: i64,
    /// For how long.
    pub(super) minutes: i64,
}

/// A flag; what is none is not set.
pub(super) fn allows(controls: &Controls, name: &str) -> bool {
    matches!(controls.get(name), Some(Setting::Flag(true)))
}

/// A limit; none for no limit. What is none allows nothing.
pub(super) fn most(controls: &Controls, name: &str) -> Option<i64> {
    match controls.get(name) {
        Some(Setting::Limit(most)) => *most,
        _ => Some(0),
    }
}

fn exceeded(controls: &Controls, control: &str, asked: impl Into<Value>) -> Error {
    Error::from(Tag::ProfileLimitExceeded)
        .detail("control", control)
        .detail("own", json!(controls.get(control)))
        .detail("asked", asked)
}

fn within(controls: &Controls, control: &str, asked: i64) -> Result<()> {
    match most(controls, control) {
        Some(most) if asked > most => Err(exceeded(controls, control, asked)),
        _ => Ok(()),
    }
}

impl Asked {
    /// Refuses what is beyond the issuer's profile, naming the control.
    pub(super) fn check(self, own: Power<'_>) -> Result<()> {
        let controls = own.controls;
        if !allows(controls, "override.issue_allowed") {
            return Err(exceeded(controls, "override.issue_allowed", true));
        }
        let types = controls.get("override.issue_types");
        if !matches!(types, Some(Setting::Set(types)) if types.contains(&self.kind.name())) {
            return Err(exceeded(controls, "override.issue_types", self.kind.name()));
        }
        within(controls, "override.issue_max_uses", self.uses)?;
        within(controls, "override.issue_max_minutes", self.minutes)?;
        caps(self.kind, self.worth.map(Worth::unit)).iter().try_for_each(|cap| self.check_cap(*cap, own))
    }

    fn check_cap(self, cap: Cap, own: Power<'_>) -> Result<()> {
        let controls = own.controls;
        match (cap, self.worth) {
            (Cap::Allowed(name), _) if !allows(controls, name) => Err(exceeded(controls, name, true)),
            (Cap::Some(name), _) => within(controls, name, 1),
            (Cap::Most(_), Some(Worth::Money(money))) if Some(money.currency()) != own.currency => {
                Err(Error::from(Tag::CurrencyMismatch)
                    .detail("field", "max_value")
                    .detail("currency", json!(own.currency)))
            }
            (Cap::Most(name), Some(worth)) => within(controls, name, worth.figure()),
            (Cap::Allowed(_) | Cap::Most(_), _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::input;
    use proptest::{prelude::*, sample::select};
    use serde::Deserialize;

    use super::*;
    use crate::profile::{
        control::{CONTROLS, Kind, OVERRIDE_TYPES, place_of},
        controls::ControlChanges,
    };

    #[derive(Deserialize)]
    struct Request {
        controls: ControlChanges,
    }

    fn own(changes: &Value) -> Controls {
        let mut all = json!({
            "override.issue_allowed": true, "override.issue_types": OVERRIDE_TYPES,
            "override.issue_max_uses": 3, "override.issue_max_minutes": 30,
        });
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let mut controls = Controls::default();
        controls.apply(input::read::<Request>(&json!({"controls": all})).expect("controls").controls);
        controls
    }

    fn asked(kind: OverrideType, worth: Value) -> Asked {
        let worth = serde_json::from_value(worth).unwrap();
        Asked { kind, worth, uses: 1, minutes: 15 }
    }

    fn check(asked: Asked, controls: &Controls) -> Option<(Tag, Value)> {
        let currency = "EUR".parse().ok();
        let refused = asked.check(Power { controls, currency }).err()?;
        Some((refused.tag(), refused.get("control").cloned().unwrap_or_default()))
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be none")]
    fn beyond(control: &str) -> Option<(Tag, Value)> {
        Some((Tag::ProfileLimitExceeded, json!(control)))
    }

    #[test]
    fn every_cap_is_a_control_of_its_kind() {
        for kind in OverrideType::ALL {
            let units = kind.units().iter().copied().map(Some).chain(kind.units().is_empty().then_some(None));
            for unit in units {
                for cap in caps(*kind, unit) {
                    let (Cap::Allowed(name) | Cap::Some(name) | Cap::Most(name)) = cap;
                    let control = &CONTROLS[place_of(name).expect("a control")];
                    let right = match (cap, unit) {
                        (Cap::Allowed(_), _) => control.kind == Kind::Flag { narrows: false },
                        (Cap::Some(_), _) => control.kind == Kind::Count,
                        (Cap::Most(_), Some(Unit::Share)) => control.kind == Kind::BasisPoints,
                        (Cap::Most(_), _) => control.kind == Kind::Amount,
                    };
                    assert!(right, "{kind:?} {cap:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_beyond_the_issuers_own_is_given_out() {
        let refund = |amount: i64| asked(OverrideType::Refund, json!({"currency": "EUR", "amount": amount}));
        let controls = own(&json!({}));
        assert_eq!(check(refund(10_000), &controls), None);
        assert_eq!(check(refund(10_001), &controls), beyond("refund.max_per_refund_amount"));
        assert_eq!(check(refund(10_001), &own(&json!({"refund.max_per_refund_amount": null}))), None);
        assert_eq!(
            check(refund(1), &own(&json!({"override.issue_allowed": false}))),
            beyond("override.issue_allowed")
        );
        let types = own(&json!({"override.issue_types": ["no_sale"]}));
        assert_eq!(check(refund(1), &types), beyond("override.issue_types"));
        assert_eq!(check(Asked { uses: 4, ..refund(1) }, &controls), beyond("override.issue_max_uses"));
        assert_eq!(
            check(Asked { minutes: 31, ..refund(1) }, &controls),
            beyond("override.issue_max_minutes")
        );
        let dollars = asked(OverrideType::Refund, json!({"currency": "USD", "amount": 1}));
        assert_eq!(check(dollars, &controls).map(|refused| refused.0), Some(Tag::CurrencyMismatch));
        let price = asked(OverrideType::PriceOverride, json!({"bp": 100}));
        assert_eq!(check(price, &controls), beyond("discount.price_override_allowed"));
        let allowed =
            own(&json!({"discount.price_override_allowed": true, "discount.price_override_max_bp": 99}));
        assert_eq!(check(price, &allowed), beyond("discount.price_override_max_bp"));
        let void = asked(OverrideType::PostVoid, json!({"currency": "EUR", "amount": 1}));
        assert_eq!(check(void, &controls), beyond("txn.post_void_allowed"));
        assert_eq!(check(void, &own(&json!({"txn.post_void_allowed": true}))), None);
        let no_sale = asked(OverrideType::NoSale, Value::Null);
        assert_eq!(check(no_sale, &controls), beyond("cash.no_sale_max_per_shift"));
        for some in [json!(1), json!(null)] {
            assert_eq!(check(no_sale, &own(&json!({"cash.no_sale_max_per_shift": some}))), None);
        }
        let exempt = asked(OverrideType::TaxExempt, Value::Null);
        assert_eq!(check(exempt, &controls), beyond("txn.tax_exempt_allowed"));
        assert_eq!(check(exempt, &own(&json!({"txn.tax_exempt_allowed": true}))), None);
    }

    proptest! {
        #[test]
        fn a_discount_is_capped_in_the_unit_that_it_is_given_in(
            line in 0_i64..100, order in 0_i64..100, share in 0_i64..100, figure in 0_i64..100,
            kind in select(&[OverrideType::DiscountLine, OverrideType::DiscountOrder][..]),
            as_share: bool,
        ) {
            let controls = own(&json!({
                "discount.line_max_bp": share, "discount.order_max_bp": share,
                "discount.line_max_amount": line, "discount.order_max_amount": order,
            }));
            let worth = if as_share { json!({"bp": figure}) } else { json!({"currency": "EUR", "amount": figure}) };
            let most = match (as_share, kind) {
                (true, _) => share,
                (false, OverrideType::DiscountLine) => line,
                (false, _) => order,
            };
            prop_assert_eq!(check(asked(kind, worth), &controls).is_none(), figure <= most);
        }
    }
}
