//! Shifts (ofm §16).

use contract::states::States;
use futures::future::join_all;
use identity::{keys, member::MemberState};
use ofm::{
    SERVICE,
    shift::{ARCS, ShiftStatus},
};
use serde_json::{Value, json};
use testkit::{
    Caller, Reply, World,
    journal::{equals_effects, verify},
    race,
};

use crate::{
    assignment,
    places::{self, Places},
};

/// A facility in Berlin, somebody who works there, and somebody who plans.
pub(crate) struct Shop {
    pub(crate) places: Places,
    pub(crate) worker: Caller,
    pub(crate) planner: Caller,
}

/// Gives a member grants at a facility.
pub(crate) async fn assign(world: &World, places: &Places, caller: &Caller, grants: &[&str]) {
    assignment::assign(world, caller, &places.guid(), grants).await;
}

impl Shop {
    pub(crate) async fn new(world: &World) -> Self {
        let places = Places::new(world).await;
        let (worker, planner) = (world.member(&[]).await, world.member(&[]).await);
        assign(world, &places, &worker, &["facility:read"]).await;
        assign(world, &places, &planner, &["schedule:write", "timesheet:write"]).await;
        Self { places, worker, planner }
    }

    /// A shift of the worker on a day.
    pub(crate) fn plan(&self, date: &str, start: &str, end: &str) -> Value {
        json!({
            "logical_guid": self.places.guid(), "user_guid": self.worker.user_guid, "shift_date": date,
            "start_time": start, "end_time": end, "role_label": "Till",
        })
    }

    pub(crate) async fn create(&self, world: &World, fields: Value) -> Reply {
        race::insist(world, &SERVICE, &self.planner, "/shift/create", fields).await
    }

    pub(crate) async fn set_status(&self, world: &World, shift: &Value, status: &str) -> Reply {
        let fields = json!({
            "shift_guid": shift["shift_guid"], "status": status, "expected_revision": shift["revision"],
        });
        world.post(&SERVICE, &self.planner, "/shift/status", fields).await
    }

    async fn update(&self, world: &World, shift: &Value, changes: Value) -> Reply {
        let mut fields = json!({"shift_guid": shift["shift_guid"], "expected_revision": shift["revision"]});
        fields.as_object_mut().expect("fields").extend(changes.as_object().expect("fields").clone());
        world.post(&SERVICE, &self.planner, "/shift/update", fields).await
    }
}

async fn list(world: &World, caller: &Caller, fields: Value) -> Vec<Value> {
    let reply = world.post(&SERVICE, caller, "/shift/list", fields).await;
    reply.data()["items"].as_array().expect("items").clone()
}

#[tokio::test]
async fn a_shift_is_planned_by_the_clocks_of_the_place() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let mut fields = shop.plan("2026-10-24", "22:00", "06:00");
    fields["notes"] = json!("Bring the keys");
    let made = shop.create(&world, fields).await;
    assert_eq!(world.last_log()["writes"], 1);
    let data = made.data();
    assert_eq!([&data["timezone"], &data["status"]], ["Europe/Berlin", "scheduled"]);
    assert_eq!(data["start_at"], "2026-10-24T20:00:00.000Z");
    assert_eq!(data["end_at"], "2026-10-25T05:00:00.000Z");
    assert_eq!((&data["planned_minutes"], &data["published"]), (&json!(540), &json!(true)));
    assert_eq!((&data["start_fold"], &data["end_fold"]), (&json!(0), &json!(0)));
    assert_eq!(made.body["revision"], data["revision"]);
    let get = json!({"shift_guid": data["shift_guid"]});
    let shown = world.post(&SERVICE, &shop.worker, "/shift/get", get).await;
    assert_eq!(shown.data(), data);
    let journal = world.journal("ofm", "shift", data["shift_guid"].as_str().unwrap()).await;
    verify(&journal);
    assert!(!serde_json::to_string(&journal[0].entry).unwrap().contains("keys"));
}

#[tokio::test]
async fn what_cannot_be_worked_is_refused_by_name() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let refused = async |edit: Value| {
        let mut fields = shop.plan("2026-03-29", "09:00", "17:00");
        fields.as_object_mut().unwrap().extend(edit.as_object().unwrap().clone());
        let reply = shop.create(&world, fields).await;
        reply.refused_fields().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(refused(json!({"start_time": "02:30"})).await, ["start_time"]);
    assert_eq!(refused(json!({"end_time": "09:00"})).await, ["end_time"]);
    assert_eq!(refused(json!({"end_time": "09:14"})).await, ["end_time"]);
    let wrong = json!({"shift_date": "2026-02-30", "start_time": "9:00", "start_fold": 2, "role_label": ""});
    let mut fields = refused(wrong).await;
    fields.sort_unstable();
    assert_eq!(fields, ["role_label", "shift_date", "start_fold", "start_time"]);
    let twice = json!({"shift_date": "2026-10-25", "start_time": "02:30", "end_time": "02:30"});
    assert_eq!(refused(twice).await, ["end_time"]);
    let mut folded = shop.plan("2026-10-25", "02:30", "02:30");
    folded["end_fold"] = json!(1);
    assert_eq!(shop.create(&world, folded).await.data()["planned_minutes"], 60);
}

#[tokio::test]
async fn the_last_days_of_the_calendar_are_planned_and_listed() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    for (date, start, end) in [("9999-12-30", "09:00", "17:00"), ("9999-12-31", "09:00", "17:00")] {
        let made = shop.create(&world, shop.plan(date, start, end)).await.data().clone();
        assert_eq!(made["start_at"], format!("{date}T08:00:00.000Z"));
        for whose in
            [json!({"logical_guid": shop.places.guid()}), json!({"user_guid": shop.worker.user_guid})]
        {
            let mut fields = whose;
            fields["date"] = json!(date);
            let listed = list(&world, &shop.worker, fields).await;
            assert_eq!(
                listed.iter().map(|shift| &shift["shift_guid"]).collect::<Vec<_>>(),
                [&made["shift_guid"]]
            );
        }
    }
    let overlap = shop.create(&world, shop.plan("9999-12-31", "16:00", "20:00")).await;
    overlap.refused("shift-overlap");
    let beyond = shop.create(&world, shop.plan("9999-12-31", "22:00", "06:00")).await;
    assert_eq!(beyond.refused_fields(), ["end_time"]);
    let first = json!({"logical_guid": shop.places.guid(), "from": "0001-01-01", "to": "0001-02-01"});
    assert!(list(&world, &shop.worker, first).await.is_empty());
}

#[tokio::test]
async fn a_midnight_that_is_skipped_ends_a_shift_and_begins_none() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    // The clocks of Cairo skip the first hour of 30 April 2027.
    let cairo = json!({"code": "CAIRO", "caption": "Cairo", "address": places::address(), "timezone": "Africa/Cairo"});
    let place = places::post(&world, "/facility/physical/create", cairo).await.data().clone();
    let shop_there = places::logical(&world, "CAIRO", &place, &places::legal(&world, "NILE").await).await;
    let plan = |date: &str, start: &str, end: &str| {
        let mut fields = shop.plan(date, start, end);
        fields["logical_guid"] = shop_there["logical_guid"].clone();
        fields["user_guid"] = json!(world.owner.user_guid);
        fields
    };
    let create = async |fields| race::insist(&world, &SERVICE, &world.owner, "/shift/create", fields).await;
    let evening = create(plan("2027-04-29", "16:00", "00:00")).await.data().clone();
    assert_eq!(
        (&evening["end_at"], &evening["planned_minutes"]),
        (&json!("2027-04-29T22:00:00.000Z"), &json!(480))
    );
    assert_eq!(evening["end_time"], "00:00");
    let night = create(plan("2027-04-30", "00:00", "06:00")).await;
    assert_eq!(night.refused_fields(), ["start_time"]);
    assert!(night.text.contains("the first valid time is 01:00"), "{}", night.text);
    create(plan("2027-04-30", "01:00", "06:00")).await.data();
}

#[tokio::test]
async fn who_plans_needs_the_grant_and_who_works_belongs_there() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let fields = shop.plan("2026-03-05", "09:00", "17:00");
    let call = async |caller: &Caller| world.post(&SERVICE, caller, "/shift/create", fields.clone()).await;
    call(&shop.worker).await.refused("facility-grant-required");
    call(&world.member(&["ofm_member_admin"]).await).await.refused("facility-grant-required");
    call(&world.stranger().await).await.refused("not-found");
    let mut other = fields.clone();
    other["user_guid"] = json!(world.member(&[]).await.user_guid);
    let refused = shop.create(&world, other.clone()).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "user_guid");
    other["user_guid"] = json!(world.stranger().await.user_guid);
    let refused = shop.create(&world, other.clone()).await;
    assert_eq!(refused.refused("not-found")["details"]["field"], "user_guid");
    other["user_guid"] = json!(world.owner.user_guid);
    shop.create(&world, other).await.data();
    let mut nowhere = fields.clone();
    nowhere["logical_guid"] = json!(world.org.guid());
    let refused = world.post(&SERVICE, &world.owner, "/shift/create", nowhere).await;
    assert_eq!(refused.refused("not-found")["details"]["field"], "logical_guid");
    places::set_status(&world, "facility/logical", &shop.places.logical, "inactive").await.data();
    assert_eq!(call(&shop.planner).await.refused("invalid-state")["details"]["field"], "logical_guid");
}

#[tokio::test]
async fn the_shifts_of_a_person_never_overlap_wherever_they_are() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let night = shop.create(&world, shop.plan("2026-03-04", "22:00", "06:00")).await.data().clone();
    let clash = shop.create(&world, shop.plan("2026-03-05", "05:59", "12:00")).await;
    assert_eq!(clash.refused("shift-overlap")["details"]["shift_guid"], night["shift_guid"]);
    shop.create(&world, shop.plan("2026-03-05", "06:00", "12:00")).await.data();
    shop.create(&world, shop.plan("2026-03-04", "14:00", "22:00")).await.data();
    let second = places::logical(&world, "SECOND", &shop.places.physical, &shop.places.legal).await;
    let mut there = shop.plan("2026-03-04", "23:00", "23:30");
    there["logical_guid"] = second["logical_guid"].clone();
    there["user_guid"] = json!(shop.worker.user_guid);
    let at_second = json!({"user_guid": shop.worker.user_guid, "logical_guid": second["logical_guid"], "grants": ["facility:read"]});
    world.post(&SERVICE, &world.owner, "/member/assign-logical", at_second).await.data();
    world.post(&SERVICE, &world.owner, "/shift/create", there.clone()).await.refused("shift-overlap");
    // What is called off is out of the way.
    shop.set_status(&world, &night, "cancelled").await.data();
    world.post(&SERVICE, &world.owner, "/shift/create", there).await.data();
    shop.create(&world, shop.plan("2026-03-04", "22:00", "23:00")).await.data();
}

#[tokio::test]
async fn every_move_is_allowed_or_refused_as_the_table_says() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let mut day = 1;
    for from in ShiftStatus::ALL {
        for to in ShiftStatus::ALL {
            let date = format!("2026-04-{day:02}");
            day += 1;
            let mut shift = shop.create(&world, shop.plan(&date, "09:00", "17:00")).await.data().clone();
            let way: &[&str] = match from {
                ShiftStatus::Scheduled => &[],
                ShiftStatus::Active => &["active"],
                ShiftStatus::Completed => &["active", "completed"],
                ShiftStatus::Cancelled => &["cancelled"],
            };
            for status in way {
                shift = shop.set_status(&world, &shift, status).await.data().clone();
            }
            let status = json!(to).as_str().unwrap().to_owned();
            let reply = shop.set_status(&world, &shift, &status).await;
            if ARCS.contains(&(*from, *to)) {
                assert_eq!(reply.data()["status"], json!(to));
            } else {
                assert_eq!(reply.refused("invalid-transition")["details"]["from"], json!(from));
            }
        }
    }
}

#[tokio::test]
async fn a_shift_begins_with_a_member_in_force_at_an_active_facility() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let shift = shop.create(&world, shop.plan("2026-03-05", "09:00", "17:00")).await.data().clone();
    let key = keys::member(&world.org, shop.worker.user_guid);
    world.meddle(&world.org, &key, |member| member.state = MemberState::Suspended).await;
    let refused = shop.set_status(&world, &shift, "active").await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "user_guid");
    world.meddle(&world.org, &key, |member| member.state = MemberState::Active).await;
    // A facility is not ended under its shifts, but closed; then they are wound down.
    let blocked = places::set_status(&world, "facility/logical", &shop.places.logical, "doomed").await;
    let blocking = json!([{"kind": "shift", "count": 1, "sample_id": shift["shift_guid"]}]);
    assert_eq!(blocked.refused("in-use")["details"]["blocking"], blocking);
    let closed = places::set_status(&world, "facility/logical", &shop.places.logical, "inactive").await;
    let refused = shop.set_status(&world, &shift, "active").await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "logical_guid");
    shop.update(&world, &shift, json!({"notes": "x"})).await.refused("invalid-state");
    shop.set_status(&world, &shift, "cancelled").await.data();
    places::set_status(&world, "facility/logical", closed.data(), "doomed").await.data();
}

#[tokio::test]
async fn what_is_changed_depends_on_how_it_stands() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let other = world.member(&[]).await;
    assign(&world, &shop.places, &other, &["facility:read"]).await;
    let shift = shop.create(&world, shop.plan("2026-03-05", "09:00", "17:00")).await.data().clone();
    let changes = json!({
        "start_time": "10:00", "end_time": "18:30", "role_label": "Stock", "notes": "n",
        "user_guid": other.user_guid,
    });
    let moved = shop.update(&world, &shift, changes).await.data().clone();
    assert_eq!(moved["planned_minutes"], 510);
    assert_eq!(moved["start_at"], "2026-03-05T09:00:00.000Z");
    assert_eq!(moved["user_guid"], json!(other.user_guid));
    // The first one is free again, the second is not.
    shop.create(&world, shop.plan("2026-03-05", "10:00", "18:00")).await.data();
    let back = json!({"user_guid": shop.worker.user_guid});
    shop.update(&world, &moved, back).await.refused("shift-overlap");
    shop.update(&world, &shift, json!({"notes": "x"})).await.refused("conflict");
    let cleared = shop.update(&world, &moved, json!({"notes": null})).await.data().clone();
    assert_eq!(cleared["notes"], Value::Null);

    let active = shop.set_status(&world, &cleared, "active").await.data().clone();
    for (field, value) in [
        ("start_time", json!("11:00")),
        ("role_label", json!("Till")),
        ("user_guid", json!(shop.worker.user_guid)),
    ] {
        let refused = shop.update(&world, &active, json!({field: value})).await;
        assert_eq!(refused.refused("invalid-state")["details"]["field"], *field);
    }
    let longer = shop.update(&world, &active, json!({"end_time": "19:00", "start_time": "10:00"})).await;
    assert_eq!(longer.data()["planned_minutes"], 540);
    let done = shop.set_status(&world, longer.data(), "completed").await.data().clone();
    for (field, value) in [("end_time", json!("20:00")), ("notes", json!("late"))] {
        let refused = shop.update(&world, &done, json!({field: value})).await;
        assert_eq!(refused.refused("invalid-state")["details"]["field"], *field);
    }
    let fixed = shop.update(&world, &done, json!({"shift_date": "2026-03-06", "logical_guid": "x"})).await;
    assert_eq!(fixed.refused_fields(), ["logical_guid", "shift_date"]);
}

#[tokio::test]
async fn a_shift_that_is_not_published_is_there_for_planners_alone() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let mut fields = shop.plan("2026-03-05", "09:00", "17:00");
    fields["published"] = json!(false);
    let draft = shop.create(&world, fields).await.data().clone();
    let get = json!({"shift_guid": draft["shift_guid"]});
    let day = json!({"logical_guid": shop.places.guid(), "date": "2026-03-05"});
    let mine = json!({"user_guid": shop.worker.user_guid, "date": "2026-03-05"});
    let (reader, manager) = (world.key(&["ofm_view"]).await, world.member(&["ofm_member_admin"]).await);
    for caller in [&shop.worker, &reader, &manager] {
        let refused = world.post(&SERVICE, caller, "/shift/get", get.clone()).await;
        let missing = json!({"shift_guid": world.org.guid()});
        let missing = world.post(&SERVICE, caller, "/shift/get", missing).await;
        assert_eq!(refused.refused("not-found"), missing.refused("not-found"));
        assert_eq!(list(&world, caller, day.clone()).await, Vec::<Value>::new());
        assert_eq!(list(&world, caller, mine.clone()).await, Vec::<Value>::new());
    }
    // Nor is there anything to be changed, or to be worked on.
    for (path, more) in
        [("/shift/status", json!({"status": "active"})), ("/shift/update", json!({"notes": "x"}))]
    {
        let change = async |shift: Value| {
            let mut fields = json!({"shift_guid": shift, "expected_revision": draft["revision"]});
            fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            world.post(&SERVICE, &shop.worker, path, fields).await
        };
        let (draft, missing) =
            (change(draft["shift_guid"].clone()).await, change(json!(world.org.guid())).await);
        assert_eq!(draft.refused("not-found"), missing.refused("not-found"));
    }
    let keeper = world.member(&[]).await;
    assign(&world, &shop.places, &keeper, &["timesheet:write"]).await;
    let mut clock_in = json!({"user_guid": shop.worker.user_guid, "shift_guid": draft["shift_guid"]});
    clock_in["logical_guid"] = shop.places.guid();
    let refused = world.post(&SERVICE, &keeper, "/timesheet/clock-in", clock_in).await;
    assert_eq!(refused.refused("not-found")["details"]["field"], "shift_guid");
    for caller in [&shop.planner, &world.owner] {
        assert_eq!(list(&world, caller, day.clone()).await.len(), 1);
        assert_eq!(list(&world, caller, mine.clone()).await.len(), 1);
    }
    let told = shop.update(&world, &draft, json!({"published": true})).await.data().clone();
    assert_eq!(list(&world, &shop.worker, mine).await, std::slice::from_ref(&told));
    let refused = shop.update(&world, &told, json!({"published": false})).await;
    assert_eq!(refused.refused("invalid-transition")["details"]["field"], "published");
    let journal = world.journal("ofm", "shift", draft["shift_guid"].as_str().unwrap()).await;
    assert_eq!(journal.last().unwrap().entry.action, "shift-published");
}

#[tokio::test]
async fn a_shift_is_published_whatever_became_of_it_and_never_hidden_again() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let mut fields = shop.plan("2026-03-05", "09:00", "17:00");
    fields["published"] = json!(false);
    let draft = shop.create(&world, fields).await.data().clone();
    let cancelled = shop.set_status(&world, &draft, "cancelled").await.data().clone();
    let told = shop.update(&world, &cancelled, json!({"published": true})).await.data().clone();
    assert_eq!(told["published"], true);
    let refused = shop.update(&world, &told, json!({"published": false})).await;
    assert_eq!(refused.refused("invalid-transition")["details"]["field"], "published");
}

#[tokio::test]
async fn whoever_is_clocked_in_on_a_shift_keeps_it() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let shift = shop.create(&world, shop.plan("2026-03-04", "09:00", "17:00")).await.data().clone();
    let clock_in = json!({"logical_guid": shop.places.guid(), "user_guid": shop.worker.user_guid,
        "shift_guid": shift["shift_guid"]});
    let entry = world.post(&SERVICE, &shop.planner, "/timesheet/clock-in", clock_in).await.data().clone();
    let reassign = json!({"user_guid": world.owner.user_guid});
    let refused = shop.update(&world, &shift, reassign.clone()).await;
    let details = &refused.refused("invalid-state")["details"];
    assert_eq!((&details["field"], &details["entry_guid"]), (&json!("user_guid"), &entry["entry_guid"]));
    let mut out = json!({"entry_guid": entry["entry_guid"], "expected_revision": entry["revision"]});
    out["reason"] = json!("not there");
    world.post(&SERVICE, &shop.planner, "/timesheet/void", out).await.data();
    shop.update(&world, &shift, reassign).await.data();
}

#[tokio::test]
async fn shifts_are_listed_by_their_beginning() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let mut made = Vec::new();
    for (date, start, end) in [
        ("2026-03-05", "09:00", "12:00"),
        ("2026-03-04", "00:00", "01:00"),
        ("2026-03-04", "23:59", "06:00"),
        ("2026-03-06", "09:00", "12:00"),
        ("2026-03-03", "22:00", "23:00"),
    ] {
        made.push(shop.create(&world, shop.plan(date, start, end)).await.data()["shift_guid"].clone());
    }
    let guids = async |fields: Value| -> Vec<usize> {
        let mut fields = fields;
        fields["logical_guid"] = shop.places.guid();
        let found = list(&world, &shop.worker, fields).await;
        found.iter().map(|shift| made.iter().position(|made| *made == shift["shift_guid"]).unwrap()).collect()
    };
    assert_eq!(guids(json!({"date": "2026-03-04"})).await, [1, 2]);
    assert_eq!(guids(json!({"from": "2026-03-03", "to": "2026-03-06"})).await, [4, 1, 2, 0, 3]);
    let gone = json!({"shift_guid": made[0]});
    let gone = world.post(&SERVICE, &shop.planner, "/shift/get", gone).await.data().clone();
    shop.set_status(&world, &gone, "cancelled").await.data();
    assert_eq!(guids(json!({"date": "2026-03-05"})).await, Vec::<usize>::new());
    assert_eq!(guids(json!({"date": "2026-03-05", "status": "all"})).await, [0]);
    assert_eq!(guids(json!({"date": "2026-03-05", "status": "cancelled"})).await, [0]);
    let page = async |token: Value| {
        let fields = json!({"user_guid": shop.worker.user_guid, "from": "2026-03-01", "to": "2026-03-31",
            "limit": 3, "next_token": token});
        world.post(&SERVICE, &shop.worker, "/shift/list", fields).await.data().clone()
    };
    let first = page(Value::Null).await;
    let second = page(first["next_token"].clone()).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 3);
    assert_eq!((second["items"].as_array().unwrap().len(), second.get("next_token")), (1, None));

    let refused = async |fields: Value| {
        let reply = world.post(&SERVICE, &shop.worker, "/shift/list", fields).await;
        reply.refused_fields().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(refused(json!({"date": "2026-03-04"})).await, ["logical_guid"]);
    assert_eq!(refused(json!({"logical_guid": shop.places.guid()})).await, ["date"]);
    let both =
        json!({"logical_guid": shop.places.guid(), "user_guid": shop.worker.user_guid, "date": "2026-03-04"});
    assert_eq!(refused(both).await, ["user_guid"]);
    let long = json!({"logical_guid": shop.places.guid(), "from": "2026-01-01", "to": "2026-03-04"});
    assert_eq!(refused(long).await, ["to"]);
    for field in ["logical_guid", "user_guid"] {
        let mut missing = json!({"date": "2026-03-04"});
        missing[field] = json!(world.cost_centre);
        let missing = world.post(&SERVICE, &shop.worker, "/shift/list", missing).await;
        assert_eq!(missing.refused("not-found")["details"]["field"], field);
    }
}

#[tokio::test]
async fn of_many_who_plan_the_same_hours_one_does() {
    let proxy = race::in_bad_mood(81);
    let world = World::at(proxy.endpoint()).await;
    let shop = Shop::new(&world).await;
    for round in 1..=race::rounds() {
        let month = 1 + round % 12;
        let year = 2030 + round / 12;
        let calls = (0..race::CALLERS).map(|n| {
            let start = format!("{:02}:00", 8 + n % 4);
            shop.create(&world, shop.plan(&format!("{year}-{month:02}-10"), &start, "12:00"))
        });
        race::one_winner(&join_all(calls.collect::<Vec<_>>()).await, &["shift-overlap"]);
    }
    equals_effects(&proxy).await;
}

#[tokio::test]
async fn a_station_is_of_the_facility_and_in_use() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let elsewhere = places::logical(&world, "ELSEWHERE", &shop.places.physical, &shop.places.legal).await;
    let station = async |code: &str, logical_guid: &Value| {
        let fields = json!({"logical_guid": logical_guid, "station_code": code, "station_type": "checkout"});
        places::post(&world, "/station/create", fields).await.data().clone()
    };
    let (till, other) = (station("A", &shop.places.guid()).await, station("B", &shop.places.guid()).await);
    let far = station("C", &elsewhere["logical_guid"]).await;
    places::set_status(&world, "station", &other, "inactive").await.data();
    let plan = |start: &str, end: &str, station: &Value| {
        places::with(shop.plan("2026-03-04", start, end), json!({"station_guid": station}))
    };
    for (unfit, tag) in [(&other, "invalid-state"), (&far, "invalid-state")] {
        let reply = shop.create(&world, plan("10:00", "12:00", &unfit["station_guid"])).await;
        assert_eq!(reply.refused(tag)["details"]["field"], "station_guid", "{}", reply.text);
    }
    let nowhere = shop.create(&world, plan("10:00", "12:00", &json!(world.cost_centre))).await;
    assert_eq!(nowhere.refused("not-found")["details"]["field"], "station_guid");
    let shift = shop.create(&world, plan("10:00", "12:00", &till["station_guid"])).await.data().clone();
    assert_eq!(shift["station_guid"], till["station_guid"]);
    shop.create(&world, shop.plan("2026-03-04", "12:00", "14:00")).await.data();
    let at = json!({"logical_guid": shop.places.guid(), "date": "2026-03-04"});
    let at_till = places::with(at, json!({"station_guid": till["station_guid"]}));
    let found = list(&world, &shop.worker, at_till).await;
    assert_eq!(found, std::slice::from_ref(&shift));
    shop.update(&world, &shift, json!({"station_guid": far["station_guid"]})).await.refused("invalid-state");
    let cleared = shop.update(&world, &shift, json!({"station_guid": null})).await;
    assert_eq!(cleared.data()["station_guid"], Value::Null);

    let entry = json!({
        "logical_guid": shop.places.guid(), "user_guid": shop.worker.user_guid,
        "station_guid": far["station_guid"],
    });
    let clock_in =
        async |fields: Value| world.post(&SERVICE, &shop.planner, "/timesheet/clock-in", fields).await;
    assert_eq!(clock_in(entry.clone()).await.refused("invalid-state")["details"]["field"], "station_guid");
    let here = places::with(entry, json!({"station_guid": till["station_guid"]}));
    assert_eq!(clock_in(here).await.data()["station_guid"], till["station_guid"]);
}
