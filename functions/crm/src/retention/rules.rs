//! The rules of a retention policy, and their limits (crm §13).

use std::borrow::Cow;

use contract::input::Patch;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::pattern::pattern;

/// A number of days, `LEAST` to 36,500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Days<const LEAST: u32>(u32);

impl<const LEAST: u32> Days<LEAST> {
    /// A hundred years.
    const MOST: u32 = 36_500;
}

impl<'de, const LEAST: u32> Deserialize<'de> for Days<LEAST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days = i64::deserialize(deserializer)?;
        match u32::try_from(days) {
            Ok(days) if (LEAST..=Self::MOST).contains(&days) => Ok(Self(days)),
            _ => Err(D::Error::custom(format_args!("must be {LEAST} to {}", Self::MOST))),
        }
    }
}

impl<const LEAST: u32> JsonSchema for Days<LEAST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Days{LEAST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": LEAST, "maximum": Self::MOST})
    }
}

/// What happens to a customer whose time is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CustomerAction {
    /// Nobody knows any more who it was; figures stay.
    #[default]
    Anonymize,
    /// Nothing stays.
    Delete,
}

pattern! {
    /// A time of the day: `HH:MM`.
    TimeOfDay,
    is_time_of_day,
    "^([01][0-9]|2[0-3]):[0-5][0-9]$",
    "must be a time of the day, HH:MM"
}

fn is_time_of_day(text: &str) -> bool {
    match text.as_bytes() {
        [h1, h2, b':', m1, m2] => {
            let digits = [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit());
            digits && (*h1 < b'2' || (*h1 == b'2' && *h2 <= b'3')) && *m1 <= b'5'
        }
        _ => false,
    }
}

impl Default for TimeOfDay {
    /// At night.
    fn default() -> Self {
        Self("03:00".to_owned())
    }
}

/// Declares the rules once: as they are kept, and as they are sent.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident: $least:literal,)*) => {
        /// What is kept for how many days; null keeps for ever.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[schemars(rename = "RetentionRules")]
        pub struct Rules {
            $($(#[$doc])* pub $rule: Option<Days<$least>>,)*
            /// What happens to a customer whose time is over.
            pub customer_action: CustomerAction,
            /// Whether customers with points, a live card, certificate, warranty or subscription are kept.
            pub keep_with_value: bool,
        }

        impl Default for Rules {
            fn default() -> Self {
                Self { $($rule: None,)* customer_action: CustomerAction::default(), keep_with_value: true }
            }
        }

        /// The rules that are to change.
        #[derive(Clone, Deserialize, JsonSchema)]
        #[schemars(rename = "RetentionRules")]
        pub(super) struct GivenRules {
            $($(#[$doc])* $rule: Patch<Days<$least>>,)*
            /// What happens to a customer whose time is over.
            customer_action: Option<CustomerAction>,
            /// Whether customers with points, a live card, certificate, warranty or subscription are kept.
            keep_with_value: Option<bool>,
        }

        impl GivenRules {
            /// The rules with those changed that were sent.
            pub(super) fn merged_into(self, mut rules: Rules) -> Rules {
                $(self.$rule.apply(&mut rules.$rule);)*
                rules.customer_action = self.customer_action.unwrap_or(rules.customer_action);
                rules.keep_with_value = self.keep_with_value.unwrap_or(rules.keep_with_value);
                rules
            }
        }
    };
}

rules! {
    /// Customers, since their last activity.
    customer_retention_days: 1,
    /// Guests, since their last activity.
    guest_retention_days: 1,
    /// Entries of points, which are then folded into an opening figure.
    loyalty_txn_retention_days: 365,
    /// Past consents.
    consent_history_days: 1,
    /// Assessments of fraud.
    fraud_assessment_days: 1,
    /// Closed flags.
    flag_closed_days: 1,
    /// Resolved holds.
    hold_closed_days: 1,
    /// Gift cards that are used up.
    giftcard_closed_days: 365,
    /// Warranties that are over.
    warranty_closed_days: 365,
    /// Exemption certificates that are over.
    exemption_closed_days: 365,
    /// Subscriptions that are over.
    subscription_closed_days: 365,
    /// Comments.
    comment_days: 730,
    /// Notices in the inbox.
    inbox_days: 1,
}

#[cfg(test)]
mod tests {
    use contract::input;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn given(value: &Value) -> Result<GivenRules, String> {
        input::read(value).map_err(|problems| format!("{} {}", problems[0].field, problems[0].problem))
    }

    #[test]
    fn each_rule_has_its_limits() {
        for (rule, days, good) in [
            ("customer_retention_days", 1, true),
            ("customer_retention_days", 0, false),
            ("customer_retention_days", 36_500, true),
            ("customer_retention_days", 36_501, false),
            ("loyalty_txn_retention_days", 364, false),
            ("loyalty_txn_retention_days", 365, true),
            ("comment_days", 729, false),
            ("comment_days", 730, true),
            ("inbox_days", -1, false),
        ] {
            assert_eq!(given(&json!({rule: days})).is_ok(), good, "{rule} {days}");
        }
        assert_eq!(
            given(&json!({"comment_days": 1})).err().as_deref(),
            Some("comment_days must be 730 to 36500")
        );
    }

    #[test]
    fn times_of_the_day() {
        for (text, good) in [
            ("00:00", true),
            ("23:59", true),
            ("24:00", false),
            ("12:60", false),
            ("1:00", false),
            ("ab:cd", false),
        ] {
            assert_eq!(text.parse::<TimeOfDay>().is_ok(), good, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_left_out_stays_and_null_keeps_for_ever(a: Option<bool>, days in 1u32..36_501, clear: bool) {
            let first = given(&json!({"inbox_days": days, "consent_history_days": days})).unwrap();
            let first = first.merged_into(Rules::default());
            let change = if clear { json!({"inbox_days": null, "keep_with_value": a}) } else { json!({"keep_with_value": a}) };
            let second = given(&change).unwrap().merged_into(first);
            prop_assert_eq!(second.inbox_days.is_none(), clear);
            prop_assert_eq!(second.consent_history_days, first.consent_history_days);
            prop_assert_eq!(second.keep_with_value, a.unwrap_or(true));
        }
    }
}
