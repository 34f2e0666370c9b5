//! No secret and no address leaves the service by another way than its one answer (usm §1, contract §10).

use contract::secret::Secret;
use serde_json::{Value, json};
use testkit::{World, database, proxy::Proxy};

use crate::people::{
    PASSCODE, Person, account, call, create, holder, key, key_holder, validate, validate_key,
};

#[tokio::test]
async fn logs_and_journal_hold_no_secret_and_nothing_personal() {
    let proxy = Proxy::start(database::endpoint()).unwrap();
    let world = World::at(proxy.endpoint()).await;
    let ada = Person::new(&world).await;
    let mut fields = ada.credentials();
    fields["caption"] = json!("Canary phone");
    let created = create(&world, fields).await;
    let session = holder(&created);
    validate(&world, &session).await.data();
    for _ in 0..10 {
        let wrong = json!({"email": ada.email, "passcode": format!("{PASSCODE}!")});
        create(&world, wrong).await.refused("invalid-passcode");
    }
    let made = key(&world, &account(&world, "TILL").await).await;
    validate_key(&world, &key_holder(&made)).await.data();
    call(&world, &session, "/session/close", json!({"reason": "done"})).await.data();

    let journal = journaled(&proxy);
    let actions: Vec<_> =
        journal.iter().map(|entry| entry["data"]["M"]["action"]["S"].as_str().unwrap()).collect();
    for action in ["session-created", "login-locked-out", "api-key-created", "session-closed"] {
        assert!(actions.contains(&action), "{action} in {actions:?}");
    }
    let context = |action: &str| {
        let of_action = |entry: &&Value| entry["data"]["M"]["action"]["S"] == action;
        journal.iter().find(of_action).expect("an entry")["data"]["M"]["request_context"]["M"].clone()
    };
    // Who had no credential before they logged in; and whom nobody knows.
    let created_by = context("session-created");
    assert_eq!(created_by["actor"]["S"], created.data()["user_guid"]);
    assert_eq!(created_by["context_source"]["S"], "session");
    assert_eq!(context("login-locked-out")["context_source"]["S"], "system");

    let mut written = world.log();
    written.extend(journal.iter().map(Value::to_string));
    let token = created.data()["session_guid"].as_str().unwrap();
    let api_key = made.data()["api_key"].as_str().unwrap();
    let hashes = [token, api_key].map(|secret| Secret::new(secret).hash().hex());
    let canaries = [token, api_key, PASSCODE, &ada.email, "Canary", &hashes[0], &hashes[1], "argon2"];
    for line in &written {
        for canary in canaries {
            assert!(!line.contains(canary), "{canary} in {line}");
        }
    }
    // The fingerprint is what may be seen.
    let fingerprint = Secret::new(token).fingerprint("sf_");
    assert!(written.iter().any(|line| line.contains(&fingerprint)));
}

/// The journal entries that were sent to the table.
fn journaled(proxy: &Proxy) -> Vec<Value> {
    let calls = proxy.calls();
    let members =
        calls.iter().flat_map(|call| call.request["TransactItems"].as_array().into_iter().flatten());
    let items = members.map(|member| member["Put"]["Item"].clone());
    items.filter(|item| item["type"]["S"] == "journal").collect()
}
