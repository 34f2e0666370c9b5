//! Requests about facilities.

use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::World;

fn address() -> Value {
    json!({"line1": "Main Street 1", "line2": null, "city": "Berlin", "postal_code": "10115", "country": "DE"})
}

/// A code that no other facility of the org has.
fn fresh_code(world: &World) -> String {
    let id = world.change().uuid().simple().to_string();
    format!("F{}", &id[20..]).to_ascii_uppercase()
}

fn new_physical(world: &World) -> Value {
    json!({
        "code": fresh_code(world),
        "caption": "Shop",
        "address": address(),
        "timezone": "Europe/Berlin",
        "geo": {"lat": 52.520_008, "lng": 13},
        "phone": "+49 30 1234567",
        "email": "shop@example.com",
    })
}

fn new_legal(world: &World) -> Value {
    json!({
        "code": fresh_code(world),
        "caption": "Trader",
        "legal_name": "Trader GmbH",
        "address": address(),
        "tax_ids": [{"scheme": "vat", "value": "DE123456789", "country": "DE"}],
    })
}

async fn create(world: &World, kind: &str, fields: Value) -> Value {
    let path = format!("/facility/{kind}/create");
    world.post(&SERVICE, &world.owner, &path, fields).await.data().clone()
}

/// A physical facility.
pub(super) async fn physical(world: &World) -> Value {
    create(world, "physical", new_physical(world)).await
}

/// A logical facility, with all that it stands on.
pub(super) async fn logical(world: &World) -> Value {
    create(world, "logical", new_logical(world).await).await
}

async fn new_logical(world: &World) -> Value {
    let (place, trader) = (physical(world).await, create(world, "legal", new_legal(world)).await);
    let centre = super::cost_centre(world).await;
    json!({
        "code": fresh_code(world),
        "caption": "Store",
        "pf_guid": place["pf_guid"],
        "legal_guid": trader["legal_guid"],
        "cost_centre_guid": centre["cc_guid"],
    })
}

pub(super) async fn sample(world: &World, path: &str) -> Option<Value> {
    if path == "/resolve/facility" {
        return Some(json!({"code": physical(world).await["code"], "kind": "physical"}));
    }
    let (kind, verb) = path.trim_start_matches("/facility/").split_once('/')?;
    let new = match kind {
        "physical" => new_physical(world),
        "legal" => new_legal(world),
        "logical" => new_logical(world).await,
        _ => return None,
    };
    let id = match kind {
        "physical" => "pf_guid",
        "legal" => "legal_guid",
        _ => "logical_guid",
    };
    if verb == "create" {
        return Some(new);
    }
    let made = create(world, kind, new).await;
    Some(match verb {
        "get" => json!({id: made[id]}),
        "list" => {
            match kind {
                "physical" => drop(physical(world).await),
                "legal" => drop(create(world, "legal", new_legal(world)).await),
                _ => drop(logical(world).await),
            }
            json!({"status": "active"})
        }
        "status" => json!({id: made[id], "expected_revision": made["revision"], "status": "inactive"}),
        "update" if kind == "physical" => json!({
            id: made[id], "expected_revision": made["revision"], "caption": "New", "timezone": "Asia/Tokyo",
            "external_ids": [{"system": "erp", "id": "7"}],
        }),
        "update" => json!({id: made[id], "expected_revision": made["revision"], "caption": "New"}),
        _ => return None,
    })
}
