//! Which stored answers tell of an attribution: so that they can be blanked when it is deleted (referral §6).

use contract::{attribution_id::AttributionId, error::Result, revision::Counter, time::Time};
use serde::{Deserialize, Serialize};
use service::{Ctx, Writer};
use store::{Batch, Entity, Key, Org, Replay, Stored, System, classes};

use crate::{attribution::Attribution, keys};

/// One stored answer that tells of an attribution.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredAnswer {
    /// The attribution.
    pub attribution_id: AttributionId,
    /// The hash by which the answer is stored.
    pub hash: String,
    /// When the answer is gone by itself.
    pub until: Time,
}

classes!(StoredAnswer { attribution_id: Plain, hash: Plain, until: Plain });

impl Entity for StoredAnswer {
    const SERVICE: &'static str = "referral";
    const TYPE: &'static str = "referral-stored-answer";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::attribution::answer(org, &self.attribution_id, &self.hash)
    }

    fn id(&self) -> String {
        self.hash.clone()
    }

    fn expires(&self) -> Option<Time> {
        Some(self.until)
    }
}

/// Notes, beside the answer that is stored under the request's idempotency key, that it tells of this attribution, which
/// the change writes.
pub(crate) fn note(change: &mut Writer, org: &Org, attribution_id: &AttributionId) {
    let attribution_id = attribution_id.clone();
    change.beside_answer(*org, move |replay| StoredAnswer {
        attribution_id: attribution_id.clone(),
        hash: replay.hash.clone(),
        until: replay.until,
    });
}

/// The same of an attribution that the change leaves as it is: it must not be deleted meanwhile.
pub(crate) fn note_of_unchanged(
    change: &mut Writer,
    org: &Org,
    attribution: &Stored<Attribution>,
) -> Result<()> {
    note(change, org, &attribution.record.id);
    change.require_beside_answer(&attribution.record.key(org), attribution)
}

/// So many notes are taken away in one transaction: each is two writes of the 100 that it takes.
const BATCH: usize = 45;

/// Blanks every answer that tells of a deleted attribution, and takes the notes away. Whoever asks for such an answer
/// again gets 404.
pub(crate) async fn blank_all(ctx: &Ctx, id: &AttributionId) -> Result<()> {
    let org = ctx.org()?;
    let mut backoff = ctx.backoff();
    loop {
        let notes = ctx.some(&keys::attribution::answers(org, id), BATCH).await?;
        if notes.is_empty() {
            return Ok(());
        }
        // Where somebody else takes them away too, what is left is read anew.
        backoff.settle(ctx.commit(blank(ctx, org, &notes).await?).await).await.transpose()?;
    }
}

async fn blank(ctx: &Ctx, org: &Org, notes: &[Stored<StoredAnswer>]) -> Result<Writer> {
    let key_of = |note: &StoredAnswer| Replay::key_of(StoredAnswer::SERVICE, Some(org), &note.hash);
    let mut batch = Batch::default();
    for note in notes {
        batch.want(&key_of(&note.record));
    }
    let found = ctx.read(batch).await?;
    let mut change = ctx.change();
    for note in notes {
        change.discard(org, note)?;
        // Unless it is gone, or its key was used anew since.
        let answer = found.get(&key_of(&note.record))?;
        if let Some(answer) = answer.filter(|answer| answer.record.until == note.record.until) {
            change.keep(&System, Some(&answer), Replay { data: None, ..answer.record.clone() })?;
        }
    }
    Ok(change)
}
