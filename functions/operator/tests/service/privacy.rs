//! What is personal or secret is in no log line and no journal entry, and nowhere once a user is erased.

use identity::user::UserStatus;
use serde_json::{Value, json};
use testkit::{World, database, journal::Chained};

use crate::people::{act, act_in_org, email, guid, join, owner, put_user};

const NAME: &str = "Rosalind Quillfeather";
const PASSCODE: &str = "Xylophone-4711";
/// Her number in the org.
const NUMBER: &str = "Quill-4712";

/// A user whom every action of a user's life was done to, but the last.
async fn lived(world: &World) -> Value {
    let address = email(world, "rosalind");
    let rosalind = json!({"email": address, "display_name": NAME, "passcode": PASSCODE,
        "reason": format!("asked by {address}"), "idempotency_key": address});
    let user = act(world, "user-create", rosalind).await.data().clone();
    let confirm = json!({"user_guid": user["user_guid"], "email": address});
    let user = act(world, "email-confirm", confirm).await.data().clone();
    let invite = json!({"email": address, "caption": NAME});
    act(world, "invitation-create", invite).await.data();
    let revision = put_user(world, guid(&user), UserStatus::Verified).await;
    join(world, &user).await;
    act_in_org(world, "owner-primary-set", json!({"user_guid": user["user_guid"]})).await.data();
    act_in_org(world, "owner-primary-set", json!({"user_guid": world.owner.user_guid})).await.data();
    let member = world.stored(&identity::keys::member(&world.org, guid(&user))).await.unwrap();
    let numbered = json!({"user_guid": user["user_guid"], "employee_code": NUMBER,
        "expected_revision": member.revision});
    world.post(&ofm::SERVICE, &world.owner, "/member/state/set", numbered).await.data();
    let invite = json!({"email": address, "message": format!("Dear {NAME}")});
    world.post(&ofm::SERVICE, &world.owner, "/member/invite/create", invite).await.data();
    let wrong = json!({"user_guid": user["user_guid"], "passcode": format!("{PASSCODE}{}", "x".repeat(128))});
    act(world, "user-passcode-set", wrong).await.refused("invalid-input");
    let mut user = user;
    user["revision"] = json!(revision);
    user
}

fn assert_clean(text: &str, address: &str) {
    for secret in [NAME, PASSCODE, NUMBER, address, "argon2id"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

async fn erase(world: &World, user: &Value) {
    let fields = json!({"user_guid": user["user_guid"], "status": "doomed", "erase": true,
        "expected_revision": user["revision"]});
    let erased = act(world, "user-status-set", fields).await;
    let data = erased.data();
    assert_eq!((&data["email"], &data["display_name"]), (&Value::Null, &json!("Former member")));
    assert_eq!(data["passcode"], json!({"set": false}));
}

#[tokio::test]
async fn logs_and_journal_tell_nothing_of_it() {
    let world = World::new().await;
    let user = lived(&world).await;
    erase(&world, &user).await;
    let address = email(&world, "rosalind");
    for line in world.log() {
        assert_clean(&line, &address);
    }
    let id = user["user_guid"].as_str().unwrap();
    let mut entries: Vec<Chained> = world.system_journal("usm", "user", id).await;
    testkit::journal::verify(&entries);
    let actions: Vec<_> = entries.iter().map(|chained| chained.entry.action.as_str()).collect();
    assert_eq!(actions, ["user-created", "user-email-confirmed", "user-status-set", "user-status-set"]);
    assert!(entries.iter().all(|chained| chained.entry.request_context.orgcode.is_none()));
    let created = &entries[0].entry;
    let named: Vec<_> = created.changed.iter().map(|touched| touched.field.as_str()).collect();
    assert!(named.contains(&"email") && named.contains(&"display_name"));
    assert_eq!(created.why.as_ref().unwrap().text, "asked by ***");
    for kind in ["member", "owner"] {
        entries.extend(world.journal("ofm", kind, id).await);
    }
    for chained in entries {
        assert_clean(&serde_json::to_string(&chained.entry).unwrap(), &address);
    }
}

#[tokio::test]
async fn an_erased_user_is_nowhere_in_the_table_but_in_answers_kept_for_a_day() {
    let world = World::new().await;
    let user = lived(&world).await;
    erase(&world, &user).await;
    assert_eq!(owner(&world, guid(&user)).await.unwrap().display_name.as_str(), "Former member");
    let address = email(&world, "rosalind");
    let items = database::client(database::endpoint())
        .scan()
        .table_name(database::table())
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .unwrap();
    let holders: Vec<_> = items
        .iter()
        .filter(|item| {
            let item = format!("{item:?}");
            // Other tests have a person of this name too, in orgs of their own.
            let is_hers = item.contains(&world.org.guid().to_string());
            item.contains(&address) || is_hers && [NUMBER, NAME].iter().any(|secret| item.contains(secret))
        })
        .map(|item| item["type"].as_s().unwrap().as_str())
        .collect();
    assert_eq!(holders, ["idempotency"]);
    // The number is free for somebody else.
    let next = json!({"user_guid": world.stranger().await.user_guid, "employee_code": NUMBER});
    world.post(&ofm::SERVICE, &world.owner, "/member/add", next).await.data();
}
