//! People, invitations and memberships that samples need beside an org and its callers.

use contract::{
    codes::{InvitationCode, OrgCode},
    ids::{InvitationId, UserGuid},
    secret::Secret,
};
use identity::{
    invitation::{Invitation, InvitationCodeClaim, InvitationStatus},
    keys,
    member::Member,
    owner::{Owner, OwnerState},
    passcode::PasscodeHash,
    user::{EmailClaim, User},
};
use serde_json::{Value, json};
use store::{Chance, Deadline, SeededChance, System};
use testkit::{Caller, World};

/// The passcode of everybody who has one.
pub(super) const PASSCODE: &str = "Correct-horse-7";

/// An orgcode that no other test has.
pub(super) fn fresh_orgcode(world: &World) -> OrgCode {
    let id = world.change().uuid().simple().to_string();
    format!("N{}", &id[20..]).parse().expect("an orgcode")
}

/// An open invitation of a person.
pub(super) async fn invite(world: &World, user: UserGuid) -> Invitation {
    let mut change = world.change();
    let id = change.uuid();
    let mut random = [0; 10];
    SeededChance::new(id.as_u64_pair().1).fill(&mut random);
    let invitation = Invitation {
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
    let (code, invitation_id) = (invitation.code.clone(), invitation.invitation_id);
    let claim = InvitationCodeClaim { code, invitation_id };
    change.claim(&System, claim, |_| panic!("the code is taken")).expect("a claim");
    change
        .create(&System, invitation.clone(), "invitation-created", |_| panic!("invitation"))
        .expect("an invitation");
    world.commit(change).await;
    invitation
}

/// Makes a member of this org a member of another one too.
pub(super) async fn join(world: &World, other: &World, user: UserGuid) {
    let own = world.stored(&keys::member(&world.org, user)).await.expect("a member");
    let orgcode = other.orgcode.parse().expect("an orgcode");
    let member = Member { org_guid: other.org.guid(), orgcode, owner: None, ..own.record };
    let mut change = world.change();
    change.create(&other.org, member, "member-added", |_| panic!("member")).expect("a member");
    world.commit(change).await;
}

/// A member who is made an owner beside the primary one.
pub(super) async fn second_owner(world: &World) -> Caller {
    let caller = world.member(&[]).await;
    let key = keys::member(&world.org, caller.user_guid);
    let member = world.stored(&key).await.expect("a member");
    let owner = Owner {
        org_guid: world.org.guid(),
        user_guid: caller.user_guid,
        display_name: member.record.display_name,
        create_owner: false,
        primary_owner: false,
        secondary_owner: true,
        state: OwnerState::Active,
        since: world.now(),
    };
    let copy = owner.copy();
    let mut change = world.change();
    change.create(&world.org, owner, "owner-created", |_| panic!("owner")).expect("an owner");
    world.commit(change).await;
    world.meddle(&world.org, &key, |member| member.owner = Some(copy)).await;
    caller
}

/// The e-mail of a person who can log in with [`PASSCODE`].
pub(super) async fn with_passcode(world: &World, user: UserGuid) -> String {
    let key = keys::user(user);
    let email = world.stored(&key).await.expect("a user").record.email.expect("an e-mail");
    let chance = SeededChance::new(user.uuid().as_u64_pair().1);
    let hash = PasscodeHash::of(&Secret::new(PASSCODE), &chance, Deadline::after(Deadline::USUAL))
        .await
        .expect("a hash");
    world.meddle(&System, &key, |user: &mut User| user.passcode_hash = Some(hash)).await;
    let mut change = world.change();
    let lookup_key = &world.app(&::usm::SERVICE).settings.lookup_key;
    let claim = EmailClaim { email_hash: EmailClaim::hash(&email, lookup_key), user_guid: user };
    change.claim(&System, claim, |_| panic!("the e-mail is taken")).expect("a claim");
    world.commit(change).await;
    email.as_str().to_owned()
}

/// What a log-in answers.
pub(super) async fn log_in(world: &World, email: &str) -> Value {
    let fields = json!({"email": email, "passcode": PASSCODE});
    world.post(&::usm::SERVICE, &Caller::anonymous(), "/session/create", fields).await.data().clone()
}

/// Somebody who belongs to no org and has logged in twice: who, and the handle of the other session.
pub(super) async fn logged_in_twice(world: &World) -> (Caller, Value) {
    let person = world.stranger().await;
    let email = with_passcode(world, person.user_guid).await;
    let other = log_in(world, &email).await;
    let this = log_in(world, &email).await;
    let token = this["session_guid"].as_str().expect("a token");
    (person.with("x-session-guid", token), other["session_id"].clone())
}
