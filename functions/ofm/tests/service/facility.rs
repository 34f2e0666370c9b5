//! Facilities (ofm §6, §18).

use serde_json::{Value, json};
use testkit::{World, journal::verify};

use crate::{
    cost_centre,
    places::{
        Places, address, column, get, legal, logical, named, physical, post, post_as, set_status, update,
    },
};

#[tokio::test]
async fn what_was_created_is_read_in_one_round_trip() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(1), &json!(1)));
    for (noun, record) in [
        ("facility/physical", &places.physical),
        ("facility/legal", &places.legal),
        ("facility/logical", &places.logical),
    ] {
        let reply = get(&world, noun, record).await;
        assert_eq!((reply.data(), &reply.body["revision"]), (record, &record["revision"]));
        assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(1), &json!(0)));
        let listed = post(&world, &format!("/{noun}/list"), json!({})).await;
        assert_eq!(listed.data()["facilities"], json!([record]));
    }
    let logical = &places.logical;
    assert_eq!((&logical["facility_type"], &logical["timezone"]), (&json!("store"), &json!("Europe/Berlin")));
}

#[tokio::test]
async fn everything_wrong_is_named_at_once() {
    let world = World::new().await;
    let wrong = json!({
        "code": "no code", "caption": "", "timezone": "Mars/Olympus", "site_type": "castle", "phone": "7", "email": "x",
        "address": {"line1": "x".repeat(121), "country": "XX"}, "geo": {"lat": 91, "lng": 1.000_000_01},
        "external_ids": [{"system": "erp"}],
    });
    let refused = post(&world, "/facility/physical/create", wrong).await;
    let mut fields = refused.refused_fields();
    fields.sort_unstable();
    let expected = [
        "address.city",
        "address.country",
        "address.line1",
        "caption",
        "code",
        "email",
        "external_ids[0].id",
        "geo.lat",
        "geo.lng",
        "phone",
        "site_type",
        "timezone",
    ];
    assert_eq!(fields, expected);
    let twice = json!({"scheme": "vat", "value": "DE1", "country": "DE"});
    let wrong = json!({
        "code": "X", "caption": "X", "legal_name": "X", "address": address(), "tax_ids": [twice, twice],
        "external_ids": vec![json!({"system": "s", "id": "i"}); 17], "timezone": "UTC",
    });
    let refused = post(&world, "/facility/legal/create", wrong).await;
    assert_eq!(refused.refused_fields(), ["timezone", "tax_ids", "external_ids"]);
    let refused = post(&world, "/facility/logical/create", json!({"code": "X", "caption": "X"})).await;
    assert_eq!(refused.refused_fields(), ["pf_guid", "legal_guid"]);
}

#[tokio::test]
async fn a_code_is_unique_in_its_kind_and_never_free_again() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let doomed = set_status(&world, "facility/logical", &places.logical, "doomed").await.data().clone();
    let again = json!({
        "code": " main ", "caption": "Store",
        "pf_guid": places.physical["pf_guid"], "legal_guid": places.legal["legal_guid"],
    });
    let taken = post(&world, "/facility/logical/create", again).await;
    assert_eq!(taken.refused("duplicate-code")["details"]["field"], "code");
    assert_eq!(get(&world, "facility/logical", &doomed).await.data(), &doomed);

    let resolve = async |fields: Value| post(&world, "/resolve/facility", fields).await;
    let ambiguous = resolve(json!({"code": "main"})).await;
    assert_eq!(ambiguous.refused("ambiguous")["details"]["kinds"], json!(["physical", "legal"]));
    let expected = json!({
        "org_guid": world.org.guid(), "guid": places.legal["legal_guid"], "code": "MAIN", "kind": "legal",
        "status": "active",
    });
    assert_eq!(resolve(json!({"code": "main", "kind": "legal"})).await.data(), &expected);
    resolve(json!({"code": "main", "kind": "logical"})).await.refused("not-found");
    resolve(json!({"code": "other"})).await.refused("not-found");
    set_status(&world, "facility/physical", &places.physical, "doomed").await.data();
    assert_eq!(resolve(json!({"code": "main"})).await.data(), &expected);
    let member = world.member(&["ofm_view"]).await;
    post_as(&world, &member, "/resolve/facility", json!({"code": "main"})).await.refused("not-owner");
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_null_clears() {
    let world = World::new().await;
    let fields = json!({
        "code": "A", "caption": "Shop", "address": address(), "timezone": "UTC", "phone": "+49 30 123456",
        "email": "shop@example.com", "geo": {"lat": 52.520_008, "lng": 13}, "site_type": "popup",
        "external_ids": [{"system": "erp", "id": "7"}],
    });
    let shop = post(&world, "/facility/physical/create", fields).await.data().clone();
    assert_eq!(shop["geo"], json!({"lat": 52.520_008, "lng": 13}));
    let changes = json!({"caption": "Store", "phone": null, "geo": null, "external_ids": []});
    let updated = update(&world, "facility/physical", &shop, changes).await.data().clone();
    let expected = json!(["Store", null, "shop@example.com", null, [], "popup"]);
    let fields = ["caption", "phone", "email", "geo", "external_ids", "site_type"];
    assert_eq!(json!(fields.map(|field| &updated[field])), expected);
    let stale = update(&world, "facility/physical", &shop, json!({})).await;
    assert_eq!(stale.refused("conflict")["details"]["current"], updated);
    let fixed = update(&world, "facility/physical", &updated, json!({"code": "B"})).await;
    assert_eq!(fixed.refused_fields(), ["code"]);

    let entries = world.journal("ofm", "facility-physical", shop["pf_guid"].as_str().unwrap()).await;
    verify(&entries);
    let actions: Vec<_> = entries.iter().map(|chained| chained.entry.action.as_str()).collect();
    assert_eq!(actions, ["facility-physical-created", "facility-physical-updated"]);
    let told = format!("{:?}", entries.iter().map(|chained| &chained.entry).collect::<Vec<_>>());
    assert!(told.contains("phone") && !told.contains("123456") && !told.contains("shop@example.com"));

    let doomed = set_status(&world, "facility/physical", &updated, "doomed").await.data().clone();
    let refused = update(&world, "facility/physical", &doomed, json!({"caption": "Late"})).await;
    assert_eq!(refused.refused("invalid-state")["details"], json!({"status": "doomed"}));
}

#[tokio::test]
async fn tax_ids_are_shown_whole_to_whoever_may_know() {
    let world = World::new().await;
    let tax_id = json!({"scheme": "vat", "value": "DE123456789", "country": "DE", "region": null});
    let fields = json!({
        "code": "A", "caption": "Trader", "legal_name": "Trader GmbH", "address": address(), "tax_ids": [tax_id],
    });
    let trader = post(&world, "/facility/legal/create", fields).await.data().clone();
    assert_eq!(trader["tax_ids"], json!([tax_id]));
    let get = json!({"legal_guid": trader["legal_guid"]});
    for (roles, in_full) in [(&["ofm_view"][..], false), (&["finance_audit"], true)] {
        let shown = post_as(&world, &world.member(roles).await, "/facility/legal/get", get.clone()).await;
        let masked = json!({"scheme": "vat", "value_last4": "6789", "country": "DE", "region": null});
        assert_eq!(shown.data()["tax_ids"], json!([if in_full { &tax_id } else { &masked }]));
    }
    let entries = world.journal("ofm", "facility-legal", trader["legal_guid"].as_str().unwrap()).await;
    assert!(!serde_json::to_string(&entries[0].entry).unwrap().contains("123456789"));
    let renamed =
        update(&world, "facility/legal", &trader, json!({"trading_name": "Shop", "tax_ids": []})).await;
    let expected = (&json!("Shop"), &json!("Trader GmbH"), &json!([]));
    let data = renamed.data();
    assert_eq!((&data["trading_name"], &data["legal_name"], &data["tax_ids"]), expected);
}

#[tokio::test]
async fn what_a_facility_stands_on_is_not_doomed_under_it() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let centre = cost_centre::create(&world).await;
    let booked = json!({"cost_centre_guid": centre["cc_guid"]});
    let booked = update(&world, "facility/logical", &places.logical, booked).await.data().clone();
    let blocking = json!([{"kind": "facility-logical", "count": 1, "sample_id": places.guid()}]);
    let grounds = [
        ("facility/physical", &places.physical),
        ("facility/legal", &places.legal),
        ("cost-centre", &centre),
    ];
    for (noun, ground) in grounds {
        let refused = set_status(&world, noun, ground, "doomed").await;
        assert_eq!(refused.refused("in-use")["details"]["blocking"], blocking, "{noun}");
    }
    // What is inactive may still be stood on; what is doomed frees it.
    let closed = set_status(&world, "facility/logical", &booked, "inactive").await.data().clone();
    set_status(&world, "facility/legal", &places.legal, "doomed").await.refused("in-use");
    let unbooked = update(&world, "facility/logical", &closed, json!({"cost_centre_guid": null})).await;
    set_status(&world, "cost-centre", &centre, "doomed").await.data();
    set_status(&world, "facility/logical", unbooked.data(), "doomed").await.data();
    set_status(&world, "facility/physical", &places.physical, "doomed").await.data();
    set_status(&world, "facility/legal", &places.legal, "doomed").await.data();
}

#[tokio::test]
async fn a_facility_comes_to_stand_on_active_ground_only() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let centre = cost_centre::create(&world).await;
    let closed = set_status(&world, "facility/logical", &places.logical, "inactive").await.data().clone();
    set_status(&world, "facility/physical", &places.physical, "inactive").await.data();
    let centre = set_status(&world, "cost-centre", &centre, "inactive").await.data().clone();
    let create = async |changes: Value| {
        let mut fields = json!({
            "code": "B", "caption": "Store",
            "pf_guid": places.physical["pf_guid"], "legal_guid": places.legal["legal_guid"],
        });
        fields.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        post(&world, "/facility/logical/create", fields).await
    };
    let details = json!({"field": "pf_guid", "status": "inactive"});
    assert_eq!(create(json!({})).await.refused("invalid-state")["details"], details);
    let reopened = set_status(&world, "facility/logical", &closed, "active").await;
    assert_eq!(reopened.refused("invalid-state")["details"], details);
    let other = physical(&world, "OTHER").await;
    for (field, guid) in [("pf_guid", "MAIN"), ("legal_guid", "00000000-0000-7000-8000-000000000000")] {
        let mut changes = json!({"pf_guid": other["pf_guid"]});
        changes[field] = json!(guid);
        assert_eq!(create(changes).await.refused("not-found")["details"], json!({"field": field}));
    }
    let refused = create(json!({"pf_guid": other["pf_guid"], "cost_centre_guid": centre["cc_guid"]})).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "cost_centre_guid");
}

#[tokio::test]
async fn a_facility_moves_only_while_it_is_closed_and_has_the_time_of_its_place() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let tokyo = physical(&world, "TOKYO").await;
    let tokyo =
        update(&world, "facility/physical", &tokyo, json!({"timezone": "Asia/Tokyo"})).await.data().clone();
    let to_tokyo = json!({"pf_guid": tokyo["pf_guid"]});
    let refused = update(&world, "facility/logical", &places.logical, to_tokyo.clone()).await;
    assert_eq!(refused.refused("invalid-state")["details"], json!({"field": "pf_guid", "status": "active"}));
    let closed = set_status(&world, "facility/logical", &places.logical, "inactive").await.data().clone();
    let moved = update(&world, "facility/logical", &closed, to_tokyo).await.data().clone();
    assert_eq!(moved["timezone"], "Asia/Tokyo");
    // The old place is free now, the new one is not.
    set_status(&world, "facility/physical", &places.physical, "doomed").await.data();
    set_status(&world, "facility/physical", &tokyo, "doomed").await.refused("in-use");

    update(&world, "facility/physical", &tokyo, json!({"timezone": "Asia/Seoul"})).await.data();
    let shown = get(&world, "facility/logical", &moved).await.data().clone();
    assert_eq!(shown["timezone"], "Asia/Seoul");
    let entries = world.journal("ofm", "facility-logical", moved["logical_guid"].as_str().unwrap()).await;
    verify(&entries);
    assert_eq!(entries.last().unwrap().entry.action, "facility-logical-updated");
}

#[tokio::test]
async fn lists_are_by_code_and_filtered() {
    let world = World::new().await;
    let (here, there) = (physical(&world, "A").await, physical(&world, "A-1").await);
    let moved =
        json!({"site_type": "warehouse", "address": {"line1": "1 Rue", "city": "Paris", "country": "FR"}});
    update(&world, "facility/physical", &there, moved).await.data();
    let (one, two) = (legal(&world, "ONE").await, legal(&world, "TWO").await);
    for (code, place, trader) in [("B-1", &here, &two), ("B", &here, &one), ("A", &there, &one)] {
        logical(&world, code, place, trader).await;
    }
    let codes = async |path: &str, fields: Value| {
        let reply = post(&world, path, fields).await;
        (column(&reply, "facilities", "code").join(" "), reply.data()["next_token"].clone())
    };
    let all = async |path: &str, fields: Value| codes(path, fields).await.0;
    assert_eq!(all("/facility/physical/list", json!({})).await, "A A-1");
    assert_eq!(all("/facility/physical/list", json!({"country": "FR"})).await, "A-1");
    assert_eq!(all("/facility/physical/list", json!({"site_type": "store"})).await, "A");
    assert_eq!(all("/facility/legal/list", json!({"country": "DE", "status": "doomed"})).await, "");
    let list = "/facility/logical/list";
    assert_eq!(all(list, json!({})).await, "A B B-1");
    assert_eq!(all(list, json!({"pf_guid": here["pf_guid"]})).await, "B B-1");
    assert_eq!(all(list, json!({"pf_guid": here["pf_guid"], "legal_guid": one["legal_guid"]})).await, "B");
    assert_eq!(all(list, json!({"facility_type": "warehouse"})).await, "");
    for (field, guid) in [("pf_guid", "MAIN"), ("legal_guid", "00000000-0000-7000-8000-000000000000")] {
        let refused = post(&world, list, json!({field: guid})).await;
        assert_eq!(refused.refused("not-found")["details"], json!({"field": field}));
    }
    let filter = json!({"legal_guid": one["legal_guid"], "limit": 1});
    let (first, token) = codes(list, filter.clone()).await;
    let mut next = filter;
    next["next_token"] = token;
    assert_eq!((first.as_str(), codes(list, next).await), ("A", ("B".to_owned(), Value::Null)));
    // An owner has all.
    let mine = post(&world, list, json!({"mine": true, "limit": 1})).await;
    assert_eq!(mine.data()["facilities"][0]["grants"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn owners_change_facilities_and_members_read_them() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let (member, viewer, blind) =
        (world.member(&[]).await, world.key(&["ofm_view"]).await, world.key(&["crm_view"]).await);
    for (noun, record) in [
        ("facility/physical", &places.physical),
        ("facility/legal", &places.legal),
        ("facility/logical", &places.logical),
    ] {
        let mut fields = named(noun, record);
        let path = format!("/{noun}/update");
        post_as(&world, &member, &path, fields.clone().into()).await.refused("not-owner");
        fields.remove("expected_revision");
        let path = format!("/{noun}/get");
        for caller in [&member, &viewer] {
            post_as(&world, caller, &path, fields.clone().into()).await.data();
        }
        post_as(&world, &blind, &path, fields.clone().into()).await.refused("forbidden");
        let foreign = post_as(&world, &world.another().await.owner, &path, fields.into()).await;
        foreign.refused("not-found");
    }
}
