//! Requests of `ofm`.

use contract::{ids::UserGuid, time::Time};
use identity::keys;
use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::World;

mod facilities;
mod places;

use super::{by, people};
use crate::request::Sample;

async fn cost_centre(world: &World) -> Value {
    let fields = json!({"caption": "Shop"});
    world.post(&SERVICE, &world.owner, "/cost-centre/create", fields).await.data().clone()
}

async fn org_revision(world: &World) -> Value {
    world.post(&SERVICE, &world.owner, "/org/get", json!({})).await.data()["revision"].clone()
}

async fn invite(world: &World, fields: Value) -> Value {
    world.post(&SERVICE, &world.owner, "/member/invite/create", fields).await.data().clone()
}

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

/// A shift of the owner, to be made.
async fn shift(world: &World, date: &str) -> Value {
    json!({
        "logical_guid": facilities::logical(world).await["logical_guid"], "user_guid": world.owner.user_guid, "shift_date": date,
        "start_time": "09:00", "end_time": "17:00", "role_label": "Till",
    })
}

async fn planned(world: &World, date: &str) -> Value {
    let fields = shift(world, date).await;
    world.post(&SERVICE, &world.owner, "/shift/create", fields).await.data().clone()
}

async fn clocked_in(world: &World, clock_in: Time) -> Value {
    let fields = json!({
        "logical_guid": facilities::logical(world).await["logical_guid"], "user_guid": world.owner.user_guid, "clock_in": clock_in,
    });
    world.post(&SERVICE, &world.owner, "/timesheet/clock-in", fields).await.data().clone()
}

async fn owner_revision(world: &World, user: UserGuid) -> Value {
    json!(world.stored(&keys::owner(&world.org, user)).await.expect("an owner").revision)
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
        "/member/invite/accept" => {
            let person = world.stranger().await;
            let fields = json!({"user_guid": person.user_guid, "roles": ["ofm_view"]});
            let invite = invite(world, fields).await;
            return Some(by(person, json!({"code": invite["code"]})));
        }
        "/member/invite/create" => json!({
            "email": format!("{}@people.example", world.change().uuid()),
            "role_profile_id": "cashier",
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
        "/shift/create" => shift(world, "2026-03-05").await,
        "/shift/get" => json!({"shift_guid": planned(world, "2026-03-05").await["shift_guid"]}),
        "/shift/list" => {
            let first = planned(world, "2026-03-05").await;
            let mut second = shift(world, "2026-03-06").await;
            second["logical_guid"] = first["logical_guid"].clone();
            world.post(&SERVICE, &world.owner, "/shift/create", second).await.data();
            json!({"logical_guid": first["logical_guid"], "from": "2026-03-01", "to": "2026-03-31"})
        }
        "/shift/status" => {
            let made = planned(world, "2026-03-05").await;
            json!({
                "shift_guid": made["shift_guid"], "expected_revision": made["revision"], "status": "cancelled",
            })
        }
        "/shift/update" => {
            let made = planned(world, "2026-03-05").await;
            json!({
                "shift_guid": made["shift_guid"], "expected_revision": made["revision"], "end_time": "18:00",
                "notes": "Inventory",
            })
        }
        "/timesheet/clock-in" => json!({
            "logical_guid": facilities::logical(world).await["logical_guid"],
            "user_guid": world.owner.user_guid,
            "notes": "Late bus",
        }),
        "/timesheet/clock-out" => {
            let entry = clocked_in(world, world.now().plus_minutes(-9)).await;
            json!({
                "entry_guid": entry["entry_guid"], "expected_revision": entry["revision"],
                "breaks": [{"start": world.now().plus_minutes(-5), "end": world.now().plus_minutes(-3)}],
            })
        }
        "/timesheet/get" => {
            json!({"entry_guid": clocked_in(world, world.now()).await["entry_guid"]})
        }
        "/timesheet/list" => {
            let entry = clocked_in(world, world.now().plus_minutes(-9)).await;
            let out = json!({"entry_guid": entry["entry_guid"], "expected_revision": entry["revision"],
                "clock_out": world.now().plus_minutes(-8)});
            world.post(&SERVICE, &world.owner, "/timesheet/clock-out", out).await.data();
            clocked_in(world, world.now()).await;
            json!({"user_guid": world.owner.user_guid, "from": "2026-03-01", "to": "2026-03-31"})
        }
        "/timesheet/void" => {
            let entry = clocked_in(world, world.now()).await;
            json!({
                "entry_guid": entry["entry_guid"], "expected_revision": entry["revision"], "reason": "mistake",
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
        path if path.starts_with("/facility/") || path == "/resolve/facility" => {
            facilities::sample(world, path).await?
        }
        path => places::sample(world, path).await?,
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
