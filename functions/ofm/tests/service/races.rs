//! Commands that meet, through a database that conflicts and loses replies: one wins, the others are told why not.

use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{
    Reply, World,
    journal::verify,
    race::{CALLERS, in_bad_mood, one_winner, rounds},
};

use crate::places::{Places, address, legal, physical, post, set_status};

/// Runs a race in many fresh orgs: what it needs is made in the first world, what races is sent from the second, which
/// is the same org behind a database in a bad mood.
async fn race(run: impl AsyncFn(&World, &World)) {
    let world = World::new().await;
    for round in 0..rounds() {
        let proxy = in_bad_mood(round * 2);
        let calm = world.another().await;
        let behind = calm.with_functions_of(&world.through(proxy.endpoint()));
        run(&calm, &behind).await;
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

#[tokio::test]
async fn of_many_who_want_a_facility_code_one_gets_it() {
    race(async |calm, world| {
        let fields = json!({"code": "A", "caption": "Shop", "address": address(), "timezone": "UTC"});
        let callers = (0..CALLERS).map(|_| insist(world, "/facility/physical/create", fields.clone()));
        let created = one_winner(&join_all(callers).await, &["duplicate-code"]).data().clone();
        let listed = post(calm, "/facility/physical/list", json!({"status": "all"})).await;
        assert_eq!(listed.data()["facilities"], json!([created]));
        let entries = calm.journal("ofm", "facility-physical", created["pf_guid"].as_str().unwrap()).await;
        verify(&entries);
        assert_eq!(entries.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn nothing_comes_to_stand_on_a_place_that_is_being_doomed() {
    race(async |calm, world| {
        let (place, trader) = (physical(calm, "A").await, legal(calm, "A").await);
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
    let calm = World::new().await;
    let proxy = in_bad_mood(7);
    let world = calm.through(proxy.endpoint());
    let (place, trader) = (physical(&calm, "A").await, legal(&calm, "A").await);
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
    let refused = set_status(&calm, "facility/physical", &place, "doomed").await;
    assert_eq!(refused.refused("in-use")["details"]["blocking"][0]["count"], CALLERS);
}

#[tokio::test]
async fn no_zone_is_created_in_one_that_is_being_doomed() {
    race(async |calm, world| {
        let logical = Places::new(calm).await.guid();
        let root = json!({"logical_guid": logical, "code": "ROOT"});
        let root = post(calm, "/zone/create", root).await.data().clone();
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
    race(async |calm, world| {
        let logical = Places::new(calm).await.guid();
        let member = calm.member(&[]).await.user_guid;
        let fields = json!({"user_guid": member, "logical_guid": logical, "grants": ["facility:read"]});
        let callers = (0..CALLERS).map(|_| insist(world, "/member/assign-logical", fields.clone()));
        let made = one_winner(&join_all(callers).await, &["expected-revision-required"]).data().clone();
        let listed = post(calm, "/member/assignments", json!({"logical_guid": logical})).await;
        assert_eq!(listed.data()["assignments"], json!([made]));
    })
    .await;
}
