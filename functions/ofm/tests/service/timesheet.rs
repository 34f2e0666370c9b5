//! Timesheets (ofm §17).

use contract::states::States;
use futures::future::join_all;
use identity::{keys, member::MemberState};
use ofm::{
    SERVICE,
    timesheet::{ARCS, EntryStatus},
};
use serde_json::{Value, json};
use testkit::{
    Caller, Reply, World,
    journal::{equals_effects, verify},
    race,
};

use crate::{
    places,
    shift::{Shop, assign},
};

/// Clocks the worker in, or writes a whole entry.
async fn clock_in(world: &World, shop: &Shop, more: Value) -> Reply {
    let mut fields = json!({"logical_guid": shop.places.guid(), "user_guid": shop.worker.user_guid});
    fields.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
    race::insist(world, &SERVICE, &shop.planner, "/timesheet/clock-in", fields).await
}

async fn clock_out(world: &World, shop: &Shop, entry: &Value, more: Value) -> Reply {
    let mut fields = json!({"entry_guid": entry["entry_guid"], "expected_revision": entry["revision"]});
    fields.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
    race::insist(world, &SERVICE, &shop.planner, "/timesheet/clock-out", fields).await
}

async fn void(world: &World, caller: &Caller, entry: &Value) -> Reply {
    let fields = json!({
        "entry_guid": entry["entry_guid"], "expected_revision": entry["revision"], "reason": "wrong day",
    });
    world.post(&SERVICE, caller, "/timesheet/void", fields).await
}

#[tokio::test]
async fn a_person_is_clocked_in_and_out() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let entry = clock_in(&world, &shop, json!({"notes": "late bus"})).await;
    assert_eq!(world.last_log()["writes"], 1);
    let data = entry.data().clone();
    assert_eq!([&data["status"], &data["timezone"]], ["open", "Europe/Berlin"]);
    assert_eq!((&data["clock_in"], &data["work_date"]), (&json!(world.now()), &json!("2026-03-04")));
    assert_eq!((&data["clock_out"], &data["duration_minutes"]), (&Value::Null, &Value::Null));
    assert_eq!((&data["manual"], &data["overdue"]), (&json!(false), &json!(false)));
    assert_eq!(data["clocked_in_by"], json!(shop.planner.user_guid));
    let again = clock_in(&world, &shop, json!({})).await;
    assert_eq!(again.refused("timesheet-open")["details"]["entry_guid"], data["entry_guid"]);

    world.advance_seconds(50 * 60 + 59);
    let now = world.now();
    let breaks = json!([{"start": now.plus_minutes(-30), "end": now.plus_minutes(-10), "label": "Tea"}]);
    let out = clock_out(&world, &shop, &data, json!({"breaks": breaks})).await.data().clone();
    let minutes = ["duration_minutes", "break_minutes", "worked_minutes"].map(|name| out[name].clone());
    assert_eq!(minutes, [json!(50), json!(20), json!(30)]);
    assert_eq!((&out["breaks"][0]["paid"], &out["breaks"][0]["label"]), (&json!(false), &json!("Tea")));
    assert_eq!((&out["status"], &out["clock_out"]), (&json!("closed"), &json!(now)));
    clock_out(&world, &shop, &data, json!({})).await.refused("conflict");
    let refused = clock_out(&world, &shop, &out, json!({})).await;
    assert_eq!(refused.refused("invalid-transition")["details"]["from"], "closed");
    world.advance_seconds(1);
    clock_in(&world, &shop, json!({})).await.data();

    let journal = world.journal("ofm", "timesheet-entry", data["entry_guid"].as_str().unwrap()).await;
    verify(&journal);
    let actions: Vec<_> = journal.iter().map(|chained| chained.entry.action.as_str()).collect();
    assert_eq!(actions, ["timesheet-clocked-in", "timesheet-clocked-out"]);
    for chained in &journal {
        let told = serde_json::to_string(&chained.entry).unwrap();
        assert!(!told.contains("bus") && !told.contains("Tea"), "{told}");
    }
}

#[tokio::test]
async fn times_that_are_given_are_within_reason() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let now = world.now();
    let refused = async |more: Value| {
        let reply = clock_in(&world, &shop, more).await;
        reply.refused_fields().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(refused(json!({"clock_in": now.plus_seconds(121)})).await, ["clock_in"]);
    assert_eq!(refused(json!({"clock_in": now.plus_days(-32)})).await, ["clock_in"]);
    let span =
        |from: i64, to: i64| json!({"clock_in": now.plus_hours(from), "clock_out": now.plus_hours(to)});
    assert_eq!(refused(span(-3, -4)).await, ["clock_out"]);
    assert_eq!(refused(span(-30, -5)).await, ["clock_out"]);
    let mut outside = span(-3, -1);
    outside["breaks"] = json!([{"start": now.plus_hours(-4), "end": now.plus_hours(-2)}]);
    assert_eq!(refused(outside).await, ["breaks[0].start"]);
    // For oneself, 10 minutes.
    let own = json!({"logical_guid": shop.places.guid(), "clock_in": now.plus_minutes(-11)});
    let reply = world.post(&SERVICE, &shop.planner, "/timesheet/clock-in", own).await;
    assert_eq!(reply.refused_fields(), ["clock_in"]);
    let own = json!({"logical_guid": shop.places.guid(), "clock_in": now.plus_minutes(-10)});
    let entry = world.post(&SERVICE, &shop.planner, "/timesheet/clock-in", own).await;
    assert_eq!(
        (&entry.data()["manual"], &entry.data()["user_guid"]),
        (&json!(true), &json!(shop.planner.user_guid))
    );
    let key = world.key(&["owner"]).await;
    let bare = json!({"logical_guid": shop.places.guid()});
    let bare = world.post(&SERVICE, &key, "/timesheet/clock-in", bare).await;
    assert_eq!(bare.refused_fields(), ["user_guid"]);
}

#[tokio::test]
async fn no_time_ahead_is_kept_and_a_cashier_switches_stations_within_a_second() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    for ahead in [0, 100] {
        // The clock of a till may be ahead: its times count as now.
        let given = if ahead == 0 { json!({}) } else { json!({"clock_in": world.now().plus_seconds(ahead)}) };
        let wrong = clock_in(&world, &shop, given).await.data().clone();
        assert_eq!(wrong["clock_in"], json!(world.now()));
        let given =
            if ahead == 0 { json!({}) } else { json!({"clock_out": world.now().plus_seconds(ahead)}) };
        let out = clock_out(&world, &shop, &wrong, given).await.data().clone();
        assert_eq!((&out["clock_out"], &out["duration_minutes"]), (&json!(world.now()), &json!(0)));
        let right = clock_in(&world, &shop, json!({})).await.data().clone();
        void(&world, &shop.planner, &out).await.data();
        void(&world, &shop.planner, &right).await.data();
    }
    let now = world.now();
    let whole = json!({"clock_in": now.plus_minutes(-5), "clock_out": now.plus_seconds(119)});
    let whole = clock_in(&world, &shop, whole).await.data().clone();
    assert_eq!((&whole["clock_out"], &whole["duration_minutes"]), (&json!(now), &json!(5)));
    // One of no length overlaps nothing, also within another.
    let none = json!({"clock_in": now.plus_minutes(-3), "clock_out": now.plus_minutes(-3)});
    assert_eq!(clock_in(&world, &shop, none).await.data()["worked_minutes"], 0);
    clock_in(&world, &shop, json!({})).await.data();
}

#[tokio::test]
async fn entries_that_count_never_overlap() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let now = world.now();
    let span =
        |from: i64, to: i64| json!({"clock_in": now.plus_hours(from), "clock_out": now.plus_hours(to)});
    let past = clock_in(&world, &shop, span(-20, -12)).await.data().clone();
    assert_eq!([&past["status"], &past["manual"]], [&json!("closed"), &json!(true)]);
    let clash = clock_in(&world, &shop, span(-13, -10)).await;
    assert_eq!(clash.refused("timesheet-overlap")["details"]["entry_guid"], past["entry_guid"]);
    clock_in(&world, &shop, span(-12, -10)).await.data();
    // A past day is put right while the person is clocked in.
    let open = clock_in(&world, &shop, json!({"clock_in": now.plus_hours(-9)})).await.data().clone();
    clock_in(&world, &shop, span(-30, -21)).await.data();
    clock_in(&world, &shop, span(-5, -4)).await.refused("timesheet-overlap");
    clock_out(&world, &shop, &open, json!({"clock_out": now.plus_hours(-6)})).await.data();
    clock_in(&world, &shop, span(-5, -4)).await.data();
    // What is void is out of the way, and may be replaced once it is.
    let mut new = span(-20, -13);
    new["replaces_entry_guid"] = past["entry_guid"].clone();
    let refused = clock_in(&world, &shop, new.clone()).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "replaces_entry_guid");
    let gone = void(&world, &shop.planner, &past).await.data().clone();
    let told = ["status", "void_reason"].map(|field| gone[field].clone());
    assert_eq!(told, [json!("voided"), json!("wrong day")]);
    assert_eq!(
        (&gone["voided_by"], &gone["clock_out"]),
        (&json!(shop.planner.user_guid), &past["clock_out"])
    );
    assert_eq!(clock_in(&world, &shop, new).await.data()["replaces_entry_guid"], past["entry_guid"]);
    let missing = json!({"replaces_entry_guid": world.org.guid()});
    let missing = clock_in(&world, &shop, missing).await;
    assert_eq!(missing.refused("not-found")["details"]["field"], "replaces_entry_guid");
}

#[tokio::test]
async fn an_entry_left_open_for_long_is_closed_with_a_time() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let owner = world.key(&["owner"]).await;
    let entry = clock_in(&world, &shop, json!({})).await.data().clone();
    let start = world.now();
    let get = async || {
        let get = json!({"entry_guid": entry["entry_guid"]});
        world.post(&SERVICE, &owner, "/timesheet/get", get).await.data().clone()
    };
    world.advance_seconds(16 * 3600);
    assert_eq!(get().await["overdue"], false);
    world.advance_seconds(1);
    assert_eq!(get().await["overdue"], true);
    let list = async |overdue: bool| {
        let fields = json!({"logical_guid": shop.places.guid(), "from": "2026-03-04", "to": "2026-03-05", "overdue": overdue});
        world.post(&SERVICE, &owner, "/timesheet/list", fields).await.data()["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((list(true).await, list(false).await), (1, 0));
    world.advance_seconds(8 * 3600);
    let out = async |more: Value| {
        let mut fields = json!({"entry_guid": entry["entry_guid"], "expected_revision": entry["revision"]});
        fields.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        world.post(&SERVICE, &owner, "/timesheet/clock-out", fields).await
    };
    out(json!({})).await.refused("clock-out-time-required");
    let late = out(json!({"clock_out": start.plus_seconds(24 * 3600 + 1)})).await;
    assert_eq!(late.refused_fields(), ["clock_out"]);
    let closed = out(json!({"clock_out": start.plus_hours(8)})).await.data().clone();
    assert_eq!((&closed["duration_minutes"], &closed["manual"]), (&json!(480), &json!(true)));
    assert_eq!(closed["overdue"], false);
}

#[tokio::test]
async fn every_move_is_allowed_or_refused_as_the_table_says() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    for from in EntryStatus::ALL {
        for to in [EntryStatus::Closed, EntryStatus::Voided] {
            let mut entry = clock_in(&world, &shop, json!({})).await.data().clone();
            world.advance_seconds(60);
            if *from == EntryStatus::Closed {
                entry = clock_out(&world, &shop, &entry, json!({})).await.data().clone();
            } else if *from == EntryStatus::Voided {
                entry = void(&world, &shop.planner, &entry).await.data().clone();
            }
            let reply = match to {
                EntryStatus::Closed => clock_out(&world, &shop, &entry, json!({})).await,
                _ => void(&world, &shop.planner, &entry).await,
            };
            if ARCS.contains(&(*from, to)) {
                assert_eq!(reply.data()["status"], json!(to));
            } else {
                assert_eq!(reply.refused("invalid-transition")["details"]["from"], json!(from));
            }
        }
    }
}

#[tokio::test]
async fn who_clocks_in_is_in_force_and_belongs_there_and_anyone_gets_out() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let refused = async |caller: &Caller, user: &Caller| {
        let fields = json!({"logical_guid": shop.places.guid(), "user_guid": user.user_guid});
        world.post(&SERVICE, caller, "/timesheet/clock-in", fields).await
    };
    refused(&shop.worker, &shop.worker).await.refused("facility-grant-required");
    let reply = refused(&shop.planner, &world.member(&[]).await).await;
    assert_eq!(reply.refused("invalid-state")["details"]["field"], "user_guid");
    let reply = refused(&shop.planner, &world.stranger().await).await;
    assert_eq!(reply.refused("not-found")["details"]["field"], "user_guid");
    let key = keys::member(&world.org, shop.worker.user_guid);
    world.meddle(&world.org, &key, |member| member.valid_until = Some(world.now())).await;
    let reply = refused(&shop.planner, &shop.worker).await;
    assert_eq!(reply.refused("invalid-state")["details"]["field"], "user_guid");
    world.meddle(&world.org, &key, |member| member.valid_until = None).await;
    let entry = refused(&shop.planner, &shop.worker).await.data().clone();

    // A person who is clocked in is not removed, nor the facility ended.
    let member = world.stored(&key).await.unwrap();
    let end =
        json!({"user_guid": shop.worker.user_guid, "state": "removed", "expected_revision": member.revision});
    let blocked = world.post(&SERVICE, &world.owner, "/member/state/set", end.clone()).await;
    let blocking = json!([{"kind": "timesheet-entry", "count": 1, "sample_id": entry["entry_guid"]}]);
    assert_eq!(blocked.refused("in-use")["details"]["blocking"], blocking);
    let blocked = places::set_status(&world, "facility/logical", &shop.places.logical, "doomed").await;
    assert_eq!(blocked.refused("in-use")["details"]["blocking"], blocking);
    places::set_status(&world, "facility/logical", &shop.places.logical, "inactive").await.data();
    let reply = refused(&shop.planner, &world.owner).await;
    assert_eq!(reply.refused("invalid-state")["details"]["field"], "logical_guid");
    world.meddle(&world.org, &key, |member| member.state = MemberState::Suspended).await;
    world.advance_seconds(60);
    clock_out(&world, &shop, &entry, json!({})).await.data();
}

#[tokio::test]
async fn nobody_but_an_owner_voids_their_own_entry_and_a_reason_is_told() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let own = json!({"logical_guid": shop.places.guid()});
    let entry = world.post(&SERVICE, &shop.planner, "/timesheet/clock-in", own.clone()).await.data().clone();
    void(&world, &shop.planner, &entry).await.refused("forbidden");
    let bare = json!({"entry_guid": entry["entry_guid"], "expected_revision": entry["revision"]});
    let bare = world.post(&SERVICE, &world.owner, "/timesheet/void", bare).await;
    assert_eq!(bare.refused_fields(), ["reason"]);
    void(&world, &world.owner, &entry).await.data();
    let entry = world.post(&SERVICE, &world.owner, "/timesheet/clock-in", own).await.data().clone();
    void(&world, &world.owner, &entry).await.data();
}

#[tokio::test]
async fn an_entry_links_to_a_shift_of_the_person() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let shift = shop.create(&world, shop.plan("2026-03-04", "09:00", "17:00")).await.data().clone();
    let link = json!({"shift_guid": shift["shift_guid"]});
    let other = json!({"logical_guid": shop.places.guid(), "user_guid": shop.planner.user_guid, "shift_guid": shift["shift_guid"]});
    let refused = world.post(&SERVICE, &shop.planner, "/timesheet/clock-in", other).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "shift_guid");
    let missing = clock_in(&world, &shop, json!({"shift_guid": world.org.guid()})).await;
    assert_eq!(missing.refused("not-found")["details"]["field"], "shift_guid");
    let shift = shop.set_status(&world, &shift, "active").await.data().clone();
    let entry = clock_in(&world, &shop, link.clone()).await.data().clone();
    let blocked = shop.set_status(&world, &shift, "completed").await;
    let blocking = json!([{"kind": "timesheet-entry", "count": 1, "sample_id": entry["entry_guid"]}]);
    assert_eq!(blocked.refused("in-use")["details"]["blocking"], blocking);
    world.advance_seconds(60);
    clock_out(&world, &shop, &entry, json!({})).await.data();
    let fields = json!({"user_guid": shop.worker.user_guid, "from": "2026-03-04", "to": "2026-03-04",
        "shift_guid": shift["shift_guid"]});
    let of_shift = world.post(&SERVICE, &shop.worker, "/timesheet/list", fields).await;
    assert_eq!(of_shift.data()["items"][0]["entry_guid"], entry["entry_guid"]);
    shop.set_status(&world, &shift, "completed").await.data();
    let refused = clock_in(&world, &shop, link).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "shift_guid");
}

#[tokio::test]
async fn notes_are_for_the_person_keepers_and_owners() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let entry = clock_in(&world, &shop, json!({"notes": "late bus"})).await.data().clone();
    let gone = void(&world, &shop.planner, &entry).await;
    assert_eq!(gone.data()["notes"], "late bus");
    let fields = json!({"logical_guid": shop.places.guid(), "from": "2026-03-04", "to": "2026-03-04", "status": "all"});
    let told = async |caller: &Caller| {
        let get = json!({"entry_guid": entry["entry_guid"]});
        let one = world.post(&SERVICE, caller, "/timesheet/get", get).await.data().clone();
        let all = world.post(&SERVICE, caller, "/timesheet/list", fields.clone()).await.data().clone();
        assert_eq!(all["items"][0], one);
        (one["notes"].clone(), one["void_reason"].clone())
    };
    for caller in [&shop.worker, &shop.planner, &world.owner] {
        assert_eq!(told(caller).await, (json!("late bus"), json!("wrong day")));
    }
    for caller in [&world.member(&["ofm_member_admin"]).await, &world.key(&["ofm_view"]).await] {
        assert_eq!(told(caller).await, (Value::Null, Value::Null));
    }
    let mut hidden = fields.clone();
    hidden.as_object_mut().unwrap().remove("status");
    let hidden = world.post(&SERVICE, &world.owner, "/timesheet/list", hidden).await;
    assert_eq!(hidden.data()["items"], json!([]));
    let nobody = json!({"user_guid": world.cost_centre, "from": "2026-03-04", "to": "2026-03-04"});
    let nobody = world.post(&SERVICE, &world.owner, "/timesheet/list", nobody).await;
    assert_eq!(nobody.refused("not-found")["details"]["field"], "user_guid");
    let long = json!({"user_guid": shop.worker.user_guid, "from": "2026-01-01", "to": "2026-03-04"});
    let long = world.post(&SERVICE, &world.owner, "/timesheet/list", long).await;
    assert_eq!(long.refused_fields(), ["to"]);
    world.post(&SERVICE, &world.stranger().await, "/timesheet/list", fields).await.refused("not-found");
}

#[tokio::test]
async fn of_many_clocks_one_clocks_a_person_in() {
    let proxy = race::in_bad_mood(91);
    let world = World::at(proxy.endpoint()).await;
    let shop = Shop::new(&world).await;
    for _ in 0..race::rounds() {
        let calls = (0..race::CALLERS).map(|_| clock_in(&world, &shop, json!({})));
        let replies = join_all(calls).await;
        let entry = race::one_winner(&replies, &["timesheet-open"]).data().clone();
        let journal = world.journal("ofm", "timesheet-entry", entry["entry_guid"].as_str().unwrap()).await;
        verify(&journal);
        assert_eq!(journal.len(), 1);
        world.advance_seconds(1);
        let calls = (0..race::CALLERS).map(|_| clock_out(&world, &shop, &entry, json!({})));
        race::one_winner(&join_all(calls).await, &["conflict", "invalid-transition"]);
        world.advance_seconds(1);
    }
    equals_effects(&proxy).await;
}

#[tokio::test]
async fn nobody_is_removed_while_being_clocked_in() {
    let proxy = race::in_bad_mood(95);
    let world = World::at(proxy.endpoint()).await;
    let places = places::Places::new(&world).await;
    for _ in 0..race::rounds() {
        let person = world.member(&[]).await;
        assign(&world, &places, &person, &["facility:read"]).await;
        let key = keys::member(&world.org, person.user_guid);
        let revision = world.stored(&key).await.unwrap().revision;
        let (world, places, fields) = (&world, &places, json!({"user_guid": person.user_guid}));
        let calls = (0..race::CALLERS).map(|n| {
            let mut fields = fields.clone();
            async move {
                if n % 2 == 0 {
                    fields["logical_guid"] = places.guid();
                    race::insist(world, &SERVICE, &world.owner, "/timesheet/clock-in", fields).await
                } else {
                    fields["state"] = json!("removed");
                    fields["expected_revision"] = json!(revision);
                    race::insist(world, &SERVICE, &world.owner, "/member/state/set", fields).await
                }
            }
        });
        let late = ["timesheet-open", "in-use", "invalid-state", "conflict", "invalid-transition"];
        race::one_winner(&join_all(calls).await, &late);
        let is_removed = world.stored(&key).await.unwrap().record.state == MemberState::Removed;
        let is_clocked_in = world.stored(&keys::open_entry(&world.org, person.user_guid)).await.is_some();
        assert_ne!(is_removed, is_clocked_in);
    }
    equals_effects(&proxy).await;
}
