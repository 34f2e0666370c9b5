//! The records that an action names, by the scope that they lie in. The keys themselves are `identity`'s, but for those
//! of what the operator itself writes.
#![expect(clippy::trivially_copy_pass_by_ref, reason = "a key of any scope is made from a reference to it")]

use contract::{
    ids::{InvitationId, UserGuid},
    time::Time,
};
use identity::{invitation::Invitation, org::OrgRecord, user::User};
use store::{Index, Indexes, Key, Listing, Order, Org, Partition, System};

use crate::{erasure_finish::PendingErasure, event_replay::EventReplay, heartbeat::Heartbeat};

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

/// The heartbeat.
pub(crate) fn heartbeat() -> Key<Heartbeat> {
    Key::new(&Partition::of_system("operator").part("heartbeat"), &[&"-"])
}

/// The erasure of a user that is to be looked at again.
pub(crate) fn pending_erasure(user: UserGuid) -> Key<PendingErasure> {
    Key::new(&Partition::of_system("operator").part("pending-erasure").part(user), &[&"-"])
}

fn pending_erasures() -> Partition {
    Partition::of_system("operator").part("pending-erasures")
}

pub(crate) fn pending_erasure_lists(pending: &PendingErasure) -> Indexes {
    Indexes::none().first(pending_erasures(), &[&pending.look_at, &pending.user_guid])
}

/// The erasures that are to be looked at by this time, the longest due first.
pub(crate) fn erasures_due(now: Time) -> Listing<PendingErasure> {
    Listing::new(Index::First, [pending_erasures()], Order::Ascending).between(None, Some(&now))
}
