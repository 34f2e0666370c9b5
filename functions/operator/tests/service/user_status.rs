//! How users stand (usm §5).

use contract::states::States;
use identity::{
    org::OrgStatus,
    user::{ARCS, UserStatus},
};
use serde_json::{Value, json};
use testkit::World;

use crate::people::{act, created, guid, join, put_org, put_user, status_set, verified};

fn name(status: UserStatus) -> Value {
    json!(status)
}

#[tokio::test]
async fn every_move_is_allowed_or_refused_as_the_table_says() {
    let world = World::new().await;
    for from in UserStatus::ALL {
        for to in UserStatus::ALL {
            let user = verified(&world, &format!("{from:?}-{to:?}")).await;
            let revision = put_user(&world, guid(&user), *from).await;
            let fields = json!({"user_guid": user["user_guid"], "status": to, "expected_revision": revision});
            let reply = act(&world, "user-status-set", fields).await;
            if ARCS.contains(&(*from, *to)) {
                assert_eq!(reply.data()["status"], name(*to), "{from:?} {to:?}");
            } else {
                let details = &reply.refused("invalid-transition")["details"];
                assert_eq!((&details["from"], &details["to"]), (&name(*from), &name(*to)));
            }
        }
    }
}

#[tokio::test]
async fn to_be_verified_takes_a_confirmed_email_and_a_passcode() {
    let world = World::new().await;
    let user = created(&world, "ada").await;
    let refused = status_set(&world, &user, "verified").await;
    let details = json!({"email_confirmed": false, "passcode_set": true});
    assert_eq!(refused.refused("invalid-state")["details"], details);
    let bare = json!({"email": format!("eve@{}.example", world.orgcode), "display_name": "Eve"});
    let user = act(&world, "user-create", bare).await.data().clone();
    let confirm = json!({"user_guid": user["user_guid"], "email": user["email"]});
    let user = act(&world, "email-confirm", confirm).await.data().clone();
    status_set(&world, &user, "verified").await.refused("invalid-state");
}

#[tokio::test]
async fn the_suspended_are_locked_out_at_once_and_their_old_sessions_stay_dead() {
    let world = World::new().await;
    let list = || world.post(&ofm::SERVICE, &world.owner, "/cost-centre/list", json!({}));
    list().await.data();
    let passcode = json!({"user_guid": world.owner.user_guid});
    let user = act(&world, "user-get", passcode).await.data().clone();
    let user = status_set(&world, &user, "suspended").await.data().clone();
    list().await.refused("session-invalid");
    let passcode = json!({"user_guid": user["user_guid"], "passcode": "Open-sesame-2"});
    let user = act(&world, "user-passcode-set", passcode).await.data().clone();
    status_set(&world, &user, "verified").await.data();
    list().await.refused("session-invalid");
}

#[tokio::test]
async fn a_primary_owner_is_not_ended_while_the_org_lives() {
    let world = World::new().await;
    let user = act(&world, "user-get", json!({"user_guid": world.owner.user_guid})).await.data().clone();
    let refused = status_set(&world, &user, "doomed").await;
    let blocking = json!([{"kind": "org", "count": 1, "sample_id": world.org.guid()}]);
    assert_eq!(refused.refused("in-use")["details"]["blocking"], blocking);
    put_org(&world, OrgStatus::Frozen).await;
    status_set(&world, &user, "doomed").await.refused("in-use");
    put_org(&world, OrgStatus::Doomed).await;
    assert_eq!(status_set(&world, &user, "doomed").await.data()["status"], "doomed");
}

#[tokio::test]
async fn a_change_of_status_needs_the_revision_that_stands() {
    let world = World::new().await;
    let user = created(&world, "ada").await;
    let fields = json!({"user_guid": user["user_guid"], "status": "doomed"});
    act(&world, "user-status-set", fields).await.refused("expected-revision-required");
    let confirm = json!({"user_guid": user["user_guid"], "email": user["email"]});
    let current = act(&world, "email-confirm", confirm).await;
    let stale = status_set(&world, &user, "doomed").await;
    assert_eq!(&stale.refused("conflict")["details"]["current"], current.data());
}

#[tokio::test]
async fn only_the_ended_are_erased() {
    let world = World::new().await;
    let user = verified(&world, "ada").await;
    let fields = json!({"user_guid": user["user_guid"], "status": "suspended", "erase": true,
        "expected_revision": user["revision"]});
    assert_eq!(act(&world, "user-status-set", fields).await.refused_fields(), ["erase"]);
}

#[tokio::test]
async fn what_holds_for_a_member_of_one_org_holds_for_a_member_of_many() {
    let world = World::new().await;
    let user = verified(&world, "ada").await;
    join(&world, &user).await;
    let mut others = Vec::new();
    for _ in 0..25 {
        let other = world.another().await;
        join(&other, &user).await;
        others.push(other);
    }
    let fields = json!({"user_guid": user["user_guid"], "status": "doomed", "erase": true,
        "expected_revision": user["revision"]});
    let erased = act(&world, "user-status-set", fields).await;
    assert_eq!(erased.data()["display_name"], "Former member");
    for other in &others {
        let member = crate::people::member(other, guid(&user)).await;
        assert_eq!((member.display_name.as_str(), member.email), ("Former member", None));
    }
    let got = act(&world, "user-get", json!({"user_guid": user["user_guid"]})).await;
    assert_eq!(got.data()["memberships"].as_array().unwrap().len(), 26);
}
