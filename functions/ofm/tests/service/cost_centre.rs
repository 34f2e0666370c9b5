//! Cost centres (ofm §5, §18).

use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::{
    Caller, Reply, World, database,
    journal::verify,
    proxy::{Call, Fault, Operation, Proxy, When},
};

/// A cost centre.
pub(crate) async fn create(world: &World) -> Value {
    created(world, json!({"caption": "Shop"})).await
}

async fn created(world: &World, fields: Value) -> Value {
    world.post(&SERVICE, &world.owner, "/cost-centre/create", fields).await.data().clone()
}

/// Sets the status of a cost centre that was answered.
pub(crate) async fn set_status(world: &World, centre: &Value, status: &str) -> Reply {
    let fields =
        json!({"cc_guid": centre["cc_guid"], "expected_revision": centre["revision"], "status": status});
    world.post(&SERVICE, &world.owner, "/cost-centre/status/set", fields).await
}

async fn make_master(world: &World, centre: &Value) -> Reply {
    let org = world.post(&SERVICE, &world.owner, "/org/get", json!({})).await;
    let fields = json!({"cost_centre_guid": centre["cc_guid"], "expected_revision": org.body["revision"]});
    world.post(&SERVICE, &world.owner, "/org/update", fields).await
}

#[tokio::test]
async fn what_was_created_is_read_in_one_round_trip() {
    let world = World::new().await;
    world.introduce(&SERVICE, &world.owner).await;
    let created = create(&world).await;
    assert_eq!(world.last_log()["reads"], 1);
    assert_eq!(world.last_log()["writes"], 1);
    let get = json!({"cc_guid": created["cc_guid"]});
    let reply = world.post(&SERVICE, &world.owner, "/cost-centre/get", get).await;
    assert_eq!(reply.data(), &created);
    assert_eq!(reply.body["revision"], created["revision"]);
    assert_eq!((world.last_log()["reads"].as_u64(), world.last_log()["writes"].as_u64()), (Some(1), Some(0)));
}

#[tokio::test]
async fn a_change_needs_the_revision_that_stands() {
    let world = World::new().await;
    let created = create(&world).await;
    let update = |revision: Value| json!({"cc_guid": created["cc_guid"], "caption": "New", "expected_revision": revision});
    let call = async |fields| world.post(&SERVICE, &world.owner, "/cost-centre/update", fields).await;
    call(update(Value::Null)).await.refused("expected-revision-required");
    let updated = call(update(created["revision"].clone())).await;
    assert_eq!(updated.data()["caption"], "New");
    let stale = call(update(created["revision"].clone())).await;
    assert_eq!(&stale.refused("conflict")["details"]["current"], updated.data());
    assert_eq!(stale.body["revision"], updated.data()["revision"]);
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_null_clears() {
    let world = World::new().await;
    let centre = created(&world, json!({"caption": "Shop", "description": "two\nlines"})).await;
    let update = async |centre: &Value, mut fields: Value| {
        fields["cc_guid"] = centre["cc_guid"].clone();
        fields["expected_revision"] = centre["revision"].clone();
        world.post(&SERVICE, &world.owner, "/cost-centre/update", fields).await
    };
    let renamed = update(&centre, json!({"caption": "Store"})).await.data().clone();
    assert_eq!([&renamed["caption"], &renamed["description"]], ["Store", "two\nlines"]);
    let cleared = update(&renamed, json!({"description": null})).await.data().clone();
    assert_eq!((&cleared["caption"], &cleared["description"]), (&json!("Store"), &Value::Null));
    assert_eq!(update(&cleared, json!({"cccode": "AAAA-BBBB-CCCC"})).await.refused_fields(), ["cccode"]);

    let doomed = set_status(&world, &cleared, "doomed").await.data().clone();
    let refused = update(&doomed, json!({"caption": "Late"})).await;
    assert_eq!(refused.refused("invalid-state")["details"], json!({"status": "doomed"}));

    let entries = world.journal("ofm", "cost-centre", centre["cc_guid"].as_str().unwrap()).await;
    verify(&entries);
    let actions: Vec<_> = entries.iter().map(|chained| chained.entry.action.as_str()).collect();
    let updated = "cost-centre-updated";
    assert_eq!(actions, ["cost-centre-created", updated, updated, "cost-centre-status-set"]);
}

#[tokio::test]
async fn a_code_is_taken_once_and_for_ever() {
    let (world, other) = (World::new().await, World::new().await);
    let fields = json!({"caption": "Shop", "cccode": " abcd-1234-efgh "});
    let first = created(&world, fields.clone()).await;
    assert_eq!(first["cccode"], "ABCD-1234-EFGH");
    set_status(&world, &first, "doomed").await.data();
    let taken = world.post(&SERVICE, &world.owner, "/cost-centre/create", fields.clone()).await;
    assert_eq!(taken.refused("duplicate-code")["details"]["field"], "cccode");
    // Unique in the org only.
    created(&other, fields).await;
    let drawn = create(&world).await;
    assert!(drawn["cccode"].as_str().unwrap().bytes().all(|byte| !b"IO01".contains(&byte)), "{drawn}");
}

#[tokio::test]
async fn they_are_listed_by_code_and_doomed_ones_on_demand() {
    let world = World::new().await;
    let mut centres = Vec::new();
    for code in ["DDDD", "BBBB", "CCCC", "AAAA", "EEEE"] {
        let cccode = format!("{code}-0000-0000");
        centres.push(created(&world, json!({"caption": code, "cccode": cccode})).await);
    }
    set_status(&world, &centres[0], "doomed").await.data();
    set_status(&world, &centres[1], "inactive").await.data();
    let list = async |fields| world.post(&SERVICE, &world.owner, "/cost-centre/list", fields).await;
    let captions = |reply: &Reply| {
        let centres = reply.data()["cost_centres"].as_array().unwrap().clone();
        centres
            .iter()
            .map(|centre| centre["caption"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .concat()
    };
    assert_eq!(captions(&list(json!({})).await), "AAAABBBBCCCCEEEE");
    assert_eq!(world.last_log()["reads"], 1);
    assert_eq!(captions(&list(json!({"status": "all"})).await), "AAAABBBBCCCCDDDDEEEE");
    assert_eq!(captions(&list(json!({"include_doomed": true})).await), "AAAABBBBCCCCDDDDEEEE");
    assert_eq!(captions(&list(json!({"status": "doomed"})).await), "DDDD");
    assert_eq!(captions(&list(json!({"status": "inactive"})).await), "BBBB");

    let first = list(json!({"limit": 3})).await;
    assert_eq!(captions(&first), "AAAABBBBCCCC");
    let token = &first.data()["next_token"];
    let second = list(json!({"limit": 3, "next_token": token})).await;
    assert_eq!((captions(&second), second.data().get("next_token")), ("EEEE".to_owned(), None));
    list(json!({"status": "all", "next_token": token})).await.refused("invalid-token");
    // One cursor in some thousands looks as if it held a session; it is read as a cursor all the same.
    let looks_like_a_session = format!("AQs1_{}", "A".repeat(80));
    list(json!({"next_token": looks_like_a_session})).await.refused("invalid-token");
}

#[tokio::test]
async fn the_master_stays_active() {
    let world = World::new().await;
    let (master, other) = (create(&world).await, create(&world).await);
    make_master(&world, &master).await.data();
    for status in ["inactive", "doomed"] {
        let refused = set_status(&world, &master, status).await;
        let blocking = json!([{"kind": "org", "count": 1, "sample_id": world.org.guid()}]);
        assert_eq!(refused.refused("in-use")["details"]["blocking"], blocking);
    }
    make_master(&world, &other).await.data();
    set_status(&world, &master, "doomed").await.data();
    let get = json!({"cc_guid": other["cc_guid"]});
    let shown = world.post(&SERVICE, &world.member(&[]).await, "/cost-centre/get", get).await;
    assert_eq!(shown.data()["is_master"], true);
}

#[tokio::test]
async fn a_move_that_the_table_does_not_have_is_refused() {
    let world = World::new().await;
    let active = create(&world).await;
    let refused = set_status(&world, &active, "active").await;
    let details = json!({"from": "active", "to": "active", "allowed": ["inactive", "doomed"]});
    assert_eq!(refused.refused("invalid-transition")["details"], details);
    let doomed = set_status(&world, &active, "doomed").await.data().clone();
    let refused = set_status(&world, &doomed, "active").await;
    assert_eq!(refused.refused("invalid-transition")["details"]["allowed"], json!([]));
    let inactive = set_status(&world, &create(&world).await, "inactive").await.data().clone();
    set_status(&world, &inactive, "active").await.data();
}

#[tokio::test]
async fn owners_change_and_members_read() {
    let world = World::new().await;
    let centre = create(&world).await;
    let guid = json!({"cc_guid": centre["cc_guid"]});
    let code = json!({"cccode": centre["cccode"]});
    let call = async |caller: &Caller, path: &str, fields: &Value| {
        world.post(&SERVICE, caller, path, fields.clone()).await
    };
    let member = world.member(&["ofm_member_admin", "ofm_view"]).await;
    call(&member, "/cost-centre/get", &guid).await.data();
    call(&member, "/cost-centre/create", &json!({"caption": "Shop"})).await.refused("not-owner");
    call(&member, "/resolve/cost-centre", &code).await.refused("not-owner");
    let (viewer, blind) = (world.key(&["ofm_view"]).await, world.key(&["crm_view"]).await);
    call(&viewer, "/cost-centre/list", &json!({})).await.data();
    call(&blind, "/cost-centre/list", &json!({})).await.refused("forbidden");
    call(&world.key(&["owner"]).await, "/cost-centre/create", &json!({"caption": "Shop"})).await.data();
    let foreign = call(&world.another().await.owner, "/cost-centre/get", &guid).await;
    let missing = call(&world.owner, "/cost-centre/get", &json!({"cc_guid": "MAIN"})).await;
    assert_eq!(foreign.without_stats()["error"], missing.without_stats()["error"]);
}

#[tokio::test]
async fn a_code_is_resolved_unless_it_is_doomed() {
    let world = World::new().await;
    let centre = create(&world).await;
    let resolve = async |code: &str| {
        world.post(&SERVICE, &world.owner, "/resolve/cost-centre", json!({"cccode": code})).await
    };
    let code = centre["cccode"].as_str().unwrap();
    let expected = json!({
        "org_guid": world.org.guid(), "cc_guid": centre["cc_guid"], "cccode": code, "status": "active",
    });
    assert_eq!(resolve(&code.to_lowercase()).await.data(), &expected);
    resolve("AAAA-BBBB-CCCC").await.refused("not-found");
    assert_eq!(resolve("AAAA").await.refused_fields(), ["cccode"]);
    set_status(&world, &centre, "doomed").await.data();
    resolve(code).await.refused("not-found");
}

#[tokio::test]
async fn a_repeat_answers_the_same_in_one_round_trip() {
    let world = World::new().await;
    let fields = json!({"caption": "Shop", "idempotency_key": "k", "reason": "opening"});
    let call = async |fields: &Value| {
        world.post(&SERVICE, &world.owner, "/cost-centre/create", fields.clone()).await
    };
    let (first, again) = (call(&fields).await, call(&fields).await);
    assert_eq!((again.data(), again.header("idempotent-replay")), (first.data(), Some("true")));
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(1), &json!(0)));
    let other = json!({"caption": "Store", "idempotency_key": "k", "reason": "opening"});
    call(&other).await.refused("idempotency-mismatch");
}

/// Lets `second` happen, with success, between what `first` decides and what it writes.
async fn overtake(
    proxy: &Proxy,
    first: impl Future<Output = Reply>,
    second: impl Future<Output = Reply>,
) -> Reply {
    let before = proxy.count(&Operation::TransactWriteItems);
    proxy.inject(Fault::HoldBefore, When::nth(1).of(Operation::TransactWriteItems));
    let between = async {
        let writes = |call: &&Call| call.operation == Operation::TransactWriteItems;
        proxy.until(|calls| calls.iter().filter(writes).count() > before).await;
        second.await.data();
        proxy.release();
    };
    tokio::join!(first, between).0
}

#[tokio::test]
async fn what_is_made_the_master_is_not_doomed_at_the_same_time() {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let world = World::at(proxy.endpoint()).await;
    let (one, two) = (create(&world).await, create(&world).await);

    let dooming = Box::pin(set_status(&world, &one, "doomed"));
    let doomed = overtake(&proxy, dooming, Box::pin(make_master(&world, &one))).await;
    doomed.refused("in-use");

    let naming = Box::pin(make_master(&world, &two));
    let named = overtake(&proxy, naming, Box::pin(set_status(&world, &two, "doomed"))).await;
    assert_eq!(named.refused("invalid-state")["details"]["field"], "cost_centre_guid");
}
