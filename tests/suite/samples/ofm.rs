//! Requests of `ofm`.

use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::World;

use super::{by, people};
use crate::request::Sample;

async fn cost_centre(world: &World) -> Value {
    let fields = json!({"caption": "Shop"});
    world.post(&SERVICE, &world.owner, "/cost-centre/create", fields).await.data().clone()
}

async fn org_revision(world: &World) -> Value {
    world.post(&SERVICE, &world.owner, "/org/get", json!({})).await.data()["revision"].clone()
}

pub(super) async fn sample(world: &World, path: &str) -> Option<Sample> {
    let fields = match path {
        "/stat" | "/org/get" | "/resolve/orgcode" => json!({}),
        "/org/create" => return Some(found_org(world).await),
        "/org/list" => {
            people::join(world, &world.another().await, world.owner.user_guid).await;
            json!({"status": "all"})
        }
        "/org/status/set" => json!({"expected_revision": org_revision(world).await, "status": "parked"}),
        "/org/update" => json!({
            "expected_revision": org_revision(world).await,
            "caption": "Another name",
            "cost_centre_guid": cost_centre(world).await["cc_guid"],
        }),
        "/owner/list" => {
            people::second_owner(world).await;
            json!({"state": "all"})
        }
        "/member/list" => {
            world.member(&["ofm_view"]).await;
            json!({"state": "active", "in_force": true})
        }
        "/member/names" => {
            let member = world.member(&[]).await;
            json!({"user_guids": [member.user_guid, world.owner.user_guid]})
        }
        "/member/resolve" => json!({"user_guid": world.member(&[]).await.user_guid}),
        "/cost-centre/create" => json!({"caption": "Shop", "description": "All of it"}),
        "/cost-centre/get" => json!({"cc_guid": cost_centre(world).await["cc_guid"]}),
        "/cost-centre/list" => {
            cost_centre(world).await;
            cost_centre(world).await;
            json!({"status": "all"})
        }
        "/cost-centre/status/set" => {
            let made = cost_centre(world).await;
            json!({"cc_guid": made["cc_guid"], "expected_revision": made["revision"], "status": "inactive"})
        }
        "/cost-centre/update" => {
            let made = cost_centre(world).await;
            json!({"cc_guid": made["cc_guid"], "expected_revision": made["revision"], "caption": "New"})
        }
        "/resolve/cost-centre" => json!({"cccode": cost_centre(world).await["cccode"]}),
        _ => return None,
    };
    Some(by(world.owner.clone(), fields))
}

async fn found_org(world: &World) -> Sample {
    let founder = world.stranger().await;
    let invitation = people::invite(world, founder.user_guid).await;
    let fields = json!({
        "orgcode": people::fresh_orgcode(world),
        "invitation_code": invitation.code,
        "caption": "Founded",
        "user_guid": founder.user_guid,
        "timezone": "Europe/Berlin",
        "fiscal_calendar": {"code": "retail-454", "start_month": 2, "start_day": 1, "week_start": "sun"},
    });
    by(founder, fields)
}
