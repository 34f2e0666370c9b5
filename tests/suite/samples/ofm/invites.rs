//! Requests about invites to become a member.

use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::World;

use crate::{request::Sample, samples::by};

async fn invite(world: &World, fields: Value) -> Value {
    world.post(&SERVICE, &world.owner, "/member/invite/create", fields).await.data().clone()
}

/// The invited person accepts.
pub(super) async fn acceptance(world: &World) -> Sample {
    let person = world.stranger().await;
    let invite = invite(world, json!({"user_guid": person.user_guid, "roles": ["ofm_view"]})).await;
    by(person, json!({"code": invite["code"]}))
}

pub(super) async fn sample(world: &World, path: &str) -> Option<Value> {
    Some(match path {
        "/member/invite/create" => json!({
            "email": format!("{}@people.example", world.change().uuid()),
            "roles": ["ofm_member_admin"],
            "message": "Welcome!",
            "assignments": [],
        }),
        "/member/invite/list" => {
            invite(world, json!({"email": "one@people.example"})).await;
            invite(world, json!({"user_guid": world.stranger().await.user_guid})).await;
            json!({"status": "all"})
        }
        "/member/invite/revoke" => {
            let made = invite(world, json!({"user_guid": world.stranger().await.user_guid})).await;
            json!({"invite_guid": made["invite_guid"], "expected_revision": made["revision"]})
        }
        _ => return None,
    })
}
