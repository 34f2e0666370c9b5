//! Requests about shifts and timesheets.

use contract::time::Time;
use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::World;

use super::facilities::logical;

/// Somebody who works at a facility: of their own for each request, for nobody is twice at a time.
async fn worker(world: &World) -> Value {
    let user_guid = world.member(&[]).await.user_guid;
    let fields = json!({
        "user_guid": user_guid, "logical_guid": logical(world).await["logical_guid"], "grants": ["facility:read"],
    });
    world.post(&SERVICE, &world.owner, "/member/assign-logical", fields).await.data().clone()
}

/// A shift, to be made.
async fn shift(world: &World, date: &str) -> Value {
    let worker = worker(world).await;
    json!({
        "logical_guid": worker["logical_guid"], "user_guid": worker["user_guid"], "shift_date": date,
        "start_time": "09:00", "end_time": "17:00", "role_label": "Till",
    })
}

async fn planned(world: &World, date: &str) -> Value {
    let fields = shift(world, date).await;
    world.post(&SERVICE, &world.owner, "/shift/create", fields).await.data().clone()
}

async fn clocked_in(world: &World, clock_in: Time) -> Value {
    let worker = worker(world).await;
    let fields = json!({
        "logical_guid": worker["logical_guid"], "user_guid": worker["user_guid"], "clock_in": clock_in,
    });
    world.post(&SERVICE, &world.owner, "/timesheet/clock-in", fields).await.data().clone()
}

pub(super) async fn sample(world: &World, path: &str) -> Option<Value> {
    Some(match path {
        "/shift/create" => shift(world, "2026-03-05").await,
        "/shift/get" => json!({"shift_guid": planned(world, "2026-03-05").await["shift_guid"]}),
        "/shift/list" => {
            let first = planned(world, "2026-03-05").await;
            let mut second = shift(world, "2026-03-06").await;
            for field in ["logical_guid", "user_guid"] {
                second[field] = first[field].clone();
            }
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
        "/timesheet/clock-in" => {
            let worker = worker(world).await;
            json!({
                "logical_guid": worker["logical_guid"], "user_guid": worker["user_guid"], "notes": "Late bus",
            })
        }
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
            let again = json!({"logical_guid": entry["logical_guid"], "user_guid": entry["user_guid"]});
            world.post(&SERVICE, &world.owner, "/timesheet/clock-in", again).await.data();
            json!({"user_guid": entry["user_guid"], "from": "2026-03-01", "to": "2026-03-31"})
        }
        "/timesheet/void" => {
            let entry = clocked_in(world, world.now()).await;
            json!({
                "entry_guid": entry["entry_guid"], "expected_revision": entry["revision"], "reason": "mistake",
            })
        }
        _ => return None,
    })
}
