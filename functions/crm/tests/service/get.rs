//! Finding one customer (crm §4).

use contract::ids::CustomerGuid;
use crm::{
    SERVICE,
    customer::{Customer, Status},
    keys,
};
use serde_json::{Value, json};
use testkit::World;

use crate::people::{create, get, guid_of, keys_of, somebody};

#[tokio::test]
async fn a_customer_is_found_by_every_key() {
    let world = World::new().await;
    let created = create(&world, somebody("111222333")).await;
    create(&world, somebody("444555666")).await;
    let found = get(&world, json!({"customer_guid": created["customer_guid"]})).await;
    assert_eq!(found.data(), &json!({"customer": created}));
    assert_eq!(found.body["revision"], 1);
    assert_eq!((world.last_log()["reads"].as_u64(), world.last_log()["writes"].as_u64()), (Some(1), Some(0)));
    for key in keys_of("111222333") {
        assert_eq!(get(&world, key.clone()).await.data()["customer"], created, "{key}");
        assert_eq!(world.last_log()["reads"], 3);
    }
}

#[tokio::test]
async fn who_is_not_there_is_not_found_by_any_key() {
    let world = World::new().await;
    let elsewhere = world.another().await;
    let created = create(&elsewhere, somebody("111222333")).await;
    for key in keys_of("111222333") {
        get(&world, key).await.refused("not-found");
    }
    let theirs = get(&world, json!({"customer_guid": created["customer_guid"]})).await;
    let nobodys = get(&world, json!({"customer_guid": "00000000-0000-7000-8000-000000000000"})).await;
    theirs.refused("not-found");
    assert_eq!(theirs.without_stats(), nobodys.without_stats());
    get(&world, json!({"customer_guid": "K-111222333"})).await.refused("not-found");
}

#[tokio::test]
async fn exactly_one_key_is_taken() {
    let world = World::new().await;
    for wrong in
        [json!({}), json!({"email": "a@mail.example", "phone": "+4930123456"}), json!({"email": null})]
    {
        assert_eq!(get(&world, wrong).await.refused_fields(), [""]);
    }
    assert_eq!(get(&world, json!({"email": "nobody"})).await.refused_fields(), ["email"]);
    assert_eq!(get(&world, json!({"mail": "a@mail.example"})).await.refused_fields()[0], "mail");
}

#[tokio::test]
async fn a_phone_that_several_share_is_ambiguous() {
    let world = World::new().await;
    let phone = json!({"phones": [{"phone": "+4930123456"}]});
    let mut guids = Vec::new();
    for _ in 0..9 {
        guids.push(create(&world, phone.clone()).await["customer_guid"].clone());
    }
    guids.sort_by_key(ToString::to_string);
    let reply = get(&world, json!({"phone": "+4930123456"})).await;
    assert_eq!(reply.refused("ambiguous")["details"]["customer_guids"], json!(guids[..8]));
}

async fn merge(world: &World, from: &Value, into: CustomerGuid) {
    let (key, at) = (keys::customer::by_guid(&world.org, guid_of(from)), world.now());
    world
        .meddle(&world.org, &key, |customer: &mut Customer| {
            customer.status = Status::Merged;
            customer.merged_into = Some(into);
            customer.merged_at = Some(at);
        })
        .await;
}

#[tokio::test]
async fn a_customer_who_went_into_another_is_answered_by_that_one() {
    let world = World::new().await;
    let (first, second) = (create(&world, json!({})).await, create(&world, json!({})).await);
    let last = create(&world, json!({"kind": "business", "company_name": "Engines"})).await;
    merge(&world, &first, guid_of(&second)).await;
    merge(&world, &second, guid_of(&last)).await;
    let followed = get(&world, json!({"customer_guid": first["customer_guid"]})).await;
    assert_eq!(followed.data()["customer"], last);
    assert_eq!(followed.data()["resolved_from"], first["customer_guid"]);
    assert_eq!(followed.data()["merged_into"], last["customer_guid"]);
    let stub = get(&world, json!({"customer_code": first["customer_code"], "follow_merge": false})).await;
    let expected = json!({
        "customer_guid": first["customer_guid"], "status": "merged", "kind": "individual",
        "merged_into": second["customer_guid"], "merged_at": world.now(),
    });
    assert_eq!(stub.data(), &json!({"customer": expected}));
}

#[tokio::test]
async fn what_hangs_on_a_customer_is_answered_where_it_is_asked_for() {
    let world = World::new().await;
    let created = create(&world, json!({})).await;
    let asked =
        json!({"customer_guid": created["customer_guid"], "include": ["holds", "loyalty", "consents"]});
    let expected = json!({"customer": created, "holds": [], "consents": [], "loyalty": null});
    assert_eq!(get(&world, asked).await.data(), &expected);
    let wrong = json!({"customer_guid": created["customer_guid"], "include": ["secrets"]});
    assert_eq!(get(&world, wrong).await.refused_fields(), ["include[0]"]);
}

#[tokio::test]
async fn an_auditor_sees_figures_and_no_person() {
    let world = World::new().await;
    let created = create(&world, somebody("111222333")).await;
    let auditor = world.member(&["finance_audit"]).await;
    let by_guid = || json!({"customer_guid": created["customer_guid"]});
    let masked = world.post(&SERVICE, &auditor, "/customer/get", by_guid()).await;
    let seen = &masked.data()["customer"];
    assert_eq!(seen["display_name"], "***");
    assert_eq!(
        seen["emails"][1],
        json!({"email": "***", "label": null, "primary": true, "verified_at": null})
    );
    assert_eq!(seen["addresses"][0]["country"], "DE");
    assert_eq!(seen["attributes"], "***");
    for plain in ["customer_guid", "status", "tags", "locale", "revision", "created_at"] {
        assert_eq!(seen[plain], created[plain], "{plain}");
    }
    let listed = world.post(&SERVICE, &auditor, "/customer/list", json!({})).await;
    assert_eq!(&listed.data()["customers"][0], seen);
    let both = world.member(&["finance_audit", "loyalty_admin"]).await;
    assert_eq!(world.post(&SERVICE, &both, "/customer/get", by_guid()).await.data()["customer"], created);
    let nobody = world.member(&["ofm_view"]).await;
    world.post(&SERVICE, &nobody, "/customer/get", by_guid()).await.refused("forbidden");
}
