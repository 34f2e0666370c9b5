//! Blanking address, agent and referrer of clicks after retention (referral §1). Invoked on a schedule; whoever invokes it
//! by hand does no harm.
//!
//! Attributions lie in the order of their making, so an org needs one mark: up to it, everything is blank. A batch is
//! written with the mark and one journal entry as one transaction, so a run that breaks off is gone on with.

use contract::{attribution_id::AttributionId, codes::OrgCode, error::Result, paging::Limit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Answer, Class, Ctx, OrgFrom, Route, Written, direct::action, write};
use store::{Action, Backoff, Org, Page, Stored, System};

use super::upkeep::Upkeep;
use crate::{RETENTION_DAYS, attribution::Attribution, dedupe, keys};

/// The actions.
pub static ACTIONS: &[Route] = &[Route {
    call: action("referral-retention-apply"),
    summary: "Blank address, agent and referrer of clicks after retention",
    class: Class::A,
    org: OrgFrom::Nowhere,
    access: Access::Operator,
    errors: &[],
    handler: &write(apply).ignoring_idempotency(),
}];

/// Most attributions that are blanked in one transaction. Each may have a day of counted clicks to be forgotten from; with
/// the mark and its journal entry that is 92 of 100 items.
const BATCH: usize = 45;
/// A run ends when so many seconds have passed: well before the function does.
const SECONDS: i64 = 5;

#[derive(Clone, Deserialize, JsonSchema)]
struct Apply {
    /// Only this org's attributions; those of all orgs unless given.
    orgcode: Option<OrgCode>,
}

/// What a run did.
#[derive(Serialize, JsonSchema)]
struct Applied {
    /// How many attributions it blanked.
    blanked: u64,
    /// Whether nothing is left; else the next run goes on.
    complete: bool,
}

async fn apply(ctx: Ctx, input: Apply) -> Result<Written<Applied>> {
    let deadline = ctx.machine_time().plus_seconds(SECONDS);
    let mut backoff = ctx.backoff();
    let mut applied = Applied { blanked: 0, complete: true };
    let mut orgs = ctx.all(&keys::upkeep::orgs_with_codes()).await?;
    orgs.retain(|org| input.orgcode.as_ref().is_none_or(|only| *only == org.record.orgcode));
    'orgs: for org in orgs {
        loop {
            if ctx.machine_time() >= deadline {
                applied.complete = false;
                break 'orgs;
            }
            match batch(&ctx, &mut backoff, &org.record).await? {
                Batch::Blanked(count) => applied.blanked += count,
                Batch::Last(count) => {
                    applied.blanked += count;
                    break;
                }
            }
        }
    }
    Ok(ctx.change().answer(Answer::new(applied)))
}

/// What a batch did.
enum Batch {
    /// So many were blanked, and there may be more.
    Blanked(u64),
    /// So many were blanked, and there are no more.
    Last(u64),
}

async fn batch(ctx: &Ctx, backoff: &mut Backoff, org: &Upkeep) -> Result<Batch> {
    let org = Org::checked(org.org_guid);
    let Some(before) = ctx.get(&keys::upkeep::of_org(&org)).await? else { return Ok(Batch::Last(0)) };
    let until = ctx.now().plus_days(-i64::from(ctx.figure(&RETENTION_DAYS)));
    let due = keys::attribution::oldest_first(&org, until);
    let after = before.record.blanked_through.as_ref().map(AttributionId::as_str);
    let Page { records, position } = ctx.page(&due, after, BATCH).await?;
    let Some(last) = records.last() else { return Ok(Batch::Last(0)) };
    let full: Vec<&Stored<Attribution>> = records.iter().filter(|record| !record.record.is_blank()).collect();
    let count = u64::try_from(full.len()).unwrap_or(0);
    let mut change = ctx.change();
    for record in &full {
        change.keep(&org, Some(record), record.record.clone().blanked())?;
    }
    let clicks: Vec<_> = full.iter().map(|record| &record.record).collect();
    dedupe::forget(ctx, &mut change, &org, &clicks, ctx.now()).await?;
    let mark = Upkeep {
        blanked_through: Some(last.record.id.clone()),
        blanked: before.record.blanked + count,
        ..before.record.clone()
    };
    let action = Action::from("referral-retention-applied").with("attributions", count);
    change.adjust(&System, &before, mark, action)?;
    match backoff.settle(ctx.commit(change).await).await.transpose()? {
        // One was changed meanwhile: the batch is read anew.
        None => Ok(Batch::Blanked(0)),
        Some(()) if position.is_none() => Ok(Batch::Last(count)),
        Some(()) => Ok(Batch::Blanked(count)),
    }
}

const _: () = assert!(BATCH <= Limit::MOST.get());
