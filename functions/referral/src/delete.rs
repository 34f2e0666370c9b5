//! Deleting an attribution (referral §6).
//!
//! One transaction puts a tombstone in the place of the record, lowers the totals and frees member and repeats. Then no
//! answer is stored any more that tells of it, and those that are there are blanked; whoever asks again goes on with that.

use contract::{
    attribution_id::AttributionId,
    error::{Result, Tag},
    time::Moment,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Answer, Class, Ctx, MayName, OrgFrom, Route, Written, delete, write_if_named};
use store::{Key, Org, Stored};

use crate::{
    OTHERS_PER_MINUTE,
    access::MANAGERS,
    attribution::Attribution,
    dedupe, keys,
    member::MemberClaim,
    stored_answer,
    tombstone::Tombstone,
    totals::{self, Count},
};

/// The routes.
pub(crate) static ROUTES: &[Route] = &[Route {
    call: delete("/{id}").named("/attribution/remove"),
    summary: "Delete an attribution",
    class: Class::A,
    org: OrgFrom::Deployment,
    access: MANAGERS,
    errors: &[],
    handler: &write_if_named(remove).limited_per_address(&OTHERS_PER_MINUTE),
}];

/// Which attribution.
#[derive(Clone, Deserialize, JsonSchema)]
struct Remove {
    /// The attribution.
    id: AttributionId,
}

impl MayName for Remove {
    type Record = Attribution;

    fn key(&self, org: &Org) -> Option<Key<Attribution>> {
        Some(keys::attribution::by_id(org, &self.id))
    }
}

/// A deleted attribution.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Deletion")]
struct DeletedView {
    /// Its id.
    id: AttributionId,
    /// That it is.
    deleted: bool,
    /// When it was deleted first.
    deleted_at: Moment,
}

async fn remove(
    ctx: Ctx,
    input: Remove,
    record: Option<Stored<Attribution>>,
) -> Result<Written<DeletedView>> {
    let tombstone = if let Some(record) = record {
        bury(&ctx, &record).await?
    } else {
        let found = ctx.get(&keys::attribution::tombstone(ctx.org()?, &input.id)).await?;
        found.ok_or(Tag::NotFound)?.record
    };
    stored_answer::blank_all(&ctx, &tombstone.id).await?;
    let Tombstone { id, deleted_at, .. } = tombstone;
    let view = DeletedView { id, deleted: true, deleted_at: Moment(deleted_at) };
    Ok(ctx.change().answer(Answer::new(view)))
}

async fn bury(ctx: &Ctx, before: &Stored<Attribution>) -> Result<Tombstone> {
    let (org, record) = (ctx.org()?, &before.record);
    let mut change = ctx.change();
    let tombstone = Tombstone::of(record, ctx.now());
    change.replace(org, before, tombstone.clone(), "referral-attribution-deleted")?;
    totals::add(&mut change, org, record, Count::of_record(record).negated(), None);
    if let Some(member) = &record.new_member_id {
        let hash = MemberClaim::hash(org, member, ctx.lookup_key());
        change.release(&keys::member::by_hash(org, &hash));
    }
    dedupe::forget(ctx, &mut change, org, &[record], ctx.now()).await?;
    ctx.commit(change).await?;
    Ok(tombstone)
}
