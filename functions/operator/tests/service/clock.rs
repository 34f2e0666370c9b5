//! The test clock (usm §5, `clock-set`).

use serde_json::json;
use testkit::World;

use crate::people::{act, email};

// One test, for the shift is one item of the table that all tests share.
#[tokio::test]
async fn time_moves_where_there_is_a_test_clock_and_nowhere_else() {
    let plain = World::new().await;
    act(&plain, "clock-set", json!({"advance_seconds": 60})).await.refused("invalid-state");

    let world = World::with_test_clock().await;
    let start = world.now();
    let moved = act(&world, "clock-set", json!({"advance_seconds": 90})).await;
    assert_eq!(moved.data(), &json!({"now": start.plus_seconds(90)}));
    let moved = act(&world, "clock-set", json!({"advance_seconds": 10})).await;
    assert_eq!(moved.data(), &json!({"now": start.plus_seconds(100)}));
    world.advance_seconds(5);
    let invitation = act(&world, "invitation-create", json!({"email": email(&world, "ada")})).await;
    assert_eq!(invitation.data()["created_at"], json!(start.plus_seconds(105)));
    let set = act(&world, "clock-set", json!({"now": "2027-01-01T00:00:00Z"})).await;
    assert_eq!(set.data(), &json!({"now": "2027-01-01T00:00:00.000Z"}));
    let listed = act(&world, "invitation-list", json!({"email": email(&world, "ada")})).await;
    assert_eq!(listed.body["stats"]["timestamp_utc"], "2027-01-01T00:00:00.000Z");
    assert_eq!(listed.data()["invitations"], json!([]));

    assert_eq!(act(&world, "clock-set", json!({})).await.refused_fields(), ["now"]);
    let both = json!({"now": "2027-01-01T00:00:00Z", "advance_seconds": 1});
    assert_eq!(act(&world, "clock-set", both).await.refused_fields(), ["advance_seconds"]);
    for far in [i64::MAX, i64::MIN, 300_000_000_000] {
        let reply = act(&world, "clock-set", json!({"advance_seconds": far})).await;
        assert_eq!(reply.refused_fields(), ["advance_seconds"]);
    }
    assert_eq!(
        act(&plain, "clock-set", json!({"now": world.now()})).await.refused("invalid-state")["http_status"],
        409
    );
    // Others of these tests do not run with a test clock; the shift that stays is theirs to ignore.
    let elsewhere = act(&plain, "invitation-create", json!({"email": email(&plain, "ada")})).await;
    assert_eq!(elsewhere.data()["created_at"], json!(plain.now()));
}
