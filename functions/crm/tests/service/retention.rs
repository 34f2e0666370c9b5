//! How long customers are kept (crm §13).

use crm::SERVICE;
use serde_json::{Value, json};
use testkit::{Reply, World};

use crate::people::call;

async fn get(world: &World, fields: Value) -> Reply {
    call(world, "/retention/policy/get", fields).await
}

async fn set(world: &World, fields: Value) -> Reply {
    call(world, "/retention/policy/set", fields).await
}

#[tokio::test]
async fn without_a_policy_everything_is_kept() {
    let world = World::new().await;
    let reply = get(&world, json!({})).await;
    let (policy, rules) = (&reply.data()["policy"], &reply.data()["policy"]["rules"]);
    assert_eq!(
        (&reply.data()["revision"], &policy["version"], &policy["enforce"]),
        (&json!(0), &json!(0), &json!(false))
    );
    assert_eq!((&rules["customer_action"], &rules["keep_with_value"]), (&json!("anonymize"), &json!(true)));
    assert_eq!(rules["customer_retention_days"], Value::Null);
    // The org's code, the caller, the policy.
    assert_eq!(world.last_log()["reads"], 3);
    get(&world, json!({})).await.data();
    assert_eq!(world.last_log()["reads"], 1);
    get(&world, json!({"version": 1})).await.refused("not-found");
}

#[tokio::test]
async fn each_version_is_kept_and_in_force_from_when_it_was_set() {
    let world = World::new().await;
    let before = world.now();
    world.advance_seconds(60);
    let first =
        set(&world, json!({"policy": {"enforce": true, "rules": {"customer_retention_days": 730}}})).await;
    assert_eq!(first.data()["revision"], 1);
    assert_eq!(first.body["revision"], 1);
    let between = world.now();
    world.advance_seconds(60);
    world.introduce(&SERVICE, &world.owner).await;
    let change = json!({"time_of_day": "04:30", "rules": {"inbox_days": 30, "customer_action": "delete"}});
    let second = set(&world, json!({"policy": change, "expected_revision": 1})).await;
    assert_eq!((world.last_log()["reads"].as_u64(), world.last_log()["writes"].as_u64()), (Some(1), Some(1)));
    let policy = &second.data()["policy"];
    assert_eq!(
        (&policy["version"], &policy["revision"], &policy["enforce"]),
        (&json!(2), &json!(2), &json!(true))
    );
    assert_eq!(policy["rules"]["customer_retention_days"], 730);
    assert_eq!(policy["rules"]["inbox_days"], 30);
    assert_eq!(get(&world, json!({})).await.data(), second.data());
    assert_eq!(get(&world, json!({"version": 1})).await.data(), first.data());
    assert_eq!(get(&world, json!({"as_of": between})).await.data(), first.data());
    assert_eq!(get(&world, json!({"as_of": world.now()})).await.data(), second.data());
    assert_eq!(get(&world, json!({"as_of": before})).await.data()["revision"], 0);
    assert_eq!(get(&world, json!({"as_of": before, "version": 1})).await.refused_fields(), ["as_of"]);
}

#[tokio::test]
async fn a_change_needs_the_revision_that_stands_and_a_repeat_changes_nothing() {
    let world = World::new().await;
    let with = |revision: Value| json!({"policy": {"enforce": true}, "expected_revision": revision});
    set(&world, with(json!(3))).await.refused("conflict");
    let first = set(&world, with(json!(0))).await;
    set(&world, with(Value::Null)).await.refused("expected-revision-required");
    let stale = set(&world, with(json!(0))).await;
    assert_eq!(stale.refused("conflict")["details"]["current"], first.data()["policy"]);
    assert_eq!(stale.body["revision"], 1);
    assert_eq!(set(&world, with(json!(1))).await.data(), first.data());
    assert_eq!(world.last_log()["writes"], 0);
}

#[tokio::test]
async fn of_two_first_policies_one_stands() {
    let world = World::new().await;
    let one = json!({"policy": {"time_of_day": "01:00"}});
    let other = json!({"policy": {"time_of_day": "02:00"}});
    let (one, other) = tokio::join!(set(&world, one), set(&world, other));
    let (won, lost) = if one.status == 200 { (one, other) } else { (other, one) };
    lost.refused("expected-revision-required");
    assert_eq!(get(&world, json!({})).await.data(), won.data());
}

#[tokio::test]
async fn a_dry_run_shows_and_writes_nothing() {
    let world = World::new().await;
    let fields = |dry: bool| json!({"policy": {"enforce": true}, "dry_run": dry, "idempotency_key": "k"});
    let dry = set(&world, fields(true)).await;
    assert_eq!((&dry.data()["dry_run"], &dry.data()["policy"]["enforce"]), (&json!(true), &json!(true)));
    assert_eq!(world.last_log()["writes"], 0);
    assert_eq!(get(&world, json!({})).await.data()["revision"], 0);
    // The dry run used no key.
    assert_eq!(set(&world, fields(false)).await.data()["revision"], 1);
}

#[tokio::test]
async fn limits_and_roles_hold() {
    let world = World::new().await;
    let wrong = json!({
        "enforce": "yes", "time_of_day": "24:00", "version": 7,
        "rules": {"comment_days": 729, "giftcard_closed_days": 364, "inbox_days": 0, "for_ever": 1},
    });
    let reply = set(&world, json!({"policy": wrong})).await;
    let mut fields = reply.refused_fields();
    fields.sort_unstable();
    let expected = [
        "policy.enforce",
        "policy.rules.comment_days",
        "policy.rules.for_ever",
        "policy.rules.giftcard_closed_days",
        "policy.rules.inbox_days",
        "policy.time_of_day",
        "policy.version",
    ];
    assert_eq!(fields, expected);
    let editor = world.member(&["crm_edit"]).await;
    let policy = || json!({"policy": {"enforce": true}});
    world.post(&SERVICE, &editor, "/retention/policy/set", policy()).await.refused("forbidden");
    let admin = world.member(&["crm_privacy_admin"]).await;
    world.post(&SERVICE, &admin, "/retention/policy/set", policy()).await.data();
}
