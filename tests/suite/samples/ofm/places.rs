//! Requests about what hangs on a logical facility.

use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::World;

use super::{channels, facilities::logical};

pub(super) async fn post(world: &World, path: &str, fields: Value) -> Value {
    world.post(&SERVICE, &world.owner, path, fields).await.data().clone()
}

async fn zone(world: &World, logical: &Value, code: &str) -> Value {
    post(world, "/zone/create", json!({"logical_guid": logical["logical_guid"], "code": code})).await
}

/// A member who is assigned to a facility.
async fn assigned_member(world: &World, logical: &Value) -> Value {
    let user_guid = world.member(&[]).await.user_guid;
    let fields = json!({
        "user_guid": user_guid, "logical_guid": logical["logical_guid"], "grants": ["facility:read"],
    });
    post(world, "/member/assign-logical", fields).await
}

/// A service account that is assigned to a facility.
async fn assigned_account(world: &World, logical: &Value) -> Value {
    let account = world.key(&["ofm_view"]).await.service_account_guid;
    let fields = json!({
        "service_account_guid": account, "logical_guid": logical["logical_guid"], "grants": ["facility:read"],
    });
    post(world, "/service-account/assign-logical", fields).await
}

pub(super) async fn sample(world: &World, path: &str) -> Option<Value> {
    let facility = logical(world).await;
    let logical_guid = &facility["logical_guid"];
    Some(match path {
        "/zone/create" => {
            let parent = zone(world, &facility, "FLOOR").await;
            json!({
                "logical_guid": logical_guid, "code": "AISLE_1", "parent_zone_guid": parent["zone_guid"],
                "zone_type": "aisle",
            })
        }
        "/zone/get" => {
            let made = zone(world, &facility, "FLOOR").await;
            json!({"logical_guid": logical_guid, "zone_guid": made["zone_guid"]})
        }
        "/zone/list" => {
            zone(world, &facility, "FLOOR_1").await;
            zone(world, &facility, "FLOOR_2").await;
            json!({"logical_guid": logical_guid, "parent_zone_guid": "root"})
        }
        "/zone/status" => {
            let made = zone(world, &facility, "FLOOR").await;
            json!({
                "logical_guid": logical_guid, "zone_guid": made["zone_guid"],
                "expected_revision": made["revision"], "status": "inactive",
            })
        }
        "/resolve/zone" => {
            json!({"logical_guid": logical_guid, "code": zone(world, &facility, "FLOOR").await["code"]})
        }
        "/member/assign-logical" => json!({
            "user_guid": world.member(&[]).await.user_guid, "logical_guid": logical_guid,
            "grants": ["facility:write", "schedule:write"], "valid_from": "2026-01-01T00:00:00Z",
        }),
        "/member/detach-logical" => {
            let made = assigned_member(world, &facility).await;
            json!({
                "user_guid": made["user_guid"], "logical_guid": logical_guid,
                "expected_revision": made["revision"],
            })
        }
        "/member/assignments" => {
            assigned_member(world, &facility).await;
            assigned_member(world, &facility).await;
            json!({"logical_guid": logical_guid})
        }
        "/service-account/assign-logical" => json!({
            "service_account_guid": world.key(&["ofm_view"]).await.service_account_guid,
            "logical_guid": logical_guid, "grants": ["channel:write"],
        }),
        "/service-account/detach-logical" => {
            let made = assigned_account(world, &facility).await;
            json!({
                "service_account_guid": made["service_account_guid"], "logical_guid": logical_guid,
                "expected_revision": made["revision"],
            })
        }
        "/service-account/assignments" => {
            assigned_account(world, &facility).await;
            assigned_account(world, &facility).await;
            json!({"logical_guid": logical_guid})
        }
        path => return channels::sample(world, path, &facility).await,
    })
}
