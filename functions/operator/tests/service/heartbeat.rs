//! The change that is made so that it is published.

use serde_json::json;
use testkit::{World, journal};

use crate::people::act;

#[tokio::test]
async fn each_beat_is_a_journal_entry_that_is_to_be_published() {
    let world = World::new().await;
    let first = act(&world, "heartbeat", json!({})).await.data()["beats"].as_u64().unwrap();
    let second = act(&world, "heartbeat", json!({})).await.data()["beats"].as_u64().unwrap();
    assert_eq!(second, first + 1);
    let entries = world.system_journal("operator", "heartbeat", "relay").await;
    journal::verify(&entries);
    assert_eq!(entries.len() as u64, second);
    assert!(entries.iter().all(|chained| chained.entry.action == "heartbeat"));
}
