//! What erasing a person takes, for the job that does it; see [`Store`](store::Store).

use contract::error::Result;
use store::{Action, Anything, Entity, Key, Partition, Replay, Stored, journal::Entry};

use crate::ctx::{Ctx, Writer};

impl Ctx {
    /// The keys of up to `most` items of a partition.
    pub async fn keys_of(&self, partition: &Partition, most: usize) -> Result<Vec<Key<Anything>>> {
        self.request.store.keys_of(partition, most).await
    }

    /// How many items a partition holds.
    pub async fn count_of(&self, partition: &Partition) -> Result<u64> {
        self.request.store.count_of(partition).await
    }

    /// Up to `most` journal entries of a record after the one of this number, in their order.
    pub async fn journal_of<E: Entity>(&self, id: &str, after: u64, most: usize) -> Result<Vec<Entry>> {
        self.request.store.journal_of::<E>(self.org()?, id, after, most).await
    }
}

impl Writer {
    /// Puts another kind of record in the place of one; see [`Change::replace`](store::Change::replace).
    pub fn replace<A, B>(
        &mut self,
        scope: &A::Scope,
        before: &Stored<A>,
        record: B,
        action: impl Into<Action>,
    ) -> Result<Stored<B>>
    where
        A: Entity,
        B: Entity<Scope = A::Scope, Revision = A::Revision>,
    {
        self.change.replace(scope, before, record, action)
    }

    /// Takes an item away that was found by [`Ctx::keys_of`]. It must still be there.
    pub fn remove(&mut self, key: &Key<Anything>) {
        self.change.remove(key);
    }

    /// Writes an item beside the idempotency record, where the request has a key: so that a stored answer is found by
    /// whom it tells of.
    pub fn beside_answer<E: Entity>(
        &mut self,
        scope: E::Scope,
        item: impl Fn(&Replay) -> E + Send + Sync + 'static,
    ) where
        E::Scope: 'static,
    {
        self.change.beside_answer(scope, item);
    }

    /// Writes only if this record is still as it was read, where the request has a key; see
    /// [`Change::require_beside_answer`](store::Change::require_beside_answer).
    pub fn require_beside_answer<E: Entity>(&mut self, key: &Key<E>, seen: &Stored<E>) -> Result<()> {
        self.change.require_beside_answer(key, seen)
    }

    /// Blanks the reason that a journal entry of the org tells.
    pub fn blank_reason(&mut self, entry: &Entry) -> Result<()> {
        let ctx = self.ctx.clone();
        self.change.blank_reason(ctx.org()?, entry)
    }
}
