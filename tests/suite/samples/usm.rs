//! Requests of `usm`.

use serde_json::{Value, json};
use testkit::World;
use usm::SERVICE;

use super::{by, people};
use crate::request::Sample;

async fn account(world: &World) -> Value {
    let id = world.change().uuid().simple().to_string();
    let fields = json!({"code": format!("SA-{}", &id[20..]), "caption": "Till", "roles": ["ofm_view"]});
    world.post(&SERVICE, &world.owner, "/service_account/create", fields).await.data().clone()
}

async fn key(world: &World, account: &Value) -> Value {
    let fields = json!({"service_account_guid": account["service_account_guid"], "caption": "First"});
    world.post(&SERVICE, &world.owner, "/api_key/create", fields).await.data().clone()
}

pub(super) async fn sample(world: &World, path: &str) -> Option<Sample> {
    if path.starts_with("/session/") {
        return session(world, path).await;
    }
    let fields = match path {
        "/service_account/create" => {
            json!({"code": "TILL-1", "caption": "Till", "roles": ["ofm_view", "crm_view"]})
        }
        "/service_account/list" => {
            account(world).await;
            account(world).await;
            json!({"status": "active"})
        }
        "/service_account/status" => {
            let made = account(world).await;
            json!({
                "service_account_guid": made["service_account_guid"],
                "expected_revision": made["revision"],
                "status": "inactive",
            })
        }
        "/api_key/create" => {
            let made = account(world).await;
            json!({"service_account_guid": made["service_account_guid"], "caption": "Second"})
        }
        "/api_key/list" => {
            let made = account(world).await;
            key(world, &made).await;
            key(world, &made).await;
            json!({"service_account_guid": made["service_account_guid"]})
        }
        "/api_key/revoke" => {
            let made = key(world, &account(world).await).await;
            json!({"key_id": made["key_id"], "expected_revision": made["revision"]})
        }
        "/api_key/revoke_all" => {
            let made = account(world).await;
            key(world, &made).await;
            json!({"service_account_guid": made["service_account_guid"]})
        }
        "/api_key/revoke_all_org" => json!({}),
        "/api_key/policy_set" => json!({"max_age_days": 90, "require_expiry": false}),
        "/api_key/validate" => return Some(by(world.key(&["ofm_view"]).await, json!({}))),
        _ => return None,
    };
    Some(by(world.owner.clone(), fields))
}

async fn session(world: &World, path: &str) -> Option<Sample> {
    if path == "/session/create" {
        let person = world.stranger().await;
        let email = people::with_passcode(world, person.user_guid).await;
        let fields = json!({"email": email, "passcode": people::PASSCODE, "caption": "Laptop"});
        return Some(by(person, fields));
    }
    let (caller, other) = people::logged_in_twice(world).await;
    let fields = match path {
        "/session/validate" | "/session/logout_other_devices" | "/session/logout_everywhere" => json!({}),
        "/session/get" => json!({"session_id": other, "include_archived": true}),
        "/session/list" => json!({"status": "all"}),
        "/session/close" => json!({"session_id": other}),
        _ => return None,
    };
    Some(by(caller, fields))
}
