//! The state of members (ofm §9).

use contract::{ids::UserGuid, states::States};
use identity::{
    keys,
    member::{ARCS, Member, MemberState},
};
use serde_json::json;
use testkit::{Reply, World};

use crate::people::act_in_org;

async fn set(world: &World, user: UserGuid, state: MemberState) -> Reply {
    let revision = world.stored(&keys::member(&world.org, user)).await.unwrap().revision;
    let fields = json!({"user_guid": user, "state": state, "expected_revision": revision, "force": true});
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
