//! What a command changes, collected to be written as one transaction.

use std::sync::Arc;

use contract::{
    contacts,
    context::RequestContext,
    error::{Error, Result, Tag},
    reason::{Reason, ReasonCode, SourceRefs},
    revision::{Counter, Revision},
    secret::hex,
    time::Time,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    chance::Chance,
    codec::{self, Item},
    entity::{Entity, Stored},
    idempotency::Replay,
    journal::{self, Entry, ItemKey, Told, Why},
    key::{Anything, Key, Org, Partition},
    tally::{self, Figures, Tally},
};

/// Who changes something, why and when: the same for everything that one request changes.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The time of the request.
    pub now: Time,
    /// Who, and in which context.
    pub context: RequestContext,
    /// Whether the caller passed a role check as an owner only.
    pub as_owner: bool,
    /// Through which surface the request came.
    pub surface: Option<String>,
    /// Which build runs.
    pub build: Value,
    /// The request, as its caller named it, or else the gateway.
    pub request_id: String,
    /// The gateway's id of the request, where its caller named it otherwise.
    pub gateway_request_id: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The code of why.
    pub reason_code: Option<ReasonCode>,
    /// What the change refers to in other systems.
    pub source_refs: SourceRefs,
}

/// What happened to an aggregate, in kebab-case and the past tense, and what else its event is to tell.
#[derive(Clone, Debug)]
pub struct Action {
    name: &'static str,
    data: Map<String, Value>,
    tells_reason: bool,
}

impl From<&'static str> for Action {
    fn from(name: &'static str) -> Self {
        Self { name, data: Map::new(), tells_reason: true }
    }
}

impl Action {
    /// Adds a figure or an id to the event. Must be nothing personal.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves the reason out: where it must not outlive the person that it may tell of.
    #[must_use]
    pub fn without_reason(mut self) -> Self {
        self.tells_reason = false;
        self
    }
}

/// What an item must be like for the transaction to go through.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// There is none.
    Absent,
    /// There is none, or its `data.until` has passed.
    AbsentOrOver(Time),
    /// It is at this revision.
    At(codec::Attribute),
    /// It is there.
    Present,
    /// Whatever it is like.
    Any,
    /// A tally that so many changes went into; none where it is not there.
    Counted(i64),
}

#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Put(Item),
    /// Adds to figures, making the item where it is not there.
    Add(Vec<(String, i64)>),
    Delete,
    Check,
    /// Puts everything but the revision, which is a number and grows by one.
    Raise(Item),
    /// Puts everything but what an item has from its beginning: so it makes none that could be read.
    Amend(Item),
}

/// What a failed condition means, given the item as it stands.
pub(crate) type Meaning = Arc<dyn Fn(Option<Item>) -> Error + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Op {
    pub(crate) pk: String,
    pub(crate) sk: String,
    pub(crate) effect: Effect,
    pub(crate) condition: Condition,
    pub(crate) meaning: Meaning,
}

/// Makes an item that is written only together with an idempotency record.
pub(crate) type Beside = Arc<dyn Fn(&Replay) -> Result<Op> + Send + Sync>;

/// A command's whole effect: records, claims, guards and the journal. Written by
/// [`Store::commit`](crate::Store::commit), or not at all.
#[derive(Clone)]
pub struct Change {
    pub(crate) stamp: Arc<Stamp>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) ops: Vec<Op>,
    pub(crate) beside: Vec<Beside>,
    first_event: Option<String>,
}

impl Change {
    /// Nothing yet.
    pub fn new(stamp: Arc<Stamp>, chance: Arc<dyn Chance>) -> Self {
        Self { stamp, chance, ops: Vec::new(), beside: Vec::new(), first_event: None }
    }

    /// Gives what is changed from here on another reason and other references than the request as a whole.
    pub fn because(&mut self, reason: Option<&Reason>, source_refs: Option<SourceRefs>) {
        let stamp = Arc::make_mut(&mut self.stamp);
        if let Some(reason) = reason {
            stamp.reason = Some(reason.as_str().to_owned());
        }
        if let Some(source_refs) = source_refs {
            stamp.source_refs = source_refs;
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// A new id, made at the time of the request.
    pub fn uuid(&self) -> Uuid {
        self.chance.uuid(self.stamp.now)
    }

    /// The time of the request.
    pub fn now(&self) -> Time {
        self.stamp.now
    }

    /// Creates a record. Its key must be new: where another may hold it, `taken` says what that means.
    pub fn create<E: Entity>(
        &mut self,
        scope: &E::Scope,
        record: E,
        action: impl Into<Action>,
        taken: impl Fn(Stored<E>) -> Error + Send + Sync + 'static,
    ) -> Result<Stored<E>> {
        let stored = Stored {
            revision: E::Revision::first(self.uuid()),
            created_at: self.now(),
            updated_at: self.now(),
            sequence: 0,
            chain: String::new(),
            record,
        };
        let meaning = move |item: Option<Item>| match item.map(Stored::decode) {
            Some(Ok(other)) => taken(other),
            Some(Err(error)) => error,
            None => Error::moved("a record was there for a moment"),
        };
        self.write(scope, None, stored, action.into(), Condition::Absent, Arc::new(meaning))
    }

    /// Changes a record at the revision that the caller named: if another request comes first, the caller gets
    /// `conflict` with the record as it then stands, as `show` shows it.
    pub fn update<E: Entity>(
        &mut self,
        scope: &E::Scope,
        before: &Stored<E>,
        record: E,
        action: impl Into<Action>,
        show: impl Fn(&Stored<E>) -> Result<Value> + Send + Sync + 'static,
    ) -> Result<Stored<E>> {
        let meaning = move |item: Option<Item>| match item.map(Stored::<E>::decode) {
            None => Tag::NotFound.into(),
            Some(current) => {
                current.and_then(|current| conflict(&current, &show)).unwrap_or_else(|error| error)
            }
        };
        let condition = Condition::At(codec::value(&before.revision)?);
        self.write(
            scope,
            Some(before),
            self.after(before, record),
            action.into(),
            condition,
            Arc::new(meaning),
        )
    }

    /// Changes a record that the caller named no revision of: if another request comes first, the command is
    /// decided again.
    pub fn adjust<E: Entity>(
        &mut self,
        scope: &E::Scope,
        before: &Stored<E>,
        record: E,
        action: impl Into<Action>,
    ) -> Result<Stored<E>> {
        let condition = Condition::At(codec::value(&before.revision)?);
        self.write(scope, Some(before), self.after(before, record), action.into(), condition, moved(E::TYPE))
    }

    /// Changes a record of another service, as [`Self::adjust`] does, but by an update that cannot make it: so a policy
    /// may allow that and no more. The record must stay in the lists that it is in, under whatever key.
    pub fn amend<E: Entity>(
        &mut self,
        scope: &E::Scope,
        before: &Stored<E>,
        record: E,
        action: impl Into<Action>,
    ) -> Result<Stored<E>> {
        let first = self.ops.len();
        let after = self.adjust(scope, before, record, action)?;
        self.by_update(first);
        Ok(after)
    }

    /// The same for an item that has no history of its own; see [`Self::keep`].
    pub fn amend_kept<E: Entity>(&mut self, scope: &E::Scope, before: &Stored<E>, record: E) -> Result<()> {
        let first = self.ops.len();
        self.keep(scope, Some(before), record)?;
        self.by_update(first);
        Ok(())
    }

    /// Makes an update of what was to be put.
    fn by_update(&mut self, at: usize) {
        if let Some(op) = self.ops.get_mut(at)
            && let Effect::Put(item) = &mut op.effect
        {
            op.effect = Effect::Amend(std::mem::take(item));
        }
    }

    /// Puts another kind of record in the place of one, as it was read. The journal of the aggregate goes on; if
    /// another request comes first, the command is decided again.
    ///
    /// # Panics
    /// Where the two kinds are not one aggregate.
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
        assert_eq!(A::AGGREGATE, B::AGGREGATE, "one aggregate has one journal");
        let seen = Condition::At(codec::value(&before.revision)?);
        self.push(&before.record.key(scope), Effect::Delete, seen, moved(A::TYPE));
        let stored = Stored {
            revision: before.revision.next(self.uuid()),
            created_at: self.now(),
            updated_at: self.now(),
            sequence: before.sequence,
            chain: before.chain.clone(),
            record,
        };
        self.write(scope, None, stored, action.into(), Condition::Absent, moved(B::TYPE))
    }

    /// Writes an item that has no history of its own: a claim's bearer, a counter, an index kept beside a record. If
    /// another request comes first, the command is decided again.
    pub fn keep<E: Entity>(&mut self, scope: &E::Scope, before: Option<&Stored<E>>, record: E) -> Result<()> {
        let (stored, condition) = match before {
            Some(before) => (self.after(before, record), Condition::At(codec::value(&before.revision)?)),
            None => (self.fresh(record), Condition::Absent),
        };
        self.put(scope, &stored, condition, moved(E::TYPE))
    }

    /// Writes an item over whatever stands there: for a note on which no decision rests, or that follows from a record
    /// written in the same change, whose condition holds for both.
    pub fn overwrite<E: Entity>(&mut self, scope: &E::Scope, record: E) -> Result<()> {
        let stored = self.fresh(record);
        self.put(scope, &stored, Condition::Any, moved(E::TYPE))
    }

    /// Takes away an item that was written by [`Self::overwrite`], if it is there.
    pub fn wipe<E: Entity>(&mut self, key: &Key<E>) {
        self.push(key, Effect::Delete, Condition::Any, moved(E::TYPE));
    }

    /// Claims a value for a record (contract §5 and ofm §2, *Claims*). `taken` says what it means when another holds
    /// it; it is given the claim that stands.
    pub fn claim<E: Entity>(
        &mut self,
        scope: &E::Scope,
        claim: E,
        taken: impl Fn(&E) -> Error + Send + Sync + 'static,
    ) -> Result<()> {
        let meaning = move |item: Option<Item>| match item.map(Stored::<E>::decode) {
            Some(Ok(standing)) => taken(&standing.record),
            Some(Err(error)) => error,
            None => Error::moved("a claim was held for a moment"),
        };
        let stored = self.fresh(claim);
        self.put(scope, &stored, Condition::Absent, Arc::new(meaning))
    }

    /// Takes an item away: a claim that is no longer held. It must be there.
    pub fn release<E: Entity>(&mut self, key: &Key<E>) {
        self.push(key, Effect::Delete, Condition::Present, moved("a claim"));
    }

    /// Takes an item away that is still as it was read; else the command is decided again.
    pub fn discard<E: Entity>(&mut self, scope: &E::Scope, seen: &Stored<E>) -> Result<()> {
        let seen_at = Condition::At(codec::value(&seen.revision)?);
        self.push(&seen.record.key(scope), Effect::Delete, seen_at, moved(E::TYPE));
        Ok(())
    }

    /// Adds to the figures of a tally. Many may do so at once: nothing is decided on what it was, and nobody waits for
    /// anybody longer than for a transaction that meets his.
    pub fn count(&mut self, key: &Key<Tally>, by: Figures) {
        self.push(key, Effect::Add(by.increments()), Condition::Any, moved(tally::TYPE));
    }

    /// Adds to the figures of a tally, and only if it is still as it was read: for totals that are told with the change.
    pub fn count_after(&mut self, key: &Key<Tally>, by: Figures, seen: &Tally) {
        let condition = Condition::Counted(seen.changes);
        self.push(key, Effect::Add(by.increments()), condition, moved(tally::TYPE));
    }

    /// Takes an item away as it was read; if another request has changed it, the command is decided again.
    pub fn release_seen<E: Entity>(&mut self, key: &Key<E>, seen: &Stored<E>) -> Result<()> {
        let condition = Condition::At(codec::value(&seen.revision)?);
        self.push(key, Effect::Delete, condition, moved("a claim"));
        Ok(())
    }

    /// Takes an item away that was found by [`Store::keys_of`](crate::Store::keys_of). It must still be there.
    pub fn remove(&mut self, key: &Key<Anything>) {
        self.push(key, Effect::Delete, Condition::Present, moved("an item"));
    }

    /// Writes an item beside the idempotency record, where the request has a key: so that a stored answer is found by
    /// whom it tells of. The item lives as long as the answer, and says so in its `until`.
    pub fn beside_answer<E: Entity>(
        &mut self,
        scope: E::Scope,
        item: impl Fn(&Replay) -> E + Send + Sync + 'static,
    ) where
        E::Scope: 'static,
    {
        let template = Self { ops: Vec::new(), beside: Vec::new(), ..self.clone() };
        self.beside.push(Arc::new(move |replay| {
            let stored = template.fresh(item(replay));
            let Key { pk, sk, .. } = stored.record.key(&scope);
            let effect = Effect::Put(codec::encode(&scope, &stored)?);
            let condition = Condition::AbsentOrOver(template.now());
            Ok(Op { pk, sk, effect, condition, meaning: moved(E::TYPE) })
        }));
    }

    /// Writes only if this record is still as it was read, where the request has an idempotency key: so that nothing is
    /// stored under the key of somebody who was erased meanwhile.
    pub fn require_beside_answer<E: Entity>(&mut self, key: &Key<E>, seen: &Stored<E>) -> Result<()> {
        let (key, condition) = (key.clone(), Condition::At(codec::value(&seen.revision)?));
        self.beside.push(Arc::new(move |_| {
            let (pk, sk) = (key.pk.clone(), key.sk.clone());
            Ok(Op { pk, sk, effect: Effect::Check, condition: condition.clone(), meaning: moved(E::TYPE) })
        }));
        Ok(())
    }

    /// Raises the revision of an item by one, whether it is there or not. Requests that do so at the same time do not
    /// stand in each other's way; whoever wrote on the condition that it is as it was read learns of it.
    pub fn raise<E: Entity<Revision = Counter>>(&mut self, scope: &E::Scope, record: E) -> Result<()> {
        let key = record.key(scope);
        let mut item = codec::encode(scope, &self.fresh(record))?;
        item.retain(|name, _| !["pk", "sk", "revision"].contains(&name.as_str()));
        self.push(&key, Effect::Raise(item), Condition::Any, moved(E::TYPE));
        Ok(())
    }

    /// Blanks the reason that a journal entry of this org tells. The chain does not cover it, and the entry is not
    /// published again (crm §1).
    pub fn blank_reason(&mut self, org: &Org, entry: &Entry) -> Result<()> {
        let key = entry.key(Partition::of(&entry.service, org).as_str());
        let blanked = Entry { why: None, ..entry.clone() };
        let item = blanked.item(&key, &blanked.hash()?)?;
        self.push(&key, Effect::Put(item), Condition::Present, moved("a journal entry"));
        Ok(())
    }

    /// Writes only if this record is still as it was read; else the command is decided again.
    pub fn require<E: Entity>(&mut self, key: &Key<E>, seen: &Stored<E>) -> Result<()> {
        self.push(key, Effect::Check, Condition::At(codec::value(&seen.revision)?), moved(E::TYPE));
        Ok(())
    }

    /// Writes only if this item is still as it was read, or still not there; else the command is decided again.
    pub fn require_still<E: Entity>(&mut self, key: &Key<E>, seen: Option<&Stored<E>>) -> Result<()> {
        if let Some(seen) = seen {
            return self.require(key, seen);
        }
        self.push(key, Effect::Check, Condition::Absent, moved(E::TYPE));
        Ok(())
    }

    /// Writes only if there is no such item; `present` says what it means when there is.
    pub fn require_absent<E: Entity>(
        &mut self,
        key: &Key<E>,
        present: impl Fn() -> Error + Send + Sync + 'static,
    ) {
        self.push(key, Effect::Check, Condition::Absent, Arc::new(move |_| present()));
    }

    fn fresh<E: Entity>(&self, record: E) -> Stored<E> {
        Stored {
            revision: E::Revision::first(self.uuid()),
            created_at: self.now(),
            updated_at: self.now(),
            sequence: 0,
            chain: String::new(),
            record,
        }
    }

    fn after<E: Entity>(&self, before: &Stored<E>, record: E) -> Stored<E> {
        Stored {
            revision: before.revision.next(self.uuid()),
            created_at: before.created_at,
            updated_at: self.now(),
            sequence: before.sequence,
            chain: before.chain.clone(),
            record,
        }
    }

    fn write<E: Entity>(
        &mut self,
        scope: &E::Scope,
        before: Option<&Stored<E>>,
        mut stored: Stored<E>,
        action: Action,
        condition: Condition,
        meaning: Meaning,
    ) -> Result<Stored<E>> {
        let key = stored.record.key(scope);
        let entry = self.entry(Written {
            service: E::SERVICE,
            aggregate_type: E::AGGREGATE,
            aggregate_id: stored.record.id(),
            revision: serde_json::to_value(stored.revision).map_err(Error::internal)?,
            told: Told::of(before, &stored.record)?,
            sequence: stored.sequence,
            chain: stored.chain,
            record: (!E::KEY_IS_SECRET).then(|| (&key).into()),
            action,
        });
        stored.sequence = entry.sequence;
        stored.chain = entry.hash()?;
        self.put(scope, &stored, condition, meaning)?;
        let key = entry.key(&key.pk);
        let item = entry.item(&key, &stored.chain)?;
        self.push(&key, Effect::Put(item), Condition::Absent, moved("a journal entry"));
        Ok(stored)
    }

    fn put<E: Entity>(
        &mut self,
        scope: &E::Scope,
        stored: &Stored<E>,
        condition: Condition,
        meaning: Meaning,
    ) -> Result<()> {
        let item = codec::encode(scope, stored)?;
        self.push(&stored.record.key(scope), Effect::Put(item), condition, meaning);
        Ok(())
    }

    fn push<E>(&mut self, key: &Key<E>, effect: Effect, condition: Condition, meaning: Meaning) {
        self.ops.push(Op { pk: key.pk.clone(), sk: key.sk.clone(), effect, condition, meaning });
    }

    fn entry(&mut self, written: Written) -> Entry {
        let stamp = self.stamp.clone();
        let event_id = self.uuid().to_string();
        let reason = stamp.reason.as_deref().filter(|_| written.action.tells_reason);
        let why = reason.map(|reason| {
            let mut salt = [0; 16];
            self.chance.fill(&mut salt);
            Why { text: contacts::mask(reason), salt: hex(&salt) }
        });
        let changed = written.told.touched();
        let mut data = written.told.plain();
        data.extend(written.action.data);
        let causation_id = self.first_event.clone();
        self.first_event.get_or_insert_with(|| event_id.clone());
        Entry {
            event_id,
            schema_version: journal::SCHEMA_VERSION,
            timestamp_utc: stamp.now,
            build: stamp.build.clone(),
            service: written.service.to_owned(),
            action: written.action.name.to_owned(),
            request_context: stamp.context.clone(),
            as_owner: stamp.as_owner,
            surface: stamp.surface.clone(),
            why_hash: why.as_ref().map(Entry::hash_of),
            why,
            reason_code: stamp.reason_code,
            source_refs: stamp.source_refs.clone(),
            aggregate_type: written.aggregate_type.to_owned(),
            aggregate_id: written.aggregate_id,
            aggregate_revision: written.revision,
            sequence: written.sequence + 1,
            record: written.record,
            correlation_id: stamp.request_id.clone(),
            gateway_request_id: stamp.gateway_request_id.clone(),
            causation_id,
            changed,
            data,
            previous_hash: written.chain,
        }
    }
}

/// What an entry is made of, whatever kind of record it tells of: said once, not for each kind.
struct Written {
    service: &'static str,
    aggregate_type: &'static str,
    aggregate_id: String,
    revision: Value,
    told: Told,
    /// How many entries there were, and the hash of the last.
    sequence: u64,
    chain: String,
    record: Option<ItemKey>,
    action: Action,
}

/// `conflict`, with the record as it stands (contract §5).
pub(crate) fn conflict<E: Entity>(
    current: &Stored<E>,
    show: impl Fn(&Stored<E>) -> Result<Value>,
) -> Result<Error> {
    let revision = serde_json::to_value(current.revision).map_err(Error::internal)?;
    Ok(Error::from(Tag::Conflict).detail("current", show(current)?).at_revision(revision))
}

fn moved(what: &'static str) -> Meaning {
    Arc::new(move |_| Error::moved(format_args!("{what} changed while the command was decided")))
}
