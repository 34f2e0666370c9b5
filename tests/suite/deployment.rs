//! What `template.yaml` says of the functions, and what functions say of their deployment.

use serde_json::json;
use service::{direct, lambda};
use stack::template::Template;
use testkit::World;

/// What is invoked by a schedule has no one who reads the answer.
#[tokio::test]
async fn every_schedule_invokes_an_action_that_is_done() {
    let schedules = Template::local().and_then(|template| template.schedules()).expect("schedules");
    assert!(!schedules.is_empty());
    let world = World::new().await;
    for schedule in schedules {
        assert_eq!(schedule.function, operator::SERVICE.name);
        let answer =
            direct::handle(world.app(&operator::SERVICE), &schedule.input.to_string(), "scheduled", None)
                .await;
        assert_eq!(answer["success"], true, "{} {answer}", schedule.input);
        // By this name the alarms of the template know its metrics (infra/test_template.py).
        let call = format!("ACTION {}", schedule.input["action"].as_str().expect("an action"));
        assert_eq!(world.last_log()["call"], call);
    }
}

#[tokio::test]
async fn a_function_says_when_it_starts_which_keys_it_has_and_not_what_they_are() {
    let world = World::new().await.with_code_keys(&format!("{},{}", "2".repeat(64), "3".repeat(64)));
    let started = |service| lambda::started(world.app(service));
    let line = started(&ofm::SERVICE);
    // The first digits of SHA-256 over 32 bytes 0x11, 0x22 and 0x33, worked out with another implementation.
    assert_eq!((&line["cursor_key"], &line["lookup_key"]), (&json!("02d449a3"), &json!("9f72ea0c")));
    assert_eq!(
        line["code_keys"],
        json!(["9f72ea0c", "deb0e38c"]),
        "in their order: the first makes new codes"
    );
    assert_eq!((&line["service"], &line["started"]), (&json!("ofm"), &json!(true)));
    assert_eq!(started(&crm::SERVICE)["service"], "crm");
    let text = line.to_string();
    assert!(["1", "2", "3"].iter().all(|digit| !text.contains(&digit.repeat(16))), "{text}");
}
