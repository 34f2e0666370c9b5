//! Owners (ofm §8).

use identity::{keys, owner::OwnerState};
use ofm::SERVICE;
use serde_json::json;
use testkit::World;

#[tokio::test]
async fn owners_are_listed_to_every_member_and_removed_ones_on_demand() {
    let world = World::new().await;
    let member = world.member(&[]).await;
    let call = async |fields| world.post(&SERVICE, &member, "/owner/list", fields).await;

    let listed = call(json!({})).await;
    let owner = &listed.data()["owners"][0];
    assert_eq!(owner["user_guid"], json!(world.owner.user_guid));
    assert_eq!(owner["display_name"], "Olive Owner");
    let flags = ["create_owner", "primary_owner", "secondary_owner"].map(|flag| owner[flag].as_bool());
    assert_eq!(flags, [Some(true), Some(true), Some(false)]);
    for field in ["org_guid", "state", "since", "revision", "created_at", "updated_at"] {
        assert!(owner[field].is_string(), "{field}");
    }
    assert!(listed.data().get("next_token").is_none());
    assert_eq!(world.last_log()["reads"], 2);

    let key = keys::owner(&world.org, world.owner.user_guid);
    world.meddle(&world.org, &key, |owner| owner.state = OwnerState::Removed).await;
    assert_eq!(call(json!({})).await.data()["owners"], json!([]));
    for shown in [json!({"state": "removed"}), json!({"state": "all"}), json!({"include_doomed": true})] {
        assert_eq!(call(shown).await.data()["owners"].as_array().unwrap().len(), 1);
    }
    assert_eq!(call(json!({"state": "doomed"})).await.refused_fields(), ["state"]);
}

#[tokio::test]
async fn owners_are_not_told_to_others() {
    let world = World::new().await;
    let call = async |caller| world.post(&SERVICE, &caller, "/owner/list", json!({})).await;
    call(world.stranger().await).await.refused("not-found");
    call(world.another().await.owner).await.refused("not-found");
    call(world.key(&["crm_view"]).await).await.refused("forbidden");
    call(world.key(&["ofm_view"]).await).await.data();
}
