//! What these tests share: users as the actions make them, and members of a world's org.

use contract::ids::UserGuid;
use identity::{
    keys,
    member::{Member, MemberState, OwnerCopy},
    org::OrgStatus,
    owned_orgs::OwnedOrgs,
    owner::{Owner, OwnerState},
};
use operator::SERVICE;
use serde_json::{Value, json};
use store::System;
use testkit::{Reply, World};

/// A passcode that is good enough.
pub(crate) const PASSCODE: &str = "Open-sesame-1";

/// An action, as the operator.
pub(crate) async fn act(world: &World, action: &str, fields: Value) -> Reply {
    world.act(&SERVICE, action, fields).await
}

/// An action on the world's org.
pub(crate) async fn act_in_org(world: &World, action: &str, mut fields: Value) -> Reply {
    fields["org_guid"] = json!(world.org.guid());
    act(world, action, fields).await
}

/// An e-mail that nobody else has.
pub(crate) fn email(world: &World, name: &str) -> String {
    format!("{name}@{}.example", world.orgcode.to_lowercase())
}

/// A user with a passcode, unverified.
pub(crate) async fn created(world: &World, name: &str) -> Value {
    let user = json!({"email": email(world, name), "display_name": name, "passcode": PASSCODE});
    act(world, "user-create", user).await.data().clone()
}

/// A user who may log in.
pub(crate) async fn verified(world: &World, name: &str) -> Value {
    let user = created(world, name).await;
    let confirm = json!({"user_guid": user["user_guid"], "email": user["email"]});
    let user = act(world, "email-confirm", confirm).await.data().clone();
    status_set(world, &user, "verified").await.data().clone()
}

/// Sets a user's status, from what was answered last.
pub(crate) async fn status_set(world: &World, user: &Value, status: &str) -> Reply {
    let fields =
        json!({"user_guid": user["user_guid"], "status": status, "expected_revision": user["revision"]});
    act(world, "user-status-set", fields).await
}

/// Makes a user a member of the world's org.
pub(crate) async fn join(world: &World, user: &Value) {
    let user_guid: UserGuid = guid(user);
    let member = Member {
        org_guid: world.org.guid(),
        orgcode: world.orgcode.parse().unwrap(),
        user_guid,
        display_name: serde_json::from_value(user["display_name"].clone()).unwrap(),
        email: serde_json::from_value(user["email"].clone()).unwrap(),
        state: MemberState::Active,
        role_profile_id: None,
        roles: serde_json::from_value(json!([])).unwrap(),
        valid_from: None,
        valid_until: None,
        employee_code: None,
        title: None,
        epoch: 1,
        lapses: 0,
        owner: None,
    };
    let mut change = world.change();
    change.create(&world.org, member, "member-added", |_| panic!("a member")).unwrap();
    world.commit(change).await;
}

/// The id in an answer.
pub(crate) fn guid(user: &Value) -> UserGuid {
    user["user_guid"].as_str().unwrap().parse().unwrap()
}

/// A member of the world's org.
pub(crate) async fn member(world: &World, user: UserGuid) -> Member {
    world.stored(&keys::member(&world.org, user)).await.unwrap().record
}

/// An owner of the world's org, if the user is one.
pub(crate) async fn owner(world: &World, user: UserGuid) -> Option<Owner> {
    world.stored(&keys::owner(&world.org, user)).await.map(|owner| owner.record)
}

/// The primary owner, having looked that there is exactly one among these, active and a verified user, and that the
/// member records repeat the owner records.
pub(crate) async fn the_primary(world: &World, candidates: &[UserGuid]) -> UserGuid {
    let org = world.stored(&keys::org(&world.org)).await.unwrap().record;
    let mut primaries = Vec::new();
    for user in candidates {
        let owner = owner(world, *user).await;
        let copy = member(world, *user).await.owner;
        let repeated = owner.as_ref().map(|o| OwnerCopy { state: o.state, primary: o.primary_owner });
        assert_eq!(copy, repeated, "the member record repeats the owner record");
        let owned = world.stored(&keys::owned_orgs(*user)).await;
        let owns = OwnedOrgs::of(*user, owned.as_ref()).orgs.contains(&world.org.guid());
        assert_eq!(owns, *user == org.primary_owner_user_guid, "the person's own list of orgs says the same");
        if owner.is_some_and(|owner| owner.primary_owner && owner.state == OwnerState::Active) {
            primaries.push(*user);
        }
    }
    assert_eq!(primaries, [org.primary_owner_user_guid]);
    let user = world.stored(&keys::user(primaries[0])).await.unwrap().record;
    assert!(user.may_act() || org.status == OrgStatus::Doomed);
    assert_eq!(member(world, primaries[0]).await.state, MemberState::Active);
    primaries[0]
}

/// Puts the world's org into a status, past every rule.
pub(crate) async fn put_org(world: &World, status: OrgStatus) -> String {
    let before = world.stored(&keys::org(&world.org)).await.unwrap();
    let mut change = world.change();
    let mut org = before.record.clone();
    org.status = status;
    let after = change.adjust(&world.org, &before, org, "org-status-set").unwrap();
    world.commit(change).await;
    after.revision.to_string()
}

/// Puts a user into a status, past every rule; the new revision.
pub(crate) async fn put_user(world: &World, user: UserGuid, status: identity::user::UserStatus) -> String {
    let before = world.stored(&keys::user(user)).await.unwrap();
    let mut change = world.change();
    let mut record = before.record.clone();
    record.status = status;
    let after = change.adjust(&System, &before, record, "user-status-set").unwrap();
    world.commit(change).await;
    after.revision.to_string()
}
