//! Till profiles under commands that meet, through a database that conflicts and loses replies.

use futures::future::join_all;
use serde_json::json;
use testkit::race::{CALLERS, one_winner};

use crate::{
    places::Places,
    profile,
    races::{insist, race},
};

#[tokio::test]
async fn no_profile_comes_into_a_slot_while_it_is_being_doomed() {
    race(async |calm, world| {
        let profile = profile::create(calm, "A", json!({})).await;
        let doom = json!({
            "profile_id": profile["profile_id"], "expected_revision": profile["revision"], "status": "doomed",
        });
        let give = json!({"profile_id": profile["profile_id"], "level": "org"});
        let (given, doomed) =
            futures::join!(insist(world, "/profile/assign", give), insist(world, "/profile/status", doom));
        if given.status == 200 {
            doomed.refused("in-use");
        } else {
            assert_eq!(given.refused("invalid-state")["details"]["field"], "profile_id");
            doomed.data();
        }
    })
    .await;
}

#[tokio::test]
async fn of_many_who_fill_a_slot_one_does() {
    race(async |calm, world| {
        let logical = Places::new(calm).await.guid();
        let mut profiles = Vec::new();
        for n in 0..CALLERS {
            profiles.push(profile::create(calm, &format!("P{n}"), json!({})).await);
        }
        let fills = profiles.iter().map(|profile| {
            let fields = json!({
                "profile_id": profile["profile_id"], "level": "facility", "logical_guid": logical,
            });
            insist(world, "/profile/assign", fields)
        });
        let filled = one_winner(&join_all(fills).await, &["expected-revision-required"]).data().clone();
        let mut blocked = Vec::new();
        for profile in &profiles {
            let fields = json!({
                "profile_id": profile["profile_id"], "expected_revision": profile["revision"], "status": "doomed",
            });
            let reply = insist(calm, "/profile/status", fields).await;
            if reply.status != 200 {
                reply.refused("in-use");
                blocked.push(profile["profile_id"].clone());
            }
        }
        assert_eq!(blocked, [filled["profile_id"].clone()]);
    })
    .await;
}
