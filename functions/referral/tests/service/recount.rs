//! Comparing totals with records, and mending them (referral §7).

use referral::{
    keys,
    totals::{Count, Of, Shard},
};
use serde_json::{Value, json};
use testkit::World;

use crate::people::{code, confirm, counted, differences, total, world};

async fn recount(world: &World, fields: Value) -> Value {
    let mut all = json!({"orgcode": world.orgcode});
    all.as_object_mut().expect("fields").extend(fields.as_object().expect("fields").clone());
    world.act(&operator::SERVICE, "referral-recount", all).await.data().clone()
}

#[tokio::test]
async fn what_is_wrong_is_found_mended_once_and_journaled() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let id = counted(&world, &code, 1).await;
    counted(&world, &code, 2).await;
    confirm(&world, &id, &code, "m1").await.data();
    assert_eq!(
        recount(&world, json!({})).await,
        json!({"differences": [], "compared": 4, "unsettled": [], "mended": 0})
    );

    let mentor = Of::Mentor("usr_1".parse().expect("an id"));
    let mut change = world.change();
    let wrong = Count { clicks: 5, conversions: -1 }.figures();
    change.count(&keys::total::all_time(&world.org, &mentor, Shard::Random(7)), wrong);
    // A month of which there is no record.
    let month = referral::total::Month::of("2025-01-01T00:00:00Z".parse().expect("a time"));
    change.count(&keys::total::month(&world.org, &Of::Org, month, Shard::Random(7)), Count::CLICK.figures());
    world.commit(change).await;
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([7, 0, 0]));

    let found = json!([
        {"mentor_id": null, "period": "2025-01", "total_clicks": 1, "total_conversions": 0, "counted_clicks": 0, "counted_conversions": 0},
        {"mentor_id": "usr_1", "period": "all_time", "total_clicks": 7, "total_conversions": 0, "counted_clicks": 2, "counted_conversions": 1},
    ]);
    assert_eq!(differences(&world).await, found);
    let of_mentor = recount(&world, json!({"mentor_id": "usr_1"})).await;
    assert_eq!(of_mentor["differences"], json!([found[1]]));
    let mended = recount(&world, json!({"repair": true})).await;
    assert_eq!((&mended["differences"], &mended["mended"]), (&found, &json!(2)));
    assert_eq!(differences(&world).await, json!([]));
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([2, 1, 0.5]));
    assert_eq!(recount(&world, json!({"repair": true})).await["mended"], 0);

    let journal = world.system_journal("referral", "referral-upkeep", &world.org.guid().to_string()).await;
    testkit::journal::verify(&journal);
    assert_eq!(journal.len(), 1);
    assert_eq!(journal[0].entry.action, "referral-totals-repaired");
    assert_eq!(journal[0].entry.data["differences"], found);
}

#[tokio::test]
async fn an_org_without_codes_has_nothing_to_compare() {
    let world = world().await;
    assert_eq!(recount(&world, json!({"repair": true})).await["differences"], json!([]));
    let unknown = json!({"orgcode": "NOSUCHORG"});
    world.act(&operator::SERVICE, "referral-recount", unknown).await.refused("not-found");
}
