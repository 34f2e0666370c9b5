//! Users (usm §5).

use contract::canonical;
use serde_json::{Value, json};
use store::Replay;
use testkit::World;

use crate::people::{PASSCODE, act, created, email, status_set, verified};

#[tokio::test]
async fn a_user_is_created_unverified_and_found_by_id_and_by_email() {
    let world = World::new().await;
    let address = email(&world, "Ada");
    let user =
        json!({"email": format!(" {}", address.to_uppercase()), "display_name": "Ada", "locale": "en-gb"});
    let reply = act(&world, "user-create", user).await;
    assert_eq!((world.last_log()["reads"].as_u64(), world.last_log()["writes"].as_u64()), (Some(0), Some(1)));
    let created = reply.data();
    assert_eq!(created["email"], address.to_lowercase());
    assert_eq!((&created["status"], &created["locale"]), (&json!("unverified"), &json!("en-GB")));
    assert_eq!((&created["passcode"], &created["email_confirmed"]), (&json!({"set": false}), &json!(false)));
    assert_eq!(reply.body["revision"], created["revision"]);
    for by in [json!({"user_guid": created["user_guid"]}), json!({"email": address})] {
        let found = act(&world, "user-get", by).await;
        let mut expected = created.clone();
        expected["memberships"] = json!([]);
        assert_eq!(found.data(), &expected);
    }
}

#[tokio::test]
async fn an_email_is_one_persons_for_ever() {
    let world = World::new().await;
    let user = created(&world, "ada").await;
    let again = json!({"email": email(&world, "ADA"), "display_name": "Eve"});
    act(&world, "user-create", again.clone()).await.refused("duplicate-email");
    let doomed = json!({"user_guid": user["user_guid"], "status": "doomed", "erase": true,
        "expected_revision": user["revision"]});
    act(&world, "user-status-set", doomed).await.data();
    act(&world, "user-create", again).await.refused("duplicate-email");
    act(&world, "user-get", json!({"email": user["email"]})).await.refused("not-found");
}

#[tokio::test]
async fn the_two_spellings_of_an_international_address_are_one() {
    let world = World::new().await;
    let local = world.orgcode.to_lowercase();
    let (letters, labels) =
        (format!("{local}@B\u{fc}cher.example"), format!("{local}@xn--bcher-kva.example"));
    let shown = format!("{local}@b\u{fc}cher.example");
    let made =
        act(&world, "user-create", json!({"email": letters, "display_name": "Ada"})).await.data().clone();
    assert_eq!(made["email"], json!(shown));
    let again = json!({"email": labels, "display_name": "Eve"});
    act(&world, "user-create", again).await.refused("duplicate-email");
    let found = act(&world, "user-get", json!({"email": labels})).await;
    assert_eq!((&found.data()["user_guid"], &found.data()["email"]), (&made["user_guid"], &json!(shown)));
    let confirmed = json!({"user_guid": made["user_guid"], "email": labels});
    assert_eq!(act(&world, "email-confirm", confirmed).await.data()["email_confirmed"], true);
}

#[tokio::test]
async fn a_get_names_one_user() {
    let world = World::new().await;
    let user = created(&world, "ada").await;
    let neither = act(&world, "user-get", json!({})).await;
    assert_eq!(neither.refused_fields(), ["user_guid"]);
    let both = json!({"user_guid": user["user_guid"], "email": user["email"]});
    assert_eq!(act(&world, "user-get", both).await.refused_fields(), ["email"]);
    act(&world, "user-get", json!({"user_guid": world.org.guid()})).await.refused("not-found");
    act(&world, "user-get", json!({"email": email(&world, "nobody")})).await.refused("not-found");
}

#[tokio::test]
async fn memberships_are_told_with_what_the_person_is_there() {
    let world = World::new().await;
    let got = act(&world, "user-get", json!({"user_guid": world.owner.user_guid})).await;
    let expected = json!([{"org_guid": world.org.guid(), "orgcode": world.orgcode, "state": "active",
        "is_owner": true, "primary_owner": true}]);
    assert_eq!(got.data()["memberships"], expected);
    let member = world.member(&[]).await;
    let got = act(&world, "user-get", json!({"user_guid": member.user_guid})).await;
    assert_eq!(got.data()["memberships"][0]["is_owner"], false);
}

#[tokio::test]
async fn only_the_email_on_record_is_confirmed() {
    let world = World::new().await;
    let user = created(&world, "ada").await;
    let confirm = async |address: &str| {
        act(&world, "email-confirm", json!({"user_guid": user["user_guid"], "email": address})).await
    };
    confirm(&email(&world, "eve")).await.refused("invalid-state");
    let address = email(&world, "ada");
    let confirmed = confirm(&address).await;
    assert_eq!(confirmed.data()["email_confirmed"], true);
    let again = confirm(&address).await;
    assert_eq!(again.data(), confirmed.data());
    assert_eq!(world.last_log()["writes"], 0);
    let stale =
        json!({"user_guid": user["user_guid"], "email": address, "expected_revision": user["revision"]});
    let stale = act(&world, "email-confirm", stale).await;
    assert_eq!(&stale.refused("conflict")["details"]["current"], confirmed.data());
}

#[tokio::test]
async fn another_passcode_ends_the_sessions() {
    let world = World::new().await;
    let list = || world.post(&ofm::SERVICE, &world.owner, "/cost-centre/list", json!({}));
    list().await.data();
    let fields = json!({"user_guid": world.owner.user_guid, "passcode": PASSCODE});
    let user = act(&world, "user-passcode-set", fields).await;
    assert_eq!(user.data()["passcode"], json!({"set": true}));
    list().await.refused("session-invalid");
}

#[tokio::test]
async fn a_passcode_is_strong_and_not_the_email() {
    let world = World::new().await;
    let user = created(&world, "Ada1").await;
    for weak in ["sh0rt-A", "password-123", "ADA1@", &user["email"].as_str().unwrap().replace("ada", "Ada")] {
        let fields = json!({"user_guid": user["user_guid"], "passcode": weak});
        let reply = act(&world, "user-passcode-set", fields).await;
        assert_eq!(reply.refused_fields(), ["passcode"], "{weak}");
    }
}

#[tokio::test]
async fn the_ended_are_not_changed() {
    let world = World::new().await;
    let user = verified(&world, "ada").await;
    status_set(&world, &user, "doomed").await.data();
    let passcode = json!({"user_guid": user["user_guid"], "passcode": PASSCODE});
    act(&world, "user-passcode-set", passcode).await.refused("invalid-state");
    let confirm = json!({"user_guid": user["user_guid"], "email": user["email"]});
    act(&world, "email-confirm", confirm).await.refused("invalid-state");
}

#[tokio::test]
async fn a_repeat_with_the_same_key_makes_no_second_user() {
    let world = World::new().await;
    let user = json!({"email": email(&world, "ada"), "display_name": "Ada", "passcode": PASSCODE,
        "idempotency_key": world.orgcode});
    let first = act(&world, "user-create", user.clone()).await;
    let again = act(&world, "user-create", user.clone()).await;
    assert_eq!(again.data(), first.data());
    assert_eq!((world.last_log()["reads"].as_u64(), world.last_log()["writes"].as_u64()), (Some(1), Some(0)));
    let other =
        json!({"email": email(&world, "eve"), "display_name": "Ada", "idempotency_key": world.orgcode});
    act(&world, "user-create", other).await.refused("idempotency-mismatch");
}

#[tokio::test]
async fn a_repeat_with_another_passcode_is_another_payload() {
    let world = World::new().await;
    let user = json!({"email": email(&world, "ada"), "display_name": "Ada", "passcode": PASSCODE,
        "idempotency_key": world.orgcode});
    let first = act(&world, "user-create", user.clone()).await;
    let other = json!("An0ther-horse");
    let mut changed = user.clone();
    changed["passcode"] = other.clone();
    act(&world, "user-create", changed).await.refused("idempotency-mismatch");

    let mut set = json!({"user_guid": first.data()["user_guid"], "passcode": PASSCODE,
        "idempotency_key": format!("{}-set", world.orgcode)});
    let done = act(&world, "user-passcode-set", set.clone()).await;
    assert_eq!(act(&world, "user-passcode-set", set.clone()).await.data(), done.data());
    set["passcode"] = other;
    act(&world, "user-passcode-set", set).await.refused("idempotency-mismatch");
}

#[tokio::test]
async fn nobody_can_try_passcodes_against_what_is_kept_of_a_request() {
    let world = World::new().await;
    let key = world.orgcode.clone();
    let mut create = json!({"email": email(&world, "ada"), "display_name": "Ada", "passcode": PASSCODE});
    let mut confirm = json!({"email": create["email"]});
    // The bare hash of a payload, and what is kept of it.
    let hashes = async |action: &str, fields: &mut Value| {
        let mut payload = fields.clone();
        payload["actor"] = json!("op@example");
        payload["reason"] = json!("test");
        fields["idempotency_key"] = json!(key);
        let reply = act(&world, action, fields.clone()).await;
        let scope = canonical::hash(&json!([action, key, "operator"]));
        let kept = world.stored(&Replay::key_of("operator", None, &scope)).await.unwrap();
        (canonical::hash(&payload), kept.record.payload, reply)
    };
    let (bare, kept, created) = hashes("user-create", &mut create).await;
    assert_ne!(kept, bare);
    confirm["user_guid"] = created.data()["user_guid"].clone();
    let (bare, kept, _) = hashes("email-confirm", &mut confirm).await;
    assert_eq!(kept, bare, "where there is no secret, the hash is a bare one");
    let mut set = json!({"user_guid": created.data()["user_guid"], "passcode": PASSCODE});
    let (bare, kept, _) = hashes("user-passcode-set", &mut set).await;
    assert_ne!(kept, bare);
}

#[tokio::test]
async fn an_invocation_says_what_who_and_why() {
    let world = World::new().await;
    act(&world, "user-dance", json!({})).await.refused("route-not-found");
    let unknown = act(&world, "user-get", json!({"user_guid": world.org.guid(), "size": 7})).await;
    assert_eq!(unknown.refused_fields(), ["size"]);
    let user = json!({"email": email(&world, "ada"), "display_name": "Ada", "actor": null, "reason": null});
    let bare = act(&world, "user-create", user).await;
    assert_eq!(bare.refused_fields(), ["actor", "reason"]);
    let bare = act(&world, "user-get", json!({"user_guid": world.org.guid(), "actor": null})).await;
    assert_eq!(bare.refused_fields(), ["actor"]);
}

#[tokio::test]
async fn another_passcode_under_the_same_key_is_another_request() {
    let world = World::new().await;
    let user = created(&world, "ada").await;
    let set = async |passcode: &str| {
        let fields = json!({"user_guid": user["user_guid"], "passcode": passcode, "idempotency_key": "set"});
        act(&world, "user-passcode-set", fields).await
    };
    let first = set("Correct-Horse-1").await;
    assert_eq!(first.data()["passcode"]["set"], true);
    set("Correct-Horse-2").await.refused("idempotency-mismatch");
    assert_eq!(set("Correct-Horse-1").await.data(), first.data());

    let fields = |passcode: &str| {
        json!({"email": email(&world, "Bob"), "display_name": "Bob", "passcode": passcode,
        "idempotency_key": "create"})
    };
    let first = act(&world, "user-create", fields("Correct-Horse-1")).await;
    act(&world, "user-create", fields("Correct-Horse-2")).await.refused("idempotency-mismatch");
    assert_eq!(act(&world, "user-create", fields("Correct-Horse-1")).await.data(), first.data());
}
