//! The keys that a removed owner made (ofm §8).

use std::collections::BTreeSet;

use futures::future::join;
use identity::keys;
use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::{
    Caller, Reply, World, database,
    journal::verify,
    proxy::{Call, Fault, Operation, Proxy, When},
};

use crate::owner::secondary;

async fn usm(world: &World, caller: &Caller, path: &str, fields: Value) -> Reply {
    world.post(&usm::SERVICE, caller, path, fields).await
}

/// A service account that this owner made.
async fn account(world: &World, maker: &Caller, code: &str) -> Value {
    let fields = json!({"code": code, "caption": "Till", "roles": ["ofm_view", "crm_view"]});
    usm(world, maker, "/service_account/create", fields).await.data().clone()
}

/// A key of an account that this owner made.
async fn key(world: &World, maker: &Caller, account: &Value) -> Value {
    let fields = json!({"service_account_guid": account["service_account_guid"], "caption": "Front"});
    usm(world, maker, "/api_key/create", fields).await.data().clone()
}

/// Removes an owner.
async fn remove(world: &World, owner: &Caller, revoke_keys: Option<bool>) -> Reply {
    let revision = world.stored(&keys::owner(&world.org, owner.user_guid)).await.expect("an owner").revision;
    let fields =
        json!({"user_guid": owner.user_guid, "expected_revision": revision, "revoke_keys": revoke_keys});
    world.post(&SERVICE, &world.owner, "/owner/secondary/remove", fields).await
}

async fn is_good(world: &World, key: &Value) -> bool {
    let caller = Caller::anonymous().with("x-api-key", key["api_key"].as_str().expect("a key"));
    usm(world, &caller, "/api_key/validate", json!({})).await.status == 200
}

fn told(removed: &Reply) -> Vec<&Value> {
    removed.data()["open_keys"].as_array().expect("keys").iter().collect()
}

#[tokio::test]
async fn accounts_and_keys_tell_who_made_them() {
    let world = World::new().await;
    let maker = secondary(&world).await;
    let account = account(&world, &maker, "TILL").await;
    assert_eq!(account["created_by"], json!(maker.user_guid));
    let key = key(&world, &maker, &account).await;
    assert_eq!(key["created_by"], json!(maker.user_guid));
    let list = json!({"service_account_guid": account["service_account_guid"]});
    let listed = usm(&world, &world.owner, "/api_key/list", list).await;
    assert_eq!(listed.data()["api_keys"][0]["created_by"], json!(maker.user_guid));
    let accounts = usm(&world, &world.owner, "/service_account/list", json!({})).await;
    assert_eq!(accounts.data()["service_accounts"][0]["created_by"], json!(maker.user_guid));
}

#[tokio::test]
async fn whoever_removes_an_owner_is_told_of_the_keys_that_outlive_them() {
    let world = World::new().await;
    let maker = secondary(&world).await;
    let account = account(&world, &maker, "TILL").await;
    let (mine, dead) = (key(&world, &maker, &account).await, key(&world, &maker, &account).await);
    let others = key(&world, &world.owner, &account).await;
    let revoke = json!({"key_id": dead["key_id"]});
    usm(&world, &world.owner, "/api_key/revoke", revoke).await.data();

    let removed = remove(&world, &maker, None).await;
    assert_eq!(removed.data()["state"], "removed");
    let open = told(&removed);
    assert_eq!(open.len(), 1);
    let account_guid = &account["service_account_guid"];
    assert_eq!(
        *open[0],
        json!({"key_id": mine["key_id"], "service_account_guid": account_guid, "caption": "Front",
            "roles": ["crm_view", "ofm_view"], "expires_at": null, "revoked": false})
    );
    assert!(is_good(&world, &mine).await && is_good(&world, &others).await);
}

#[tokio::test]
async fn an_owner_who_made_no_key_leaves_none() {
    let world = World::new().await;
    let maker = secondary(&world).await;
    let removed = remove(&world, &maker, Some(true)).await;
    assert!(told(&removed).is_empty());
    assert_eq!((world.last_log()["reads"].as_u64(), world.last_log()["writes"].as_u64()), (Some(1), Some(1)));
}

#[tokio::test]
async fn keys_that_were_revoked_all_at_once_or_are_over_are_not_told() {
    let world = World::new().await;
    let maker = secondary(&world).await;
    let (one, two) = (account(&world, &maker, "ONE").await, account(&world, &maker, "TWO").await);
    key(&world, &maker, &one).await;
    let all = json!({"service_account_guid": one["service_account_guid"]});
    usm(&world, &world.owner, "/api_key/revoke_all", all).await.data();
    let fields = json!({"service_account_guid": two["service_account_guid"],
        "expires_at": world.now().plus_minutes(1)});
    usm(&world, &maker, "/api_key/create", fields).await.data();
    world.advance_seconds(60);
    assert!(told(&remove(&world, &maker, None).await).is_empty());
}

#[tokio::test]
async fn the_keys_are_revoked_with_their_maker_where_that_is_asked() {
    let world = World::new().await;
    let maker = secondary(&world).await;
    let (one, two) = (account(&world, &maker, "ONE").await, account(&world, &maker, "TWO").await);
    let made =
        [key(&world, &maker, &one).await, key(&world, &maker, &one).await, key(&world, &maker, &two).await];
    let others = key(&world, &world.owner, &one).await;

    let removed = remove(&world, &maker, Some(true)).await;
    let open = told(&removed);
    assert!(open.iter().all(|key| key["revoked"] == true));
    let ids: BTreeSet<_> = open.iter().map(|key| key["key_id"].to_string()).collect();
    assert_eq!(ids, made.iter().map(|key| key["key_id"].to_string()).collect());
    for key in &made {
        assert!(!is_good(&world, key).await);
        let entries = world.journal("usm", "api-key", key["key_id"].as_str().unwrap()).await;
        let actions: Vec<_> = entries.iter().map(|entry| entry.entry.action.as_str()).collect();
        assert_eq!(actions, ["api-key-created", "api-key-revoked"]);
        verify(&entries);
    }
    assert!(is_good(&world, &others).await);
    // They make room, and are listed among the doomed.
    let accounts = usm(&world, &world.owner, "/service_account/list", json!({})).await;
    let counts: Vec<_> = accounts.data()["service_accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| account["active_keys"].as_u64())
        .collect();
    assert_eq!(counts, [Some(1), Some(0)]);
    let doomed = json!({"service_account_guid": two["service_account_guid"], "status": "doomed"});
    let doomed = usm(&world, &world.owner, "/api_key/list", doomed).await;
    assert_eq!(doomed.data()["api_keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn twenty_five_keys_are_revoked_at_once_and_no_more() {
    let world = World::new().await;
    let maker = secondary(&world).await;
    let mut made = Vec::new();
    for n in 0..25 {
        // Each of another account: what takes the most items of a transaction.
        let account = account(&world, &maker, &format!("TILL-{n}")).await;
        made.push((key(&world, &maker, &account).await, account));
    }
    let one_more = key(&world, &maker, &made[0].1).await;
    let refused = remove(&world, &maker, Some(true)).await;
    let details = &refused.refused("limit-exceeded")["details"];
    assert_eq!(details["open_keys"].as_array().unwrap().len(), 26);
    assert_eq!(details["open_keys"][0]["revoked"], false);
    assert!(is_good(&world, &one_more).await);

    let revoke = json!({"key_id": one_more["key_id"]});
    usm(&world, &maker, "/api_key/revoke", revoke).await.data();
    let removed = remove(&world, &maker, Some(true)).await;
    assert_eq!(told(&removed).len(), 25);
    for (key, _) in &made {
        assert!(!is_good(&world, key).await);
    }
}

/// Holds the first write of one request until another request is through.
async fn overtaken(
    proxy: &Proxy,
    first: impl Future<Output = Reply>,
    second: impl Future<Output = Reply>,
) -> (Reply, Reply) {
    let before = proxy.count(&Operation::TransactWriteItems);
    proxy.inject(Fault::HoldBefore, When::nth(1).of(Operation::TransactWriteItems));
    let overtaking = async {
        let writes = |call: &&Call| call.operation == Operation::TransactWriteItems;
        proxy.until(|calls| calls.iter().filter(writes).count() > before).await;
        let reply = second.await;
        proxy.release();
        reply
    };
    join(first, overtaking).await
}

#[tokio::test]
async fn a_key_made_while_its_maker_is_removed_is_told_of() {
    let proxy = Proxy::start(database::endpoint()).unwrap();
    let world = World::at(proxy.endpoint()).await;
    let maker = secondary(&world).await;
    let account = account(&world, &maker, "TILL").await;
    let fields = json!({"service_account_guid": account["service_account_guid"]});
    let create = usm(&world, &maker, "/api_key/create", fields);
    let (removed, made) = overtaken(&proxy, Box::pin(remove(&world, &maker, Some(true))), create).await;
    assert_eq!(told(&removed)[0]["key_id"], made.data()["key_id"]);
    assert!(!is_good(&world, made.data()).await);
}

#[tokio::test]
async fn no_key_is_made_by_an_owner_who_is_removed_meanwhile() {
    let proxy = Proxy::start(database::endpoint()).unwrap();
    let world = World::at(proxy.endpoint()).await;
    let maker = secondary(&world).await;
    let account = account(&world, &maker, "TILL").await;
    let fields = json!({"service_account_guid": account["service_account_guid"]});
    let create = usm(&world, &maker, "/api_key/create", fields);
    let (made, removed) = overtaken(&proxy, create, Box::pin(remove(&world, &maker, None))).await;
    assert!(told(&removed).is_empty());
    made.refused("not-owner");
}
