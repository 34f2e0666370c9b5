//! The first day of a retailer.

use e2e::Deployment;
use serde_json::{Value, json};

/// Of the person who is deleted. They must not be on the bus.
const PERSONAL: [&str; 4] = ["Dana", "Reyes", "dana.reyes@example.com", "2025550147"];

/// Contract §10: what every event tells.
const DETAIL: [&str; 14] = [
    "action",
    "aggregate_id",
    "aggregate_revision",
    "aggregate_type",
    "build",
    "correlation_id",
    "data",
    "event_id",
    "orgcode",
    "request_context",
    "schema_version",
    "sequence",
    "service",
    "timestamp_utc",
];

pub(crate) async fn from_an_empty_table_to_a_customer_who_is_gone(deployment: &Deployment) {
    let tenant = deployment.tenant().await;
    let (owner, org_guid) = (&tenant.client, &tenant.org_guid);

    let centre = json!({ "orgcode": tenant.orgcode, "caption": "Flagship store" });
    let centre = owner.post("/ofm/cost-centre/create", centre).await.data().clone();
    let get = json!({ "org_guid": org_guid, "cc_guid": centre["cc_guid"] });
    assert_eq!(owner.post("/ofm/cost-centre/get", get).await.data()["caption"], "Flagship store");

    let create = json!({
        "customer": {
            "given_name": "Dana", "family_name": "Reyes", "customer_code": "VIP-1",
            "emails": [{ "email": "dana.reyes@example.com", "primary": true }],
            "phones": [{ "phone": "+12025550147", "primary": true }],
            "external_refs": [{ "system": "pos", "id": "4711" }],
        },
        "reason": "Walked in",
    });
    let customer = owner.post("/crm/customer/create", create).await.data()["customer"].clone();
    let guid = &customer["customer_guid"];
    let ways = [
        json!({ "customer_guid": guid }),
        json!({ "customer_code": "vip-1" }),
        json!({ "email": " Dana.Reyes@Example.com " }),
        json!({ "phone": "+1 202 555 0147" }),
        json!({ "external_ref": { "system": "pos", "id": "4711" } }),
    ];
    for way in &ways {
        let found = owner.post("/crm/customer/get", way.clone()).await;
        assert_eq!(found.data()["customer"], customer, "by {way}");
    }
    let listed = owner.post("/crm/customer/list", json!({})).await.data().clone();
    assert_eq!(listed["customers"], json!([customer]));
    let ends = "next_token is absent on the last page";
    assert!(listed.get("next_token").is_none(), "{ends}: {listed}");

    let delete = json!({ "customer_guid": guid, "reason": "Asked for it" });
    let deleted = owner.post("/crm/customer/delete", delete).await.data().clone();
    assert_eq!(deleted["state"], "completed");
    for way in &ways {
        owner.post("/crm/customer/get", way.clone()).await.refused("not-found");
    }
    let listed = owner.post("/crm/customer/list", json!({})).await.data().clone();
    assert_eq!(listed["customers"], json!([]));

    let is_it = |event: &Value| {
        event["detail-type"] == "customer-deleted" && event["detail"]["aggregate_id"] == *guid
    };
    let event = deployment.events().until(is_it).await;
    told_as_the_contract_says(&event);
    let detail = &event["detail"];
    assert_eq!(detail["orgcode"], tenant.orgcode);
    assert_eq!(detail["request_context"]["actor"], tenant.owner.user_guid);
    assert_eq!(detail["data"]["items_deleted"], deleted["items_deleted"]);
    let personal = PERSONAL.into_iter().chain([tenant.owner.email.as_str()]);
    for event in deployment.events().seen().await {
        let text = event.to_string();
        let leaked = personal.clone().find(|word| text.contains(word));
        assert_eq!(leaked, None, "{text}");
    }
}

/// Contract §10.
fn told_as_the_contract_says(event: &Value) {
    assert_eq!(event["source"], "g3n.crm");
    assert_eq!(event["detail"]["service"], "crm");
    assert_eq!(event["detail"]["action"], event["detail-type"]);
    assert_eq!(event["detail"]["aggregate_type"], "customer");
    for name in DETAIL {
        assert!(event["detail"].get(name).is_some_and(|value| !value.is_null()), "no {name} in {event}");
    }
    for name in ["reason", "source_refs"] {
        assert!(event["detail"].get(name).is_some(), "no {name} in {event}");
    }
}
