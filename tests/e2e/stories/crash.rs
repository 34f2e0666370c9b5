//! The stack dies in the middle of a write.

use e2e::Deployment;
use serde_json::json;
use testkit::proxy::{Fault, Operation, When};

pub(crate) async fn a_write_that_a_crash_interrupted_happens_once(deployment: &Deployment) {
    let tenant = deployment.tenant().await;
    let create = json!({ "org_guid": tenant.org_guid, "caption": "Flagship", "idempotency_key": "flagship" });
    let list = json!({ "org_guid": tenant.org_guid });
    let centres = async || {
        let listed = tenant.client.post("/ofm/cost-centre/list", list.clone()).await;
        listed.data()["cost_centres"].as_array().map(Vec::len).unwrap_or_default()
    };
    let before = centres().await;

    // The write is on its way when everything goes down, and reaches the database after everything is up again.
    let proxy = deployment.proxy();
    let writes = proxy.count(&Operation::TransactWriteItems);
    proxy.inject(Fault::HoldBefore, When::always().of(Operation::TransactWriteItems));
    let sent = tokio::spawn({
        let (client, create) = (tenant.client.clone(), create.clone());
        async move { client.try_post("/ofm/cost-centre/create", create).await }
    });
    let is_write = |call: &&testkit::proxy::Call| call.operation == Operation::TransactWriteItems;
    proxy.until(|calls| calls.iter().filter(is_write).count() > writes).await;
    deployment.halt().await;
    proxy.clear();
    let lost = sent.await.expect("the caller lives on");
    assert!(lost.is_none_or(|reply| reply.status >= 500), "nobody can have answered");
    deployment.resume().await.expect("the stack starts again");
    assert_eq!(centres().await, before);
    proxy.release();

    let answer = tenant.client.post("/ofm/cost-centre/create", create.clone()).await;
    assert_eq!(answer.data()["caption"], "Flagship");
    assert_eq!(centres().await, before + 1);
    let again = tenant.client.post("/ofm/cost-centre/create", create).await;
    assert_eq!(again.header("idempotent-replay"), Some("true"));
    assert_eq!(again.data(), answer.data());
    let created = |event: &serde_json::Value| {
        event["detail-type"] == "cost-centre-created"
            && event["detail"]["aggregate_id"] == answer.data()["cc_guid"]
    };
    deployment.events().until(created).await;
}
