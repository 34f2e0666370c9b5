//! Requests of `referral`.

use serde_json::{Value, json};
use testkit::{Caller, World};

use super::by;
use crate::request::Sample;

/// A code of this org.
pub(super) async fn code(world: &World) -> Value {
    let fields = json!({"orgcode": world.orgcode, "mentor_id": "usr_4491"});
    world.act(&::operator::SERVICE, "referral-code-create", fields).await.data()["referral_code"].clone()
}

fn click(code: &Value) -> Value {
    json!({
        "code": code["code"],
        "ip_address": "185.12.34.56",
        "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0)",
        "referrer_url": "https://instagram.com",
        "occurred_at": "2026-03-01T14:22:00Z",
    })
}

/// An attribution of this org.
async fn attribution(world: &World) -> Value {
    let body = click(&code(world).await).to_string();
    world.send(&::referral::SERVICE, &Caller::anonymous(), "POST", "/", body).await.data().clone()
}

/// The fields of an operator action about referrals.
pub(super) async fn action(world: &World, action: &str) -> Option<Value> {
    Some(match action {
        "referral-code-create" => json!({"mentor_id": "usr_4491", "window_days": 14}),
        "referral-code-list" => {
            code(world).await;
            code(world).await;
            json!({"status": "all"})
        }
        "referral-code-status-set" => {
            let made = code(world).await;
            json!({"code": made["code"], "expected_revision": made["revision"], "status": "disabled"})
        }
        "referral-recount" => {
            code(world).await;
            json!({"repair": true})
        }
        "referral-retention-apply" => json!({"orgcode": world.orgcode}),
        _ => return None,
    })
}

pub(super) async fn sample(world: &World, name: &str) -> Option<Sample> {
    let fields = match name {
        "/attribution/record" => click(&code(world).await),
        "/attribution/list" => {
            attribution(world).await;
            json!({"page": 1, "limit": 2})
        }
        "/attribution/get" | "/attribution/remove" => json!({"id": attribution(world).await["id"]}),
        "/attribution/by-mentor" => json!({"mentorId": attribution(world).await["mentor_id"], "limit": 2}),
        "/attribution/total" => {
            json!({"mentorId": attribution(world).await["mentor_id"], "period": "2026-03"})
        }
        "/attribution/confirm" => {
            let made = attribution(world).await;
            json!({
                "id": made["id"], "code": made["code"], "new_member_id": "usr_5892",
                "confirmed_at": "2026-03-02T10:00:00Z",
            })
        }
        _ => return None,
    };
    Some(by(world.owner.clone(), fields))
}
