//! How users stand: verified, suspended, ended (usm §5).

use contract::{
    error::{Error, Result, Tag},
    ids::UserGuid,
    revision,
    time::Time,
};
use identity::{
    keys::owned_orgs,
    owned_orgs::OwnedOrgs,
    user::{ARCS, User, UserStatus},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use service::{
    Access, Class, Ctx, OrgFrom, Route, Writer, Written, allow, change, direct::action, names,
    records::UserView, revised,
};
use store::{Action, Stored, System};

use crate::{erasure, keys, membership};

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[Route {
    call: action("user-status-set"),
    summary: "Verify, suspend or end a user",
    class: Class::A,
    org: OrgFrom::Nowhere,
    access: Access::Operator,
    errors: &[Tag::InvalidTransition, Tag::InvalidState, Tag::InUse],
    handler: &change(set_status),
}];

/// What stands in the way is counted up to here (ofm §1, `in-use`).
const MOST_COUNTED: usize = 100;

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
        refuse_primary_owner(&ctx, &mut change, input.user_guid).await?;
    }
    if erase {
        erasure::of_copies(&ctx, &mut change, &before.record).await?;
        user = erasure::of_user(&user)?;
        action = action.with("erased", true);
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
async fn refuse_primary_owner(ctx: &Ctx, change: &mut Writer, user: UserGuid) -> Result<()> {
    let seen = ctx.get(&owned_orgs(user)).await?;
    let owned = OwnedOrgs::of(user, seen.as_ref());
    let living = membership::living(ctx, &owned).await?;
    if let Some(first) = living.first() {
        let blocking = json!([{"kind": "org", "count": living.len().min(MOST_COUNTED), "sample_id": first}]);
        return Err(Error::from(Tag::InUse).detail("blocking", blocking));
    }
    // Nobody may have made this user the primary owner of an org meanwhile.
    if let Some(seen) = &seen {
        return change.require(&owned_orgs(user), seen);
    }
    change.require_absent(&owned_orgs(user), || Error::moved("the user came to own an org"));
    Ok(())
}
