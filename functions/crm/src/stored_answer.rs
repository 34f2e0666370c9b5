//! Which stored answers tell of a customer: so that they can be blanked when the customer is deleted (crm §7).

use contract::{error::Result, ids::CustomerGuid, revision, time::Time};
use serde::{Deserialize, Serialize};
use service::{Ctx, Writer};
use store::{Batch, Entity, Key, Org, Replay, Stored, System, classes};

use crate::keys;

/// One stored answer that tells of a customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredAnswer {
    /// The customer.
    pub customer_guid: CustomerGuid,
    /// The hash by which the answer is stored.
    pub hash: String,
    /// When the answer is gone by itself.
    pub until: Time,
}

classes!(StoredAnswer { customer_guid: Plain, hash: Plain, until: Plain });

impl Entity for StoredAnswer {
    const SERVICE: &'static str = "crm";
    const TYPE: &'static str = "stored-answer";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::customer::answer(org, self.customer_guid, &self.hash)
    }

    fn id(&self) -> String {
        self.hash.clone()
    }

    fn expires(&self) -> Option<Time> {
        Some(self.until)
    }
}

/// Notes, beside the answer that is stored under the request's idempotency key, that it tells of this customer. Every
/// change of what hangs on a customer does so.
pub(crate) fn note(change: &mut Writer, org: &Org, customer_guid: CustomerGuid) {
    change.beside_answer(*org, move |replay| StoredAnswer {
        customer_guid,
        hash: replay.hash.clone(),
        until: replay.until,
    });
}

/// Up to `most` notes of what was answered about a customer, each with the answer, unless it is gone or its key was
/// used anew since.
pub(crate) async fn about(
    ctx: &Ctx,
    customer_guid: CustomerGuid,
    most: usize,
) -> Result<Vec<(StoredAnswer, Option<Stored<Replay>>)>> {
    let org = ctx.org()?;
    let notes = ctx.some(&keys::customer::answers_about(org, customer_guid), most).await?;
    if notes.is_empty() {
        return Ok(Vec::new());
    }
    let key_of = |note: &StoredAnswer| Replay::key_of(StoredAnswer::SERVICE, Some(org), &note.hash);
    let mut batch = Batch::default();
    for note in &notes {
        batch.want(&key_of(&note.record));
    }
    let found = ctx.read(batch).await?;
    let told = notes.into_iter().map(|Stored { record: note, .. }| {
        let answer = found.get(&key_of(&note))?.filter(|answer| answer.record.until == note.until);
        Ok((note, answer))
    });
    told.collect()
}

/// Blanks an answer: whoever asks for it again gets 404.
pub(crate) fn blank(change: &mut Writer, answer: &Stored<Replay>) -> Result<()> {
    change.keep(&System, Some(answer), Replay { data: None, ..answer.record.clone() })
}
