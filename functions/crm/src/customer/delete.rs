//! Deleting a customer and all that hangs on them (crm §7).
//!
//! One transaction puts a tombstone in the place of the record and frees the look-ups; from then on the customer is
//! found by nothing, and nothing can be added to them. What is left is deleted batch by batch, each batch with its
//! count in one transaction under the tombstone's revision, so that neither a crash nor a second runner can lose or
//! double a count. Whoever asks again goes on where the last one stopped.

use contract::{
    error::{Error, Result, Tag},
    ids::CustomerGuid,
    revision::Counter,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{Answer, Ctx, MayName, Writer, Written};
use store::{Action, Anything, Entity, Key, Org, Replay, Stored, journal::Entry};

use super::{Customer, DeletionState, Status, Tombstone};
use crate::{
    keys,
    lookup::{self, By, Lookup, Sought},
    stored_answer::{self, StoredAnswer},
};

/// So long a request works before it answers that the deletion is in progress.
const SECONDS: i64 = 2;
/// So many items a batch writes: with the code's look-up, the tombstone, the journal entry and the idempotency record
/// of the last batch, they are the 100 that a transaction takes.
const ROOM: usize = 96;

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct Delete {
    /// The customer.
    customer_guid: CustomerGuid,
    /// The revision that the caller saw.
    expected_revision: Option<Counter>,
    /// Goes on in spite of pending holds, where the caller is a privacy admin.
    #[expect(dead_code, reason = "no hold can stand in the way before there are holds")]
    override_holds: Option<bool>,
    /// Only counts.
    dry_run: Option<bool>,
}

impl MayName for Delete {
    type Record = Customer;

    fn key(&self, org: &Org) -> Option<Key<Customer>> {
        Some(keys::customer::by_guid(org, self.customer_guid))
    }
}

/// How far the deletion of a customer is.
#[derive(Serialize, JsonSchema)]
pub(super) struct Deletion {
    /// The customer.
    customer_guid: CustomerGuid,
    /// How many stored items were deleted so far; in a dry run, how many would be.
    items_deleted: u64,
    /// Whether something is left; absent in a dry run of a deletion that has not begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<DeletionState>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Time>,
    /// When nothing was left.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Time>,
    /// How many points were lost.
    forfeited_points: u64,
    /// How many gift cards know no owner any more.
    cards_detached: u64,
    /// Whether the deletion had begun before this request.
    replayed: bool,
    /// That nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

impl Deletion {
    fn of(tombstone: &Tombstone, replayed: bool) -> Self {
        Self {
            customer_guid: tombstone.customer_guid,
            items_deleted: tombstone.items_deleted,
            state: Some(tombstone.state),
            started_at: Some(tombstone.started_at),
            completed_at: tombstone.completed_at,
            forfeited_points: tombstone.forfeited_points,
            cards_detached: tombstone.cards_detached,
            replayed,
            dry_run: None,
        }
    }
}

pub(super) async fn delete(
    ctx: Ctx,
    input: Delete,
    customer: Option<Stored<Customer>>,
) -> Result<Written<Deletion>> {
    let is_dry = input.dry_run == Some(true);
    let Some(customer) = customer else {
        let tombstone = tombstone(&ctx, input.customer_guid).await?;
        if is_dry {
            let progress = Deletion { dry_run: Some(true), ..Deletion::of(&tombstone.record, true) };
            return Ok(Written::nothing(Answer::new(progress)));
        }
        return go_on(&ctx, input.customer_guid, true).await;
    };
    check(&ctx, &input, &customer)?;
    if is_dry {
        return Ok(Written::nothing(Answer::new(count(&ctx, &customer.record).await?)));
    }
    start(&ctx, &customer).await?;
    go_on(&ctx, input.customer_guid, false).await
}

async fn tombstone(ctx: &Ctx, guid: CustomerGuid) -> Result<Stored<Tombstone>> {
    let found = ctx.get(&keys::customer::tombstone(ctx.org()?, guid)).await?;
    found.ok_or_else(|| Tag::NotFound.into())
}

/// Whether the customer may be deleted.
fn check(ctx: &Ctx, input: &Delete, customer: &Stored<Customer>) -> Result<()> {
    if input.expected_revision.is_some_and(|expected| expected != customer.revision) {
        return Err(ctx.conflict(customer)?);
    }
    if customer.record.status == Status::Merged {
        return Err(Error::from(Tag::InvalidState)
            .detail("status", json!(Status::Merged))
            .detail("merged_into", json!(customer.record.merged_into)));
    }
    Ok(())
}

/// What a deletion would delete.
async fn count(ctx: &Ctx, customer: &Customer) -> Result<Deletion> {
    let guid = customer.customer_guid;
    let lookups = u64::try_from(lookup::held(ctx, customer).await?.len()).unwrap_or(0);
    // The record itself lies in the partition.
    let items = ctx.count_of(&keys::customer::partition(ctx.org()?, guid)).await?;
    Ok(Deletion {
        customer_guid: guid,
        items_deleted: lookups + items,
        state: None,
        started_at: None,
        completed_at: None,
        forfeited_points: 0,
        cards_detached: 0,
        replayed: false,
        dry_run: Some(true),
    })
}

/// Puts the tombstone in the place of the record and frees every look-up but the code's.
async fn start(ctx: &Ctx, customer: &Stored<Customer>) -> Result<()> {
    let org = ctx.org()?;
    let mut change = ctx.change();
    let mut items_deleted = 1;
    for lookup in lookup::held(ctx, &customer.record).await?.iter().filter(|lookup| lookup.by != By::Code) {
        change.release(&lookup.key(org));
        items_deleted += 1;
    }
    let tombstone = Tombstone {
        customer_guid: customer.record.customer_guid,
        state: DeletionState::InProgress,
        started_at: ctx.now(),
        completed_at: None,
        items_deleted,
        forfeited_points: 0,
        cards_detached: 0,
        customer_code: Some(customer.record.customer_code.clone()),
        reasons_blanked: 0,
    };
    change.replace(org, customer, tombstone, "customer-delete-started")?;
    ctx.commit(change).await
}

/// Deletes batch by batch until nothing is left or the time is up. The last batch is left to the dispatcher, to be
/// written together with the idempotency record.
async fn go_on(ctx: &Ctx, guid: CustomerGuid, replayed: bool) -> Result<Written<Deletion>> {
    let deadline = ctx.machine_time().plus_seconds(SECONDS);
    let mut backoff = ctx.backoff();
    loop {
        let before = tombstone(ctx, guid).await?;
        let is_over = before.record.state == DeletionState::Completed || ctx.machine_time() >= deadline;
        if is_over {
            return Ok(ctx.change().answer(Answer::new(Deletion::of(&before.record, replayed))));
        }
        let batch = Batch::read(ctx, &before.record).await?;
        let mut change = ctx.change();
        let after = batch.write(ctx, &mut change, &before)?;
        if after.state == DeletionState::Completed {
            return Ok(change.answer(Answer::new(Deletion::of(&after, replayed))));
        }
        // Where another runner wrote this batch, what is left is read anew.
        backoff.settle(ctx.commit(change).await).await.transpose()?;
    }
}

/// What one transaction takes away.
struct Batch {
    /// Journal entries, whose reasons are blanked.
    entries: Vec<Entry>,
    /// Stored answers that told of the customer, which are blanked, with the notes of them.
    answers: Vec<(StoredAnswer, Option<Stored<Replay>>)>,
    /// Items that are deleted and counted.
    items: Vec<Key<Anything>>,
    /// The code's look-up, in the last batch.
    code: Option<Stored<Lookup>>,
    /// Whether nothing is left after this batch.
    is_last: bool,
}

impl Batch {
    async fn read(ctx: &Ctx, tombstone: &Tombstone) -> Result<Self> {
        let (org, guid) = (ctx.org()?, tombstone.customer_guid);
        let mut batch =
            Self { entries: Vec::new(), answers: Vec::new(), items: Vec::new(), code: None, is_last: false };
        batch.entries =
            ctx.journal_of::<Tombstone>(&guid.to_string(), tombstone.reasons_blanked, ROOM).await?;
        // An answer takes two writes.
        let room = (ROOM - batch.entries.len()) / 2;
        if room == 0 {
            return Ok(batch);
        }
        batch.answers = stored_answer::about(ctx, guid, room).await?;
        let room = ROOM - batch.entries.len() - 2 * batch.answers.len();
        if room < 2 {
            return Ok(batch);
        }
        batch.items = ctx.keys_of(&keys::customer::partition(org, guid), room).await?;
        batch.is_last = batch.items.len() < room;
        if let Some(code) = tombstone.customer_code.as_ref().filter(|_| batch.is_last) {
            let claim = ctx.get(&keys::customer::claim(org, &Sought::code(code))).await?;
            batch.code = claim.filter(|claim| claim.record.customer_guid == guid);
        }
        Ok(batch)
    }

    /// Writes the batch and its count; answers the tombstone as it then is.
    fn write(self, ctx: &Ctx, change: &mut Writer, before: &Stored<Tombstone>) -> Result<Tombstone> {
        let org = ctx.org()?;
        let mut after = before.record.clone();
        for entry in &self.entries {
            if entry.why.is_some() {
                change.blank_reason(entry)?;
            }
            after.reasons_blanked = entry.sequence;
        }
        for (note, told) in &self.answers {
            if let Some(told) = told {
                stored_answer::blank(change, told)?;
            }
            change.release(&note.key(org));
        }
        for key in &self.items {
            change.remove(key);
        }
        let deleted = self.items.len() + usize::from(self.code.is_some());
        after.items_deleted += u64::try_from(deleted).unwrap_or(0);
        if let Some(code) = &self.code {
            change.release(&code.record.key(org));
        }
        if self.is_last {
            after.state = DeletionState::Completed;
            after.completed_at = Some(ctx.now());
            after.customer_code = None;
            // The reason was told when the deletion began, and may tell of the person.
            let action = Action::from("customer-deleted").without_reason();
            change.adjust(org, before, after.clone(), action)?;
        } else {
            change.keep(org, Some(before), after.clone())?;
        }
        Ok(after)
    }
}
