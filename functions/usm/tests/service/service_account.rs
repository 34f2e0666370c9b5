//! Service accounts (usm §4).

use identity::org::OrgStatus;
use serde_json::{Value, json};
use testkit::{Caller, World};
use usm::SERVICE;

use crate::people::{account, call, key, key_holder, trips, validate_key};

#[tokio::test]
async fn only_an_owner_in_person_makes_accounts() {
    let world = World::new().await;
    let fields = json!({"code": "till", "caption": "Till", "roles": ["crm_view", "owner"]});
    let create =
        async |caller: &Caller| call(&world, caller, "/service_account/create", fields.clone()).await;
    create(&world.member(&["service_account_admin"]).await).await.refused("not-owner");
    create(&world.key(&["owner"]).await).await.refused("forbidden");
    create(&world.stranger().await).await.refused("not-found");
    world.introduce(&SERVICE, &world.owner).await;
    let created = create(&world.owner).await;
    assert_eq!(trips(&world), (Some(1), Some(1)));
    assert_eq!(created.data()["code"], "TILL");
    assert_eq!(created.data()["status"], "active");
    assert_eq!(created.body["revision"], created.data()["revision"]);
    let taken = create(&world.owner).await;
    assert_eq!(taken.refused("duplicate-code")["details"]["field"], "code");
}

#[tokio::test]
async fn accounts_have_one_to_64_roles() {
    let world = World::new().await;
    for roles in [json!([]), json!(["crm_god"]), json!(["crm_view", "crm_view"])] {
        let fields = json!({"code": "A", "caption": "A", "roles": roles});
        let refused = call(&world, &world.owner, "/service_account/create", fields).await;
        assert!(refused.refused_fields()[0].starts_with("roles"), "{}", refused.text);
    }
}

#[tokio::test]
async fn the_status_goes_its_way_and_takes_the_keys_along() {
    let world = World::new().await;
    let account = account(&world, "TILL").await;
    let key = key_holder(&key(&world, &account).await);
    let set = async |status: &str, revision: &Value| {
        let fields = json!({
            "service_account_guid": account["service_account_guid"],
            "status": status,
            "expected_revision": revision,
        });
        call(&world, &world.owner, "/service_account/status", fields).await
    };
    set("inactive", &Value::Null).await.refused("expected-revision-required");
    let same = set("active", &account["revision"]).await;
    assert_eq!(same.refused("invalid-transition")["details"]["allowed"], json!(["inactive", "doomed"]));
    let inactive = set("inactive", &account["revision"]).await.data().clone();
    validate_key(&world, &key).await.refused("api-key-invalid");
    set("active", &account["revision"]).await.refused("conflict");

    world.set_org_status(OrgStatus::Frozen).await;
    set("active", &inactive["revision"]).await.refused("org-write-blocked");
    world.set_org_status(OrgStatus::Verified).await;
    let active = set("active", &inactive["revision"]).await.data().clone();
    validate_key(&world, &key).await.data();

    world.set_org_status(OrgStatus::Frozen).await;
    let doomed = set("doomed", &active["revision"]).await.data().clone();
    validate_key(&world, &key).await.refused("api-key-invalid");
    world.set_org_status(OrgStatus::Verified).await;
    set("active", &doomed["revision"]).await.refused("invalid-transition");
}

#[tokio::test]
async fn the_list_shows_accounts_by_code_with_their_active_keys() {
    let world = World::new().await;
    let till = account(&world, "TILL").await;
    let fields = json!({"code": "BOOK", "caption": "Books", "roles": ["ofm_view"]});
    call(&world, &world.owner, "/service_account/create", fields).await.data();
    for _ in 0..2 {
        key(&world, &till).await.data();
    }
    let caller = world.member(&["service_account_admin"]).await;
    let list = async |caller: &Caller, fields| call(&world, caller, "/service_account/list", fields).await;
    let shown = |reply: &testkit::Reply| -> Vec<_> {
        let accounts = reply.data()["service_accounts"].as_array().unwrap();
        accounts.iter().map(|account| (account["code"].clone(), account["active_keys"].clone())).collect()
    };
    let all = list(&caller, json!({})).await;
    assert_eq!(shown(&all), [(json!("BOOK"), json!(0)), (json!("TILL"), json!(2))]);
    let one = list(&world.owner, json!({"role": "crm_view"})).await;
    assert_eq!(shown(&one), [(json!("TILL"), json!(2))]);
    list(&world.member(&["ofm_view"]).await, json!({})).await.refused("forbidden");
    list(&world.stranger().await, json!({})).await.refused("not-found");

    let doom = json!({
        "service_account_guid": till["service_account_guid"],
        "status": "doomed",
        "expected_revision": till["revision"],
    });
    call(&world, &world.owner, "/service_account/status", doom).await.data();
    assert_eq!(shown(&list(&caller, json!({})).await), [(json!("BOOK"), json!(0))]);
    let doomed = list(&caller, json!({"status": "doomed"})).await;
    assert_eq!(shown(&doomed), [(json!("TILL"), json!(0))]);
}
