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

async fn code(world: &World, facility: &Value) -> Value {
    let fields = json!({
        "logical_guid": facility["logical_guid"], "type": "refund", "max_uses": 20,
        "max_value": {"currency": "EUR", "amount": 5000},
    });
    post(world, "/override-code/generate", fields).await
}

pub(super) async fn of_override_codes(world: &World, path: &str) -> Option<Value> {
    let facility = logical(world).await;
    let logical_guid = &facility["logical_guid"];
    Some(match path {
        "/override-code/generate" => json!({
            "logical_guid": logical_guid, "type": "discount_line", "max_value": {"bp": 500}, "max_uses": 2,
            "expires_in_minutes": 30,
            "bind": {
                "action": "discount", "record": {"kind": "sale", "id": "S-1"}, "amount": {"bp": 400},
                "user_guid": world.member(&[]).await.user_guid,
            },
        }),
        "/override-code/list" => {
            code(world, &facility).await;
            code(world, &facility).await;
            json!({"logical_guid": logical_guid, "status": "all", "type": "refund", "from": world.now()})
        }
        "/override-code/revoke" => json!({"override_id": code(world, &facility).await["override_id"]}),
        "/override-code/validate" => json!({
            "logical_guid": logical_guid, "type": "refund", "code": code(world, &facility).await["code"],
            "value": {"currency": "EUR", "amount": 4200}, "operator_user_guid": world.owner.user_guid,
            "action": "refund", "record": {"kind": "sale", "id": "S-1"},
        }),
        _ => return None,
    })
}
