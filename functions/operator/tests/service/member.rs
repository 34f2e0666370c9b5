//! The state of members (ofm §9).

use contract::{ids::UserGuid, states::States};
use identity::{
    keys,
    member::{ARCS, Member, MemberState},
};
use serde_json::{Value, json};
use testkit::{Reply, World, journal::verify};

use crate::people::act_in_org;

async fn set(world: &World, user: UserGuid, state: MemberState) -> Reply {
    let revision = world.stored(&keys::member(&world.org, user)).await.unwrap().revision;
    let fields = json!({"user_guid": user, "state": state, "expected_revision": revision});
    act_in_org(world, "member-state-set", fields).await
}

#[tokio::test]
async fn every_move_is_allowed_or_refused_as_the_table_says() {
    let world = World::new().await;
    let user = world.member(&[]).await.user_guid;
    for from in MemberState::ALL {
        for to in MemberState::ALL {
            let before = world.stored(&keys::member(&world.org, user)).await.unwrap();
            let mut change = world.change();
            let record = Member { state: *from, ..before.record.clone() };
            change.adjust(&world.org, &before, record, "member-state-set").unwrap();
            world.commit(change).await;
            let reply = set(&world, user, *to).await;
            if ARCS.contains(&(*from, *to)) {
                assert_eq!(reply.data()["state"], json!(to));
                assert_eq!(reply.data()["in_force"], json!(*to == MemberState::Active));
            } else {
                assert_eq!(reply.refused("invalid-transition")["details"]["from"], json!(from));
            }
        }
    }
}

#[tokio::test]
async fn the_suspended_do_not_belong_to_the_org_from_the_next_request_on() {
    let world = World::new().await;
    let caller = world.member(&[]).await;
    let list = || world.post(&ofm::SERVICE, &caller, "/cost-centre/list", json!({}));
    list().await.data();
    let reply = set(&world, caller.user_guid, MemberState::Suspended).await;
    assert_eq!(reply.data()["email"], json!(format!("{}@people.example", caller.user_guid)));
    list().await.refused("not-found");
    set(&world, caller.user_guid, MemberState::Active).await.data();
    list().await.data();
}

#[tokio::test]
async fn an_active_owner_stays_a_member() {
    let world = World::new().await;
    for state in [MemberState::Suspended, MemberState::Removed] {
        let refused = set(&world, world.owner.user_guid, state).await;
        let blocking = &refused.refused("in-use")["details"]["blocking"];
        assert_eq!(blocking, &json!([{"kind": "owner", "count": 1, "sample_id": world.owner.user_guid}]));
    }
}

/// Clocks a member in at a shop of theirs.
async fn clocked_in(world: &World, user: UserGuid) -> Value {
    let post = async |path: &str, fields: Value| {
        world.post(&ofm::SERVICE, &world.owner, path, fields).await.data().clone()
    };
    let address = json!({"line1": "Main Street 1", "city": "Berlin", "country": "DE"});
    let place = json!({"code": "MAIN", "caption": "Shop", "timezone": "Europe/Berlin", "address": address});
    let physical = post("/facility/physical/create", place).await["pf_guid"].clone();
    let trader = json!({"code": "MAIN", "caption": "Shop", "legal_name": "Shop GmbH", "address": address});
    let legal = post("/facility/legal/create", trader).await["legal_guid"].clone();
    let shop = json!({"code": "MAIN", "caption": "Shop", "pf_guid": physical, "legal_guid": legal});
    let shop = post("/facility/logical/create", shop).await["logical_guid"].clone();
    let assign = json!({"user_guid": user, "logical_guid": shop, "grants": ["facility:read"]});
    post("/member/assign-logical", assign).await;
    post("/timesheet/clock-in", json!({"user_guid": user, "logical_guid": shop})).await
}

#[tokio::test]
async fn whoever_is_clocked_in_is_removed_by_force_alone() {
    let world = World::new().await;
    let user = world.member(&[]).await.user_guid;
    let entry = clocked_in(&world, user).await;
    let refused = set(&world, user, MemberState::Removed).await;
    let blocking = json!([{"kind": "timesheet-entry", "count": 1, "sample_id": entry["entry_guid"]}]);
    assert_eq!(refused.refused("in-use")["details"]["blocking"], blocking);
    set(&world, user, MemberState::Suspended).await.data();
    let revision = world.stored(&keys::member(&world.org, user)).await.unwrap().revision;
    let mut force = json!({"user_guid": user, "state": "removed", "expected_revision": revision});
    force["force"] = json!(true);
    force["reason"] = json!("left");
    act_in_org(&world, "member-state-set", force).await.data();
    let get = json!({"entry_guid": entry["entry_guid"]});
    let gone = world.post(&ofm::SERVICE, &world.owner, "/timesheet/get", get).await.data().clone();
    assert_eq!([&gone["status"], &gone["void_reason"]], ["voided", "left"]);
    assert!(gone["voided_by"].as_str().unwrap().starts_with("operator:"), "{gone}");
    assert!(world.stored(&keys::open_entry(&world.org, user)).await.is_none());
    let journal = world.journal("ofm", "timesheet-entry", entry["entry_guid"].as_str().unwrap()).await;
    verify(&journal);
    assert_eq!(journal.last().unwrap().entry.action, "timesheet-voided");
}

#[tokio::test]
async fn a_state_needs_a_member_and_the_revision_that_stands() {
    let world = World::new().await;
    let user = world.member(&[]).await.user_guid;
    let bare = json!({"user_guid": user, "state": "suspended"});
    act_in_org(&world, "member-state-set", bare).await.refused("expected-revision-required");
    let stale = json!({"user_guid": user, "state": "suspended", "expected_revision": world.org.guid()});
    act_in_org(&world, "member-state-set", stale.clone()).await.refused("conflict");
    let mut nobody = stale;
    nobody["user_guid"] = json!(world.stranger().await.user_guid);
    act_in_org(&world, "member-state-set", nobody).await.refused("not-found");
}

#[tokio::test]
async fn what_a_person_gave_ends_by_the_operators_word_too() {
    let world = World::new().await;
    for state in [MemberState::Suspended, MemberState::Removed] {
        let (admin, person) = (world.member(&["ofm_member_admin"]).await, world.stranger().await);
        let post = async |caller: &testkit::Caller, path: &str, fields: Value| {
            world.post(&ofm::SERVICE, caller, path, fields).await
        };
        let from = post(&admin, "/member/invite/create", json!({"user_guid": person.user_guid})).await;
        let email = json!({"email": format!("{}@people.example", admin.user_guid)});
        let to = post(&world.owner, "/member/invite/create", email).await;
        set(&world, admin.user_guid, state).await.data();
        let accept = async |caller, invite: &Reply| {
            post(caller, "/member/invite/accept", json!({"code": invite.data()["code"]})).await
        };
        accept(&person, &from).await.refused("forbidden");
        accept(&admin, &to).await.refused("invitation-revoked");
        let listed = post(&world.owner, "/member/invite/list", json!({})).await;
        assert_eq!(listed.data()["invites"], json!([]));
        if state == MemberState::Suspended {
            set(&world, admin.user_guid, MemberState::Active).await.data();
            accept(&person, &from).await.refused("invitation-revoked");
        }
    }
}
