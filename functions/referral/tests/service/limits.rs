//! How many requests one source network may send (referral §2). All tests of a process share the buckets of an address, so
//! each has addresses of its own.

use http::HeaderMap;
use serde_json::json;
use service::Request;
use testkit::World;

use crate::people::{JSON, code, counted, get, in_spring, raw};

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

#[tokio::test]
async fn an_ipv6_network_is_limited_as_a_whole_and_no_other_is() {
    let world = in_spring(World::with_rates(100).await).await.with_figure(&referral::CLICKS_PER_MINUTE, 5);
    let body = json!({"code": code(&world, "usr_1").await}).to_string();
    let click = async |address: &str| raw(&world, "POST", "", &[JSON], Some(address), &body).await;
    for n in 0..5 {
        assert_eq!(click(&format!("2001:db8:11:2::{n}")).await.status, 201);
    }
    click("2001:db8:11:2:ffff::1").await.refused("rate-limited");
    assert_eq!(click("2001:db8:11:3::1").await.status, 201);
}

#[tokio::test]
async fn a_deep_page_counts_as_many_requests_as_it_skips_hundreds_of_records() {
    let world =
        World::with_rates(100).await.open_to_the_public().with_figure(&referral::OTHERS_PER_MINUTE, 100);
    let code = code(&world, "usr_1").await;
    counted(&world, &code, 1).await;
    let left = async |address: &str| {
        for left in 0..=100_usize {
            if raw(&world, "GET", "/mentor/usr_1/total", &[], Some(address), "").await.status == 429 {
                return left;
            }
        }
        panic!("{address} is not limited");
    };
    let deep = [
        // Skipped, and what it counts as.
        ("/", "page=1&limit=100", 1),
        ("/", "page=6", 1),
        ("/", "page=51", 10),
        ("/", "page=100&limit=100", 99),
        ("/mentor/usr_1", "page=42&limit=50", 20),
        // Refused before anything is skipped.
        ("/", "page=101&limit=100", 1),
    ];
    for (n, (path, query, weight)) in deep.into_iter().enumerate() {
        let address = format!("198.51.100.{n}");
        let fields = query.split('&').filter_map(|pair| pair.split_once('=')).collect::<Vec<_>>();
        let status = ask(&world, path, &fields, &address).await;
        assert_eq!(status, if query.starts_with("page=101") { 400 } else { 200 }, "{path}?{query}");
        assert_eq!(left(&address).await, 100 - weight, "{path}?{query}");
        // There is room for a small page before there is room for a deep one.
        world.advance_seconds(1);
        if weight > 1 {
            assert_eq!(ask(&world, path, &fields, &address).await, 429, "{path}?{query}");
        }
        assert_eq!(ask(&world, path, &[], &address).await, 200);
    }
}

/// Asks for a page from an address: the status.
async fn ask(world: &World, path: &str, query: &[(&str, &str)], address: &str) -> u16 {
    let request = Request {
        method: "GET".to_owned(),
        path: format!("{}{path}", referral::SERVICE.base()),
        query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        headers: HeaderMap::new(),
        body: Vec::new(),
        source_ip: Some(address.to_owned()),
        ..Request::default()
    };
    service::handle(world.app(&referral::SERVICE), request).await.status
}

#[tokio::test]
async fn what_names_no_caller_counts_where_a_deployment_is_private() {
    let world = World::with_rates(100).await.with_figure(&referral::OTHERS_PER_MINUTE, 5);
    let send = async |headers: &[(&'static str, &str)], address: &str| {
        raw(&world, "GET", "/", headers, Some(address), "").await
    };
    let (none, malformed) = (&[][..], &[("x-api-key", "k1_AAAA")][..]);
    for headers in [none, malformed, none, malformed, none] {
        assert_eq!(send(headers, "203.0.113.1").await.status, 401);
    }
    for headers in [none, malformed] {
        send(headers, "203.0.113.1").await.refused("rate-limited");
        assert_eq!(send(headers, "203.0.113.2").await.status, 401);
    }
}
