//! Commands that meet, through a database that conflicts and loses replies: one wins, the others are told why not.

use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{
    Reply, World, database,
    journal::verify,
    proxy::{Fault, Operation, Proxy, When},
};

use crate::places::{Places, address, legal, physical, post, set_status};

const CALLERS: usize = 16;
/// Each race is run so often, unless `RACE_ROUNDS` says otherwise.
const ROUNDS: usize = 10;
/// So many of them before one database, so that a proxy need not remember too much.
const ROUNDS_AT_ONCE: usize = 10;

fn in_bad_mood(seed: u64) -> Proxy {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let writes = |when: When| when.of(Operation::TransactWriteItems);
    proxy.inject(Fault::TransactionConflict { item: 0 }, writes(When::seeded(150, seed)));
    proxy.inject(Fault::LoseReply, writes(When::seeded(50, seed + 1)));
    proxy
}

/// Runs a race in many fresh orgs.
async fn rounds(race: impl AsyncFn(&World)) {
    let given = std::env::var_os("RACE_ROUNDS").and_then(|given| given.to_str()?.parse().ok());
    for start in (0..given.unwrap_or(ROUNDS)).step_by(ROUNDS_AT_ONCE) {
        let proxy = in_bad_mood(start as u64);
        let world = World::at(proxy.endpoint()).await;
        for _ in 0..ROUNDS_AT_ONCE {
            race(&world.another().await).await;
        }
    }
}

/// Sends a command as a good client does: with an idempotency key, and again while that may help.
async fn insist(world: &World, path: &str, mut fields: Value) -> Reply {
    fields["idempotency_key"] = json!(world.change().uuid());
    loop {
        let reply = post(world, path, fields.clone()).await;
        if reply.body["error"]["retryable"] != true {
            return reply;
        }
    }
}

/// The one success, with all others refused for this reason.
#[track_caller]
fn winner(replies: &[Reply], tag: &str) -> Value {
    let (won, lost): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!(won.len(), 1, "{:?}", won.iter().map(|reply| &reply.text).collect::<Vec<_>>());
    for reply in lost {
        reply.refused(tag);
    }
    won[0].data().clone()
}

#[tokio::test]
async fn of_many_who_want_a_facility_code_one_gets_it() {
    rounds(async |world| {
        let fields = json!({"code": "A", "caption": "Shop", "address": address(), "timezone": "UTC"});
        let callers = (0..CALLERS).map(|_| insist(world, "/facility/physical/create", fields.clone()));
        let created = winner(&join_all(callers).await, "duplicate-code");
        let listed = post(world, "/facility/physical/list", json!({"status": "all"})).await;
        assert_eq!(listed.data()["facilities"], json!([created]));
        let entries = world.journal("ofm", "facility-physical", created["pf_guid"].as_str().unwrap()).await;
        verify(&entries);
        assert_eq!(entries.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn nothing_comes_to_stand_on_a_place_that_is_being_doomed() {
    rounds(async |world| {
        let (place, trader) = (physical(world, "A").await, legal(world, "A").await);
        let fields = json!({
            "code": "A", "caption": "Store", "pf_guid": place["pf_guid"], "legal_guid": trader["legal_guid"],
        });
        let doom = json!({
            "pf_guid": place["pf_guid"], "expected_revision": place["revision"], "status": "doomed",
        });
        let (created, doomed) = futures::join!(
            insist(world, "/facility/logical/create", fields),
            insist(world, "/facility/physical/status", doom),
        );
        if created.status == 200 {
            doomed.refused("in-use");
        } else {
            created.refused("invalid-state");
            doomed.data();
        }
    })
    .await;
}

#[tokio::test]
async fn many_facilities_are_created_at_one_place_at_the_same_time() {
    let proxy = in_bad_mood(7);
    let world = World::at(proxy.endpoint()).await;
    let (place, trader) = (physical(&world, "A").await, legal(&world, "A").await);
    let created = (0..CALLERS).map(|n| {
        let fields = json!({
            "code": format!("S{n}"), "caption": "Store", "pf_guid": place["pf_guid"],
            "legal_guid": trader["legal_guid"],
        });
        insist(&world, "/facility/logical/create", fields)
    });
    for reply in join_all(created).await {
        reply.data();
    }
    let refused = set_status(&world, "facility/physical", &place, "doomed").await;
    assert_eq!(refused.refused("in-use")["details"]["blocking"][0]["count"], CALLERS);
}

#[tokio::test]
async fn no_zone_is_created_in_one_that_is_being_doomed() {
    rounds(async |world| {
        let logical = Places::new(world).await.guid();
        let root = json!({"logical_guid": logical, "code": "ROOT"});
        let root = post(world, "/zone/create", root).await.data().clone();
        let create = |n: usize| {
            let parent = &root["zone_guid"];
            json!({"logical_guid": logical, "code": format!("Z{n}"), "parent_zone_guid": parent})
        };
        let doom = json!({
            "logical_guid": logical, "zone_guid": root["zone_guid"], "expected_revision": root["revision"],
            "status": "doomed",
        });
        let created = join_all((1..CALLERS).map(|n| insist(world, "/zone/create", create(n))));
        let (created, doomed) = futures::join!(created, insist(world, "/zone/status", doom));
        if doomed.status == 200 {
            for reply in &created {
                reply.refused("invalid-state");
            }
        } else {
            doomed.refused("in-use");
            for reply in &created {
                reply.data();
            }
        }
    })
    .await;
}

#[tokio::test]
async fn of_many_who_assign_a_member_one_does() {
    rounds(async |world| {
        let logical = Places::new(world).await.guid();
        let member = world.member(&[]).await.user_guid;
        let fields = json!({"user_guid": member, "logical_guid": logical, "grants": ["facility:read"]});
        let callers = (0..CALLERS).map(|_| insist(world, "/member/assign-logical", fields.clone()));
        let made = winner(&join_all(callers).await, "expected-revision-required");
        let listed = post(world, "/member/assignments", json!({"logical_guid": logical})).await;
        assert_eq!(listed.data()["assignments"], json!([made]));
    })
    .await;
}
