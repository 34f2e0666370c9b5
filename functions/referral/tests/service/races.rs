//! Requests that meet, through a database that conflicts.

use contract::time::Time;
use futures::future::{join, join_all};
use serde_json::json;
use testkit::{
    World, database,
    proxy::{Fault, Operation, Proxy, When},
    race,
};

use crate::people::{behind, click, code, confirm, counted, delete, differences, id, total};

/// So many races are run at once in each round.
const AT_ONCE: u32 = 4;

#[tokio::test]
async fn who_makes_the_same_code_at_once_gets_the_same_one() {
    let world = World::new().await;
    let make = async |code: &str, mentor: &str| {
        let fields = json!({"orgcode": world.orgcode, "mentor_id": mentor, "code": code});
        world.act(&operator::SERVICE, "referral-code-create", fields).await
    };
    for _ in 0..race::rounds() {
        let id = world.change().uuid().simple().to_string().to_uppercase();
        let (one, two) = (format!("A-{}", &id[12..]), format!("B-{}", &id[12..]));
        let replies = join_all((0..race::CALLERS).map(|_| make(&one, "usr_1"))).await;
        for reply in &replies {
            assert_eq!(reply.data(), replies[0].data());
        }
        let mixed = join_all((0..race::CALLERS).map(|n| make(&two, ["usr_1", "usr_2"][n % 2]))).await;
        let (served, refused): (Vec<_>, Vec<_>) = mixed.iter().partition(|reply| reply.is_success());
        assert_eq!(served.len(), race::CALLERS / 2);
        for reply in refused {
            reply.refused("duplicate-code");
        }
    }
}

#[tokio::test]
async fn of_two_confirmations_of_a_member_one_wins() {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let world = behind(&proxy).await;
    let code = code(&world, "usr_1").await;
    let transactions = || When::seeded(100, 7).of(Operation::TransactWriteItems);
    proxy.inject(Fault::TransactionConflict { item: 0 }, transactions());
    proxy.inject(Fault::LoseReply, transactions());
    let meet = async |n: u32| {
        let (one, two) = (counted(&world, &code, 2 * n).await, counted(&world, &code, 2 * n + 1).await);
        let member = format!("member_{n}");
        let replies =
            join(confirm(&world, &one, &code, &member), confirm(&world, &two, &code, &member)).await;
        let mut replies = [(one, replies.0), (two, replies.1)];
        // Whoever met too many others is told to send it again.
        for (id, reply) in &mut replies {
            while reply.tag() == Some("unavailable") {
                *reply = confirm(&world, id, &code, &member).await;
            }
        }
        replies.sort_by_key(|(_, reply)| reply.status);
        let [(_, won), (_, lost)] = &replies;
        assert_eq!(won.data()["new_member_id"], member);
        lost.refused("member-already-confirmed");
    };
    let races = AT_ONCE * u32::try_from(race::rounds()).expect("a number");
    for start in (0..races).step_by(AT_ONCE as usize) {
        join_all((start..start + AT_ONCE).map(meet)).await;
    }
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([2 * races, races, 0.5]));
    assert_eq!(differences(&world).await, json!([]));
}

#[tokio::test]
async fn of_many_clicks_within_a_window_over_midnight_one_is_counted() {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let world = behind(&proxy).await;
    let code = code(&world, "usr_1").await;
    let transactions = || When::seeded(100, 11).of(Operation::TransactWriteItems);
    proxy.inject(Fault::TransactionConflict { item: 0 }, transactions());
    proxy.inject(Fault::LoseReply, transactions());
    for round in 0..race::rounds() {
        // Each reads another day than the one that others write.
        let calls = (0..race::CALLERS).map(|n| {
            let midnight: Time = "2026-03-19T00:00:00Z".parse().unwrap();
            let half = i64::try_from(race::CALLERS / 2).unwrap();
            let at = midnight.plus_minutes(i64::try_from(n).unwrap() - half);
            let body = json!({"code": code, "ip_address": format!("192.0.2.{round}"), "occurred_at": at});
            let world = &world;
            async move {
                loop {
                    let reply = click(world, body.clone()).await;
                    if reply.tag() != Some("unavailable") {
                        return reply;
                    }
                }
            }
        });
        let replies = join_all(calls).await;
        let ids: std::collections::BTreeSet<_> = replies.iter().map(id).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert!(replies.iter().filter(|reply| reply.status == 201).count() <= 1);
    }
    assert_eq!(total(&world, "usr_1", "all_time").await[0], json!(race::rounds()));
    assert_eq!(differences(&world).await, json!([]));
}

#[tokio::test]
async fn of_two_clicks_at_the_same_moment_one_is_counted() {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let world = behind(&proxy).await;
    let code = code(&world, "usr_1").await;
    for n in 0..20 {
        let body = json!({"code": code, "ip_address": format!("192.0.2.{n}")});
        let (one, two) = join(click(&world, body.clone()), click(&world, body)).await;
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!((statuses, id(&one)), ([200, 201], id(&two)));
    }
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([20, 0, 0]));
}

#[tokio::test]
async fn of_two_who_confirm_or_delete_the_same_record_both_are_told_the_same() {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let world = behind(&proxy).await;
    let code = code(&world, "usr_1").await;
    for n in 0..10 {
        let id = counted(&world, &code, n).await;
        let member = format!("m{n}");
        let (one, two) =
            join(confirm(&world, &id, &code, &member), confirm(&world, &id, &code, &member)).await;
        assert_eq!((one.status, &one.text), (200, &two.text));
        let (one, two) = join(delete(&world, &id), delete(&world, &id)).await;
        assert_eq!((one.status, &one.text), (200, &two.text));
    }
    assert_eq!(differences(&world).await, json!([]));
}

#[tokio::test]
async fn each_recruitment_is_told_with_a_total_of_its_own() {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let world = behind(&proxy).await;
    let code = code(&world, "usr_1").await;
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(counted(&world, &code, n).await);
    }
    let confirm = async |n: usize| loop {
        let reply = confirm(&world, &ids[n], &code, &format!("m{n}")).await;
        if reply.tag() != Some("unavailable") {
            reply.data();
            return;
        }
    };
    join_all((0..12).map(confirm)).await;
    let mut told = Vec::new();
    for id in &ids {
        let journal = world.journal("referral", "referral-attribution", id).await;
        told.push(journal[1].entry.data["total_conversions"].as_i64().expect("a total"));
    }
    told.sort_unstable();
    assert_eq!(told, (1..=12).collect::<Vec<_>>());
}
