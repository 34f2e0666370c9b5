//! Requests about teams and who is in them.

use contract::ids::UserGuid;
use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::World;

/// A code that no other record has.
fn fresh_code(world: &World) -> String {
    format!("C{}", &world.change().uuid().simple().to_string()[20..])
}

async fn team(world: &World) -> Value {
    let fields = json!({"code": fresh_code(world), "caption": "Night"});
    world.post(&SERVICE, &world.owner, "/team/create", fields).await.data().clone()
}

async fn join_team(world: &World, team: &Value, user: UserGuid) -> Value {
    let fields = json!({"team_guid": team["team_guid"], "user_guid": user});
    world.post(&SERVICE, &world.owner, "/team/member/add", fields).await.data().clone()
}

pub(super) async fn sample(world: &World, path: &str) -> Option<Value> {
    Some(match path {
        "/team/create" => json!({"code": fresh_code(world), "caption": "Night", "description": "Ten to six"}),
        "/team/get" => json!({"team_guid": team(world).await["team_guid"]}),
        "/team/list" => {
            team(world).await;
            team(world).await;
            json!({"status": "all", "org_wide": true})
        }
        "/team/status" => {
            let made = team(world).await;
            json!({"team_guid": made["team_guid"], "expected_revision": made["revision"], "status": "inactive"})
        }
        "/team/update" => {
            let made = team(world).await;
            json!({"team_guid": made["team_guid"], "expected_revision": made["revision"], "caption": "Day"})
        }
        "/team/member/add" => {
            let user = world.member(&[]).await.user_guid;
            json!({"team_guid": team(world).await["team_guid"], "user_guid": user, "position": "lead"})
        }
        "/team/member/remove" => {
            let (team, user) = (team(world).await, world.member(&[]).await.user_guid);
            let added = join_team(world, &team, user).await;
            json!({
                "team_guid": team["team_guid"], "user_guid": user, "expected_revision": added["revision"],
            })
        }
        "/team/members" => {
            let team = team(world).await;
            join_team(world, &team, world.owner.user_guid).await;
            join_team(world, &team, world.member(&[]).await.user_guid).await;
            json!({"team_guid": team["team_guid"], "state": "all"})
        }
        "/team/by-member" => {
            for _ in 0..2 {
                join_team(world, &team(world).await, world.owner.user_guid).await;
            }
            json!({"user_guid": world.owner.user_guid})
        }
        _ => return None,
    })
}
