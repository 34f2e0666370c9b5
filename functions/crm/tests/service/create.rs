//! Creating customers (crm §4).

use crm::SERVICE;
use identity::{lifecycle::Status, org::OrgStatus};
use serde_json::{Value, json};
use testkit::{
    World,
    proxy::{Fault, Operation, Proxy, When},
};

use crate::people::{ask, call, create, facility, get, somebody};

#[tokio::test]
async fn a_customer_is_kept_as_given_with_what_follows_from_it() {
    let world = World::new().await;
    let created = create(&world, somebody("111222333")).await;
    assert_eq!((world.last_log()["reads"].as_u64(), world.last_log()["writes"].as_u64()), (Some(2), Some(1)));
    assert_eq!(created["kind"], "individual");
    assert_eq!(created["status"], "active");
    assert_eq!(created["display_name"], "Given111222333 Family111222333");
    assert_eq!(created["emails"][0]["primary"], false);
    assert_eq!(created["emails"][1]["primary"], true);
    assert_eq!(
        created["phones"][0],
        json!({"phone": "+4930111222333", "label": null, "primary": true, "sms": true})
    );
    assert_eq!(created["addresses"][0]["primary"], true);
    assert_eq!(created["last_activity_at"], "2026-03-04");
    assert_eq!(created["revision"], 1);
}

#[tokio::test]
async fn whoever_says_nothing_is_shown_by_a_new_code() {
    let world = World::new().await;
    let (one, other) = (create(&world, json!({})).await, create(&world, json!({"kind": "guest"})).await);
    let code = one["customer_code"].as_str().expect("a code");
    assert!(code.len() == 9 && code.starts_with('C'), "{code}");
    assert_eq!(one["display_name"], one["customer_code"]);
    assert_ne!(one["customer_code"], other["customer_code"]);
}

#[tokio::test]
async fn a_value_that_is_one_customers_alone_names_its_holder() {
    let world = World::new().await;
    let holder = create(&world, somebody("111222333")).await;
    for (customer, tag) in [
        (json!({"customer_code": "k-111222333"}), "duplicate-code"),
        (json!({"emails": [{"email": "111222333.ONE@mail.example"}]}), "duplicate-email"),
        (json!({"external_refs": [{"system": "shop", "id": "ref-111222333"}]}), "duplicate-external-ref"),
    ] {
        let reply = ask(&world, customer).await;
        assert_eq!(reply.refused(tag)["details"]["customer_guid"], holder["customer_guid"]);
    }
    // Phones are shared unless an org decides otherwise; another org shares nothing.
    create(&world, json!({"phones": [{"phone": "+4930111222333"}]})).await;
    create(&world.another().await, somebody("111222333")).await;
}

#[tokio::test]
async fn an_international_address_is_one_in_both_spellings() {
    let world = World::new().await;
    let holder = create(&world, json!({"emails": [{"email": "x@b\u{fc}cher.example"}]})).await;
    assert_eq!(holder["emails"][0]["email"], "x@b\u{fc}cher.example");
    let labels = "X@XN--bcher-kva.example";
    let taken = ask(&world, json!({"emails": [{"email": labels}]})).await;
    assert_eq!(taken.refused("duplicate-email")["details"]["customer_guid"], holder["customer_guid"]);
    let found = get(&world, json!({"email": labels})).await;
    assert_eq!(found.data()["customer"]["customer_guid"], holder["customer_guid"]);
    let twice = json!({"emails": [{"email": "y@b\u{fc}cher.example"}, {"email": "y@xn--bcher-kva.example"}]});
    assert_eq!(ask(&world, twice).await.refused_fields(), ["customer.emails"]);
}

#[tokio::test]
async fn of_two_at_once_one_has_the_address() {
    let world = World::new().await;
    let customer = || json!({"emails": [{"email": "same@mail.example"}]});
    let (one, other) = tokio::join!(ask(&world, customer()), ask(&world, customer()));
    let (won, lost) = if one.status == 200 { (one, other) } else { (other, one) };
    let holder = &won.data()["customer"]["customer_guid"];
    assert_eq!(&lost.refused("duplicate-email")["details"]["customer_guid"], holder);
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named() {
    let world = World::new().await;
    let wrong = json!({
        "kind": "robot",
        "emails": [{"email": "nobody"}],
        "phones": [{"phone": "030 1234"}],
        "addresses": [{"line1": "x", "city": "y", "country": "XX"}],
        "external_refs": [{"system": "Shop", "id": "1"}],
        "tags": ["VIP"],
        "locale": "??",
        "birthday": "10.12.1815",
        "status": "inactive",
    });
    let mut fields =
        ask(&world, wrong).await.refused_fields().iter().map(|f| (*f).to_owned()).collect::<Vec<_>>();
    fields.sort();
    let expected = [
        "customer.addresses[0].country",
        "customer.birthday",
        "customer.emails[0].email",
        "customer.external_refs[0].system",
        "customer.kind",
        "customer.locale",
        "customer.phones[0].phone",
        "customer.status",
        "customer.tags[0]",
    ];
    assert_eq!(fields, expected);
    let wrong = json!({"kind": "business", "birthday": "2026-03-05"});
    assert_eq!(ask(&world, wrong).await.refused_fields(), ["customer.company_name", "customer.birthday"]);
    let bare = call(&world, "/customer/create", json!({"customer": {}})).await;
    assert_eq!(bare.refused_fields(), ["reason"]);
}

#[tokio::test]
async fn the_nested_context_must_agree_and_the_nested_reason_counts() {
    let world = World::new().await;
    let other = json!({"request_context": {"orgcode": "ELSEWHERE"}});
    ask(&world, other).await.refused("context-mismatch");
    let own = json!({
        "request_context": {"orgcode": world.orgcode, "actor": world.owner.user_guid, "context_source": "session"},
        "reason": "the inner reason",
        "source_refs": [{"kind": null, "id": null}, {"kind": "ticket", "id": "7"}],
    });
    create(&world, own).await;
    let entries = journal(&world).await;
    assert!(entries.contains("the inner reason") && !entries.contains("signed up"), "{entries}");
    assert!(entries.contains("ticket"), "{entries}");
}

/// Every journal entry about a customer.
async fn journal(world: &World) -> String {
    let items = world.items().await;
    let entries = items.iter().filter(|((pk, _), _)| pk.contains("|journal|customer|"));
    format!("{:?}", entries.collect::<Vec<_>>())
}

#[tokio::test]
async fn who_may_not_is_refused() {
    let world = World::new().await;
    let fields = || json!({"customer": {}, "reason": "x"});
    let viewer = world.member(&["crm_view"]).await;
    let reply = world.post(&SERVICE, &viewer, "/customer/create", fields()).await;
    assert_eq!(
        reply.refused("forbidden")["details"]["roles"],
        json!(["crm_edit", "crm_manage", "crm_privacy_admin"])
    );
    let editor = world.key(&["crm_edit"]).await;
    world.post(&SERVICE, &editor, "/customer/create", fields()).await.data();
    let stranger = world.stranger().await;
    world.post(&SERVICE, &stranger, "/customer/create", fields()).await.refused("not-found");
    world.set_org_status(OrgStatus::Suspended).await;
    world.post(&SERVICE, &editor, "/customer/create", fields()).await.refused("org-write-blocked");
}

#[tokio::test]
async fn a_repeat_has_one_effect_whatever_befalls_the_first() {
    for fault in
        [Fault::RefuseBefore, Fault::LoseReply, Fault::ServerError, Fault::TransactionConflict { item: 1 }]
    {
        let proxy = Proxy::start(testkit::database::endpoint()).expect("a proxy");
        let world = World::at(proxy.endpoint()).await;
        let request = || {
            let mut customer = somebody("111222333");
            customer["customer_code"] = Value::Null;
            json!({"customer": customer, "reason": "signed up", "idempotency_key": "k"})
        };
        proxy.inject(fault, When::nth(1).of(Operation::TransactWriteItems));
        let first = call(&world, "/customer/create", request()).await;
        let again = call(&world, "/customer/create", request()).await;
        assert_eq!(first.data(), again.data(), "{fault:?}");
        assert_eq!(again.header("idempotent-replay"), Some("true"));
        assert_eq!(world.last_log()["reads"], 1);
        let listed = call(&world, "/customer/list", json!({})).await;
        assert_eq!(listed.data()["customers"].as_array().map(Vec::len), Some(1), "{fault:?}");
        get(&world, json!({"email": "111222333.one@mail.example"})).await.data();
    }
}

#[tokio::test]
async fn a_home_is_an_active_facility_of_the_org() {
    let world = World::new().await;
    let field = "customer.home_logical_guid";
    for (status, name) in [(Status::Inactive, "inactive"), (Status::Doomed, "doomed")] {
        let home = facility(&world, status).await;
        let refused = ask(&world, json!({"home_logical_guid": home})).await;
        assert_eq!(refused.refused("invalid-state")["details"], json!({"field": field, "status": name}));
    }
    let elsewhere = facility(&world.another().await, Status::Active).await;
    for home in [json!(elsewhere), json!(world.org.guid()), json!("HOME")] {
        let refused = ask(&world, json!({"home_logical_guid": home})).await;
        assert_eq!(refused.refused("not-found")["details"]["field"], field);
    }
    let home = facility(&world, Status::Active).await;
    let made = create(&world, json!({"home_logical_guid": home})).await;
    let got = get(&world, json!({"customer_guid": made["customer_guid"]})).await;
    assert_eq!(got.data()["customer"]["home_logical_guid"], json!(home));
}
