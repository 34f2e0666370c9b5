//! Owners (ofm §8).

use contract::{ids::UserGuid, states::States};
use identity::{
    keys,
    member::{Member, MemberState},
    owner::{ARCS, OwnerState},
    user::UserStatus,
};
use serde_json::{Value, json};
use testkit::{Reply, World};

use crate::people::{act_in_org, member, owner, put_user, the_primary};

async fn set_primary(world: &World, user: UserGuid) -> Reply {
    act_in_org(world, "owner-primary-set", json!({"user_guid": user})).await
}

async fn set_state(world: &World, user: UserGuid, state: OwnerState) -> Reply {
    let revision = world.stored(&keys::owner(&world.org, user)).await.unwrap().revision;
    let fields = json!({"user_guid": user, "state": state, "expected_revision": revision});
    act_in_org(world, "owner-state-set", fields).await
}

/// An active secondary owner.
async fn secondary(world: &World) -> UserGuid {
    let user = world.member(&[]).await.user_guid;
    set_primary(world, user).await.data();
    set_primary(world, world.owner.user_guid).await.data();
    user
}

/// Changes a member past every rule.
async fn put_member(world: &World, user: UserGuid, edit: impl FnOnce(&mut Member)) {
    let before = world.stored(&keys::member(&world.org, user)).await.unwrap();
    let mut record = before.record.clone();
    edit(&mut record);
    let mut change = world.change();
    change.adjust(&world.org, &before, record, "member-updated").unwrap();
    world.commit(change).await;
}

#[tokio::test]
async fn a_member_is_made_the_primary_owner_and_the_former_one_stays_an_owner() {
    let world = World::new().await;
    let (former, heir) = (world.owner.user_guid, world.member(&[]).await.user_guid);
    let reply = set_primary(&world, heir).await;
    assert_eq!((world.last_log()["reads"].as_u64(), world.last_log()["writes"].as_u64()), (Some(2), Some(1)));
    let data = reply.data();
    assert_eq!(data["former_primary_user_guid"], json!(former));
    assert_eq!((&data["primary_owner"], &data["secondary_owner"]), (&json!(true), &json!(false)));
    assert_eq!(reply.body["revision"], data["revision"]);
    assert_eq!(the_primary(&world, &[former, heir]).await, heir);
    let former_owner = owner(&world, former).await.unwrap();
    assert!(former_owner.secondary_owner && former_owner.create_owner);
    assert_eq!(former_owner.state, OwnerState::Active);
    // The former one still passes as an owner.
    world.post(&ofm::SERVICE, &world.owner, "/cost-centre/create", json!({"caption": "Shop"})).await.data();
    set_primary(&world, heir).await.refused("invalid-state");
}

#[tokio::test]
async fn the_primary_owner_is_a_verified_user_and_an_active_member_without_an_end() {
    let world = World::new().await;
    let stranger = world.stranger().await.user_guid;
    let unknown = set_primary(&world, stranger).await;
    assert_eq!(unknown.refused("not-found")["details"], json!({"field": "user_guid"}));
    let heir = world.member(&[]).await.user_guid;
    put_user(&world, heir, UserStatus::Suspended).await;
    set_primary(&world, heir).await.refused("not-found");
    put_user(&world, heir, UserStatus::Verified).await;
    put_member(&world, heir, |member| member.valid_until = Some(world.now().plus_days(1))).await;
    set_primary(&world, heir).await.refused("invalid-state");
    put_member(&world, heir, |member| {
        member.valid_until = None;
        member.state = MemberState::Suspended;
    })
    .await;
    let refused = set_primary(&world, heir).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "user_guid");
    assert_eq!(the_primary(&world, &[world.owner.user_guid, heir]).await, world.owner.user_guid);
}

#[tokio::test]
async fn the_revision_of_an_owner_is_checked_where_it_is_given() {
    let world = World::new().await;
    let heir = world.member(&[]).await.user_guid;
    let of_nobody = json!({"user_guid": heir, "expected_revision": world.org.guid()});
    act_in_org(&world, "owner-primary-set", of_nobody).await.refused("not-found");
    let heir = secondary(&world).await;
    let stale = json!({"user_guid": heir, "expected_revision": world.org.guid()});
    let refused = act_in_org(&world, "owner-primary-set", stale).await;
    let current = refused.refused("conflict")["details"]["current"].clone();
    let good = json!({"user_guid": heir, "expected_revision": current["revision"]});
    act_in_org(&world, "owner-primary-set", good).await.data();
}

#[tokio::test]
async fn every_move_is_allowed_or_refused_as_the_table_says() {
    let world = World::new().await;
    for from in OwnerState::ALL {
        for to in OwnerState::ALL {
            let user = secondary(&world).await;
            if *from != OwnerState::Active {
                set_state(&world, user, *from).await.data();
            }
            let reply = set_state(&world, user, *to).await;
            if ARCS.contains(&(*from, *to)) {
                let owns = *to != OwnerState::Removed;
                assert_eq!(
                    (&reply.data()["state"], &reply.data()["secondary_owner"]),
                    (&json!(to), &json!(owns))
                );
            } else {
                assert_eq!(reply.refused("invalid-transition")["details"]["from"], json!(from));
            }
            assert_eq!(
                member(&world, user).await.owner.unwrap().state,
                owner(&world, user).await.unwrap().state,
                "the member record repeats the state"
            );
            assert_eq!(the_primary(&world, &[world.owner.user_guid, user]).await, world.owner.user_guid);
            set_state(&world, user, OwnerState::Removed).await;
        }
    }
}

#[tokio::test]
async fn the_primary_owner_is_neither_suspended_nor_removed() {
    let world = World::new().await;
    for state in [OwnerState::Suspended, OwnerState::Removed] {
        set_state(&world, world.owner.user_guid, state).await.refused("last-owner");
    }
}

#[tokio::test]
async fn an_owner_comes_back_only_as_an_active_member() {
    let world = World::new().await;
    let user = secondary(&world).await;
    set_state(&world, user, OwnerState::Suspended).await.data();
    put_member(&world, user, |member| member.state = MemberState::Suspended).await;
    set_state(&world, user, OwnerState::Active).await.refused("invalid-state");
    put_member(&world, user, |member| member.state = MemberState::Active).await;
    set_state(&world, user, OwnerState::Active).await.data();
}

#[tokio::test]
async fn at_most_twenty_owners_are_active() {
    let world = World::new().await;
    let mut last = world.owner.user_guid;
    for _ in 1..20 {
        last = world.member(&[]).await.user_guid;
        set_primary(&world, last).await.data();
    }
    let one_more = world.member(&[]).await.user_guid;
    let refused = set_primary(&world, one_more).await;
    assert_eq!(refused.refused("limit-exceeded")["details"], json!({"most": 20}));
    set_primary(&world, world.owner.user_guid).await.data();
    set_state(&world, last, OwnerState::Suspended).await.data();
    set_primary(&world, one_more).await.data();
    set_primary(&world, world.owner.user_guid).await.data();
    set_state(&world, last, OwnerState::Active).await.refused("limit-exceeded");
}

#[tokio::test]
async fn a_state_needs_the_revision_that_stands_and_an_owner() {
    let world = World::new().await;
    let user = secondary(&world).await;
    let bare = json!({"user_guid": user, "state": "suspended"});
    act_in_org(&world, "owner-state-set", bare).await.refused("expected-revision-required");
    let stale = json!({"user_guid": user, "state": "suspended", "expected_revision": world.org.guid()});
    let refused = act_in_org(&world, "owner-state-set", stale).await;
    let current: &Value = &refused.refused("conflict")["details"]["current"];
    assert_eq!(current["user_guid"], json!(user));
    let no_owner = world.member(&[]).await.user_guid;
    let nobody = json!({"user_guid": no_owner, "state": "suspended", "expected_revision": world.org.guid()});
    act_in_org(&world, "owner-state-set", nobody).await.refused("not-found");
}

#[tokio::test]
async fn each_record_that_changes_is_journaled() {
    let world = World::new().await;
    let (former, heir) = (world.owner.user_guid, world.member(&[]).await.user_guid);
    set_primary(&world, heir).await.data();
    let told = async |kind: &str, id: String| {
        let journal = world.journal("ofm", kind, &id).await;
        testkit::journal::verify(&journal);
        journal.last().unwrap().entry.clone()
    };
    assert_eq!(told("org", world.org.guid().to_string()).await.data["primary_owner_user_guid"], json!(heir));
    let named = told("owner", heir.to_string()).await;
    assert_eq!(named.action, "owner-primary-set");
    assert_eq!(named.data["former_primary_user_guid"], json!(former));
    assert_eq!(told("owner", former.to_string()).await.data["primary_owner"], json!(false));
    assert_eq!(told("member", heir.to_string()).await.action, "member-updated");
}

#[tokio::test]
async fn the_keys_of_a_removed_owner_are_told_and_revoked_where_that_is_asked() {
    let world = World::new().await;
    let owner = world.second_owner().await;
    let account = json!({"code": "TILL", "caption": "Till", "roles": ["ofm_view"]});
    let account = world.post(&usm::SERVICE, &owner, "/service_account/create", account).await;
    let fields = json!({"service_account_guid": account.data()["service_account_guid"]});
    let made = world.post(&usm::SERVICE, &owner, "/api_key/create", fields).await;
    let revision = world.stored(&keys::owner(&world.org, owner.user_guid)).await.unwrap().revision;
    let mut fields = json!({"user_guid": owner.user_guid, "state": "suspended",
        "expected_revision": revision, "revoke_keys": true});
    let refused = act_in_org(&world, "owner-state-set", fields.clone()).await;
    assert_eq!(refused.refused_fields(), ["revoke_keys"]);

    fields["state"] = json!("removed");
    let removed = act_in_org(&world, "owner-state-set", fields).await;
    let open = &removed.data()["open_keys"];
    assert_eq!(open[0]["key_id"], made.data()["key_id"]);
    assert_eq!((open[0]["revoked"].as_bool(), open.as_array().map(Vec::len)), (Some(true), Some(1)));
    let key = testkit::Caller::anonymous().with("x-api-key", made.data()["api_key"].as_str().unwrap());
    world.post(&usm::SERVICE, &key, "/api_key/validate", json!({})).await.refused("api-key-invalid");
}

#[tokio::test]
async fn what_an_owner_gave_ends_with_the_ownership() {
    let world = World::new().await;
    for state in [OwnerState::Suspended, OwnerState::Removed] {
        let (owner, person) = (world.second_owner().await, world.stranger().await);
        let fields = json!({"user_guid": person.user_guid});
        let made = world.post(&ofm::SERVICE, &owner, "/member/invite/create", fields).await.data().clone();
        set_state(&world, owner.user_guid, state).await.data();
        // They are an ordinary member from then on.
        let accept = json!({"code": made["code"]});
        let refused = world.post(&ofm::SERVICE, &person, "/member/invite/accept", accept).await;
        refused.refused("invitation-revoked");
    }
}
