//! The same request twice (contract §5).

use e2e::Deployment;
use serde_json::{Value, json};
use testkit::Reply;

pub(crate) async fn a_repeat_is_answered_alike_whichever_way_its_key_is_sent(deployment: &Deployment) {
    let tenant = deployment.tenant().await;
    let by_header = tenant.client.with("idempotency-key", "one-visit");
    let create = json!({ "customer": { "given_name": "Kim" }, "reason": "Walked in" });
    let mut by_body = create.clone();
    by_body["idempotency_key"] = "one-visit".into();

    let first = by_header.post("/crm/customer/create", create).await;
    assert_eq!(first.header("idempotent-replay"), None);
    for repeat in [
        by_header.post("/crm/customer/create", by_body.clone()).await,
        tenant.client.post("/crm/customer/create", by_body).await,
    ] {
        assert_eq!(repeat.header("idempotent-replay"), Some("true"));
        assert_eq!(before_stats(&repeat), before_stats(&first));
    }
    let listed = tenant.client.post("/crm/customer/list", json!({})).await;
    assert_eq!(listed.data()["customers"].as_array().map(Vec::len), Some(1));

    let other = json!({ "customer": { "given_name": "Lee" }, "reason": "Walked in" });
    by_header.post("/crm/customer/create", other).await.refused("idempotency-mismatch");
}

/// The answer as it was sent, but for `stats`.
fn before_stats(reply: &Reply) -> &str {
    assert!(reply.body["success"] == Value::Bool(true), "{}", reply.text);
    reply.text.split("\"stats\"").next().unwrap_or_default()
}

pub(crate) async fn a_key_is_told_once(deployment: &Deployment) {
    let tenant = deployment.tenant().await;
    let owner = &tenant.client;
    let account =
        json!({ "org_guid": tenant.org_guid, "code": "TILL", "caption": "Till", "roles": ["crm_view"] });
    let account = owner.post("/usm/service_account/create", account).await.data().clone();
    let create = json!({
        "org_guid": tenant.org_guid, "service_account_guid": account["service_account_guid"],
        "idempotency_key": "first-till",
    });
    let first = owner.post("/usm/api_key/create", create.clone()).await.data().clone();
    let secret = first["api_key"].as_str().expect("a key");
    assert!(secret.starts_with("k1_"));
    let program = owner.without("x-session-guid").with("x-api-key", secret);
    program.post("/crm/customer/list", json!({})).await.data();

    let again = owner.post("/usm/api_key/create", create).await;
    assert_eq!(again.header("idempotent-replay"), Some("true"));
    assert_eq!(again.data()["key_id"], first["key_id"]);
    assert_eq!(again.data()["secret_withheld"], true);
    assert!(!again.text.contains(secret));
}
