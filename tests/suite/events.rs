//! The sample invocations of `events/`, each sent through the function that it is for. That of the relay is sent by
//! the relay's own tests.

use serde_json::{Value, json};
use service::{Service, direct};
use testkit::{Reply, World};

use crate::event;

/// Sends a request of API Gateway through a function, with what it says of the demo tenant said of this world.
async fn gateway(world: &World, service: &'static Service, sample: &str) -> Reply {
    let event = sample.replace("SESSION_GUID", world.owner.credential()).replace("DEMO", &world.orgcode);
    event::invoke(world, service, &event).await
}

async fn operate(world: &World, action: Value) -> Value {
    let answer = direct::handle(world.app(&operator::SERVICE), &action.to_string(), "request", None).await;
    assert_eq!(answer["success"], true, "{answer}");
    answer["data"].clone()
}

#[tokio::test]
async fn a_post_to_ofm_makes_a_cost_centre() {
    let world = World::new().await;
    let reply = gateway(&world, &ofm::SERVICE, include_str!("../../events/ofm-post.json")).await;
    assert_eq!(reply.data()["caption"], "Front of house");
    assert_eq!(reply.body["stats"]["call"], "POST /cost-centre/create");
    assert_eq!(reply.body["stats"]["request_id"], "JKJaXmPLvHcESHA=");
}

#[tokio::test]
async fn a_get_from_ofm_or_crm_tells_that_it_answers() {
    let world = World::new().await;
    let ofm = gateway(&world, &ofm::SERVICE, include_str!("../../events/ofm-get.json")).await;
    assert_eq!(ofm.data()["service"], "ofm");
    let crm = gateway(&world, &crm::SERVICE, include_str!("../../events/crm-get.json")).await;
    assert_eq!(crm.data()["service"], "crm");
}

#[tokio::test]
async fn a_post_to_crm_makes_a_customer() {
    let world = World::new().await;
    let reply = gateway(&world, &crm::SERVICE, include_str!("../../events/crm-post.json")).await;
    assert_eq!(reply.data()["customer"]["given_name"], "Dana");
}

#[tokio::test]
async fn a_post_to_referral_records_a_click() {
    let world = World::new().await;
    let code = json!({
        "action": "referral-code-create", "actor": "test", "reason": "To hand out", "orgcode": world.orgcode,
        "mentor_id": "usr_4491",
    });
    let code = operate(&world, code).await["referral_code"]["code"].clone();
    let sample = include_str!("../../events/referral-post.json");
    let sample = sample.replace("JAN-VERV-8F3A", code.as_str().expect("a code"));
    let reply = gateway(&world, &referral::SERVICE, &sample).await;
    assert_eq!((reply.status, &reply.data()["code"]), (201, &code));
    assert_eq!(reply.data()["ip_address"], "192.0.2.10");
    assert_eq!(reply.data()["user_agent"], "curl/8.5.0");
}

#[tokio::test]
async fn an_operator_makes_a_user_who_logs_in() {
    let world = World::new().await;
    let sample: Value = serde_json::from_str(include_str!("../../events/operator.json")).expect("JSON");
    let user = operate(&world, sample.clone()).await;
    assert_eq!(user["display_name"], sample["display_name"]);

    let step = |action: &str, fields: Value| {
        let mut step = json!({"action": action, "actor": "test", "reason": "To log in"});
        step["user_guid"] = user["user_guid"].clone();
        for (name, value) in fields.as_object().into_iter().flatten() {
            step[name] = value.clone();
        }
        step
    };
    let user = operate(&world, step("email-confirm", json!({"email": sample["email"]}))).await;
    let verified = json!({"status": "verified", "expected_revision": user["revision"]});
    operate(&world, step("user-status-set", verified)).await;

    let email = sample["email"].as_str().expect("an address");
    let log_in = include_str!("../../events/usm-post.json").replace("demo@example.com", email);
    let reply = gateway(&world, &usm::SERVICE, &log_in).await;
    assert_eq!(reply.data()["user_guid"], user["user_guid"]);
}
