//! Invitations, and people who belong to several orgs: what the tests need beside an org and its callers.

use contract::{
    codes::{InvitationCode, OrgCode},
    ids::{InvitationId, UserGuid},
};
use identity::{
    invitation::{Invitation, InvitationCodeClaim, InvitationStatus},
    keys,
    member::{Member, MemberState},
};
use store::{Chance, SeededChance, System};
use testkit::World;

/// An orgcode that no other test has.
pub(crate) fn fresh_orgcode(world: &World) -> OrgCode {
    let id = world.change().uuid().simple().to_string();
    format!("N{}", &id[20..]).parse().expect("an orgcode")
}

/// An open invitation of a person, but for what `edit` changes.
pub(crate) async fn invite(world: &World, user: UserGuid, edit: impl FnOnce(&mut Invitation)) -> Invitation {
    let mut change = world.change();
    let id = change.uuid();
    let mut random = [0; 10];
    SeededChance::new(id.as_u64_pair().1).fill(&mut random);
    let mut invitation = Invitation {
        invitation_id: InvitationId::from_uuid(id),
        code: InvitationCode::from_random(random),
        user_guid: Some(user),
        email: None,
        email_hash: None,
        orgcode: None,
        caption: None,
        status: InvitationStatus::Open,
        expires_at: world.now().plus_days(14),
        org_guid: None,
    };
    edit(&mut invitation);
    let claim =
        InvitationCodeClaim { code: invitation.code.clone(), invitation_id: invitation.invitation_id };
    change.claim(&System, claim, |_| panic!("the code is taken")).expect("a claim");
    change.create(&System, invitation.clone(), "invitation-created", |_| panic!("invitation")).expect("one");
    world.commit(change).await;
    invitation
}

/// Makes a person who belongs to this world's org a member of another org too.
pub(crate) async fn join(world: &World, other: &World, user: UserGuid, state: MemberState) {
    let own = world.stored(&keys::member(&world.org, user)).await.expect("a member");
    let member = Member {
        org_guid: other.org.guid(),
        orgcode: other.orgcode.parse().expect("an orgcode"),
        state,
        owner: None,
        ..own.record
    };
    let mut change = world.change();
    change.create(&other.org, member, "member-added", |_| panic!("member")).expect("a member");
    world.commit(change).await;
}
