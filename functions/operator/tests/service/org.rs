//! The status of orgs (ofm §4).

use contract::states::States;
use identity::org::{ARCS, OrgStatus};
use serde_json::{Value, json};
use testkit::{Reply, World};

use crate::people::{act, act_in_org, put_org};

async fn set(world: &World, status: OrgStatus, revision: &Value) -> Reply {
    act_in_org(world, "org-status-set", json!({"status": status, "expected_revision": revision})).await
}

#[tokio::test]
async fn every_move_is_allowed_or_refused_as_the_table_says() {
    let world = World::new().await;
    for from in OrgStatus::ALL {
        for to in OrgStatus::ALL {
            let revision = json!(put_org(&world, *from).await);
            let reply = set(&world, *to, &revision).await;
            if ARCS.contains(&(*from, *to)) {
                assert_eq!(reply.data()["status"], json!(to), "{from:?} {to:?}");
            } else {
                let details = &reply.refused("invalid-transition")["details"];
                assert_eq!((&details["from"], &details["to"]), (&json!(from), &json!(to)));
            }
        }
    }
}

#[tokio::test]
async fn a_move_is_journaled_as_the_operators_and_knows_no_cooldown() {
    let world = World::new().await;
    let revision = json!(put_org(&world, OrgStatus::Verified).await);
    let parked = set(&world, OrgStatus::Parked, &revision).await;
    assert_eq!((world.last_log()["reads"].as_u64(), world.last_log()["writes"].as_u64()), (Some(1), Some(1)));
    let verified = set(&world, OrgStatus::Verified, &parked.data()["revision"]).await;
    assert_eq!(verified.data()["park_changed_at"], Value::Null);
    let journal = world.journal("ofm", "org", &world.org.guid().to_string()).await;
    testkit::journal::verify(&journal);
    let last = &journal.last().unwrap().entry;
    assert_eq!(last.action, "org-status-set");
    assert_eq!(last.request_context.actor.as_deref(), Some("operator:op@example"));
    assert_eq!(last.request_context.orgcode.as_deref(), Some(world.orgcode.as_str()));
    assert_eq!(last.why.as_ref().unwrap().text, "test");
}

#[tokio::test]
async fn an_org_is_named_by_id_or_code_and_seen_also_when_doomed() {
    let world = World::new().await;
    let revision = put_org(&world, OrgStatus::Doomed).await;
    let by_code = json!({"orgcode": world.orgcode, "status": "verified", "expected_revision": revision});
    act(&world, "org-status-set", by_code.clone()).await.refused("invalid-transition");
    let mut unknown = by_code;
    unknown["orgcode"] = json!("NOBODY");
    act(&world, "org-status-set", unknown).await.refused("not-found");
    let nowhere = json!({"status": "verified"});
    assert_eq!(act(&world, "org-status-set", nowhere).await.refused_fields(), ["org_guid"]);
    act_in_org(&world, "org-status-set", json!({"status": "frozen"}))
        .await
        .refused("expected-revision-required");
}
