//! Members (ofm §9).

use std::collections::BTreeSet;

use contract::{ids::UserGuid, personal::Personal};
use identity::{
    keys,
    member::{Member, MemberState},
};
use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::{Caller, World};

use crate::places::Places;

async fn change(world: &World, user: UserGuid, edit: impl FnOnce(&mut Member)) {
    world.meddle(&world.org, &keys::member(&world.org, user), edit).await;
}

async fn list(world: &World, caller: &Caller, fields: Value) -> Vec<Value> {
    let reply = world.post(&SERVICE, caller, "/member/list", fields).await;
    reply.data()["members"].as_array().expect("members").clone()
}

fn guids(members: &[Value]) -> BTreeSet<&str> {
    members.iter().map(|member| member["user_guid"].as_str().expect("a guid")).collect()
}

#[tokio::test]
async fn contacts_are_shown_to_the_person_owners_and_member_admins_only() {
    let world = World::new().await;
    let (subject, other) = (world.member(&[]).await, world.member(&["ofm_view"]).await);
    let admin = world.member(&["ofm_member_admin"]).await;
    change(&world, subject.user_guid, |member| {
        member.employee_code = Some(Personal("E-1".parse().expect("a code")));
    })
    .await;
    let shown_to = async |caller: &Caller| {
        let members = list(&world, caller, json!({})).await;
        let guid = json!(subject.user_guid);
        members.into_iter().find(|member| member["user_guid"] == guid).expect("the member")
    };
    for caller in [&subject, &world.owner, &admin, &world.key(&["ofm_member_admin"]).await] {
        let member = shown_to(caller).await;
        assert_eq!(member["email"], format!("{}@people.example", subject.user_guid));
        assert_eq!(member["employee_code"], "E-1");
    }
    for caller in [&other, &world.key(&["ofm_view"]).await] {
        let member = shown_to(caller).await;
        assert!(member["email"].is_null() && member["employee_code"].is_null(), "{member}");
        assert_eq!(member["display_name"], "Mia Member");
    }
}

#[tokio::test]
async fn members_are_filtered_and_every_page_is_full() {
    let world = World::new().await;
    let cashiers = [world.member(&[]).await, world.member(&["ofm_view"]).await, world.member(&[]).await];
    for cashier in &cashiers {
        change(&world, cashier.user_guid, |member| {
            member.role_profile_id = Some("cashier".parse().expect("a profile"));
        })
        .await;
    }
    let gone = world.member(&["crm_view"]).await;
    change(&world, gone.user_guid, |member| member.state = MemberState::Removed).await;
    let late = world.member(&[]).await;
    change(&world, late.user_guid, |member| member.valid_from = Some(world.now().plus_days(1))).await;

    let found = async |fields: Value| list(&world, &world.owner, fields).await.len();
    assert_eq!(found(json!({})).await, 5);
    assert_eq!(found(json!({"state": "all"})).await, 6);
    assert_eq!(found(json!({"state": "removed"})).await, 1);
    assert_eq!(found(json!({"in_force": true})).await, 4);
    assert_eq!(found(json!({"in_force": false})).await, 1);
    assert_eq!(found(json!({"in_force": false, "state": "all"})).await, 2);
    assert_eq!(found(json!({"role_profile_id": "cashier"})).await, 3);
    assert_eq!(found(json!({"role": "ofm_view"})).await, 1);
    // By the profile of three, not by the role of one who was removed.
    assert_eq!(found(json!({"role": "crm_view"})).await, 3);
    assert_eq!(found(json!({"logical_guid": Places::new(&world).await.guid()})).await, 0);
    let malformed = world.post(&SERVICE, &world.owner, "/member/list", json!({"logical_guid": "MAIN"})).await;
    assert_eq!(malformed.refused("not-found")["details"]["field"], "logical_guid");

    let page = async |token: Option<&str>| {
        let fields = json!({"role_profile_id": "cashier", "limit": 2, "next_token": token});
        world.post(&SERVICE, &world.owner, "/member/list", fields).await
    };
    let first = page(None).await;
    let second = page(first.data()["next_token"].as_str()).await;
    let pages = [&first, &second].map(|page| page.data()["members"].as_array().expect("members").clone());
    assert_eq!(pages.each_ref().map(Vec::len), [2, 1]);
    assert!(second.data().get("next_token").is_none());
    let expected = cashiers.each_ref().map(|cashier| cashier.user_guid.to_string());
    assert_eq!(guids(&pages.concat()), expected.iter().map(String::as_str).collect());

    let foreign = json!({"role": "crm_view", "limit": 2, "next_token": first.data()["next_token"]});
    world.post(&SERVICE, &world.owner, "/member/list", foreign).await.refused("invalid-token");
}

#[tokio::test]
async fn names_are_those_of_all_who_ever_belonged() {
    let world = World::new().await;
    let (member, gone) = (world.member(&[]).await, world.member(&[]).await);
    change(&world, gone.user_guid, |member| {
        member.state = MemberState::Removed;
        member.display_name = Personal("Former member".parse().expect("a name"));
    })
    .await;
    let call = async |fields| world.post(&SERVICE, &member, "/member/names", fields).await;

    world.introduce(&SERVICE, &member).await;
    let all = call(json!({})).await;
    let names = all.data()["names"].as_array().unwrap();
    let expected = [world.owner.user_guid, member.user_guid, gone.user_guid];
    assert_eq!(guids(names), expected.map(|guid| guid.to_string()).iter().map(String::as_str).collect());
    let former = json!({"user_guid": gone.user_guid, "display_name": "Former member"});
    assert!(names.contains(&former));
    assert_eq!(world.last_log()["reads"], 1);

    let some = call(json!({"user_guids": [gone.user_guid, world.cost_centre, "Mia"]})).await;
    assert_eq!(some.data()["names"], json!([former]));
    let too_many = vec![world.cost_centre; 257];
    assert_eq!(call(json!({"user_guids": too_many})).await.refused_fields(), ["user_guids"]);
    world.post(&SERVICE, &world.stranger().await, "/member/names", json!({})).await.refused("not-found");
}

#[tokio::test]
async fn names_come_in_pages_of_up_to_5000() {
    let world = World::new().await;
    let mut people = vec![world.owner.user_guid];
    let one = world.stored(&keys::member(&world.org, world.owner.user_guid)).await.expect("a member").record;
    for _ in 0..6 {
        let mut change = world.change();
        for _ in 0..45 {
            let user_guid = UserGuid::from_uuid(change.uuid());
            let member = Member { user_guid, owner: None, ..one.clone() };
            change.create(&world.org, member, "member-added", |_| panic!("member")).expect("a member");
            people.push(user_guid);
        }
        world.commit(change).await;
    }
    let call = async |fields| world.post(&SERVICE, &world.owner, "/member/names", fields).await;
    let count = |reply: &testkit::Reply| reply.data()["names"].as_array().map(Vec::len);
    // More than any other list answers at once.
    let all = call(json!({})).await;
    assert_eq!((count(&all), all.data().get("next_token")), (Some(271), None));
    assert_eq!(count(&call(json!({"limit": 9_999})).await), Some(271));
    assert_eq!(count(&call(json!({"limit": 0})).await), Some(1));

    for filter in [json!({}), json!({"user_guids": people[..250]})] {
        let (mut seen, mut sizes, mut token) = (BTreeSet::new(), Vec::new(), Value::Null);
        loop {
            let mut fields = filter.clone();
            fields["limit"] = json!(120);
            fields["next_token"] = token;
            let page = call(fields).await;
            sizes.extend(count(&page));
            for name in page.data()["names"].as_array().unwrap() {
                assert!(seen.insert(name["user_guid"].as_str().unwrap().to_owned()), "{name} twice");
            }
            token = page.data()["next_token"].clone();
            if token.is_null() {
                break;
            }
        }
        let of_all = filter.get("user_guids").is_none();
        assert_eq!(sizes, if of_all { [120, 120, 31] } else { [120, 120, 10] });
        assert_eq!(seen.len(), if of_all { 271 } else { 250 });
    }
}

#[tokio::test]
async fn a_person_resolves_themselves() {
    let world = World::new().await;
    let member = world.member(&["crm_view"]).await;
    change(&world, member.user_guid, |member| {
        member.role_profile_id = Some("scheduler".parse().expect("a profile"));
    })
    .await;
    world.introduce(&SERVICE, &member).await;
    let resolved = world.post(&SERVICE, &member, "/member/resolve", json!({})).await;
    let expected = json!({
        "org_guid": world.org.guid(), "orgcode": world.orgcode, "org_status": "verified",
        "user_guid": member.user_guid, "state": "active", "is_owner": false, "is_primary_owner": false,
        "role_profile_id": "scheduler", "roles": ["crm_view", "ofm_team_admin", "ofm_view"],
        "valid_until": null, "epoch": 1,
    });
    assert_eq!(resolved.data(), &expected);
    assert_eq!(world.last_log()["reads"], 1);

    let owner = world.post(&SERVICE, &world.owner, "/member/resolve", json!({})).await;
    assert_eq!([&owner.data()["is_owner"], &owner.data()["is_primary_owner"]], [true, true]);
}

#[tokio::test]
async fn grants_are_told_for_a_facility() {
    let world = World::new().await;
    let facility = json!({"logical_guid": Places::new(&world).await.guid()});
    let member = world.member(&[]).await;
    let grants = async |caller| {
        world.post(&SERVICE, caller, "/member/resolve", facility.clone()).await.data()["grants"].clone()
    };
    assert_eq!(grants(&member).await, json!([]));
    let all = json!([
        "facility:read",
        "facility:write",
        "station:write",
        "schedule:write",
        "timesheet:write",
        "channel:write",
    ]);
    assert_eq!(grants(&world.owner).await, all);
    for wrong in [json!("MAIN"), json!(world.cost_centre)] {
        let missing = world.post(&SERVICE, &member, "/member/resolve", json!({"logical_guid": wrong})).await;
        assert_eq!(missing.refused("not-found")["details"]["field"], "logical_guid");
    }
}

#[tokio::test]
async fn someone_else_is_resolved_for_owners_admins_viewers_and_keys() {
    let world = World::new().await;
    let (subject, plain) = (world.member(&[]).await, world.member(&["crm_manage", "ofm_team_admin"]).await);
    let someone = json!({"user_guid": subject.user_guid});
    let call = async |caller: &Caller, fields: &Value| {
        world.post(&SERVICE, caller, "/member/resolve", fields.clone()).await
    };
    let (admin, viewer) = (world.member(&["ofm_member_admin"]).await, world.member(&["ofm_view"]).await);
    let key = world.key(&["pvv"]).await;
    for caller in [&world.owner, &admin, &viewer, &key, &subject] {
        world.introduce(&SERVICE, caller).await;
        assert_eq!(call(caller, &someone).await.data()["user_guid"], json!(subject.user_guid));
        assert_eq!(world.last_log()["reads"], 1);
    }
    let refused = call(&plain, &someone).await;
    assert_eq!(refused.refused("forbidden")["details"]["roles"], json!(["ofm_member_admin", "ofm_view"]));
    // Whether there is such a member is not told by the refusal.
    let nobody = json!({"user_guid": world.cost_centre});
    assert_eq!(call(&plain, &nobody).await.without_stats(), refused.without_stats());
    assert_eq!(call(&viewer, &nobody).await.refused("not-found")["details"]["field"], "user_guid");
    assert_eq!(call(&key, &json!({})).await.refused_fields(), ["user_guid"]);

    change(&world, subject.user_guid, |member| member.state = MemberState::Suspended).await;
    assert_eq!(call(&viewer, &someone).await.data()["state"], "suspended");
    call(&subject, &json!({})).await.refused("not-found");
}
