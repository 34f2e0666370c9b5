//! What is refused at a till: for every tag of profiles and override codes, a request that is refused with it.

use contract::error::Tag;
use e2e::{Client, Deployment, Tenant};
use serde_json::{Value, json};
use testkit::Reply;

use crate::provoked::{Refusal, facility, post};

/// Some fields, but for what others say.
fn with(mut fields: Value, others: Value) -> Value {
    if let (Value::Object(fields), Value::Object(others)) = (&mut fields, others) {
        fields.extend(others);
    }
    fields
}

struct Till<'t> {
    tenant: &'t Tenant,
    logical: Value,
}

impl Till<'_> {
    /// Gives out a code for 5 % off a line, but for what `fields` says.
    async fn generate(&self, fields: Value) -> Reply {
        let discount = json!({
            "logical_guid": self.logical, "type": "discount_line", "max_value": { "bp": 500 },
        });
        post(self.tenant, "/ofm/override-code/generate", with(discount, fields)).await
    }

    /// Uses a code as this caller, for the owner.
    async fn validate(&self, caller: &Client, code: &Value, fields: Value) -> Reply {
        let used = json!({
            "org_guid": self.tenant.org_guid, "logical_guid": self.logical, "code": code["code"],
            "type": "discount_line", "value": { "bp": 500 }, "operator_user_guid": self.tenant.owner.user_guid,
        });
        caller.post("/ofm/override-code/validate", with(used, fields)).await
    }
}

/// All of them. Moves the clock on by an hour.
pub(crate) async fn refusals(deployment: &Deployment) -> Vec<Refusal> {
    let tenant = &deployment.tenant().await;
    let till = Till { tenant, logical: facility(tenant, "TILL").await["logical_guid"].clone() };
    let elsewhere = facility(tenant, "ELSEWHERE").await["logical_guid"].clone();
    // Each caller fails less often than locks them out.
    let (ada, ben) = (tenant.key("ADA", &["owner"]).await, tenant.key("BEN", &["owner"]).await);
    let code = till.generate(json!({})).await.data().clone();
    let digits: u32 = code["code"].as_str().and_then(|code| code.parse().ok()).expect("digits");
    let wrong = json!({ "code": format!("{:06}", (digits + 1) % 1_000_000) });
    let revoked = till.generate(json!({})).await.data().clone();
    let revoke = json!({ "override_id": revoked["override_id"] });
    post(tenant, "/ofm/override-code/revoke", revoke).await.data();
    let bound = till.generate(json!({ "bind": { "action": "price-match" } })).await.data().clone();
    let euros = json!({ "currency": "EUR", "amount": 500 });
    let refund = till.generate(json!({ "type": "refund", "max_value": euros })).await.data().clone();
    let dollars = json!({ "type": "refund", "value": { "currency": "USD", "amount": 5 } });
    let late = till.generate(json!({})).await.data().clone();
    till.validate(&ben, &late, json!({ "dry_run": true })).await.data();
    let mut refused = vec![
        (Tag::OverrideNotFound, till.validate(&ada, &code, wrong).await),
        (Tag::OverrideNotActive, till.validate(&ada, &revoked, json!({})).await),
        (
            Tag::OverrideFacilityMismatch,
            till.validate(&ada, &code, json!({ "logical_guid": elsewhere })).await,
        ),
        (Tag::OverrideTypeMismatch, till.validate(&ada, &code, json!({ "type": "discount_order" })).await),
        (Tag::OverrideBindingMismatch, till.validate(&ben, &bound, json!({})).await),
        (Tag::OverrideLimitExceeded, till.validate(&ben, &code, json!({ "value": { "bp": 501 } })).await),
        (Tag::CurrencyMismatch, till.validate(&ben, &refund, dollars).await),
    ];
    till.validate(&ben, &code, json!({})).await.data();
    refused.push((Tag::OverrideExhausted, till.validate(&ben, &code, json!({})).await));
    refused.extend(of_profiles(&till).await);
    let cashier = deployment.person().await.user_guid;
    post(tenant, "/ofm/member/add", json!({ "user_guid": cashier })).await.data();
    deployment.advance_hours(1).await;
    let at_last = till.validate(&ben, &late, json!({ "operator_user_guid": cashier })).await;
    refused.push((Tag::OverrideExpired, at_last));
    refused
}

/// What an owner may not who has a profile like everybody else.
async fn of_profiles(till: &Till<'_>) -> Vec<Refusal> {
    let tenant = till.tenant;
    let controls = json!({ "override.issue_allowed": true, "override.issue_types": ["discount_line"] });
    let profile =
        json!({ "code": "FLOOR", "caption": "Shop floor", "currency": "EUR", "controls": controls });
    let profile = post(tenant, "/ofm/profile/create", profile).await.data().clone();
    let assign = json!({
        "profile_id": profile["profile_id"], "level": "member", "user_guid": tenant.owner.user_guid,
        "logical_guid": till.logical,
    });
    post(tenant, "/ofm/profile/assign", assign).await.data();
    let own = till.generate(json!({})).await.data().clone();
    vec![
        (Tag::ProfileLimitExceeded, till.generate(json!({ "max_value": { "bp": 5000 } })).await),
        (Tag::OverrideSelfUse, till.validate(&tenant.client, &own, json!({})).await),
        (Tag::OrgDefaultRequired, post(tenant, "/ofm/profile/unassign", json!({ "level": "org" })).await),
    ]
}
