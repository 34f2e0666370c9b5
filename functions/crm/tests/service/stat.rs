//! Whether the service answers (crm §1).

use crm::SERVICE;
use serde_json::json;
use testkit::{Caller, World};

#[tokio::test]
async fn anyone_learns_that_the_service_answers_and_nothing_else() {
    let world = World::new().await;
    let answer = json!({"service": "crm", "status": "active"});
    for caller in [Caller::anonymous(), world.owner.clone()] {
        let reply = world.send(&SERVICE, &caller, "GET", "/stat", String::new()).await;
        assert_eq!(reply.data(), &answer);
        assert!(reply.body["stats"]["actor"].is_null() && reply.body["stats"]["orgcode"].is_null());
        assert_eq!(world.last_log()["reads"], 0);
    }
    world
        .send(&SERVICE, &Caller::anonymous(), "POST", "/stat", "{}".to_owned())
        .await
        .refused("method-not-allowed");
}
