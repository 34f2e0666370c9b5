//! What happens because time passes. The clock is moved with the operator's `clock-set`, for everybody.

use e2e::Deployment;
use serde_json::json;

pub(crate) async fn a_session_ends_when_it_is_not_used(deployment: &Deployment) {
    let person = deployment.person().await;
    let validate = async || person.client.post("/usm/session/validate", json!({})).await;
    validate().await.data();
    deployment.advance_hours(2).await;
    let error = validate().await;
    assert_eq!(error.refused("session-expired")["minor"]["tag"], "ttl-expired");
    person.log_in().await.client.post("/usm/session/validate", json!({})).await.data();
}

pub(crate) async fn a_parked_org_waits_out_its_cooldown(deployment: &Deployment) {
    let mut tenant = deployment.tenant().await;
    let get = json!({ "org_guid": tenant.org_guid });
    let mut revision = tenant.client.post("/ofm/org/get", get).await.data()["revision"].clone();
    for (hours, status) in [(0, "parked"), (48, "verified"), (48, "parked")] {
        let set = json!({ "org_guid": tenant.org_guid, "status": status, "expected_revision": revision });
        if hours > 0 {
            tenant.client.post("/ofm/org/status/set", set.clone()).await.refused("cooldown");
            deployment.advance_hours(hours).await;
            tenant = tenant.log_in().await;
        }
        let org = tenant.client.post("/ofm/org/status/set", set).await.data().clone();
        assert_eq!(org["status"], status);
        revision = org["revision"].clone();
    }
    let create = json!({ "org_guid": tenant.org_guid, "caption": "Not now" });
    let refused = tenant.client.post("/ofm/cost-centre/create", create).await;
    assert_eq!(refused.refused("org-write-blocked")["details"]["status"], "parked");
}

pub(crate) async fn a_key_ends_when_the_policy_says_so(deployment: &Deployment) {
    let tenant = deployment.tenant().await;
    let key = tenant.key("TILL", &["crm_view"]).await;
    let list = async || key.post("/crm/customer/list", json!({})).await;
    deployment.advance_hours(30).await;
    list().await.data();
    let owner = tenant.log_in().await.client;
    let policy = json!({ "org_guid": tenant.org_guid, "max_age_days": 1 });
    owner.post("/usm/api_key/policy_set", policy).await.data();
    list().await.refused("api-key-expired");
    key.post("/usm/api_key/validate", json!({})).await.refused("api-key-expired");
}
