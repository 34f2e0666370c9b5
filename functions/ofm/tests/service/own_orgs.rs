//! The orgs of a caller (ofm §4, `/org/list`).

use identity::{keys, member::MemberState, org::OrgStatus};
use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::{Caller, Reply, World};

use crate::people::join;

async fn list(world: &World, caller: &Caller, fields: Value) -> Reply {
    world.post(&SERVICE, caller, "/org/list", fields).await
}

fn codes(reply: &Reply) -> Vec<String> {
    let orgs = reply.data()["orgs"].as_array().expect("orgs");
    orgs.iter().map(|org| org["orgcode"].as_str().expect("a code").to_owned()).collect()
}

#[tokio::test]
async fn a_person_sees_the_orgs_they_belong_to() {
    let world = World::new().await;
    let reply = list(&world, &world.owner, json!({})).await;
    let org = world.stored(&keys::org(&world.org)).await.unwrap();
    let expected = json!([{
        "org_guid": world.org.guid(), "orgcode": world.orgcode, "status": "verified", "caption": "Test org",
        "timezone": "Europe/Berlin", "is_owner": true, "is_primary_owner": true, "member_state": "active",
        "revision": org.revision,
    }]);
    assert_eq!(reply.data()["orgs"], expected);
    assert_eq!(list(&world, &world.stranger().await, json!({})).await.data(), &json!({"orgs": []}));
    list(&world, &Caller::anonymous(), json!({})).await.refused("auth-required");
}

#[tokio::test]
async fn a_key_sees_its_one_org() {
    let world = World::new().await;
    let key = world.key(&["crm_view"]).await;
    let reply = list(&world, &key, json!({})).await;
    let org = &reply.data()["orgs"][0];
    assert_eq!(codes(&reply), [world.orgcode.as_str()]);
    let told = ["is_owner", "is_primary_owner", "member_state"].map(|field| &org[field]);
    assert_eq!(told, [&json!(false), &json!(false), &Value::Null]);
    let owner = list(&world, &world.key(&["ofm_owner"]).await, json!({})).await;
    assert_eq!(owner.data()["orgs"][0]["is_owner"], true);
    assert_eq!(list(&world, &key, json!({"status": "parked"})).await.data()["orgs"], json!([]));
    list(&world, &key, json!({"next_token": "AAAA"})).await.refused("invalid-token");
}

#[tokio::test]
async fn what_is_over_does_not_appear_and_what_is_suspended_says_so() {
    let world = World::new().await;
    let person = world.member(&[]).await;
    let member = keys::member(&world.org, person.user_guid);
    let shown = async |state, until| {
        world.meddle(&world.org, &member, |member| (member.state, member.valid_until) = (state, until)).await;
        list(&world, &person, json!({})).await.data()["orgs"][0]["member_state"].clone()
    };
    assert_eq!(shown(MemberState::Suspended, None).await, "suspended");
    assert_eq!(shown(MemberState::Removed, None).await, Value::Null);
    assert_eq!(shown(MemberState::Active, Some(world.now())).await, Value::Null);
    assert_eq!(shown(MemberState::Active, Some(world.now().plus_seconds(1))).await, "active");
    world.set_org_status(OrgStatus::Frozen).await;
    assert_eq!(shown(MemberState::Active, None).await, "active");
    world.set_org_status(OrgStatus::Doomed).await;
    assert_eq!(shown(MemberState::Active, None).await, Value::Null);
    for fields in [json!({"status": "doomed"}), json!({"status": "all"}), json!({"include_doomed": true})] {
        assert_eq!(list(&world, &person, fields).await.data()["orgs"], json!([]));
    }
}

#[tokio::test]
async fn pages_are_full_whatever_they_leave_out() {
    let world = World::new().await;
    let person = world.member(&[]).await;
    let mut orgs = Vec::new();
    for n in 0..9 {
        let other = world.another().await;
        join(&world, &other, person.user_guid, MemberState::Active).await;
        // Two of three do not appear.
        match n % 3 {
            0 => other.set_org_status(OrgStatus::Doomed).await,
            1 => {
                let key = keys::member(&other.org, person.user_guid);
                world.meddle(&other.org, &key, |member| member.state = MemberState::Removed).await;
            }
            _ => orgs.push(other.orgcode),
        }
    }
    orgs.push(world.orgcode.clone());
    orgs.sort_unstable();

    let first = list(&world, &person, json!({"limit": 3})).await;
    assert_eq!(codes(&first), orgs[..3]);
    let rest = match first.data()["next_token"].as_str() {
        Some(token) => codes(&list(&world, &person, json!({"limit": 3, "next_token": token})).await),
        None => Vec::new(),
    };
    assert_eq!(rest, orgs[3..]);
    let others = list(&world, &world.owner, json!({"next_token": first.data()["next_token"]})).await;
    others.refused("invalid-token");
}
