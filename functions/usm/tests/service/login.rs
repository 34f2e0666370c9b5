//! Logging in (usm §3).

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use identity::user::UserStatus;
use serde_json::json;
use testkit::World;
use usm::SERVICE;

use crate::people::{PASSCODE, Person, create, holder, trips, validate};

#[tokio::test]
async fn a_right_passcode_opens_a_session_that_is_told_once() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let created = ada.log_in(&world).await;
    assert_eq!(trips(&world), (Some(2), Some(1)));
    let data = created.data();
    assert_eq!(data["user_guid"], json!(ada.user_guid));
    assert_eq!(data["display_name"], "Ada Canary");
    assert_eq!(data["expires_at_utc"], json!(world.now().plus_hours(1)));
    assert_eq!(data["absolute_expires_at_utc"], json!(world.now().plus_hours(12)));
    assert_eq!(data["ttl_refresh_enabled"], true);

    let validated = validate(&world, &holder(&created)).await;
    assert_eq!(trips(&world), (Some(1), Some(0)));
    assert_eq!(validated.data()["session_id"], data["session_id"]);
    assert_eq!(validated.data()["user_status"], "verified");
    assert_eq!(validated.body["revision"], validated.data()["revision"]);
    assert!(!validated.text.contains(data["session_guid"].as_str().unwrap()));
}

#[tokio::test]
async fn each_log_in_is_a_new_session_whatever_the_idempotency_key() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let mut fields = ada.credentials();
    fields["idempotency_key"] = json!("again");
    let (one, two) = (create(&world, fields.clone()).await, create(&world, fields).await);
    assert_ne!(one.data()["session_id"], two.data()["session_id"]);
    assert_ne!(one.data()["session_guid"], two.data()["session_guid"]);
}

#[tokio::test]
async fn an_unknown_email_and_a_wrong_passcode_get_the_same_answer_at_the_same_cost() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let wrong = create(&world, json!({"email": ada.email, "passcode": "Wr0ng-horse"})).await;
    wrong.refused("invalid-passcode");
    let cost = trips(&world);
    let unknown = create(&world, json!({"email": format!("x{}", ada.email), "passcode": PASSCODE})).await;
    assert_eq!(unknown.without_stats(), wrong.without_stats());
    assert_eq!((unknown.status, trips(&world)), (401, cost));
}

#[tokio::test]
async fn how_the_user_stands_is_told_only_after_a_right_passcode() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let wrong = || create(&world, json!({"email": ada.email, "passcode": "Wr0ng-horse"}));
    ada.meddle(&world, |user| user.status = UserStatus::Suspended).await;
    wrong().await.refused("invalid-passcode");
    assert_eq!(ada.log_in(&world).await.refused("user-not-verified")["http_status"], 403);
    ada.meddle(&world, |user| user.email_confirmed = false).await;
    wrong().await.refused("invalid-passcode");
    assert_eq!(ada.log_in(&world).await.refused("email-not-verified")["http_status"], 403);
}

#[tokio::test]
async fn an_email_is_the_same_however_it_is_spelled() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let email = format!(" {} ", ada.email.to_uppercase());
    create(&world, json!({"email": email, "passcode": PASSCODE})).await.data();
    let refused = create(&world, json!({"email": "ada", "remember": true})).await;
    assert_eq!(refused.refused_fields(), ["remember", "email", "passcode"]);
}

#[tokio::test]
async fn a_weaker_hash_is_made_anew_once_the_passcode_is_known() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, Some(32)).unwrap());
    let weak = weak.hash_password_with_salt(PASSCODE.as_bytes(), &[7; 16]).unwrap().to_string();
    ada.meddle(&world, |user| user.passcode_hash = Some(serde_json::from_value(json!(weak)).unwrap())).await;
    let needs_rehash = async || {
        let user = world.stored(&identity::keys::user(ada.user_guid)).await.unwrap();
        user.record.passcode_hash.unwrap().needs_rehash()
    };
    create(&world, json!({"email": ada.email, "passcode": "Wr0ng-horse"})).await.refused("invalid-passcode");
    assert!(needs_rehash().await);
    ada.log_in(&world).await.data();
    assert!(!needs_rehash().await);
    ada.log_in(&world).await.data();
}

#[tokio::test]
async fn a_user_has_at_most_ten_active_sessions() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let oldest = ada.session(&world).await;
    world.advance_seconds(1);
    for _ in 0..9 {
        ada.log_in(&world).await.data();
    }
    let refused = ada.log_in(&world).await;
    assert_eq!(refused.refused("too-many-sessions")["details"]["active"], 10);

    let mut replacing = ada.credentials();
    replacing["replace_oldest"] = json!(true);
    let newest = holder(&create(&world, replacing).await);
    validate(&world, &newest).await.data();
    let closed = validate(&world, &oldest).await;
    assert_eq!(closed.refused("session-invalid")["minor"]["tag"], "session-doomed");
    ada.log_in(&world).await.refused("too-many-sessions");
}

#[tokio::test]
async fn sessions_that_ended_make_room() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let mut sessions = Vec::new();
    for _ in 0..10 {
        sessions.push(ada.session(&world).await);
    }
    // The others are not used for an hour.
    world.advance_seconds(1800);
    validate(&world, &sessions[0]).await.data();
    world.advance_seconds(1800);
    for _ in 0..9 {
        ada.log_in(&world).await.data();
    }
    ada.log_in(&world).await.refused("too-many-sessions");
    let closed = world.post(&SERVICE, &sessions[0], "/session/close", json!({})).await;
    assert_eq!(closed.data()["closed"], true);
    ada.log_in(&world).await.data();
}
