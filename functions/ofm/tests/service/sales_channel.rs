//! Sales channels and from where they take stock (ofm §12).

use serde_json::{Value, json};
use testkit::{Caller, Reply, World, journal::verify};

use crate::{
    assignment::assign,
    places::{
        Places, column, get, logical, post, post_as, set_status, set_status_as, update, update_as, with,
    },
};

async fn try_create(world: &World, caller: &Caller, logical_guid: &Value, changes: Value) -> Reply {
    let fields = json!({
        "logical_guid": logical_guid, "channel_code": "shopify", "caption": "Shop", "locale_codes": ["de-DE"],
    });
    post_as(world, caller, "/sales-channel/create", with(fields, changes)).await
}

/// A channel.
pub(crate) async fn create(world: &World, logical_guid: &Value, changes: Value) -> Value {
    try_create(world, &world.owner, logical_guid, changes).await.data().clone()
}

/// One external id.
fn known_as(id: &str) -> Value {
    json!({"external_ids": [{"kind": "shop_id", "id": id}]})
}

#[tokio::test]
async fn a_draft_has_what_was_given_and_what_follows() {
    let world = World::new().await;
    let guid = Places::new(&world).await.guid();
    let made = create(&world, &guid, json!({"locale_codes": ["DE-de"], "currency": "EUR"})).await;
    let expected = json!(["draft", "dtc", "de-DE", "GLOBAL", "none", null, []]);
    let fields =
        ["status", "family", "default_locale_code", "market_code", "binding", "config", "inventory_sources"];
    assert_eq!(json!(fields.map(|field| &made[field])), expected);
    assert_eq!(get(&world, "sales-channel", &made).await.data(), &made);
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(1), &json!(0)));
    let wrong = json!({
        "channel_code": "ebay", "locale_codes": [], "market_code": "EU", "currency": "XXQ",
        "external_ids": [{"kind": "Shop", "id": "x"}],
    });
    let refused = try_create(&world, &world.owner, &guid, wrong).await;
    let mut fields = refused.refused_fields();
    fields.sort_unstable();
    assert_eq!(fields, ["channel_code", "currency", "external_ids[0].kind", "locale_codes", "market_code"]);
    for (locales, default) in [(json!(["de", "en"]), Value::Null), (json!(["de"]), json!("en"))] {
        let changes = json!({"locale_codes": locales, "default_locale_code": default});
        let refused = try_create(&world, &world.owner, &guid, changes).await;
        assert_eq!(refused.refused_fields(), ["default_locale_code"]);
    }
    let updated = update(&world, "sales-channel", &made, json!({"locale_codes": ["en", "fr"]})).await;
    assert_eq!(updated.refused_fields(), ["default_locale_code"]);
    let changes = json!({"locale_codes": ["en"], "currency": null, "market_code": "FR"});
    let updated = update(&world, "sales-channel", &made, changes).await.data().clone();
    let expected = json!(["en", null, "FR"]);
    assert_eq!(
        json!(["default_locale_code", "currency", "market_code"].map(|field| &updated[field])),
        expected
    );
}

#[tokio::test]
async fn an_external_id_is_bound_to_one_active_channel() {
    let world = World::new().await;
    let guid = Places::new(&world).await.guid();
    let (one, two) = (create(&world, &guid, known_as("7")).await, create(&world, &guid, known_as("7")).await);
    let resolve = async |changes: Value| {
        let mut fields = json!({"external_id": {"kind": "shop_id", "id": "7"}});
        fields.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        post(&world, "/sales-channel/resolve", fields).await
    };
    assert_eq!(resolve(json!({})).await.refused("ambiguous")["details"], json!({"matches": 2}));
    let one = set_status(&world, "sales-channel", &one, "active").await.data().clone();
    assert_eq!(one["binding"], "active");
    let found = resolve(json!({})).await.data().clone();
    assert_eq!((&found["channel_guid"], &found["resolved_by"]), (&one["channel_guid"], &json!("binding")));
    let refused = set_status(&world, "sales-channel", &two, "active").await;
    let taken = json!({"external_id": {"kind": "shop_id", "id": "7"}});
    assert_eq!(refused.refused("duplicate-external-id")["details"], taken);
    // An id is bound anew in the transaction that changes it.
    let eight = update(&world, "sales-channel", &one, known_as("8")).await.data().clone();
    let two = set_status(&world, "sales-channel", &two, "active").await.data().clone();
    update(&world, "sales-channel", &eight, known_as("7")).await.refused("duplicate-external-id");
    // Another code is another registry; without the code both match.
    let three =
        create(&world, &guid, json!({"channel_code": "kiosk", "external_ids": two["external_ids"]})).await;
    let three = set_status(&world, "sales-channel", &three, "active").await.data().clone();
    assert_eq!(resolve(json!({})).await.refused("ambiguous")["details"]["matches"], 2);
    let kiosk = resolve(json!({"channel_code": "kiosk"})).await;
    assert_eq!(kiosk.data()["channel_guid"], three["channel_guid"]);

    let two = set_status(&world, "sales-channel", &two, "inactive").await.data().clone();
    assert_eq!(two["binding"], "none");
    assert_eq!(resolve(json!({})).await.data()["channel_guid"], three["channel_guid"]);
    let single = resolve(json!({"channel_code": "shopify"})).await;
    assert_eq!(single.data()["resolved_by"], "single-match");
    set_status(&world, "sales-channel", &two, "doomed").await.data();
    let nothing = resolve(json!({"channel_code": "shopify"})).await;
    let error = nothing.refused("ambiguous");
    assert_eq!((&error["details"], &error["minor"]["tag"]), (&json!({"matches": 0}), &json!("not-found")));
    let member = world.member(&["ofm_channel_admin"]).await;
    let fields = json!({"external_id": {"kind": "shop_id", "id": "7"}});
    let refused = post_as(&world, &member, "/sales-channel/resolve", fields).await;
    refused.refused("facility-grant-required");
}

#[tokio::test]
async fn who_may_change_a_channel_depends_on_how_it_stands() {
    let world = World::new().await;
    let guid = Places::new(&world).await.guid();
    let (admin, editor) = (world.member(&["ofm_channel_admin"]).await, world.member(&[]).await);
    let nobody = world.member(&["ofm_view"]).await;
    assign(&world, &editor, &guid, &["channel:write"]).await;
    let refused = try_create(&world, &nobody, &guid, json!({})).await;
    assert_eq!(refused.refused("facility-grant-required")["details"]["grant"], "channel:write");
    try_create(&world, &admin, &guid, json!({})).await.data();
    let made = try_create(&world, &editor, &guid, json!({})).await.data().clone();
    let renamed = update_as(&world, &editor, "sales-channel", &made, json!({"caption": "A"})).await;
    let renamed = renamed.data().clone();
    for caller in [&admin, &editor] {
        for status in ["active", "doomed"] {
            set_status_as(&world, caller, "sales-channel", &renamed, status).await.refused("not-owner");
        }
    }
    let active = set_status(&world, "sales-channel", &renamed, "active").await.data().clone();
    update_as(&world, &editor, "sales-channel", &active, json!({"caption": "B"})).await.refused("forbidden");
    let active = update_as(&world, &admin, "sales-channel", &active, json!({"caption": "B"})).await;
    let active = active.data().clone();
    set_status(&world, "sales-channel", &active, "doomed").await.refused("invalid-transition");
    let inactive = set_status_as(&world, &editor, "sales-channel", &active, "inactive").await.data().clone();
    set_status(&world, "sales-channel", &inactive, "draft").await.refused("invalid-transition");
    let doomed = set_status(&world, "sales-channel", &inactive, "doomed").await.data().clone();
    update(&world, "sales-channel", &doomed, json!({"caption": "C"})).await.refused("invalid-state");
    let get = json!({"channel_guid": made["channel_guid"]});
    post_as(&world, &admin, "/sales-channel/get", get.clone()).await.refused("facility-grant-required");
    post_as(&world, &editor, "/sales-channel/get", get).await.data();
    let entries = world.journal("ofm", "sales-channel", made["channel_guid"].as_str().unwrap()).await;
    verify(&entries);
    assert_eq!(entries.len(), 6);
}

#[tokio::test]
async fn channels_are_listed_to_owners_and_where_they_are_to_whoever_may_read_there() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let other = logical(&world, "OTHER", &places.physical, &places.legal).await;
    create(&world, &places.guid(), json!({"caption": "A"})).await;
    create(&world, &other["logical_guid"], json!({"caption": "B", "market_code": "DE"})).await;
    create(&world, &other["logical_guid"], json!({"caption": "C", "channel_code": "kiosk"})).await;
    let member = world.member(&[]).await;
    assign(&world, &member, &other["logical_guid"], &["facility:read"]).await;
    let list =
        async |caller: &Caller, fields: Value| post_as(&world, caller, "/sales-channel/list", fields).await;
    let captions = |reply: &Reply| {
        let mut captions = column(reply, "sales_channels", "caption");
        captions.sort();
        captions.concat()
    };
    assert_eq!(captions(&list(&world.owner, json!({})).await), "ABC");
    assert_eq!(captions(&list(&world.owner, json!({"market_code": "DE"})).await), "B");
    assert_eq!(captions(&list(&world.owner, json!({"status": "active"})).await), "");
    list(&member, json!({})).await.refused("not-owner");
    list(&member, json!({"logical_guid": places.guid()})).await.refused("facility-grant-required");
    let there = json!({"logical_guid": other["logical_guid"]});
    assert_eq!(captions(&list(&member, there).await), "BC");
    let kiosks = json!({"logical_guid": other["logical_guid"], "channel_code": "kiosk"});
    assert_eq!(captions(&list(&member, kiosks).await), "C");
    let nowhere = list(&world.owner, json!({"logical_guid": "MAIN"})).await;
    assert_eq!(nowhere.refused("not-found")["details"]["field"], "logical_guid");
}

#[tokio::test]
async fn sources_are_asked_by_priority_and_not_doomed_while_they_are_listed() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let (stock, more) = (
        logical(&world, "STOCK", &places.physical, &places.legal).await,
        logical(&world, "MORE", &places.physical, &places.legal).await,
    );
    let channel = create(&world, &places.guid(), json!({})).await;
    let set = async |channel: &Value, sources: Value| {
        let fields = json!({
            "channel_guid": channel["channel_guid"], "expected_revision": channel["revision"], "sources": sources,
        });
        post(&world, "/sales-channel/inventory-sources/set", fields).await
    };
    let source = |facility: &Value, priority: u32| json!({"logical_guid": facility["logical_guid"], "priority": priority});
    let refused = set(&channel, json!([source(&stock, 1), source(&stock, 2)])).await;
    assert_eq!(refused.refused_fields(), ["sources[1].logical_guid"]);
    let refused = set(&channel, json!([source(&stock, 0), source(&more, 1001)])).await;
    assert_eq!(refused.refused_fields(), ["sources[0].priority", "sources[1].priority"]);
    let refused = set(&channel, json!([{"logical_guid": "MAIN", "priority": 1}])).await;
    assert_eq!(refused.refused("not-found")["details"]["field"], "sources[0].logical_guid");
    let listed = set(&channel, json!([source(&stock, 9), source(&more, 1)])).await.data().clone();
    let answered = json!([
        {"logical_guid": more["logical_guid"], "priority": 1, "enabled": true},
        {"logical_guid": stock["logical_guid"], "priority": 9, "enabled": true},
    ]);
    assert_eq!(listed["sources"], answered);
    let primary = json!({"logical_guid": places.guid(), "code": "MAIN", "caption": "Store"});
    assert_eq!(listed["primary"], primary);
    let get = json!({"channel_guid": channel["channel_guid"]});
    let member = world.member(&[]).await;
    assign(&world, &member, &places.guid(), &["facility:read"]).await;
    let path = "/sales-channel/inventory-sources/get";
    assert_eq!(post_as(&world, &member, path, get).await.data(), &listed);
    set(&channel, json!([])).await.refused("conflict");

    let refused = set_status(&world, "facility/logical", &stock, "doomed").await;
    let blocking = json!([{"kind": "inventory-source", "count": 1, "sample_id": channel["channel_guid"]}]);
    assert_eq!(refused.refused("in-use")["details"]["blocking"], blocking);
    let emptied = set(&listed, json!([source(&more, 1)])).await.data().clone();
    let doomed = set_status(&world, "facility/logical", &stock, "doomed").await.data().clone();
    let refused = set(&emptied, json!([source(&doomed, 1)])).await;
    let details = json!({"field": "sources[0].logical_guid", "status": "doomed"});
    assert_eq!(refused.refused("invalid-state")["details"], details);
    // A doomed channel lists nothing any more.
    set_status(&world, "facility/logical", &more, "doomed").await.refused("in-use");
    set_status(&world, "sales-channel", &emptied, "doomed").await.data();
    set_status(&world, "facility/logical", &more, "doomed").await.data();
    set_status(&world, "facility/logical", &places.logical, "doomed").await.data();
}

#[tokio::test]
async fn sixty_four_sources_fit_into_one_transaction() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let channel = create(&world, &places.guid(), json!({})).await;
    let mut sources = Vec::new();
    for n in 1..=64 {
        let facility = logical(&world, &format!("S{n}"), &places.physical, &places.legal).await;
        sources.push(json!({"logical_guid": facility["logical_guid"], "priority": n}));
    }
    let fields = json!({
        "channel_guid": channel["channel_guid"], "expected_revision": channel["revision"], "sources": sources,
        "idempotency_key": "all",
    });
    let set = post(&world, "/sales-channel/inventory-sources/set", fields).await;
    assert_eq!(set.data()["sources"].as_array().unwrap().len(), 64);
}
