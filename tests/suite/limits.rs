//! The rate limit: per org and route, as the route's class says (contract §9, §11).

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use service::{Access, Service};
use testkit::{
    Caller, Reply, World, database,
    proxy::{Fault, Operation, Proxy, When},
};

use crate::{
    request::{self, Sample},
    samples::sample,
    services,
};

/// Of class B, which is 6 requests a second, and 12 at once, at 2 percent.
const LIST: &str = "/cost-centre/list";
const PERCENT: u32 = 2;
const A_SECOND: usize = 6;
const AT_ONCE: usize = 12;

async fn send(world: &World, caller: &Caller, path: &str) -> Reply {
    let fields = json!({"org_guid": world.org.guid()});
    ask(world, &ofm::SERVICE, caller, path, &fields).await
}

async fn ask(world: &World, service: &'static Service, caller: &Caller, path: &str, fields: &Value) -> Reply {
    let route = service.routes().find(|route| route.call.path == path).expect("a route");
    let fields = fields.as_object().expect("an object").clone();
    request::send(world, service, route, &Sample { caller: caller.clone(), fields }, None).await
}

/// The same world as three sandboxes of each function see it.
fn sandboxes(world: &World) -> [World; 3] {
    [(); 3].map(|()| world.through(database::endpoint()))
}

/// Sends until there is no room: how many passed, and the refusal.
async fn exhaust(world: &World, caller: &Caller, path: &str) -> (usize, Reply) {
    for passed in 0..1_000 {
        let reply = send(world, caller, path).await;
        if reply.status == 429 {
            return (passed, reply);
        }
        reply.data();
    }
    panic!("{path} is not limited");
}

#[tokio::test]
async fn what_the_class_says_passes_and_a_refusal_names_the_wait() {
    let world = World::with_rates(PERCENT).await;
    let (passed, refused) = exhaust(&world, &world.owner, LIST).await;
    assert_eq!(passed, AT_ONCE);
    assert_eq!(refused.refused("rate-limited")["retryable"], true);
    assert_eq!(refused.header("retry-after"), Some("1"));
    let log = world.last_log();
    assert_eq!((&log["limited"], &log["orgcode"]), (&json!(1), &json!(world.orgcode)));
    for _ in 0..3 {
        world.advance_seconds(1);
        let (passed, _) = exhaust(&world, &world.owner, LIST).await;
        assert_eq!(passed, A_SECOND);
    }
}

#[tokio::test]
async fn neither_another_route_nor_another_org_is_slowed() {
    let world = World::with_rates(PERCENT).await;
    let other = world.another().await;
    exhaust(&world, &world.owner, LIST).await;
    send(&world, &world.owner, "/member/list").await.data();
    let (passed, _) = exhaust(&other, &other.owner, LIST).await;
    assert_eq!(passed, AT_ONCE);
}

#[tokio::test]
async fn who_does_not_belong_uses_nothing_up_and_learns_nothing() {
    let world = World::with_rates(PERCENT).await;
    let stranger = world.stranger().await;
    let anonymous = Caller::anonymous().with("x-orgcode", world.orgcode.clone());
    let strangers = async || {
        for _ in 0..2 * AT_ONCE {
            send(&world, &stranger, LIST).await.refused("not-found");
            send(&world, &anonymous, LIST).await.refused("auth-required");
        }
    };
    strangers().await;
    let (passed, _) = exhaust(&world, &world.owner, LIST).await;
    assert_eq!(passed, AT_ONCE);
    strangers().await;
}

#[tokio::test]
async fn the_limit_stands_before_role_and_replay_and_behind_the_form() {
    let world = World::with_rates(PERCENT).await;
    let create = "/cost-centre/create";
    let route = ofm::SERVICE.routes().find(|route| route.call.path == create).expect("a route");
    let member = world.member(&[]).await;
    let sample = sample(&world, &ofm::SERVICE, route).await;
    let replies = async |caller: &Caller| {
        let sample = Sample { caller: caller.clone(), fields: sample.fields.clone() };
        request::send(&world, &ofm::SERVICE, route, &sample, Some("once")).await
    };
    // What is refused later counts too: of class A, two at once at 2 percent.
    replies(&world.owner).await.data();
    replies(&member).await.refused("not-owner");
    replies(&member).await.refused("rate-limited");
    replies(&world.owner).await.refused("rate-limited");
    let wrong = world.post(&ofm::SERVICE, &world.owner, create, json!({"no_such_field": 1})).await;
    wrong.refused("invalid-input");
    world.advance_seconds(1);
    assert_eq!(replies(&world.owner).await.header("idempotent-replay"), Some("true"));
}

#[tokio::test]
async fn who_is_refused_again_costs_nothing() {
    let world = World::with_rates(PERCENT).await;
    let member = world.member(&[]).await;
    exhaust(&world, &world.owner, LIST).await;
    for (caller, reads) in [(&world.owner, 0), (&member, 1), (&member, 0), (&world.owner, 0)] {
        send(&world, caller, LIST).await.refused("rate-limited");
        let log = world.last_log();
        assert_eq!((&log["reads"], &log["actor"]), (&json!(reads), &json!(caller.user_guid)));
    }
    // Not longer than a second: until then a session that was closed meanwhile is not noticed.
    world.advance_millis(100);
    for _ in 0..2 * A_SECOND {
        world.advance_millis(100);
        send(&world, &world.owner, LIST).await;
    }
    send(&world, &member, LIST).await;
    assert_eq!(world.last_log()["reads"], 1);
}

#[tokio::test]
async fn sandboxes_share_the_rate() {
    let world = World::with_rates(PERCENT).await;
    let sandboxes = sandboxes(&world);
    let passed = async || {
        let mut passed = 0;
        for n in 0..90 {
            // Long enough that what was read before is not fresh any more.
            world.advance_millis(60);
            passed += usize::from(send(&sandboxes[n % 3], &world.owner, LIST).await.status == 200);
        }
        passed
    };
    // 5.4 seconds: what they allow, and what is left over from before.
    let due = A_SECOND * 54 / 10;
    let first = passed().await;
    assert!((due + AT_ONCE - 2..=due + AT_ONCE + 6).contains(&first), "{first} passed");
    let then = passed().await;
    assert!((due - 3..=due + 6).contains(&then), "{then} passed");
}

#[tokio::test]
async fn a_limit_takes_no_round_trip() {
    let [without, with] = [World::new().await, World::with_rates(PERCENT).await];
    for world in [&without, &with] {
        for _ in 0..AT_ONCE {
            send(world, &world.owner, LIST).await.data();
        }
    }
    let trips = |world: &World| -> Vec<Value> {
        let line = |line: &String| -> Value { serde_json::from_str(line).expect("JSON") };
        world.log().iter().map(line).map(|line| json!([line["reads"], line["writes"]])).collect()
    };
    // The first request of each looks the orgcode up.
    assert_eq!(trips(&without)[1..AT_ONCE], trips(&with)[1..AT_ONCE]);
}

#[tokio::test]
async fn routes_of_no_org_are_limited_by_user_or_address() {
    let world = World::with_rates(PERCENT).await;
    let other = world.another().await;
    let log_in = json!({"email": "nobody@example.com", "passcode": "Not-the-passcode-1"});
    for world in [&world, &other] {
        for _ in 0..AT_ONCE {
            ask(world, &usm::SERVICE, &world.owner, "/session/list", &json!({})).await.data();
        }
        let refused = ask(world, &usm::SERVICE, &world.owner, "/session/list", &json!({})).await;
        refused.refused("rate-limited");
        // Of class A.
        for tag in ["invalid-passcode", "invalid-passcode", "rate-limited"] {
            ask(world, &usm::SERVICE, &Caller::anonymous(), "/session/create", &log_in).await.refused(tag);
        }
    }
}

#[tokio::test]
async fn a_count_that_cannot_be_written_lets_requests_pass_up_to_the_rate_of_each_sandbox() {
    let first = World::with_rates(PERCENT).await;
    for fault in [Fault::ServerError, Fault::Throttling, Fault::RefuseBefore, Fault::HoldBefore] {
        let world = first.another().await;
        let proxy = Proxy::start(database::endpoint()).expect("a proxy");
        // The report alone is given up in time: a database that is busy with other tests is not taken for a fault.
        let sandbox = || world.through(proxy.endpoint()).with_patience(Duration::from_mins(1));
        let sandboxes = [sandbox(), sandbox()];
        proxy.inject(fault, When::always().of(Operation::UpdateItem));
        for sandbox in &sandboxes {
            let (passed, _) = exhaust(sandbox, &world.owner, LIST).await;
            assert_eq!(passed, AT_ONCE, "{fault:?}");
        }
        let tried = proxy.calls().iter().filter(|call| call.operation == Operation::UpdateItem).count();
        // One report of each, with the client's own repeats: a failed one is not tried again for a second.
        assert!((2..=6).contains(&tried), "{fault:?}: {tried} reports");
        proxy.clear();
        world.advance_seconds(2);
        send(&sandboxes[0], &world.owner, LIST).await.data();
    }
}

/// Ten tenants at the same time at three sandboxes, one at ten times the rate, nine at half of it.
#[tokio::test]
async fn a_noisy_tenant_slows_no_quiet_one() {
    const REQUESTS: usize = 8 * A_SECOND * 10;
    const PAUSE_MILLIS: usize = 1_000 / (A_SECOND * 10);
    let noisy = World::with_rates(PERCENT).await;
    let quiet = join_all((0..9).map(|_| noisy.another())).await;
    let sandboxes = sandboxes(&noisy);
    let (mut came, mut refused, mut passed, mut unread) = (0, 0, 0, 0);
    for n in 0..REQUESTS {
        noisy.advance_millis(i64::try_from(PAUSE_MILLIS).expect("a number"));
        let sandbox = &sandboxes[n % 3];
        let reply = send(sandbox, &noisy.owner, LIST).await;
        passed += usize::from(reply.status == 200);
        unread += usize::from(reply.status == 429 && noisy.last_log()["reads"] == 0);
        if n % 20 == 0 {
            for quiet in &quiet {
                came += 1;
                let quiet = quiet.with_functions_of(sandbox);
                refused += usize::from(send(&quiet, &quiet.owner, LIST).await.status != 200);
            }
        }
    }
    assert!(refused * 1000 <= came, "{refused} of {came} requests of quiet tenants were refused");
    let due = REQUESTS * PAUSE_MILLIS * A_SECOND / 1_000 + AT_ONCE;
    assert!((due - 2..=due + 4).contains(&passed), "{passed} requests of the noisy tenant passed");
    let noise = REQUESTS - passed;
    assert!(unread * 4 >= noise * 3, "{} of {noise} refusals asked the table", noise - unread);
}

#[test]
fn every_route_has_a_rate_but_those_of_the_operator() {
    for (service, route) in services::routes() {
        let limited = service.tags(route).iter().any(|tag| tag.name() == "rate-limited");
        let is_operator = route.access == Access::Operator;
        assert_eq!(limited, !is_operator, "{} {}", service.name, route.call.path);
    }
}
