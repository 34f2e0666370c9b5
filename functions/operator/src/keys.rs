//! The records that an action names, by the scope that they lie in. The keys themselves are `identity`'s, but for those
//! of what the operator itself writes.
#![expect(clippy::trivially_copy_pass_by_ref, reason = "a key of any scope is made from a reference to it")]

use contract::ids::{InvitationId, UserGuid};
use identity::{invitation::Invitation, org::OrgRecord, user::User};
use store::{Key, Org, Partition, System};

use crate::event_replay::EventReplay;

/// A user.
pub(crate) fn user(_: &System, guid: UserGuid) -> Key<User> {
    identity::keys::user(guid)
}

/// An invitation.
pub(crate) fn invitation(_: &System, id: InvitationId) -> Key<Invitation> {
    identity::keys::invitation(id)
}

/// The org of the action.
pub(crate) fn org(org: &Org) -> Key<OrgRecord> {
    identity::keys::org(org)
}

/// What was published again.
pub(crate) fn event_replay(replay_id: &str) -> Key<EventReplay> {
    Key::new(&Partition::of_system("operator").part("event-replay").part(replay_id), &[&"-"])
}
