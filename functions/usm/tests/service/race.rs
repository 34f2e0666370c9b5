//! Commands that meet each other on the way to the table.

use futures::future::{LocalBoxFuture, join, join_all};
use identity::user::User;
use serde_json::{Value, json};
use store::System;
use testkit::{
    Reply, World, database,
    proxy::{Call, Fault, Operation, Proxy, When},
    race::rounds,
};
use usm::keys;

use crate::people::{Person, account, call, hashed, holder, key, key_holder, validate, validate_key};

/// Runs both; the first has decided, and its write is held until the second is through.
async fn overtaken(
    proxy: &Proxy,
    first: LocalBoxFuture<'_, Reply>,
    second: LocalBoxFuture<'_, Reply>,
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
async fn two_log_ins_do_not_both_take_the_last_place() {
    let proxy = Proxy::start(database::endpoint()).unwrap();
    let world = World::at(proxy.endpoint()).await;
    let ada = Person::new(&world).await;
    for _ in 0..9 {
        ada.log_in(&world).await.data();
    }
    let (first, second) = overtaken(&proxy, Box::pin(ada.log_in(&world)), Box::pin(ada.log_in(&world))).await;
    second.data();
    first.refused("too-many-sessions");
}

#[tokio::test]
async fn a_log_in_does_not_slip_past_a_log_out_everywhere() {
    let proxy = Proxy::start(database::endpoint()).unwrap();
    let world = World::at(proxy.endpoint()).await;
    let ada = Person::new(&world).await;
    let caller = ada.session(&world).await;
    let out = call(&world, &caller, "/session/logout_everywhere", json!({}));
    let (log_in, out) = overtaken(&proxy, Box::pin(ada.log_in(&world)), Box::pin(out)).await;
    // Decided again, after it: so it is good.
    out.data();
    validate(&world, &holder(&log_in)).await.data();
    validate(&world, &caller).await.refused("session-invalid");
    let index = world.stored(&keys::session::open(ada.user_guid)).await.unwrap();
    assert_eq!(index.record.sessions.len(), 1);
}

#[tokio::test]
async fn a_right_guess_does_not_slip_past_a_failure_that_locks_out() {
    let proxy = Proxy::start(database::endpoint()).unwrap();
    let world = World::at(proxy.endpoint()).await;
    let ada = Person::new(&world).await;
    let wrong = || crate::people::create(&world, json!({"email": ada.email, "passcode": "Wr0ng-horse"}));
    for _ in 0..9 {
        wrong().await.refused("invalid-passcode");
    }
    let (right, tenth) = overtaken(&proxy, Box::pin(ada.log_in(&world)), Box::pin(wrong())).await;
    tenth.refused("invalid-passcode");
    right.refused("rate-limited");
}

#[tokio::test]
async fn a_log_in_whose_reply_was_lost_counts_once_and_works() {
    let proxy = Proxy::start(database::endpoint()).unwrap();
    let world = World::at(proxy.endpoint()).await;
    let ada = Person::new(&world).await;
    proxy.inject(Fault::LoseReply, When::nth(1).of(Operation::TransactWriteItems));
    let created = ada.log_in(&world).await;
    validate(&world, &holder(&created)).await.data();
    assert_eq!(proxy.count(&Operation::TransactWriteItems), 2);
    let index = world.stored(&keys::session::open(ada.user_guid)).await.unwrap();
    assert_eq!(index.record.sessions.len(), 1);
    for _ in 0..9 {
        ada.log_in(&world).await.data();
    }
    ada.log_in(&world).await.refused("too-many-sessions");
}

#[tokio::test]
async fn two_keys_do_not_both_take_the_last_place() {
    let proxy = Proxy::start(database::endpoint()).unwrap();
    let world = World::at(proxy.endpoint()).await;
    let account = account(&world, "TILL").await;
    for _ in 0..9 {
        key(&world, &account).await.data();
    }
    let (first, second) =
        overtaken(&proxy, Box::pin(key(&world, &account)), Box::pin(key(&world, &account))).await;
    second.data();
    first.refused("limit-exceeded");
}

#[tokio::test]
async fn of_two_revocations_one_revokes() {
    let proxy = Proxy::start(database::endpoint()).unwrap();
    let world = World::at(proxy.endpoint()).await;
    let made = key(&world, &account(&world, "TILL").await).await;
    let fields = json!({"key_id": made.data()["key_id"]});
    let revoke = || call(&world, &world.owner, "/api_key/revoke", fields.clone());
    let (first, second) = overtaken(&proxy, Box::pin(revoke()), Box::pin(revoke())).await;
    assert_eq!((&first.data()["revoked"], &second.data()["revoked"]), (&json!(false), &json!(true)));
    let id = made.data()["key_id"].as_str().unwrap();
    let entries = world.journal("usm", "api-key", id).await;
    let actions: Vec<_> = entries.iter().map(|entry| entry.entry.action.as_str()).collect();
    assert_eq!(actions, ["api-key-created", "api-key-revoked"]);
    testkit::journal::verify(&entries);
}

#[tokio::test]
async fn a_repeat_that_sees_its_own_effect_gets_its_own_answer() {
    let proxy = Proxy::start(database::endpoint()).unwrap();
    let world = World::at(proxy.endpoint()).await;
    let made = key(&world, &account(&world, "TILL").await).await;
    let fields = json!({
        "key_id": made.data()["key_id"],
        "expected_revision": made.data()["revision"],
        "idempotency_key": "once",
    });
    let revoke = || Box::pin(call(&world, &world.owner, "/api_key/revoke", fields.clone()));
    // One has looked for an earlier answer and not yet read the key when the other revokes it.
    let before = proxy.count(&Operation::BatchGetItem);
    proxy.inject(Fault::HoldBefore, When::nth(2).of(Operation::BatchGetItem));
    let overtaking = async {
        let reads = |call: &&Call| call.operation == Operation::BatchGetItem;
        proxy.until(|calls| calls.iter().filter(reads).count() > before + 1).await;
        let reply = revoke().await;
        proxy.release();
        reply
    };
    let (first, second) = join(revoke(), overtaking).await;
    assert_eq!(second.data()["revoked"], true);
    assert_eq!(first.data(), second.data());
    assert_eq!(first.header("idempotent-replay"), Some("true"));
}

#[tokio::test]
async fn no_key_slips_past_a_revocation_of_all() {
    let proxy = Proxy::start(database::endpoint()).unwrap();
    let world = World::at(proxy.endpoint()).await;
    let account = account(&world, "TILL").await;
    let guid = account["service_account_guid"].clone();
    let stored_marker = async || -> (Value, Value) {
        let org = &world.org;
        let guid = serde_json::from_value(guid.clone()).unwrap();
        let account = world.stored(&identity::keys::service_account(org, guid)).await.unwrap();
        let policy = world.stored(&identity::keys::key_policy(org)).await;
        (json!(account.record.keys_valid_from), json!(policy.map(|policy| policy.record.keys_valid_from)))
    };
    for path in ["/api_key/revoke_all", "/api_key/revoke_all_org"] {
        let before = stored_marker().await;
        let mut fields = json!({});
        if path == "/api_key/revoke_all" {
            fields["service_account_guid"] = guid.clone();
        }
        let revoke = call(&world, &world.owner, path, fields);
        let (made, revoked) = overtaken(&proxy, Box::pin(key(&world, &account)), Box::pin(revoke)).await;
        revoked.data();
        assert_ne!(stored_marker().await, before);
        // The key was decided again, after it; a key of before would be dead.
        validate_key(&world, &key_holder(&made)).await.data();
    }
}

#[tokio::test]
async fn of_fourteen_log_ins_at_once_ten_open_a_session() {
    for _ in 0..rounds() {
        let world = World::new().await;
        let ada = Person::new(&world).await;
        let replies = join_all((0..14).map(|_| ada.log_in(&world))).await;
        let (opened, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.is_success());
        assert_eq!((opened.len(), refused.len()), (10, 4));
        for reply in refused {
            reply.refused("too-many-sessions");
        }
        for reply in opened {
            validate(&world, &holder(reply)).await.data();
        }
        let index = world.stored(&keys::session::open(ada.user_guid)).await.unwrap();
        assert_eq!(index.record.sessions.len(), 10);
    }
}

#[tokio::test]
async fn a_log_in_does_not_slip_past_a_new_passcode() {
    let proxy = Proxy::start(database::endpoint()).unwrap();
    let world = World::at(proxy.endpoint()).await;
    let (ada, bob) = (Person::new(&world).await, Person::new(&world).await);
    // Found right when it was decided first: that says nothing of another hash.
    let change = async {
        let another = hashed("An0ther-horse").await;
        let set = |user: &mut User| user.passcode_hash = Some(another);
        world.meddle(&System, &identity::keys::user(ada.user_guid), set).await;
        bob.log_in(&world).await
    };
    let (first, second) = overtaken(&proxy, Box::pin(ada.log_in(&world)), Box::pin(change)).await;
    second.data();
    first.refused("invalid-passcode");
}
