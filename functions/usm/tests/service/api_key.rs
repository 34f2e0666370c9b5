//! API keys: making them and looking at them (usm §4).

use identity::org::OrgStatus;
use serde_json::{Value, json};
use testkit::{Caller, World};

use crate::people::{account, call, key, key_holder, owner_again, trips, validate_key};

#[tokio::test]
async fn a_key_is_told_once_and_good_at_once() {
    let world = World::new().await;
    let account = account(&world, "TILL").await;
    let created = key(&world, &account).await;
    assert_eq!(trips(&world), (Some(2), Some(1)));
    assert_eq!(created.data()["secret_withheld"], Value::Null);
    let secret = created.data()["api_key"].as_str().unwrap();
    assert!(secret.starts_with("k1_") && secret.len() <= 128);

    let validated = validate_key(&world, &key_holder(&created)).await;
    assert_eq!(trips(&world), (Some(1), Some(0)));
    let expected = json!({
        "key_id": created.data()["key_id"],
        "api_key_fingerprint": created.data()["api_key_fingerprint"],
        "service_account_guid": account["service_account_guid"],
        "org_guid": world.org.guid(),
        "orgcode": world.orgcode,
        "org_status": "verified",
        "roles": ["crm_view"],
        "is_owner": false,
        "expires_at": null,
    });
    assert_eq!(validated.data(), &expected);
    let by_body = json!({"api_key": secret});
    let by_body = call(&world, &Caller::anonymous(), "/api_key/validate", by_body).await;
    assert_eq!(by_body.data(), &expected);
}

#[tokio::test]
async fn a_repeat_does_not_tell_the_key_again() {
    let world = World::new().await;
    let account = account(&world, "TILL").await;
    let fields = json!({"service_account_guid": account["service_account_guid"], "idempotency_key": "once"});
    let first = call(&world, &world.owner, "/api_key/create", fields.clone()).await;
    let again = call(&world, &world.owner, "/api_key/create", fields).await;
    assert_eq!(trips(&world), (Some(1), Some(0)));
    assert_eq!(again.header("idempotent-replay"), Some("true"));
    let mut expected = first.data().clone();
    expected.as_object_mut().unwrap().remove("api_key").unwrap();
    expected["secret_withheld"] = json!(true);
    assert_eq!(again.data(), &expected);
}

#[tokio::test]
async fn only_an_owner_in_person_makes_keys_and_only_for_an_active_account() {
    let world = World::new().await;
    let account = account(&world, "TILL").await;
    let fields = json!({"service_account_guid": account["service_account_guid"]});
    let create = async |caller: &Caller| call(&world, caller, "/api_key/create", fields.clone()).await;
    create(&world.key(&["owner"]).await).await.refused("forbidden");
    create(&world.member(&["service_account_admin"]).await).await.refused("not-owner");
    create(&world.stranger().await).await.refused("not-found");
    let elsewhere = world.another().await;
    let foreign = call(&elsewhere, &elsewhere.owner, "/api_key/create", fields.clone()).await;
    assert_eq!(foreign.refused("not-found")["details"]["field"], "service_account_guid");

    world.set_org_status(OrgStatus::Frozen).await;
    create(&world.owner).await.refused("org-write-blocked");
    world.set_org_status(OrgStatus::Verified).await;
    let inactive = json!({
        "service_account_guid": account["service_account_guid"],
        "status": "inactive",
        "expected_revision": account["revision"],
    });
    call(&world, &world.owner, "/service_account/status", inactive).await.data();
    let refused = create(&world.owner).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "service_account_guid");
}

#[tokio::test]
async fn an_account_has_at_most_ten_active_keys() {
    let world = World::new().await;
    let account = account(&world, "TILL").await;
    let fields = json!({
        "service_account_guid": account["service_account_guid"],
        "expires_at": world.now().plus_hours(1),
    });
    let first = call(&world, &world.owner, "/api_key/create", fields).await;
    for _ in 0..9 {
        key(&world, &account).await.data();
    }
    let refused = key(&world, &account).await;
    assert_eq!(refused.refused("limit-exceeded")["details"]["active"], 10);
    // The one that ends makes room, and so does one that is revoked.
    world.advance_seconds(3600);
    let owner = owner_again(&world).await;
    let fields = json!({"service_account_guid": account["service_account_guid"]});
    let create = async || call(&world, &owner, "/api_key/create", fields.clone()).await;
    validate_key(&world, &key_holder(&first)).await.refused("api-key-expired");
    let latest = create().await;
    create().await.refused("limit-exceeded");
    let revoke = json!({"key_id": latest.data()["key_id"]});
    assert_eq!(call(&world, &owner, "/api_key/revoke", revoke).await.data()["revoked"], true);
    create().await.data();
}

#[tokio::test]
async fn the_list_shows_keys_by_age_and_how_they_stand() {
    let world = World::new().await;
    let account = account(&world, "TILL").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        world.advance_seconds(1);
        ids.push(key(&world, &account).await.data()["key_id"].clone());
    }
    call(&world, &world.owner, "/api_key/revoke", json!({"key_id": ids[1]})).await.data();
    let caller = world.member(&["service_account_admin"]).await;
    let list = async |filters: Value| {
        let mut fields = filters;
        fields["service_account_guid"] = account["service_account_guid"].clone();
        let reply = call(&world, &caller, "/api_key/list", fields).await;
        let keys = reply.data()["api_keys"].as_array().unwrap().clone();
        assert!(keys.iter().all(|key| key.get("api_key").is_none() && key.get("token_hash").is_none()));
        keys.into_iter().map(|key| (key["key_id"].clone(), key["status"].clone())).collect::<Vec<_>>()
    };
    let at = |n: usize, status: &str| (ids[n].clone(), json!(status));
    assert_eq!(list(json!({})).await, [at(0, "active"), at(2, "active")]);
    assert_eq!(list(json!({"status": "doomed"})).await, [at(1, "doomed")]);
    assert_eq!(list(json!({"status": "all"})).await, [at(0, "active"), at(1, "doomed"), at(2, "active")]);
    let all = json!({"service_account_guid": account["service_account_guid"]});
    call(&world, &caller, "/api_key/revoke_all", all).await.data();
    assert_eq!(list(json!({})).await, []);
    assert_eq!(list(json!({"status": "doomed"})).await, [at(0, "doomed"), at(1, "doomed"), at(2, "doomed")]);
    let unknown = json!({"service_account_guid": ids[0]});
    call(&world, &caller, "/api_key/list", unknown).await.refused("not-found");
}
