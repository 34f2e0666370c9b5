//! How users stand: verified, suspended, ended (usm §5).

use contract::{
    error::{Error, Result, Tag},
    ids::UserGuid,
    revision,
    time::Time,
};
use identity::user::{ARCS, User, UserStatus};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use service::{
    Access, Class, Ctx, OrgFrom, Route, Written, allow, change, direct::action, names, records::UserView,
    revised,
};
use store::{Action, Stored, System};

use crate::{
    erasure, keys,
    membership::{self, Tie},
};

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[Route {
    call: action("user-status-set"),
    summary: "Verify, suspend or end a user",
    class: Class::A,
    org: OrgFrom::Nowhere,
    access: Access::Operator,
    errors: &[Tag::InvalidTransition, Tag::InvalidState, Tag::InUse, Tag::LimitExceeded],
    handler: &change(set_status),
}];

/// The end of a user is conditioned on so many memberships at most: one item each, of the hundred that fit into a
/// transaction.
const MOST_GUARDED: usize = 80;

names!([SetStatus] User = keys::user[user_guid]);
revised!(SetStatus);

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The user.
    user_guid: UserGuid,
    /// The revision that was seen.
    expected_revision: Option<revision::Tag>,
    /// The new status.
    status: UserStatus,
    /// With `doomed`: forget e-mail and name.
    erase: Option<bool>,
}

async fn set_status(ctx: Ctx, input: SetStatus, before: Stored<User>) -> Result<Written<UserView>> {
    let erase = input.erase == Some(true);
    if erase && input.status != UserStatus::Doomed {
        return Err(Error::field("erase", "must stand with the status doomed"));
    }
    allow(ARCS, before.record.status, input.status)?;
    let mut user = moved(&before.record, input.status, ctx.now())?;
    let mut action = Action::from("user-status-set");
    let mut change = ctx.change();
    if input.status == UserStatus::Doomed {
        let mut ties = membership::ties(&ctx, input.user_guid).await?;
        refuse_primary(&ties)?;
        if erase {
            ties = erasure::of_copies(&ctx, &mut change, &before.record, ties).await?;
            user = erasure::of_user(&user)?;
            action = action.with("erased", true);
        }
        // Nobody may make the user a primary owner meanwhile: that writes the membership.
        for tie in ties.iter().filter(|tie| tie.may_become_primary()) {
            change.require(&identity::keys::member(&tie.org, input.user_guid), &tie.member)?;
        }
    }
    let after = change.update(&System, &before, user, action)?;
    change.show(&after)
}

/// The user after a move, which must be one of [`ARCS`].
fn moved(user: &User, to: UserStatus, now: Time) -> Result<User> {
    let ready = user.email_confirmed && user.passcode_hash.is_some();
    if to == UserStatus::Verified && !ready {
        return Err(Error::from(Tag::InvalidState)
            .detail("email_confirmed", user.email_confirmed)
            .detail("passcode_set", user.passcode_hash.is_some()));
    }
    let moved = User { status: to, ..user.clone() };
    Ok(match to {
        UserStatus::Suspended => moved.with_sessions_revoked(now),
        // Nobody logs in with the passcode again.
        UserStatus::Doomed => User { passcode_hash: None, ..moved.with_sessions_revoked(now) },
        UserStatus::Unverified | UserStatus::Verified => moved,
    })
}

/// An org that is not doomed keeps its primary owner (ofm §8).
fn refuse_primary(ties: &[Tie]) -> Result<()> {
    let owned: Vec<_> = ties.iter().filter(|tie| tie.is_primary()).collect();
    if let Some(first) = owned.first() {
        let blocking = json!([{"kind": "org", "count": owned.len().min(100), "sample_id": first.org.guid()}]);
        return Err(Error::from(Tag::InUse).detail("blocking", blocking));
    }
    let guarded = ties.iter().filter(|tie| tie.may_become_primary()).count();
    if guarded > MOST_GUARDED {
        return Err(Error::from(Tag::LimitExceeded)
            .detail("memberships", guarded)
            .detail("most", MOST_GUARDED));
    }
    Ok(())
}
