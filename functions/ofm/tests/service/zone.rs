//! Zones (ofm §7, §18).

use serde_json::{Value, json};
use testkit::{Reply, World, journal::verify};

use crate::{
    assignment::assign,
    places::{Places, column, get, logical, post, post_as, set_status, set_status_as},
};

async fn try_create(world: &World, logical: &Value, code: &str, parent: Option<&Value>) -> Reply {
    let parent = parent.map(|parent| &parent["zone_guid"]);
    let fields = json!({"logical_guid": logical["logical_guid"], "code": code, "parent_zone_guid": parent});
    post(world, "/zone/create", fields).await
}

async fn create(world: &World, logical: &Value, code: &str, parent: Option<&Value>) -> Value {
    try_create(world, logical, code, parent).await.data().clone()
}

#[tokio::test]
async fn zones_are_a_tree_eight_deep() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let mut zone = create(&world, &places.logical, " z1 ", None).await;
    assert_eq!(
        (&zone["depth"], &zone["caption"], &zone["zone_type"]),
        (&json!(1), &json!("Z1"), &json!("other"))
    );
    assert_eq!(get(&world, "zone", &zone).await.data(), &zone);
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(1), &json!(0)));
    for depth in 2..=8 {
        zone = create(&world, &places.logical, &format!("Z{depth}"), Some(&zone)).await;
        assert_eq!(zone["depth"], depth);
    }
    assert_eq!(zone["path"], json!(["Z1", "Z2", "Z3", "Z4", "Z5", "Z6", "Z7", "Z8"]));
    try_create(&world, &places.logical, "Z9", Some(&zone)).await.refused("zone-depth-exceeded");
    let taken = try_create(&world, &places.logical, "z3", None).await;
    assert_eq!(taken.refused("duplicate-code")["details"]["field"], "code");
    // Unique in the facility only.
    let other = logical(&world, "OTHER", &places.physical, &places.legal).await;
    create(&world, &other, "Z3", None).await;
    let refused = try_create(&world, &other, "Z4", Some(&zone)).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "parent_zone_guid");
    let elsewhere = json!({"logical_guid": other["logical_guid"], "zone_guid": zone["zone_guid"]});
    post(&world, "/zone/get", elsewhere).await.refused("not-found");
    let nowhere = json!({"zone_guid": "Z1"});
    let refused = try_create(&world, &other, "Z5", Some(&nowhere)).await;
    assert_eq!(refused.refused("not-found")["details"]["field"], "parent_zone_guid");
}

#[tokio::test]
async fn a_tree_is_closed_from_its_leaves_and_opened_from_its_root() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let root = create(&world, &places.logical, "ROOT", None).await;
    let leaf = create(&world, &places.logical, "LEAF", Some(&root)).await;
    let blocking = json!([{"kind": "zone", "count": 1, "sample_id": leaf["zone_guid"]}]);
    for status in ["inactive", "doomed"] {
        let refused = set_status(&world, "zone", &root, status).await;
        assert_eq!(refused.refused("in-use")["details"]["blocking"], blocking);
    }
    let blocking = json!([{"kind": "zone", "count": 2, "sample_id": root["zone_guid"]}]);
    let refused = set_status(&world, "facility/logical", &places.logical, "doomed").await;
    let samples = [&root, &leaf].map(|zone| zone["zone_guid"].as_str().unwrap());
    let mut found = refused.refused("in-use")["details"]["blocking"].clone();
    assert!(samples.contains(&found[0]["sample_id"].as_str().unwrap()));
    found[0]["sample_id"] = root["zone_guid"].clone();
    assert_eq!(found, blocking);

    let leaf = set_status(&world, "zone", &leaf, "inactive").await.data().clone();
    set_status(&world, "zone", &root, "doomed").await.refused("in-use");
    let root = set_status(&world, "zone", &root, "inactive").await.data().clone();
    let refused = set_status(&world, "zone", &leaf, "active").await;
    let details = json!({"field": "parent_zone_guid", "status": "inactive"});
    assert_eq!(refused.refused("invalid-state")["details"], details);
    let refused = try_create(&world, &places.logical, "MORE", Some(&root)).await;
    assert_eq!(refused.refused("invalid-state")["details"], details);

    // Under a closed facility nothing opens, and everything closes.
    let facility = set_status(&world, "facility/logical", &places.logical, "inactive").await.data().clone();
    let refused = set_status(&world, "zone", &root, "active").await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "logical_guid");
    try_create(&world, &facility, "MORE", None).await.refused("invalid-state");
    let leaf = set_status(&world, "zone", &leaf, "doomed").await.data().clone();
    set_status(&world, "zone", &leaf, "active").await.refused("invalid-transition");
    set_status(&world, "facility/logical", &facility, "doomed").await.refused("in-use");
    set_status(&world, "zone", &root, "doomed").await.data();
    set_status(&world, "facility/logical", &facility, "doomed").await.data();

    let entries = world.journal("ofm", "zone", leaf["zone_guid"].as_str().unwrap()).await;
    verify(&entries);
    let actions: Vec<_> = entries.iter().map(|chained| chained.entry.action.as_str()).collect();
    assert_eq!(actions, ["zone-created", "zone-status-set", "zone-status-set"]);
}

#[tokio::test]
async fn zones_are_listed_by_path_and_by_parent() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let create =
        async |code: &str, parent: Option<&Value>| create(&world, &places.logical, code, parent).await;
    let (a, a1) = (create("A", None).await, create("A-1", None).await);
    create("C", Some(&a)).await;
    let b = create("B", Some(&a)).await;
    create("D", Some(&a1)).await;
    let list = async |fields: Value| {
        let mut fields = fields;
        fields["logical_guid"] = places.guid();
        let reply = post(&world, "/zone/list", fields).await;
        (column(&reply, "zones", "code").join(" "), reply.data()["next_token"].clone())
    };
    let codes = async |fields: Value| list(fields).await.0;
    assert_eq!(codes(json!({})).await, "A B C A-1 D");
    assert_eq!(codes(json!({"parent_zone_guid": "root"})).await, "A A-1");
    assert_eq!(codes(json!({"parent_zone_guid": a["zone_guid"]})).await, "B C");
    assert_eq!(codes(json!({"zone_type": "shelf"})).await, "");
    set_status(&world, "zone", &b, "doomed").await.data();
    assert_eq!(codes(json!({})).await, "A C A-1 D");
    assert_eq!(codes(json!({"status": "doomed"})).await, "B");
    let (first, token) = list(json!({"limit": 3})).await;
    let rest = codes(json!({"limit": 3, "next_token": token})).await;
    assert_eq!((first.as_str(), rest.as_str()), ("A C A-1", "D"));
    let other = logical(&world, "OTHER", &places.physical, &places.legal).await;
    for (facility, parent) in [(&places.logical, &json!("A")), (&other, &a["zone_guid"])] {
        let fields = json!({"logical_guid": facility["logical_guid"], "parent_zone_guid": parent});
        let refused = post(&world, "/zone/list", fields).await;
        assert_eq!(refused.refused("not-found")["details"], json!({"field": "parent_zone_guid"}));
    }
}

#[tokio::test]
async fn a_code_is_resolved_unless_it_is_doomed() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let zone = create(&world, &places.logical, "A", None).await;
    let member = world.member(&[]).await;
    let fields = json!({"logical_guid": places.guid(), "code": " a "});
    let resolve = async || post_as(&world, &member, "/resolve/zone", fields.clone()).await;
    resolve().await.refused("facility-grant-required");
    assign(&world, &member, &places.guid(), &["facility:read"]).await;
    let expected = json!({
        "org_guid": world.org.guid(), "logical_guid": places.guid(), "zone_guid": zone["zone_guid"], "code": "A",
        "depth": 1, "status": "active",
    });
    assert_eq!(resolve().await.data(), &expected);
    set_status_as(&world, &member, "zone", &zone, "inactive").await.refused("facility-grant-required");
    set_status(&world, "zone", &zone, "doomed").await.data();
    resolve().await.refused("not-found");
}
