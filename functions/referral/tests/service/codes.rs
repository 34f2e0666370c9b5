//! Making, listing and switching codes (referral §1).

use serde_json::{Value, json};
use testkit::{Reply, World};

async fn act(world: &World, action: &str, fields: Value) -> Reply {
    world.act(&operator::SERVICE, action, fields).await
}

#[tokio::test]
async fn a_code_is_made_once_and_is_one_mentors() {
    let world = World::new().await;
    let own = format!("JAN-{}", &world.orgcode[1..]);
    let create = |org: &str, mentor: &str| json!({"orgcode": org, "mentor_id": mentor, "code": format!(" {} ", own.to_lowercase())});
    let first = act(&world, "referral-code-create", create(&world.orgcode, "usr_4491")).await;
    let made = &first.data()["referral_code"];
    assert_eq!(made["code"], own.to_uppercase());
    assert_eq!(
        (&made["status"], &made["window_days"], &made["revision"]),
        (&json!("active"), &json!(30), &json!(1))
    );
    assert_eq!((&made["expires_at"], &made["orgcode"]), (&Value::Null, &json!(world.orgcode)));
    let again = act(&world, "referral-code-create", create(&world.orgcode, "usr_4491")).await;
    assert_eq!(again.data(), first.data());
    act(&world, "referral-code-create", create(&world.orgcode, "usr_1")).await.refused("duplicate-code");
    let other = world.another().await;
    act(&other, "referral-code-create", create(&other.orgcode, "usr_4491")).await.refused("duplicate-code");
    let journal = world.journal("referral", "referral-code", &own.to_uppercase()).await;
    testkit::journal::verify(&journal);
    assert_eq!(journal.len(), 1);
    assert_eq!(journal[0].entry.action, "referral-code-created");
}

#[tokio::test]
async fn a_code_that_is_made_up_has_three_groups_of_four() {
    let world = World::new().await;
    for window in [json!(1), json!(365)] {
        let fields = json!({"orgcode": world.orgcode, "mentor_id": "usr_1", "window_days": window});
        let code = act(&world, "referral-code-create", fields).await.data()["referral_code"]["code"].clone();
        let groups: Vec<_> = code.as_str().expect("a code").split('-').collect();
        assert!(groups.len() == 3 && groups.iter().all(|group| group.len() == 4), "{code}");
    }
    for bad in [
        json!({"window_days": 0}),
        json!({"window_days": 366}),
        json!({"mentor_id": "a b"}),
        json!({"code": "AB"}),
    ] {
        let mut fields = json!({"orgcode": world.orgcode, "mentor_id": "usr_1"});
        fields.as_object_mut().expect("fields").extend(bad.as_object().expect("fields").clone());
        let name = bad.as_object().expect("fields").keys().next().expect("a field").clone();
        assert_eq!(act(&world, "referral-code-create", fields).await.refused_fields(), [name]);
    }
    let nowhere = json!({"orgcode": "NOSUCHORG", "mentor_id": "usr_1"});
    act(&world, "referral-code-create", nowhere).await.refused("not-found");
}

#[tokio::test]
async fn codes_are_listed_by_mentor_and_status_and_switched() {
    let world = World::new().await;
    let mut codes = Vec::new();
    for mentor in ["usr_1", "usr_1", "usr_2"] {
        let fields = json!({"orgcode": world.orgcode, "mentor_id": mentor});
        codes.push(act(&world, "referral-code-create", fields).await.data()["referral_code"]["code"].clone());
    }
    let set = |status: &str, revision: Value| json!({"code": codes[0], "status": status, "expected_revision": revision});
    let disabled = act(&world, "referral-code-status-set", set("disabled", json!(1))).await;
    assert_eq!(disabled.data()["referral_code"]["status"], "disabled");
    assert_eq!(disabled.data()["referral_code"]["revision"], 2);
    act(&world, "referral-code-status-set", set("active", json!(1))).await.refused("conflict");
    act(&world, "referral-code-status-set", set("active", Value::Null))
        .await
        .refused("expected-revision-required");
    act(&world, "referral-code-status-set", set("disabled", json!(2))).await.refused("invalid-transition");
    let unknown = json!({"code": "NO-SUCH-CODE", "status": "active", "expected_revision": 1});
    act(&world, "referral-code-status-set", unknown).await.refused("code-not-found");

    let list = async |filter: Value| {
        let mut fields = json!({"orgcode": world.orgcode});
        fields.as_object_mut().expect("fields").extend(filter.as_object().expect("fields").clone());
        let reply = act(&world, "referral-code-list", fields).await;
        let mut codes: Vec<_> = reply.data()["referral_codes"]
            .as_array()
            .expect("codes")
            .iter()
            .map(|code| code["code"].to_string())
            .collect();
        codes.sort();
        codes
    };
    let sorted = |codes: &[&Value]| {
        let mut codes: Vec<_> = codes.iter().map(ToString::to_string).collect();
        codes.sort();
        codes
    };
    assert_eq!(list(json!({})).await, sorted(&[&codes[0], &codes[1], &codes[2]]));
    assert_eq!(list(json!({"mentor_id": "usr_1"})).await, sorted(&[&codes[0], &codes[1]]));
    assert_eq!(list(json!({"mentor_id": "usr_1", "status": "active"})).await, sorted(&[&codes[1]]));
    assert_eq!(list(json!({"status": "disabled"})).await, sorted(&[&codes[0]]));
    act(&world, "referral-code-status-set", set("active", json!(2))).await.data();
    assert_eq!(list(json!({"status": "disabled"})).await, sorted(&[]));
}
