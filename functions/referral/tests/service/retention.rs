//! Blanking clicks after retention (referral §1).

use serde_json::{Value, json};
use testkit::World;

use crate::people::{click, code, confirm, counted, delete, differences, get, id, world};

async fn apply(world: &World) -> Value {
    // Other tests have orgs of their own in the table, and other times.
    let fields = json!({"orgcode": world.orgcode});
    world.act(&operator::SERVICE, "referral-retention-apply", fields).await.data().clone()
}

async fn is_blank(world: &World, id: &str) -> bool {
    let reply = get(world, &format!("/{id}")).await;
    let record = reply.data();
    let personal: Vec<_> =
        ["ip_address", "user_agent", "referrer_url"].iter().map(|name| record[name].is_null()).collect();
    assert!(personal.iter().all(|null| *null == personal[0]), "{record}");
    personal[0]
}

#[tokio::test]
async fn clicks_are_blanked_after_retention_and_stay_counted() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let body = json!({
        "code": code, "ip_address": "192.0.2.1", "user_agent": "A", "referrer_url": "https://example.com",
        // Retention counts from when it was recorded.
        "occurred_at": "2025-01-01T00:00:00Z",
    });
    let old = id(&click(&world, body.clone()).await);
    let converted = counted(&world, &code, 1).await;
    confirm(&world, &converted, &code, "m1").await.data();
    let deleted = counted(&world, &code, 2).await;
    delete(&world, &deleted).await.data();
    world.advance_seconds(90 * 86_400 - 1);
    let mut young = body.clone();
    young["ip_address"] = json!("192.0.2.2");
    let young = id(&click(&world, young).await);
    apply(&world).await;
    assert!(!is_blank(&world, &old).await);
    world.advance_seconds(1);
    assert_eq!(apply(&world).await["complete"], true);
    assert!(is_blank(&world, &old).await && !is_blank(&world, &young).await);
    let record = get(&world, &format!("/{converted}")).await;
    assert_eq!((&record.data()["ip_address"], &record.data()["new_member_id"]), (&Value::Null, &json!("m1")));
    // Nothing is left to be found by.
    let items = world.items().await;
    assert!(!items.values().any(|item| format!("{item:?}").contains("192.0.2.1\"")));
    assert_eq!(differences(&world).await, json!([]));
    // A blanked record can be deleted like any other.
    delete(&world, &converted).await.data();
    delete(&world, &old).await.data();
    assert_eq!(differences(&world).await, json!([]));

    let journal = world.system_journal("referral", "referral-upkeep", &world.org.guid().to_string()).await;
    testkit::journal::verify(&journal);
    let told: Vec<_> = journal
        .iter()
        .map(|chained| (&*chained.entry.action, chained.entry.data["attributions"].clone()))
        .collect();
    assert_eq!(told, [("referral-retention-applied", json!(2))]);
}

#[tokio::test]
async fn a_counted_click_is_forgotten_with_its_address_though_another_of_its_day_is_not() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let at = |time: &str| json!({"code": code, "ip_address": "192.0.2.1", "occurred_at": time});
    let early = id(&click(&world, at("2026-03-20T12:00:00Z")).await);
    world.advance_seconds(80 * 86_400);
    let late = id(&click(&world, at("2026-03-20T13:00:00Z")).await);
    let remembered = async || {
        let items = world.items().await;
        let days: Vec<_> =
            items.values().filter(|item| format!("{item:?}").contains("referral-click-day")).collect();
        [&early, &late].map(|id| days.iter().any(|day| format!("{day:?}").contains(&**id)))
    };
    assert_eq!(remembered().await, [true, true]);
    world.advance_seconds(10 * 86_400);
    assert_eq!(apply(&world).await["blanked"], 1);
    assert_eq!(remembered().await, [false, true]);
    assert_eq!(id(&click(&world, at("2026-03-20T13:10:00Z")).await), late);
}

#[tokio::test]
async fn more_than_one_batch_is_blanked_and_the_next_run_begins_behind_it() {
    let world = world().await.with_figure(&referral::RETENTION_DAYS, 1);
    let code = code(&world, "usr_1").await;
    for n in 0..100 {
        counted(&world, &code, n).await;
    }
    world.advance_seconds(86_400);
    assert_eq!(apply(&world).await, json!({"blanked": 100, "complete": true}));
    let list = get(&world, "/?limit=100").await;
    let records = list.data()["data"].as_array().expect("records");
    assert_eq!(records.len(), 100);
    assert!(records.iter().all(|record| record["ip_address"].is_null()), "{records:?}");
    let later = counted(&world, &code, 100).await;
    world.advance_seconds(86_400);
    assert_eq!(apply(&world).await, json!({"blanked": 1, "complete": true}));
    assert!(is_blank(&world, &later).await);
    let journal = world.system_journal("referral", "referral-upkeep", &world.org.guid().to_string()).await;
    let told: Vec<_> =
        journal.iter().map(|chained| chained.entry.data["attributions"].as_u64().expect("a count")).collect();
    assert_eq!((told.iter().sum::<u64>(), told.last()), (101, Some(&1)), "{told:?}");
}
