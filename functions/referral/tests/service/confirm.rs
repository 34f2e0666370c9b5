//! Confirming recruitments: every row of the table (referral §5).

use serde_json::{Value, json};
use testkit::{Caller, World};

use crate::people::{call, click, code, confirm, counted, delete, get, id, total, world};

async fn put(world: &World, id: &str, body: Value) -> testkit::Reply {
    call(world, &world.owner, "PUT", &format!("/{id}"), Some(body)).await
}

async fn clicked(world: &World, code: &str, at: &str) -> String {
    let body = json!({"code": code, "ip_address": "192.0.2.1", "occurred_at": at});
    id(&click(world, body).await)
}

#[tokio::test]
async fn a_pending_click_becomes_a_conversion_as_the_page_shows_it() {
    let world = world().await;
    let code = code(&world, "usr_4491").await;
    let id = clicked(&world, &code, "2026-03-20T14:22:00Z").await;
    world.advance_seconds(7 * 86_400);
    let body = json!({"code": code, "new_member_id": "usr_5892", "confirmed_at": "2026-03-25T10:00:00Z"});
    // The org is remembered from here on.
    get(&world, "/").await.data();
    let reply = put(&world, &id, body.clone()).await;
    let expected = format!(
        "{{\"id\":\"{id}\",\"code\":\"{code}\",\"mentor_id\":\"usr_4491\",\"type\":\"conversion\",\
         \"status\":\"confirmed\",\"new_member_id\":\"usr_5892\",\
         \"confirmed_at\":\"2026-03-25T10:00:00Z\",\"created_at\":\"2026-03-20T20:00:00Z\"}}"
    );
    assert_eq!((reply.status, &*reply.text), (200, &*expected));
    let log = world.last_log();
    assert_eq!((&log["reads"], &log["writes"]), (&json!(2), &json!(1)), "{log}");
    let record = get(&world, &format!("/{id}")).await;
    let record = record.data();
    assert_eq!(
        (&record["type"], &record["occurred_at"]),
        (&json!("conversion"), &json!("2026-03-25T10:00:00Z"))
    );
    assert_eq!(
        (&record["clicked_at"], &record["confirmed_at"]),
        (&json!("2026-03-20T14:22:00Z"), &json!("2026-03-25T10:00:00Z"))
    );
    // The same again, whatever time is sent.
    for time in [
        json!("2026-03-25T10:00:00Z"),
        json!("2026-03-26T00:00:00Z"),
        json!("1999-01-01T00:00:00Z"),
        Value::Null,
    ] {
        let mut again = body.clone();
        again["confirmed_at"] = time;
        assert_eq!(put(&world, &id, again).await.text, expected);
        assert_eq!(world.last_log()["writes"], 0);
    }
    assert_eq!(total(&world, "usr_4491", "all_time").await, json!([1, 1, 1]));
}

#[tokio::test]
async fn every_row_of_the_table() {
    let world = world().await;
    let (code, other) = (code(&world, "usr_4491").await, code(&world, "usr_4491").await);
    let first = clicked(&world, &code, "2026-03-20T14:00:00Z").await;
    let second = clicked(&world, &code, "2026-03-20T15:00:00Z").await;
    let third = clicked(&world, &other, "2026-03-20T14:00:00Z").await;
    let asked = |code: &str, member: &str, at: &str| json!({"code": code, "new_member_id": member, "confirmed_at": at});
    let on_25th = |member: &str| asked(&code, member, "2026-03-25T10:00:00Z");
    world.advance_seconds(60 * 86_400);

    put(&world, &first, asked(&other, "m1", "2026-03-25T10:00:00Z")).await.refused("code-mismatch");
    put(&world, &first, asked("NO-SUCH-CODE", "m1", "2026-03-25T10:00:00Z")).await.refused("code-mismatch");
    put(&world, &first, on_25th("usr_4491")).await.refused("self-referral");
    let early = put(&world, &first, asked(&code, "m1", "2026-03-20T13:59:59.999Z")).await;
    assert_eq!(early.refused_fields(), ["confirmed_at"]);
    let ahead = put(&world, &first, asked(&code, "m1", "2026-05-19T20:05:00.001Z")).await;
    assert_eq!(ahead.refused_fields(), ["confirmed_at"]);
    put(&world, &first, asked(&code, "m1", "2026-04-19T14:00:00.001Z")).await.refused("window-expired");
    put(&world, &first, asked(&code, "m1", "2026-04-19T14:00:00Z")).await.data();
    put(&world, &first, on_25th("m1")).await.data();
    put(&world, &first, on_25th("m2")).await.refused("already-confirmed");
    put(&world, &second, on_25th("m1")).await.refused("member-already-confirmed");
    put(&world, &third, asked(&other, "m1", "2026-03-25T10:00:00Z"))
        .await
        .refused("member-already-confirmed");
    for nothing in ["attr_000000", "attr_a1b2", "mentor", "%20", "attr_%C3%BC"] {
        put(&world, nothing, on_25th("m3")).await.refused("not-found");
    }
    let other_org = world.another().await;
    put(&other_org, &second, on_25th("m3")).await.refused("not-found");
    delete(&world, &third).await.data();
    put(&world, &third, on_25th("m3")).await.refused("not-found");

    // The shape goes before everything.
    let wrong = json!({"code": "!", "new_member_id": "a b", "confirmed_at": 7, "id": "attr_a1b2c3", "status": "confirmed"});
    let mut fields = put(&world, "attr_000000", wrong)
        .await
        .refused_fields()
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    fields.sort_unstable();
    assert_eq!(fields, ["code", "confirmed_at", "id", "new_member_id", "status"]);
    assert_eq!(put(&world, &second, json!({})).await.refused_fields(), ["code", "new_member_id"]);

    // A code that was disabled after the click, or for which the time is now.
    let set = json!({"code": code, "status": "disabled", "expected_revision": 1});
    world.act(&operator::SERVICE, "referral-code-status-set", set).await.data();
    confirm(&world, &second, &code, "m2").await.refused("window-expired");
    put(&world, &second, on_25th("m2")).await.data();
    assert_eq!(total(&world, "usr_4491", "all_time").await, json!([2, 2, 1]));
    assert_eq!(crate::people::differences(&world).await, json!([]));
}

#[tokio::test]
async fn members_are_each_orgs_own() {
    let ours = world().await;
    let theirs = ours.another().await;
    for world in [&ours, &theirs] {
        let code = code(world, "usr_1").await;
        let id = counted(world, &code, 1).await;
        confirm(world, &id, &code, "usr_5892").await.data();
    }
}

#[tokio::test]
async fn the_time_is_now_unless_given_and_the_code_is_read_as_people_type_it() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let id = counted(&world, &code, 1).await;
    world.advance_seconds(60);
    let reply = confirm(&world, &id, &format!(" {}", code.to_lowercase()), "usr_2").await;
    assert_eq!(reply.data()["confirmed_at"], "2026-03-20T20:01:00Z");
}

#[tokio::test]
async fn an_idempotency_key_is_honoured_and_its_answer_goes_with_the_record() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let id = counted(&world, &code, 1).await;
    let keyed = world.owner.clone().with("idempotency-key", "one");
    let path = format!("/{id}");
    let put = async |caller: &Caller, member: &str| {
        call(&world, caller, "PUT", &path, Some(json!({"code": code, "new_member_id": member}))).await
    };
    let first = put(&keyed, "m1").await;
    let again = put(&keyed, "m1").await;
    assert_eq!((&first.text, again.header("idempotent-replay")), (&again.text, Some("true")));
    put(&keyed, "m2").await.refused("idempotency-mismatch");
    // A key is one route's.
    call(&world, &keyed, "DELETE", &path, None).await.data();
    let gone = call(&world, &keyed, "DELETE", &path, None).await;
    assert_eq!(gone.header("idempotent-replay"), Some("true"));
    put(&keyed, "m1").await.refused("not-found");
    for (_, item) in world.items().await {
        let text = format!("{item:?}");
        assert!(!text.contains("m1\\\""), "{text}");
    }
}
