//! Deleting attributions (referral §6).

use serde_json::{Value, json};
use testkit::Caller;

use crate::people::{call, click, code, confirm, counted, delete, differences, get, id, total, world};

#[tokio::test]
async fn a_deleted_record_is_gone_and_said_to_be_so_again() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let id = counted(&world, &code, 1).await;
    let first = delete(&world, &id).await;
    let expected = format!("{{\"id\":\"{id}\",\"deleted\":true,\"deleted_at\":\"2026-03-20T20:00:00Z\"}}");
    assert_eq!((first.status, &*first.text), (200, &*expected));
    world.advance_seconds(3600);
    assert_eq!(delete(&world, &id).await.text, expected);
    get(&world, &format!("/{id}")).await.refused("not-found");
    confirm(&world, &id, &code, "usr_2").await.refused("not-found");
    delete(&world, "attr_000000").await.refused("not-found");
    delete(&world, "nonsense").await.refused("not-found");
    delete(&world.another().await, &id).await.refused("not-found");
    let reply = call(&world, &world.owner, "DELETE", &format!("/{id}"), Some(json!({"reason": "x"}))).await;
    assert_eq!(reply.refused_fields(), ["reason"]);
    assert_eq!(get(&world, "/").await.data()["pagination"]["total"], 0);
    assert_eq!(differences(&world).await, json!([]));
}

#[tokio::test]
async fn a_deleted_conversion_frees_member_and_repeats_and_lowers_the_totals() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let body = json!({"code": code, "ip_address": "192.0.2.1", "occurred_at": "2026-02-28T23:00:00Z"});
    let first = id(&click(&world, body.clone()).await);
    let second = counted(&world, &code, 2).await;
    confirm(&world, &first, &code, "usr_2").await.data();
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([2, 1, 0.5]));
    assert_eq!(total(&world, "usr_1", "2026-02").await, json!([1, 0, 0]));
    assert_eq!(total(&world, "usr_1", "2026-03").await, json!([1, 1, 1]));
    delete(&world, &first).await.data();
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([1, 0, 0]));
    assert_eq!(total(&world, "usr_1", "2026-02").await, json!([0, 0, 0]));
    assert_eq!(total(&world, "usr_1", "2026-03").await, json!([1, 0, 0]));
    // The member may be confirmed again, and the click is no repeat of what is gone.
    confirm(&world, &second, &code, "usr_2").await.data();
    assert_eq!(click(&world, body).await.status, 201);
    assert_eq!(differences(&world).await, json!([]));
}

#[tokio::test]
async fn only_the_last_counted_click_frees_repeats() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let at = |time: &str| json!({"code": code, "ip_address": "192.0.2.1", "occurred_at": time});
    let first = id(&click(&world, at("2026-03-20T14:00:00Z")).await);
    let second = id(&click(&world, at("2026-03-20T15:00:00Z")).await);
    delete(&world, &first).await.data();
    assert_eq!(id(&click(&world, at("2026-03-20T15:01:00Z")).await), second);
}

#[tokio::test]
async fn nothing_of_the_person_is_left() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let keyed = |n: u32| Caller::anonymous().with("idempotency-key", format!("key-{n}"));
    let body = json!({
        "code": code, "ip_address": "203.0.113.77", "user_agent": "Canary/1", "referrer_url": "https://canary.example/",
    });
    let first = call(&world, &keyed(0), "POST", "/", Some(body.clone())).await;
    let id = id(&first);
    // More stored answers than one transaction takes away.
    for n in 1..60 {
        assert_eq!(call(&world, &keyed(n), "POST", "/", Some(body.clone())).await.status, 200);
    }
    let owner = world.owner.clone().with("idempotency-key", "confirm");
    let confirmation = json!({"code": code, "new_member_id": "usr_canary"});
    call(&world, &owner, "PUT", &format!("/{id}"), Some(confirmation)).await.data();
    delete(&world, &id).await.data();
    for ((pk, sk), item) in world.items().await {
        let text = format!("{pk} {sk} {item:?}");
        for personal in ["203.0.113.77", "Canary/1", "canary.example", "usr_canary"] {
            assert!(!text.contains(personal), "{personal} in {text}");
        }
    }
    call(&world, &keyed(0), "POST", "/", Some(body)).await.refused("not-found");
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([0, 0, 0]));
    let log = world.log().join("\n");
    assert!(!log.contains("Canary") && !log.contains("203.0.113.77") && !log.contains("usr_canary"));
    assert_eq!(get(&world, "/").await.data()["data"], Value::Array(Vec::new()));
}
