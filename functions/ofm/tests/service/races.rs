//! Commands that meet, through a database that conflicts and loses replies: one wins, the others are told why not.

use futures::future::{join, join_all};
use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::{
    Reply, World,
    journal::{equals_effects, verify},
    race::{self, CALLERS, in_bad_mood, one_winner, rounds},
};

use crate::{
    cost_centre,
    places::{Places, address, legal, logical, named, physical, post, set_status, status_path},
    sales_channel,
};

/// Runs a race in many fresh orgs: what it needs is made in the first world, what races is sent from the second, which
/// is the same org behind a database in a bad mood.
pub(crate) async fn race(run: impl AsyncFn(&World, &World)) {
    let world = World::new().await;
    for round in 0..rounds() {
        let proxy = in_bad_mood(round * 2);
        let calm = world.another().await;
        let behind = calm.with_functions_of(&world.through(proxy.endpoint()));
        run(&calm, &behind).await;
        equals_effects(&proxy).await;
    }
}

/// Sends a command of the owner.
pub(crate) async fn insist(world: &World, path: &str, fields: Value) -> Reply {
    race::insist(world, &SERVICE, &world.owner, path, fields).await
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

/// Closes a record while so many others come to hang on it: nothing hangs on what is closed, and nothing is closed on
/// which something hangs.
async fn close_under(
    world: &World,
    (noun, parent, status): (&str, &Value, &str),
    (create, fields): (&str, &[Value]),
) {
    let mut close = named(noun, parent);
    close.insert("status".to_owned(), json!(status));
    let created = fields.iter().map(|fields| insist(world, create, fields.clone()));
    let (created, closed) = join(join_all(created), insist(world, &status_path(noun), close.into())).await;
    if closed.status == 200 {
        for reply in &created {
            reply.refused("invalid-state");
        }
    } else {
        closed.refused("in-use");
        for reply in &created {
            reply.data();
        }
    }
}

#[tokio::test]
async fn nothing_comes_to_stand_on_ground_that_is_being_doomed() {
    race(async |calm, world| {
        for (code, noun) in [("A", "facility/physical"), ("B", "facility/legal"), ("C", "cost-centre")] {
            let (place, trader) = (physical(calm, code).await, legal(calm, code).await);
            let centre = cost_centre::create(calm).await;
            let facilities = ["1", "2"].map(|n| {
                json!({
                    "code": format!("{code}-{n}"), "caption": "Store", "pf_guid": place["pf_guid"],
                    "legal_guid": trader["legal_guid"], "cost_centre_guid": centre["cc_guid"],
                })
            });
            let ground = match noun {
                "facility/physical" => &place,
                "facility/legal" => &trader,
                _ => &centre,
            };
            close_under(world, (noun, ground, "doomed"), ("/facility/logical/create", &facilities)).await;
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
    equals_effects(&proxy).await;
    let refused = set_status(&calm, "facility/physical", &place, "doomed").await;
    assert_eq!(refused.refused("in-use")["details"]["blocking"][0]["count"], CALLERS);
}

#[tokio::test]
async fn no_zone_is_created_in_what_is_being_closed() {
    race(async |calm, world| {
        let places = Places::new(calm).await;
        for (code, status) in [("SHUT", "inactive"), ("GONE", "doomed")] {
            let above = json!({"logical_guid": places.guid(), "code": code});
            let above = post(calm, "/zone/create", above).await.data().clone();
            let zones = [json!({
                "logical_guid": places.guid(), "code": format!("{code}-1"), "parent_zone_guid": above["zone_guid"],
            })];
            close_under(world, ("zone", &above, status), ("/zone/create", &zones)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn no_zone_is_created_in_a_facility_that_is_being_doomed() {
    race(async |calm, world| {
        let places = Places::new(calm).await;
        let zones = [json!({"logical_guid": places.guid(), "code": "A"})];
        close_under(world, ("facility/logical", &places.logical, "doomed"), ("/zone/create", &zones)).await;
    })
    .await;
}

#[tokio::test]
async fn of_many_channels_one_is_bound_to_an_external_id() {
    race(async |calm, world| {
        let logical = Places::new(calm).await.guid();
        let known = json!({"external_ids": [{"kind": "shop_id", "id": "7"}]});
        let mut activations = Vec::new();
        for _ in 0..CALLERS {
            let channel = sales_channel::create(calm, &logical, known.clone()).await;
            activations.push(json!({
                "channel_guid": channel["channel_guid"], "expected_revision": channel["revision"], "status": "active",
            }));
        }
        let callers = activations.into_iter().map(|fields| insist(world, "/sales-channel/status", fields));
        let bound = one_winner(&join_all(callers).await, &["duplicate-external-id"]).data().clone();
        let resolve = json!({"external_id": {"kind": "shop_id", "id": "7"}});
        let found = post(calm, "/sales-channel/resolve", resolve).await.data().clone();
        assert_eq!((&found["channel_guid"], &found["resolved_by"]), (&bound["channel_guid"], &json!("binding")));
        let listed = post(calm, "/sales-channel/list", json!({"status": "active"})).await;
        assert_eq!(listed.data()["sales_channels"], json!([bound]));
    })
    .await;
}

#[tokio::test]
async fn no_facility_that_is_being_doomed_comes_to_supply_a_channel() {
    race(async |calm, world| {
        let places = Places::new(calm).await;
        let stock = logical(calm, "STOCK", &places.physical, &places.legal).await;
        let channel = sales_channel::create(calm, &places.guid(), json!({})).await;
        let set = json!({
            "channel_guid": channel["channel_guid"], "expected_revision": channel["revision"],
            "sources": [{"logical_guid": stock["logical_guid"], "priority": 1}],
        });
        let doom = json!({
            "logical_guid": stock["logical_guid"], "expected_revision": stock["revision"], "status": "doomed",
        });
        let (set, doomed) = futures::join!(
            insist(world, "/sales-channel/inventory-sources/set", set),
            insist(world, "/facility/logical/status", doom),
        );
        if set.status == 200 {
            doomed.refused("in-use");
        } else {
            set.refused("invalid-state");
            doomed.data();
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
