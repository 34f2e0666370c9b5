//! Requests of `ofm`.

use contract::ids::UserGuid;
use identity::keys;
use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::World;

mod channels;
mod facilities;
mod invites;
mod places;
mod teams;
mod tills;
mod work;

use super::{by, people};
use crate::request::Sample;

async fn cost_centre(world: &World) -> Value {
    let fields = json!({"caption": "Shop"});
    world.post(&SERVICE, &world.owner, "/cost-centre/create", fields).await.data().clone()
}

async fn org_revision(world: &World) -> Value {
    world.post(&SERVICE, &world.owner, "/org/get", json!({})).await.data()["revision"].clone()
}

async fn owner_revision(world: &World, user: UserGuid) -> Value {
    json!(world.stored(&keys::owner(&world.org, user)).await.expect("an owner").revision)
}

pub(super) async fn sample(world: &World, path: &str) -> Option<Sample> {
    let fields = match path.split('/').nth(1)? {
        _ if path == "/org/create" => return Some(found_org(world).await),
        "member" if path == "/member/invite/accept" => return Some(invites::acceptance(world).await),
        "member" if path.starts_with("/member/invite/") => invites::sample(world, path).await?,
        "team" => teams::sample(world, path).await?,
        "shift" | "timesheet" => work::sample(world, path).await?,
        "owner" => of_owners(world, path).await?,
        "member" => of_members(world, path).await?,
        "cost-centre" => of_cost_centres(world, path).await?,
        "facility" => facilities::sample(world, path).await?,
        "zone" | "service-account" | "sales-channel" | "station" => places::sample(world, path).await?,
        "profile" => tills::of_profiles(world, path).await?,
        "override-code" => tills::of_override_codes(world, path).await?,
        _ => of_orgs(world, path).await?,
    };
    Some(by(world.owner.clone(), fields))
}

async fn of_orgs(world: &World, path: &str) -> Option<Value> {
    Some(match path {
        "/stat" | "/org/get" | "/resolve/orgcode" => json!({}),
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
        "/resolve/cost-centre" => json!({"cccode": cost_centre(world).await["cccode"]}),
        "/resolve/facility" => return facilities::sample(world, path).await,
        "/resolve/zone" => return places::sample(world, path).await,
        _ => return None,
    })
}

async fn of_owners(world: &World, path: &str) -> Option<Value> {
    Some(match path {
        "/owner/list" => {
            people::second_owner(world).await;
            json!({"state": "all"})
        }
        "/owner/primary/set" | "/owner/secondary/remove" => {
            let user = people::second_owner(world).await.user_guid;
            json!({"user_guid": user, "expected_revision": owner_revision(world, user).await})
        }
        "/owner/secondary/add" => json!({"user_guid": world.member(&[]).await.user_guid}),
        "/owner/state/set" => {
            let user = people::second_owner(world).await.user_guid;
            let revision = owner_revision(world, user).await;
            json!({"user_guid": user, "expected_revision": revision, "state": "suspended"})
        }
        _ => return None,
    })
}

async fn of_members(world: &World, path: &str) -> Option<Value> {
    Some(match path {
        "/member/add" => json!({
            "user_guid": world.stranger().await.user_guid,
            "role_profile_id": "cashier",
            "roles": ["ofm_view"],
            "valid_until": world.now().plus_days(30),
            "employee_code": "E-17",
            "title": "Till 3",
        }),
        "/member/state/set" => {
            let user = world.member(&[]).await.user_guid;
            let member = world.stored(&keys::member(&world.org, user)).await.expect("a member");
            json!({
                "user_guid": user,
                "expected_revision": member.revision,
                "state": "suspended",
                "role_profile_id": "cashier",
                "employee_code": "E-18",
            })
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
        _ => return places::sample(world, path).await,
    })
}

async fn of_cost_centres(world: &World, path: &str) -> Option<Value> {
    Some(match path {
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
        _ => return None,
    })
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
