//! Recording clicks (referral §4).

use contract::time::Time;
use serde_json::{Value, json};
use testkit::Caller;

use crate::people::{JSON, call, click, code, counted, delete, get, id, raw, total, world};

fn page(code: &str) -> Value {
    json!({
        "code": code,
        "ip_address": "185.12.34.56",
        "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0)",
        "referrer_url": "https://instagram.com",
        "occurred_at": "2026-03-20T14:22:00Z",
    })
}

#[tokio::test]
async fn a_click_is_answered_as_the_page_shows_it() {
    let world = world().await;
    let code = code(&world, "usr_4491").await;
    let reply = click(&world, page(&code)).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let id = id(&reply);
    let location = format!("/api/v1/referral-attributions/{id}");
    assert_eq!(reply.header("location"), Some(&*location));
    assert_eq!(reply.header("x-deduplicated"), None);
    assert!(id.starts_with("attr_") && id.len() == 31, "{id}");
    // In this order.
    let expected = format!(
        "{{\"id\":\"{id}\",\"code\":\"{code}\",\"mentor_id\":\"usr_4491\",\"type\":\"click\",\
         \"status\":\"pending\",\"new_member_id\":null,\"ip_address\":\"185.12.34.56\",\
         \"user_agent\":\"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0)\",\
         \"referrer_url\":\"https://instagram.com\",\"occurred_at\":\"2026-03-20T14:22:00Z\",\
         \"created_at\":\"2026-03-20T20:00:00Z\"}}"
    );
    assert_eq!(reply.text, expected);
    assert_eq!(get(&world, &format!("/{id}")).await.text, expected);
}

#[tokio::test]
async fn what_is_left_out_is_taken_from_the_request() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let body = json!({"code": format!(" {} ", code.to_lowercase())}).to_string();
    let headers = [JSON, ("user-agent", "Browser/1")];
    let reply = raw(&world, "POST", "", &headers, Some("::ffff:192.0.2.7"), &body).await;
    let made = reply.data();
    assert_eq!(reply.status, 201);
    assert_eq!((&made["ip_address"], &made["user_agent"]), (&json!("192.0.2.7"), &json!("Browser/1")));
    assert_eq!((&made["referrer_url"], &made["occurred_at"]), (&Value::Null, &json!("2026-03-20T20:00:00Z")));
    assert_eq!(made["code"], code);
    // Null is as good as nothing; what is said goes before what the request tells.
    let body = json!({"code": code, "ip_address": null, "user_agent": "", "occurred_at": null}).to_string();
    let reply = raw(&world, "POST", "/", &headers, Some("192.0.2.8"), &body).await;
    let made = reply.data();
    assert_eq!((&made["ip_address"], &made["user_agent"]), (&json!("192.0.2.8"), &json!("")));
    // Nobody tells the address.
    let body = json!({"code": code}).to_string();
    let reply = raw(&world, "POST", "/", &[JSON], None, &body).await;
    assert_eq!(reply.refused_fields(), ["ip_address"]);
    // A header is cut and cleaned, not refused.
    let long = "x".repeat(2_000);
    let reply = raw(&world, "POST", "/", &[JSON, ("user-agent", &long)], Some("192.0.2.9"), &body).await;
    assert_eq!(reply.data()["user_agent"], long[..1024]);
}

#[tokio::test]
async fn fields_that_are_not_right_are_named_all_at_once() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let bad = json!({
        "code": "no code!", "ip_address": "192.0.2.01", "user_agent": "a\nb", "referrer_url": "https://jo@x.example/",
        "occurred_at": "yesterday", "ip": "192.0.2.1", "reason": "none is taken",
    });
    let reply = click(&world, bad).await;
    let mut fields = reply.refused_fields();
    fields.sort_unstable();
    assert_eq!(fields, ["code", "ip", "ip_address", "occurred_at", "reason", "referrer_url", "user_agent"]);
    assert_eq!(world.last_log()["reads"], 0);
    let ahead = |time: &str| json!({"code": code, "ip_address": "192.0.2.1", "occurred_at": time});
    let reply = click(&world, ahead("2026-03-20T20:05:00.001Z")).await;
    assert_eq!(reply.refused_fields(), ["occurred_at"]);
    assert_eq!(click(&world, ahead("2026-03-20T20:05:00Z")).await.status, 201);
    assert_eq!(click(&world, ahead("1999-01-01T00:00:00Z")).await.status, 201);
    assert_eq!(click(&world, json!({})).await.refused_fields(), ["code"]);
    let reply =
        call(&world, &Caller::anonymous(), "POST", "/?code=X&page=1", Some(json!({"code": code}))).await;
    assert_eq!(reply.refused_fields(), ["code", "page"]);
}

#[tokio::test]
async fn a_code_must_be_there_and_active() {
    let world = world().await;
    let made = json!({
        "orgcode": world.orgcode, "mentor_id": "usr_1", "expires_at": "2026-03-21T00:00:00Z",
    });
    let made = world.act(&operator::SERVICE, "referral-code-create", made).await;
    let code = made.data()["referral_code"]["code"].clone();
    let at = |time: &str| json!({"code": code, "ip_address": "192.0.2.1", "occurred_at": time});
    assert_eq!(click(&world, at("2026-03-20T19:00:00Z")).await.status, 201);
    world.advance_seconds(4 * 3600);
    click(&world, at("2026-03-21T00:00:00Z")).await.refused("code-inactive");
    // A click that was before the end and comes late is one.
    assert_eq!(click(&world, at("2026-03-20T23:59:59Z")).await.status, 201);
    let set = json!({"code": code, "status": "disabled", "expected_revision": 1});
    world.act(&operator::SERVICE, "referral-code-status-set", set).await.data();
    click(&world, at("2026-03-20T19:00:00Z")).await.refused("code-inactive");
    click(&world, json!({"code": "NO-SUCH-CODE", "ip_address": "192.0.2.1"})).await.refused("code-not-found");
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([2, 0, 0]));
}

#[tokio::test]
async fn a_repeat_is_not_counted_and_does_not_stretch_the_window() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let at = |time: &str| json!({"code": code, "ip_address": "2001:db8::1", "user_agent": "A", "occurred_at": time});
    let first = click(&world, at("2026-03-20T14:00:00Z")).await;
    for (time, n) in [("2026-03-20T14:29:59.999Z", 1), ("2026-03-20T13:30:00.001Z", 2)] {
        let mut again = at(time);
        again["ip_address"] = json!("2001:0DB8:0:0::1");
        let reply = click(&world, again).await;
        assert_eq!((reply.status, reply.header("x-deduplicated")), (200, Some("true")), "{n}");
        assert_eq!(reply.header("location"), None);
        assert_eq!(id(&reply), id(&first));
    }
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([1, 0, 0]));
    // The window begins with the counted click, not with its repeats.
    let second = click(&world, at("2026-03-20T14:30:00Z")).await;
    assert_eq!(second.status, 201);
    assert_eq!(id(&click(&world, at("2026-03-20T14:31:00Z")).await), id(&second));
    // Another code, address or agent is somebody else.
    let other = crate::people::code(&world, "usr_1").await;
    for (field, value) in [("code", &*other), ("ip_address", "2001:db8::2"), ("user_agent", "a")] {
        let mut body = at("2026-03-20T14:31:00Z");
        body[field] = json!(value);
        assert_eq!(click(&world, body).await.status, 201, "{field}");
    }
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([5, 0, 0]));
}

#[tokio::test]
async fn a_repeat_is_found_in_whatever_order_clicks_arrive() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let at = async |time: &str| {
        click(
            &world,
            json!({"code": code, "ip_address": "192.0.2.1", "user_agent": "A", "occurred_at": time}),
        )
        .await
    };
    let noon = at("2026-03-20T12:00:00Z").await;
    let late = at("2026-03-20T11:00:00Z").await;
    assert_eq!((noon.status, late.status), (201, 201));
    for (time, first) in [("12:00:00", &noon), ("11:00:00", &late), ("12:29:59", &noon), ("11:29:59", &late)]
    {
        let again = at(&format!("2026-03-20T{time}Z")).await;
        assert_eq!((again.status, again.header("x-deduplicated")), (200, Some("true")), "{time}");
        assert_eq!(id(&again), id(first), "{time}");
    }
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([2, 0, 0]));
    // A click that is near to two is the earlier one's repeat.
    assert_eq!(at("2026-03-20T12:40:00Z").await.status, 201);
    assert_eq!(id(&at("2026-03-20T12:20:00Z").await), id(&noon));
    // A window may lie on two days.
    let evening = at("2026-03-18T23:50:00Z").await;
    let again = at("2026-03-19T00:19:59Z").await;
    assert_eq!((evening.status, again.status, id(&again)), (201, 200, id(&evening)));
    let morning = at("2026-03-19T00:20:00Z").await;
    assert_eq!((morning.status, id(&at("2026-03-18T23:55:00Z").await)), (201, id(&evening)));
    // What is deleted is no longer repeated, and its neighbours still are.
    delete(&world, &id(&evening)).await.data();
    assert_eq!(at("2026-03-18T23:49:00Z").await.status, 201);
    assert_eq!(id(&at("2026-03-19T00:25:00Z").await), id(&morning));
    assert_eq!(id(&at("2026-03-20T12:10:00Z").await), id(&noon));
}

#[tokio::test]
async fn counted_clicks_of_a_visitor_are_never_closer_than_the_window() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let seed = fastrand::u64(..);
    // Named with a failure.
    eprintln!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let from: Time = "2026-03-18T20:00:00Z".parse().unwrap();
    let mut counted: Vec<(Time, String)> = Vec::new();
    for _ in 0..80 {
        let at = from.plus_seconds(rng.i64(0..8 * 3600));
        let body = json!({"code": code, "ip_address": "192.0.2.1", "occurred_at": at});
        let reply = click(&world, body).await;
        let near = |other: &&(Time, String)| (at.millis() - other.0.millis()).abs() < 30 * 60_000;
        if let Some((_, first)) = counted.iter().filter(near).min() {
            assert_eq!((reply.status, &id(&reply)), (200, first), "{at:?}");
        } else {
            assert_eq!(reply.status, 201, "{at:?} {}", reply.text);
            counted.push((at, id(&reply)));
        }
    }
    assert_eq!(total(&world, "usr_1", "all_time").await[0], json!(counted.len()));
}

#[tokio::test]
async fn repeats_are_counted_where_the_deployment_says_so() {
    let world = world().await.with_figure(&referral::DEDUPE_MINUTES, 0);
    let code = code(&world, "usr_1").await;
    let ids = [click(&world, page(&code)).await, click(&world, page(&code)).await].map(|reply| id(&reply));
    assert_ne!(ids[0], ids[1]);
    assert_eq!(total(&world, "usr_1", "2026-03").await, json!([2, 0, 0]));
}

#[tokio::test]
async fn a_repeat_tells_a_stranger_no_more_than_they_sent() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let first = click(&world, page(&code)).await;
    crate::people::confirm(&world, &id(&first), &code, "usr_5892").await.data();
    let mut probe = page(&code);
    probe.as_object_mut().expect("fields").remove("referrer_url");
    let reply = click(&world, probe).await;
    assert_eq!(id(&reply), id(&first));
    assert_eq!(reply.data()["new_member_id"], Value::Null);
    assert_eq!(reply.data()["referrer_url"], Value::Null);
    assert_eq!((&reply.data()["type"], &reply.data()["status"]), (&json!("click"), &json!("pending")));
}

#[tokio::test]
async fn an_idempotency_key_is_honoured() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let keyed = Caller::anonymous().with("idempotency-key", "one");
    let body = json!({"code": code, "ip_address": "192.0.2.1"});
    let first = call(&world, &keyed, "POST", "/", Some(body.clone())).await;
    world.advance_seconds(3600);
    let again = call(&world, &keyed, "POST", "/", Some(body)).await;
    assert_eq!((first.status, again.status, &first.text), (201, 201, &again.text));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!((first.header("idempotent-replay"), again.header("idempotent-replay")), (None, Some("true")));
    let other = json!({"code": code, "ip_address": "192.0.2.2"});
    call(&world, &keyed, "POST", "/", Some(other)).await.refused("idempotency-mismatch");
    // A key is of one source network: whoever sends somebody else's is not told of their click, and makes one.
    let body = json!({"code": code}).to_string();
    let keyed = [JSON, ("idempotency-key", "two")];
    assert_eq!(raw(&world, "POST", "/", &keyed, Some("192.0.2.3"), &body).await.status, 201);
    let elsewhere = raw(&world, "POST", "/", &keyed, Some("192.0.2.4"), &body).await;
    assert_eq!((elsewhere.status, elsewhere.header("idempotent-replay")), (201, None));
    let other = json!({"code": code, "user_agent": "another"}).to_string();
    for address in ["192.0.2.4", "::ffff:192.0.2.4"] {
        raw(&world, "POST", "/", &keyed, Some(address), &other).await.refused("idempotency-mismatch");
    }
    // The /64 of an IPv6 address is one network, and the next one is another.
    let given = json!({"code": code, "ip_address": "2001:db8::1"}).to_string();
    let click = async |address: &str| raw(&world, "POST", "/", &keyed, Some(address), &given).await;
    assert_eq!(click("2001:db8::1").await.status, 201);
    assert_eq!(click("2001:db8::ffff").await.header("idempotent-replay"), Some("true"));
    assert_eq!(click("2001:db8:0:1::1").await.header("x-deduplicated"), Some("true"));
    // A repeat is stored under its key too.
    let repeat = [JSON, ("idempotency-key", "three")];
    let repeated = raw(&world, "POST", "/", &repeat, Some("192.0.2.3"), &body).await;
    assert_eq!((repeated.status, repeated.header("x-deduplicated")), (200, Some("true")));
    world.advance_seconds(3600);
    let again = raw(&world, "POST", "/", &repeat, Some("192.0.2.3"), &body).await;
    assert_eq!((again.status, &again.text), (200, &repeated.text));
    assert_eq!(
        (again.header("x-deduplicated"), again.header("idempotent-replay")),
        (Some("true"), Some("true"))
    );
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([4, 0, 0]));
}

#[tokio::test]
async fn a_click_costs_two_reads_and_one_write() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    counted(&world, &code, 1).await;
    counted(&world, &code, 2).await;
    let log = world.last_log();
    assert_eq!((&log["reads"], &log["writes"]), (&json!(2), &json!(1)), "{log}");
    assert_eq!(log["call"], "POST /");
    assert_eq!(log["orgcode"], world.orgcode);
}

#[tokio::test]
async fn the_event_tells_nothing_of_a_person() {
    let world = world().await;
    let code = code(&world, "usr_4491").await;
    let id = id(&click(&world, page(&code)).await);
    crate::people::confirm(&world, &id, &code, "usr_5892").await.data();
    delete(&world, &id).await.data();
    let journal = world.journal("referral", "referral-attribution", &id).await;
    testkit::journal::verify(&journal);
    let actions: Vec<_> = journal.iter().map(|chained| chained.entry.action.as_str()).collect();
    assert_eq!(actions, ["referral-click-recorded", "recruitment-confirmed", "referral-attribution-deleted"]);
    for chained in &journal {
        let text = serde_json::to_string(&chained.entry).expect("JSON");
        for personal in ["185.12.34.56", "Mozilla", "instagram", "usr_5892"] {
            assert!(!text.contains(personal), "{personal} in {text}");
        }
        assert_eq!(chained.entry.request_context.orgcode.as_deref(), Some(&*world.orgcode));
    }
    let told = &journal[1].entry.data;
    assert_eq!((&told["id"], &told["mentor_id"]), (&json!(id), &json!("usr_4491")));
    assert_eq!((&told["total_clicks"], &told["total_conversions"]), (&json!(1), &json!(1)));
}
