//! Requests about till profiles and override codes.

use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::World;

use super::facilities::logical;

async fn post(world: &World, path: &str, fields: Value) -> Value {
    world.post(&SERVICE, &world.owner, path, fields).await.data().clone()
}

/// A code that no other profile of the org has.
fn fresh_code(world: &World) -> String {
    let id = world.change().uuid().simple().to_string();
    format!("P{}", &id[20..])
}

async fn profile(world: &World) -> Value {
    let code = fresh_code(world);
    let controls = json!({"discount.line_max_bp": 500, "department.codes": ["TOYS"]});
    let fields = json!({"code": code, "caption": "Cashier", "currency": "EUR", "controls": controls});
    post(world, "/profile/create", fields).await
}

/// The slot of a new member at a facility, with a profile in it.
async fn slot(world: &World) -> Value {
    let (facility, profile) = (logical(world).await, profile(world).await);
    let fields = json!({
        "level": "member", "user_guid": world.member(&[]).await.user_guid,
        "logical_guid": facility["logical_guid"], "profile_id": profile["profile_id"],
    });
    post(world, "/profile/assign", fields).await
}

pub(super) async fn of_profiles(world: &World, path: &str) -> Option<Value> {
    Some(match path {
        "/profile/create" => json!({
            "code": fresh_code(world), "caption": "Cashier", "description": "Everybody", "currency": "EUR",
            "controls": {
                "discount.line_max_bp": 500, "txn.sale_max_amount": null, "tender.allowed": ["cash"],
                "department.mode": "deny", "department.codes": ["TOYS"], "txn.return_allowed": false,
            },
        }),
        "/profile/get" => json!({"profile_id": profile(world).await["profile_id"]}),
        "/profile/list" => {
            profile(world).await;
            profile(world).await;
            json!({"status": "all"})
        }
        "/profile/status" => {
            let made = profile(world).await;
            json!({
                "profile_id": made["profile_id"], "expected_revision": made["revision"], "status": "inactive",
            })
        }
        "/profile/update" => {
            let made = profile(world).await;
            json!({
                "profile_id": made["profile_id"], "expected_revision": made["revision"], "caption": "New",
                "controls": {"txn.sale_max_amount": 5}, "reset": ["discount.line_max_bp"],
            })
        }
        "/profile/assign" => {
            let slot = slot(world).await;
            json!({
                "level": "member", "user_guid": slot["user_guid"], "logical_guid": slot["logical_guid"],
                "profile_id": profile(world).await["profile_id"],
                "expected_revision": slot["revision"],
            })
        }
        "/profile/unassign" => {
            let slot = slot(world).await;
            json!({
                "level": "member", "user_guid": slot["user_guid"], "logical_guid": slot["logical_guid"],
                "expected_revision": slot["revision"],
            })
        }
        "/profile/resolve" => {
            let slot = slot(world).await;
            json!({"user_guid": slot["user_guid"], "logical_guid": slot["logical_guid"]})
        }
        _ => return None,
    })
}
