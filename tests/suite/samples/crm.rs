//! Requests of `crm`.

use crm::SERVICE;
use serde_json::{Value, json};
use testkit::World;

use super::by;
use crate::request::Sample;

/// A new person with a value of every kind, each of which no other customer has.
fn somebody(world: &World) -> Value {
    let id = world.change().uuid();
    let number = id.as_u128() % 10_000_000;
    let id = &id.simple().to_string()[20..];
    json!({
        "customer_code": format!("K-{id}"),
        "kind": "individual",
        "given_name": "Ada",
        "family_name": "Lovelace",
        "emails": [{"email": format!("ada.{id}@mail.example"), "primary": true, "label": "home"}],
        "phones": [{"phone": format!("+4930{number:07}"), "sms": true}],
        "addresses": [{"line1": "Invalidenstr. 1", "postcode": "10115", "city": "Berlin", "country": "DE"}],
        "external_refs": [{"system": "shop", "id": id}],
        "tags": ["vip"],
        "locale": "de-DE",
        "birthday": "1815-12-10",
        "attributes": {"size": "m"},
    })
}

async fn customer(world: &World) -> Value {
    let fields = json!({"customer": somebody(world), "reason": "signed up"});
    let reply = world.post(&SERVICE, &world.owner, "/customer/create", fields).await;
    reply.data()["customer"].clone()
}

pub(super) async fn sample(world: &World, path: &str) -> Option<Sample> {
    let fields = match path {
        "/stat" | "/retention/policy/get" => json!({}),
        "/customer/create" => json!({"customer": somebody(world), "reason": "signed up"}),
        "/customer/delete" => {
            let made = customer(world).await;
            json!({"customer_guid": made["customer_guid"], "expected_revision": made["revision"], "reason": "asked for it"})
        }
        "/customer/get" => json!({"customer_guid": customer(world).await["customer_guid"]}),
        "/customer/list" => {
            customer(world).await;
            customer(world).await;
            json!({"kind": "individual", "status": "all"})
        }
        "/retention/policy/set" => json!({
            "policy": {"enforce": true, "time_of_day": "04:30", "rules": {"customer_retention_days": 730}},
            "reason": "as advised",
        }),
        _ => return None,
    };
    Some(by(world.owner.clone(), fields))
}

/// What else names a record in another way.
pub(super) async fn others(world: &World, path: &str) -> Vec<Sample> {
    if path != "/customer/get" {
        return Vec::new();
    }
    let made = customer(world).await;
    let lookups = [
        json!({"customer_code": made["customer_code"]}),
        json!({"email": made["emails"][0]["email"]}),
        json!({"phone": made["phones"][0]["phone"]}),
        json!({"external_ref": made["external_refs"][0]}),
    ];
    lookups.into_iter().map(|fields| by(world.owner.clone(), fields)).collect()
}
