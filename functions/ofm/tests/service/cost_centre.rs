//! Cost centres (ofm §5).

use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::World;

async fn create(world: &World) -> Value {
    world.post(&SERVICE, &world.owner, "/cost-centre/create", json!({"caption": "Shop"})).await.data().clone()
}

#[tokio::test]
async fn what_was_created_is_read_in_one_round_trip() {
    let world = World::new().await;
    let created = create(&world).await;
    assert_eq!(world.last_log()["reads"], 1);
    assert_eq!(world.last_log()["writes"], 1);
    let get = json!({"cc_guid": created["cc_guid"]});
    let reply = world.post(&SERVICE, &world.owner, "/cost-centre/get", get).await;
    assert_eq!(reply.data(), &created);
    assert_eq!(reply.body["revision"], created["revision"]);
    assert_eq!((world.last_log()["reads"].as_u64(), world.last_log()["writes"].as_u64()), (Some(1), Some(0)));
}

#[tokio::test]
async fn a_change_needs_the_revision_that_stands() {
    let world = World::new().await;
    let created = create(&world).await;
    let update = |revision: Value| {
        json!({"cc_guid": created["cc_guid"], "caption": "New", "expected_revision": revision})
    };
    let call = async |fields| world.post(&SERVICE, &world.owner, "/cost-centre/update", fields).await;
    call(update(Value::Null)).await.refused("expected-revision-required");
    let updated = call(update(created["revision"].clone())).await;
    assert_eq!(updated.data()["caption"], "New");
    let stale = call(update(created["revision"].clone())).await;
    assert_eq!(&stale.refused("conflict")["details"]["current"], updated.data());
    assert_eq!(stale.body["revision"], updated.data()["revision"]);
}
