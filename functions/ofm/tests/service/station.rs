//! Stations (ofm §15).

use serde_json::{Value, json};
use testkit::{Caller, Reply, World, journal::verify};

use crate::{
    assignment::assign,
    places::{
        Places, column, get, logical, post, post_as, set_status, set_status_as, update, update_as, with,
    },
    sales_channel,
};

async fn try_create(world: &World, caller: &Caller, logical_guid: &Value, changes: Value) -> Reply {
    let fields = json!({"logical_guid": logical_guid, "station_code": "till-1", "station_type": "checkout"});
    post_as(world, caller, "/station/create", with(fields, changes)).await
}

async fn create(world: &World, logical_guid: &Value, changes: Value) -> Value {
    try_create(world, &world.owner, logical_guid, changes).await.data().clone()
}

#[tokio::test]
async fn a_station_is_read_and_changed_but_for_what_is_fixed() {
    let world = World::new().await;
    let guid = Places::new(&world).await.guid();
    let hardware = json!({"printer": {"model": "P1", "connection": "usb"}, "os": "Linux"});
    let till = create(&world, &guid, json!({"caption": "Till", "hardware_profile": hardware})).await;
    assert_eq!((&till["station_code"], &till["status"]), (&json!("TILL-1"), &json!("active")));
    assert_eq!(till["hardware_profile"]["printer"]["connection"], "usb");
    assert_eq!(get(&world, "station", &till).await.data(), &till);
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(1), &json!(0)));
    let taken = try_create(&world, &world.owner, &guid, json!({})).await;
    assert_eq!(taken.refused("duplicate-code")["details"]["field"], "station_code");
    let wrong = json!({
        "station_type": "castle", "hardware_profile": {"printer": {"model": "x".repeat(65), "connection": "fax"}},
    });
    let refused = try_create(&world, &world.owner, &guid, wrong).await;
    let mut fields = refused.refused_fields();
    fields.sort_unstable();
    let expected = ["hardware_profile.printer.connection", "hardware_profile.printer.model", "station_type"];
    assert_eq!(fields, expected);
    let fixed = json!({"station_code": "B", "logical_guid": guid});
    let fields = update(&world, "station", &till, fixed).await;
    let mut fields: Vec<_> = fields.refused_fields().into_iter().map(str::to_owned).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["logical_guid", "station_code"]);
    let changes = json!({"caption": null, "station_type": "kiosk", "hardware_profile": {"os": "BSD"}});
    let changed = update(&world, "station", &till, changes).await.data().clone();
    let expected = (&Value::Null, &json!("kiosk"), &Value::Null);
    assert_eq!(
        (&changed["caption"], &changed["station_type"], &changed["hardware_profile"]["printer"]),
        expected
    );
}

#[tokio::test]
async fn any_status_follows_any_other_while_the_facility_is_open() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let mut till = create(&world, &places.guid(), json!({})).await;
    for status in ["inactive", "maintenance", "active", "maintenance", "inactive", "active"] {
        set_status(&world, "station", &till, till["status"].as_str().unwrap())
            .await
            .refused("invalid-transition");
        till = set_status(&world, "station", &till, status).await.data().clone();
    }
    let blocking = json!([{"kind": "station", "count": 1, "sample_id": till["station_guid"]}]);
    let refused = set_status(&world, "facility/logical", &places.logical, "doomed").await;
    assert_eq!(refused.refused("in-use")["details"]["blocking"], blocking);
    let closed = set_status(&world, "facility/logical", &places.logical, "inactive").await.data().clone();
    let refused = update(&world, "station", &till, json!({"caption": "Late"})).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "logical_guid");
    let till = set_status(&world, "station", &till, "inactive").await.data().clone();
    set_status(&world, "station", &till, "active").await.refused("invalid-state");
    set_status(&world, "facility/logical", &closed, "doomed").await.data();
    let entries = world.journal("ofm", "station", till["station_guid"].as_str().unwrap()).await;
    verify(&entries);
    assert_eq!(entries.len(), 8);
}

#[tokio::test]
async fn a_station_sells_through_a_channel_of_its_facility() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let other = logical(&world, "OTHER", &places.physical, &places.legal).await;
    let channel = sales_channel::create(&world, &places.guid(), json!({})).await;
    let foreign = sales_channel::create(&world, &other["logical_guid"], json!({})).await;
    let named = |channel: &Value| json!({"channel_guid": channel["channel_guid"]});
    let till = create(&world, &places.guid(), named(&channel)).await;
    let refused = update(&world, "station", &till, named(&foreign)).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "channel_guid");
    let refused = update(&world, "station", &till, json!({"channel_guid": "MAIN"})).await;
    assert_eq!(refused.refused("not-found")["details"]["field"], "channel_guid");
    let blocking = json!([{"kind": "station", "count": 1, "sample_id": till["station_guid"]}]);
    let refused = set_status(&world, "sales-channel", &channel, "doomed").await;
    assert_eq!(refused.refused("in-use")["details"]["blocking"], blocking);
    // One that is not in use does not keep the channel, and then needs another to be used again.
    let idle = set_status(&world, "station", &till, "inactive").await.data().clone();
    set_status(&world, "sales-channel", &channel, "doomed").await.data();
    let refused = set_status(&world, "station", &idle, "maintenance").await;
    let details = json!({"field": "channel_guid", "status": "doomed"});
    assert_eq!(refused.refused("invalid-state")["details"], details);
    let freed = update(&world, "station", &idle, json!({"channel_guid": null})).await.data().clone();
    set_status(&world, "station", &freed, "active").await.data();
}

#[tokio::test]
async fn stations_are_listed_by_code_whatever_their_status() {
    let world = World::new().await;
    let guid = Places::new(&world).await.guid();
    let channel = sales_channel::create(&world, &guid, json!({})).await;
    for (code, station_type) in [("B", "kiosk"), ("A-1", "checkout"), ("A", "checkout")] {
        let fields = json!({
            "station_code": code, "station_type": station_type,
            "channel_guid": if code == "A" { channel["channel_guid"].clone() } else { Value::Null },
        });
        let made = create(&world, &guid, fields).await;
        if code == "B" {
            set_status(&world, "station", &made, "inactive").await.data();
        }
    }
    let list = async |changes: Value| {
        let mut fields = changes;
        fields["logical_guid"] = guid.clone();
        let reply = post(&world, "/station/list", fields).await;
        (column(&reply, "items", "station_code").join(" "), reply.data()["next_token"].clone())
    };
    let codes = async |fields: Value| list(fields).await.0;
    assert_eq!(codes(json!({})).await, "A A-1 B");
    assert_eq!(codes(json!({"status": "inactive"})).await, "B");
    assert_eq!(codes(json!({"station_type": "checkout"})).await, "A A-1");
    assert_eq!(codes(json!({"channel_guid": channel["channel_guid"]})).await, "A");
    let (first, token) = list(json!({"limit": 2})).await;
    let rest = codes(json!({"limit": 2, "next_token": token})).await;
    assert_eq!((first.as_str(), rest.as_str()), ("A A-1", "B"));
}

#[tokio::test]
async fn grants_for_stations_or_the_whole_facility_open_them() {
    let world = World::new().await;
    let guid = Places::new(&world).await.guid();
    let till = create(&world, &guid, json!({})).await;
    let (clerk, manager, reader) =
        (world.member(&[]).await, world.member(&[]).await, world.member(&["ofm_view"]).await);
    assign(&world, &clerk, &guid, &["station:write"]).await;
    assign(&world, &manager, &guid, &["facility:write"]).await;
    let read = json!({"station_guid": till["station_guid"]});
    post_as(&world, &reader, "/station/get", read.clone()).await.refused("facility-grant-required");
    assign(&world, &reader, &guid, &["facility:read"]).await;
    post_as(&world, &reader, "/station/get", read).await.data();
    let changes = json!({"caption": "A"});
    // The grant is judged before the revision.
    let mut stale = till.clone();
    stale["revision"] = json!(world.org.guid());
    let refused = update_as(&world, &reader, "station", &stale, changes.clone()).await;
    assert_eq!(refused.refused("facility-grant-required")["details"]["grant"], "station:write");
    update_as(&world, &clerk, "station", &stale, changes.clone()).await.refused("conflict");
    let till = update_as(&world, &clerk, "station", &till, changes).await.data().clone();
    set_status_as(&world, &manager, "station", &till, "maintenance").await.data();
    try_create(&world, &manager, &guid, json!({"station_code": "B"})).await.data();
    let foreign = world.another().await.owner;
    let get = json!({"station_guid": till["station_guid"]});
    post_as(&world, &foreign, "/station/get", get).await.refused("not-found");
}
