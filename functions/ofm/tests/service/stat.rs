//! `GET /stat` (ofm §3).

use ofm::SERVICE;
use serde_json::json;
use testkit::{Caller, World};

#[tokio::test]
async fn any_good_credential_learns_that_the_service_answers() {
    let world = World::new().await;
    for caller in [world.stranger().await, world.key(&["crm_view"]).await] {
        let reply = world.send(&SERVICE, &caller, "GET", "/stat", String::new()).await;
        let expected =
            json!({"service": "ofm", "status": "ok", "note": "See Envelope", "time_utc": world.now()});
        assert_eq!(reply.data(), &expected);
    }
    world.send(&SERVICE, &Caller::anonymous(), "GET", "/stat", String::new()).await.refused("auth-required");
}
