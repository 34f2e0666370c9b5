//! The second look of an erasure (usm §5, `erase`).
//!
//! What tells of a user is found by indexes, and those lag: what was written a moment before the erasure may be missed, and
//! so may what a request wrote that had read the user before. So the erasure notes itself, and a schedule looks again, at
//! least a minute later, until there is nothing more to find. Each look is complete in itself, so one that breaks off is
//! made again.

use contract::{
    error::{Error, Result},
    ids::UserGuid,
    revision::Counter,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Answer, Class, Ctx, OrgFrom, Route, Writer, Written, direct::action, write};
use store::{Entity, Indexes, Key, Stored, System, classes};

use crate::{erasure, keys};

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[Route {
    call: action("erasure-finish"),
    summary: "Look again for what the erasure of users missed",
    class: Class::A,
    org: OrgFrom::Nowhere,
    access: Access::Operator,
    errors: &[],
    handler: &write(finish).ignoring_idempotency(),
}];

/// So long after a look the next one comes: far more than an index lags and a request lasts.
const SECONDS_BETWEEN: i64 = 60;
/// A run ends when so many seconds have passed: well before the function does.
const SECONDS: i64 = 5;

/// An erasure that is to be looked at again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PendingErasure {
    /// The user.
    pub(crate) user_guid: UserGuid,
    /// Keyed hash of the address that the user had, as their e-mail's claim keeps it too.
    pub(crate) email_hash: Option<String>,
    /// From when on to look.
    pub(crate) look_at: Time,
}

classes!(PendingErasure { user_guid: Plain, email_hash: Contact, look_at: Plain });

impl Entity for PendingErasure {
    const SERVICE: &'static str = "operator";
    const TYPE: &'static str = "pending-erasure";
    type Scope = System;
    type Revision = Counter;

    fn key(&self, _: &System) -> Key<Self> {
        keys::pending_erasure(self.user_guid)
    }

    fn indexes(&self, _: &System, _: Time) -> Indexes {
        keys::pending_erasure_lists(self)
    }

    fn id(&self) -> String {
        self.user_guid.to_string()
    }
}

/// Notes an erasure, in the change that makes it.
pub(crate) fn note(
    ctx: &Ctx,
    change: &mut Writer,
    user_guid: UserGuid,
    email_hash: Option<String>,
) -> Result<()> {
    change.overwrite(&System, PendingErasure { user_guid, email_hash, look_at: next_look(ctx) })
}

fn next_look(ctx: &Ctx) -> Time {
    ctx.now().plus_seconds(SECONDS_BETWEEN)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Finish {
    /// Only the erasure of this user; all unless given.
    user_guid: Option<UserGuid>,
}

/// What a run did.
#[derive(Default, Serialize, JsonSchema)]
struct Looked {
    /// How many erasures are over: nothing more was found.
    finished: u64,
    /// How many are to be looked at again.
    pending: u64,
    /// How many records were found that still told of the user, and no longer do.
    scrubbed: u64,
    /// Whether all that were due were looked at; else the next run goes on.
    complete: bool,
}

async fn finish(ctx: Ctx, input: Finish) -> Result<Written<Looked>> {
    let deadline = ctx.machine_time().plus_seconds(SECONDS);
    let mut due = ctx.all(&keys::erasures_due(ctx.now())).await?;
    due.retain(|pending| input.user_guid.is_none_or(|only| only == pending.record.user_guid));
    let mut done = Looked { complete: true, ..Looked::default() };
    let mut failed: Option<Error> = None;
    for pending in due {
        if ctx.machine_time() >= deadline {
            done.complete = false;
            break;
        }
        match look(&ctx, &pending).await {
            Ok(0) => done.finished += 1,
            Ok(count) => {
                done.pending += 1;
                done.scrubbed += count;
            }
            // Somebody else writes there: the next run looks.
            Err(error) if error.is_moved() => done.pending += 1,
            // One that fails holds up no other, and the run fails all the same: an alarm hears of it.
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(ctx.change().answer(Answer::new(done))),
    }
}

/// Looks again: how many records it found. The last look finds none.
async fn look(ctx: &Ctx, pending: &Stored<PendingErasure>) -> Result<u64> {
    let PendingErasure { user_guid, email_hash, .. } = &pending.record;
    let found = erasure::again(ctx, *user_guid, email_hash.as_deref()).await?;
    let mut change = ctx.change();
    if found == 0 {
        change.discard(&System, pending)?;
    } else {
        let later = PendingErasure { look_at: next_look(ctx), ..pending.record.clone() };
        change.keep(&System, Some(pending), later)?;
    }
    ctx.commit(change).await?;
    Ok(found)
}
