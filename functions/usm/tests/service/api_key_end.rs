//! How API keys end: revoked one by one or together, too old, past their time (usm §4).

use identity::org::OrgStatus;
use serde_json::{Value, json};
use testkit::{Caller, World};

use crate::people::{account, call, key, key_holder, owner_again, trips, validate_key};

#[tokio::test]
async fn a_revoked_key_is_dead_for_ever() {
    let world = World::new().await;
    let account = account(&world, "TILL").await;
    let made = key(&world, &account).await;
    let revoke = async |caller: &Caller, revision: Value| {
        let fields = json!({"key_id": made.data()["key_id"], "expected_revision": revision});
        call(&world, caller, "/api_key/revoke", fields).await
    };
    revoke(&world.member(&["crm_view"]).await, Value::Null).await.refused("forbidden");
    let stale = revoke(&world.owner, account["revision"].clone()).await;
    assert_eq!(stale.refused("conflict")["details"]["current"]["key_id"], made.data()["key_id"]);
    assert_eq!(stale.body["revision"], made.data()["revision"]);

    world.set_org_status(OrgStatus::Frozen).await;
    let admin = world.member(&["service_account_admin"]).await;
    let revoked = revoke(&admin, made.data()["revision"].clone()).await;
    assert_eq!((&revoked.data()["revoked"], &revoked.data()["status"]), (&json!(true), &json!("doomed")));
    validate_key(&world, &key_holder(&made)).await.refused("api-key-invalid");
    let again = revoke(&admin, Value::Null).await;
    assert_eq!((&again.data()["revoked"], &again.data()["status"]), (&json!(false), &json!("doomed")));
}

#[tokio::test]
async fn the_key_of_another_org_is_not_there() {
    let world = World::new().await;
    let made = key(&world, &account(&world, "TILL").await).await;
    let elsewhere = world.another().await;
    let foreign = json!({"key_id": made.data()["key_id"]});
    let foreign = call(&elsewhere, &elsewhere.owner, "/api_key/revoke", foreign).await;
    let missing = json!({"key_id": elsewhere.org.guid()});
    let missing = call(&elsewhere, &elsewhere.owner, "/api_key/revoke", missing).await;
    foreign.refused("not-found");
    assert_eq!(foreign.without_stats(), missing.without_stats());
    validate_key(&world, &key_holder(&made)).await.data();
}

#[tokio::test]
async fn all_keys_of_an_account_die_at_once_and_new_ones_live() {
    let world = World::new().await;
    let (till, other) = (account(&world, "TILL").await, account(&world, "BOOK").await);
    let (one, two) = (key_holder(&key(&world, &till).await), key_holder(&key(&world, &other).await));
    let fields = json!({"service_account_guid": till["service_account_guid"]});
    let revoked = call(&world, &world.owner, "/api_key/revoke_all", fields).await;
    assert_eq!(trips(&world), (Some(1), Some(1)));
    assert_eq!(revoked.data()["keys_valid_from"], json!(world.now()));
    assert_eq!(revoked.data()["revision"], revoked.body["revision"]);
    validate_key(&world, &one).await.refused("api-key-invalid");
    validate_key(&world, &two).await.data();
    // In the same moment.
    let three = key_holder(&key(&world, &till).await);
    validate_key(&world, &three).await.data();
}

#[tokio::test]
async fn all_keys_of_an_org_die_at_once_also_in_a_frozen_org() {
    let world = World::new().await;
    let (till, other) = (account(&world, "TILL").await, account(&world, "BOOK").await);
    let keys = [key_holder(&key(&world, &till).await), key_holder(&key(&world, &other).await)];
    world.set_org_status(OrgStatus::Frozen).await;
    let admin = world.member(&["service_account_admin"]).await;
    call(&world, &admin, "/api_key/revoke_all_org", json!({})).await.refused("not-owner");
    let revoked = call(&world, &world.owner, "/api_key/revoke_all_org", json!({})).await;
    assert_eq!(revoked.data()["org_guid"], json!(world.org.guid()));
    for key in &keys {
        validate_key(&world, key).await.refused("api-key-invalid");
    }
    let again = call(&world, &world.owner, "/api_key/revoke_all_org", json!({})).await;
    assert!(again.data()["keys_valid_from"].as_str() > revoked.data()["keys_valid_from"].as_str());
    world.set_org_status(OrgStatus::Verified).await;
    let fresh = key_holder(&key(&world, &till).await);
    validate_key(&world, &fresh).await.data();
}

#[tokio::test]
async fn the_policy_ends_old_keys_and_wants_new_ones_to_end() {
    let world = World::new().await;
    let account = account(&world, "TILL").await;
    let old = key_holder(&key(&world, &account).await);
    let set = async |caller: &Caller, fields| call(&world, caller, "/api_key/policy_set", fields).await;
    let policy = set(&world.owner, json!({"max_age_days": 2, "require_expiry": true})).await.data().clone();
    assert_eq!((&policy["max_age_days"], &policy["require_expiry"]), (&json!(2), &json!(true)));
    assert_eq!(key(&world, &account).await.refused_fields(), ["expires_at"]);
    validate_key(&world, &old).await.data();
    world.advance_seconds(2 * 86_400);
    validate_key(&world, &old).await.refused("api-key-expired");

    // The policy may change, and the key counts again.
    let owner = owner_again(&world).await;
    set(&owner, json!({"max_age_days": null})).await.refused("expected-revision-required");
    let relax = json!({"max_age_days": null, "expected_revision": policy["revision"]});
    let relaxed = set(&owner, relax.clone()).await;
    assert_eq!(
        (&relaxed.data()["max_age_days"], &relaxed.data()["require_expiry"]),
        (&Value::Null, &json!(true))
    );
    validate_key(&world, &old).await.data();
    assert_eq!(&set(&owner, relax).await.refused("conflict")["details"]["current"], relaxed.data());
}

#[tokio::test]
async fn a_policy_is_refused_that_makes_no_sense() {
    let world = World::new().await;
    let set = async |caller: &Caller, fields| call(&world, caller, "/api_key/policy_set", fields).await;
    for days in [json!(0), json!(3651), json!(1.5), json!("2")] {
        assert_eq!(set(&world.owner, json!({"max_age_days": days})).await.refused_fields(), ["max_age_days"]);
    }
    set(&world.key(&["owner"]).await, json!({})).await.refused("forbidden");
    set(&world.member(&["service_account_admin"]).await, json!({})).await.refused("not-owner");
    world.set_org_status(OrgStatus::Frozen).await;
    set(&world.owner, json!({})).await.refused("org-write-blocked");
}

#[tokio::test]
async fn a_key_ends_at_its_own_time() {
    let world = World::new().await;
    let account = account(&world, "TILL").await;
    let make = async |expires_at| {
        let fields =
            json!({"service_account_guid": account["service_account_guid"], "expires_at": expires_at});
        call(&world, &world.owner, "/api_key/create", fields).await
    };
    assert_eq!(make(world.now()).await.refused_fields(), ["expires_at"]);
    let made = key_holder(&make(world.now().plus_seconds(60)).await);
    world.advance_seconds(59);
    validate_key(&world, &made).await.data();
    world.advance_seconds(1);
    validate_key(&world, &made).await.refused("api-key-expired");
}
