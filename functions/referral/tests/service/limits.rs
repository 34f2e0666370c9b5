//! How many requests one source address may send (referral §2).

use serde_json::json;

use testkit::World;

use crate::people::{JSON, code, get, in_spring, raw};

#[tokio::test]
async fn an_address_is_limited_whoever_calls_and_no_other_is() {
    let world = in_spring(World::with_rates(100).await).await.with_figure(&referral::CLICKS_PER_MINUTE, 5);
    let code = code(&world, "usr_1").await;
    let body = json!({"code": code}).to_string();
    let unknown = json!({"code": "NO-SUCH-CODE"}).to_string();
    let click = async |address: &str, body: &str| raw(&world, "POST", "", &[JSON], Some(address), body).await;
    for n in 0..5 {
        // What names no code counts too.
        let reply = click("192.0.2.1", if n % 2 == 0 { &body } else { &unknown }).await;
        assert_ne!(reply.status, 429, "{}", reply.text);
    }
    for body in [&body, &unknown] {
        let reply = click("::ffff:192.0.2.1", body).await;
        reply.refused("rate-limited");
        let seconds: u32 = reply.header("retry-after").expect("a header").parse().expect("seconds");
        assert!((1..=12).contains(&seconds), "{seconds}");
    }
    assert_eq!(click("192.0.2.2", &body).await.status, 201);
    // Other routes have a limit of their own.
    get(&world, "/").await.data();
    world.advance_seconds(60);
    assert_ne!(click("192.0.2.1", &body).await.status, 429);
}
