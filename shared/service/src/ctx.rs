//! What a handler is given: the caller, the org, the time, the table.

use std::{
    fmt::Display,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use contract::{
    codes::OrgCode,
    context::RequestContext,
    error::{Error, Result, Tag},
    ids::OrgGuid,
    paging::{CursorScope, Limit},
    reason::{Reason, SourceRefs},
    revision::Counter,
    secret::{CodeKeys, LookupKey},
    time::Time,
};
use futures::future::try_join;
use identity::{invite::InviteCodeClaim, org::OrgRecord};
use serde_json::Value;
use store::{
    Action, Ahead, Backoff, Batch, Beside, Change, Entity, Figures, Found, Key, Listing, Org, Page, Stamp,
    Store, Stored, Tallies, Tally,
};
use uuid::Uuid;

use crate::{
    answer::{Answer, Resource, Written},
    app::App,
    caller::{Caller, agree},
    memo::Memo,
    objects::Objects,
    place::Place,
    route::{Figure, Route},
};

/// The context of one request. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    pub(crate) app: &'static App,
    pub(crate) request: Arc<Requested>,
}

/// What is known of a request once its caller passed.
pub(crate) struct Requested {
    pub(crate) route: &'static Route,
    pub(crate) store: Store,
    pub(crate) memo: Arc<Memo>,
    pub(crate) caller: Caller,
    pub(crate) org: Option<(Org, Stored<OrgRecord>)>,
    pub(crate) stamp: Arc<Stamp>,
    pub(crate) limit: Limit,
    pub(crate) token: Option<String>,
    /// The route's own fields, in their canonical text.
    pub(crate) filters: String,
    pub(crate) source_ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    /// The facility that the request is about, once it was read.
    pub(crate) place: OnceLock<Place>,
    /// The page that was read ahead, until it is asked for.
    pub(crate) ahead: Mutex<Option<Ahead>>,
    /// What was read beside the caller check, each until it is asked for.
    pub(crate) beside: Mutex<Beside>,
}

impl Ctx {
    /// The time of the request.
    pub fn now(&self) -> Time {
        self.request.stamp.now
    }

    /// Who is calling.
    pub fn caller(&self) -> &Caller {
        &self.request.caller
    }

    /// The org of the request. Every route that says where its org comes from has one.
    pub fn org(&self) -> Result<&Org> {
        self.request.org.as_ref().map(|(org, _)| org).ok_or_else(|| Error::internal("the route has no org"))
    }

    /// Refuses the `request_context` of a nested object that says something else than what is (crm §1).
    pub fn agree(&self, claimed: &RequestContext) -> Result<()> {
        agree(claimed, &self.request.stamp.context)
    }

    /// The record of the org, as the caller check read it.
    pub fn org_record(&self) -> Result<&Stored<OrgRecord>> {
        self.request
            .org
            .as_ref()
            .map(|(_, record)| record)
            .ok_or_else(|| Error::internal("the route has no org"))
    }

    /// The address from which the request came, as the gateway saw it.
    pub fn source_ip(&self) -> Option<&str> {
        self.request.source_ip.as_deref()
    }

    /// The program from which the request came, as it calls itself: its first 256 characters.
    pub fn user_agent(&self) -> Option<&str> {
        let agent = self.request.user_agent.as_deref()?;
        Some(agent.char_indices().nth(256).map_or(agent, |(end, _)| &agent[..end]))
    }

    /// What the deployment says, or the default.
    pub fn figure(&self, figure: &Figure) -> u32 {
        self.app.settings.figure(figure)
    }

    /// Whether the deployment is open to the public (referral §2).
    pub fn is_public(&self) -> bool {
        self.app.settings.public_org.is_some()
    }

    /// The address of what stands at this path of the service.
    pub fn location(&self, path: impl Display) -> String {
        format!("{}/{path}", self.app.service.base())
    }

    /// Why the caller does it, as they say.
    pub fn reason(&self) -> Option<&str> {
        self.request.stamp.reason.as_deref()
    }

    /// Random bytes and ids.
    pub fn chance(&self) -> &dyn store::Chance {
        &*self.app.chance
    }

    /// A new id, made at the time of the request.
    pub fn uuid(&self) -> Uuid {
        self.app.chance.uuid(self.now())
    }

    /// The key under which contact values are looked up.
    pub fn lookup_key(&self) -> &LookupKey {
        &self.app.settings.lookup_key
    }

    /// The function's bucket.
    pub fn objects(&self) -> Result<&dyn Objects> {
        self.app.objects.as_deref().ok_or_else(|| Error::internal("the function has no bucket"))
    }

    /// The keys under which short codes are stored.
    pub fn code_keys(&self) -> Result<&CodeKeys> {
        self.app
            .settings
            .code_keys
            .as_ref()
            .ok_or_else(|| Error::internal("the service keeps no short codes"))
    }

    /// Whether the deployment lets time be shifted.
    pub fn has_test_clock(&self) -> bool {
        self.app.settings.test_clock
    }

    /// The time of the machine, without any shift.
    pub fn machine_time(&self) -> Time {
        self.app.clock.now()
    }

    /// Pauses for what a handler tries again by itself, until the request's time is up.
    pub fn backoff(&self) -> Backoff {
        self.request.store.backoff()
    }

    /// The record under a key.
    pub async fn get<E: Entity>(&self, key: &Key<E>) -> Result<Option<Stored<E>>> {
        let known = lock(&self.request.beside).take(key);
        match known {
            Some(known) => known.get(key),
            None => self.request.store.get(key).await,
        }
    }

    /// Several records in one round trip, or in none where all were read beside the caller check.
    pub async fn read(&self, mut batch: Batch) -> Result<Found> {
        let known = lock(&self.request.beside).take_all(&mut batch);
        Ok(self.request.store.read(batch).await?.with(known))
    }

    /// The records under some keys, those that are there: however many keys these are.
    pub async fn get_all<E: Entity>(&self, keys: &[Key<E>]) -> Result<Vec<Stored<E>>> {
        Ok(self.get_each(keys).await?.into_iter().flatten().collect())
    }

    /// The record under each of some keys, where it is there: however many keys these are.
    pub async fn get_each<E: Entity>(&self, keys: &[Key<E>]) -> Result<Vec<Option<Stored<E>>>> {
        let mut records = Vec::with_capacity(keys.len());
        for keys in keys.chunks(Batch::MOST) {
            let mut batch = Batch::default();
            batch.want_all(keys);
            let found = self.read(batch).await?;
            for key in keys {
                records.push(found.get(key)?);
            }
        }
        Ok(records)
    }

    /// Up to `most` records of a list, from its beginning: for guards, which ask what stands in the way.
    pub async fn some<E: Entity>(&self, listing: &Listing<E>, most: usize) -> Result<Vec<Stored<E>>> {
        self.request.store.some(listing, most).await
    }

    /// Up to `most` records of a list that pass a test, from its beginning.
    pub async fn some_where<E: Entity>(
        &self,
        listing: &Listing<E>,
        most: usize,
        passes: impl Fn(&E) -> bool,
    ) -> Result<Vec<Stored<E>>> {
        let limit = Limit::clamp(i64::try_from(most).unwrap_or(i64::MAX));
        Ok(self.request.store.page_where(listing, None, limit, passes, None).await?.records)
    }

    /// Every record of a list, page by page: for what has to reach all of them.
    pub async fn all<E: Entity>(&self, listing: &Listing<E>) -> Result<Vec<Stored<E>>> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.request.store.page(listing, after.as_deref(), Limit::MOST).await?;
            all.extend(page.records);
            after = page.position;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// A page of a list by how many records come before it, and all tallies of another list, at the same time; see
    /// [`Store::page_after`] and [`Store::tallies`].
    pub async fn numbered<E: Entity>(
        &self,
        listing: &Listing<E>,
        skip: usize,
        limit: Limit,
        total: &Listing<Tally>,
    ) -> Result<(Vec<Stored<E>>, Tallies)> {
        let store = &self.request.store;
        try_join(store.page_after(listing, skip, limit), store.tallies(total)).await
    }

    /// All tallies of a list.
    pub async fn tallies(&self, listing: &Listing<Tally>) -> Result<Tallies> {
        self.request.store.tallies(listing).await
    }

    /// The page that the request asks for.
    pub async fn list<E: Entity>(&self, listing: &Listing<E>) -> Result<Listed<E>> {
        let (after, limit) = (self.position()?, self.request.limit);
        let Page { records, position } = match self.read_ahead(listing, after.as_deref()) {
            Some(ahead) => ahead.page(listing)?,
            None => self.request.store.page(listing, after.as_deref(), limit).await?,
        };
        Ok(Listed { records, next_token: position.map(|position| self.seal(&position)) })
    }

    /// Keeps what was read before it was asked for.
    pub(crate) fn keep(&self, ahead: Option<Ahead>, beside: Beside) {
        *lock(&self.request.ahead) = ahead;
        *lock(&self.request.beside) = beside;
    }

    /// What was read ahead, where it is the page that is asked for.
    fn read_ahead<E: Entity>(&self, listing: &Listing<E>, after: Option<&str>) -> Option<Ahead> {
        lock(&self.request.ahead).take_if(|ahead| ahead.is(listing, after, self.request.limit))
    }

    /// The page that the request asks for, of those records that pass a test for which the list has no key.
    pub async fn list_where<E: Entity>(
        &self,
        listing: &Listing<E>,
        passes: impl Fn(&E) -> bool,
    ) -> Result<Listed<E>> {
        let (after, limit) = (self.position()?, self.request.limit);
        let ahead = self.read_ahead(listing, after.as_deref());
        let Page { records, position } =
            self.request.store.page_where(listing, after.as_deref(), limit, passes, ahead).await?;
        Ok(Listed { records, next_token: position.map(|position| self.seal(&position)) })
    }

    /// The page that the request asks for, of those records of a list that were found in another way: where they are so
    /// few that they cost less than reading past the others.
    pub fn list_of<E: Entity<Scope = Org>>(
        &self,
        listing: &Listing<E>,
        some: Vec<Stored<E>>,
    ) -> Result<Listed<E>> {
        let after = self.position()?;
        let Page { records, position } =
            Page::of_some(listing, self.org()?, some, after.as_deref(), self.request.limit);
        Ok(Listed { records, next_token: position.map(|position| self.seal(&position)) })
    }

    /// The page that the request asks for, of what `show` makes of the records of a list: nothing of those that are not
    /// to be seen.
    pub async fn list_shown<E: Entity, T, Shown>(
        &self,
        listing: &Listing<E>,
        show: impl Fn(Vec<Stored<E>>) -> Shown,
    ) -> Result<(Vec<T>, Option<String>)>
    where
        Shown: Future<Output = Result<Vec<Option<T>>>>,
    {
        let (after, limit) = (self.position()?, self.request.limit);
        let ahead = self.read_ahead(listing, after.as_deref());
        let (shown, position) =
            self.request.store.page_shown(listing, after.as_deref(), limit, show, ahead).await?;
        Ok((shown, position.map(|position| self.seal(&position))))
    }

    /// Up to `most` records of a list after a position: where one page is put together from several.
    pub async fn page<E: Entity>(
        &self,
        listing: &Listing<E>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Page<E>> {
        let limit = Limit::clamp(i64::try_from(most).unwrap_or(i64::MAX));
        self.request.store.page(listing, after, limit).await
    }

    /// How many records the request asks for.
    pub fn limit(&self) -> Limit {
        self.request.limit
    }

    /// Where the request's `next_token` says to go on.
    pub fn position(&self) -> Result<Option<String>> {
        let open = |token: &String| self.app.settings.cursor_key.open(self.cursor_scope(), token);
        self.request.token.as_ref().map(open).transpose()
    }

    /// The `next_token` for a position.
    pub fn seal(&self, position: &str) -> String {
        self.app.settings.cursor_key.seal(self.cursor_scope(), position)
    }

    fn cursor_scope(&self) -> CursorScope<'_> {
        let context = &self.request.stamp.context;
        let tenant = context.org_guid.as_deref().or(context.actor.as_deref()).unwrap_or("-");
        CursorScope { tenant, route: self.request.route.call.name, filters: &self.request.filters }
    }

    /// Shows a record to the caller.
    pub fn show<E: Resource>(&self, stored: &Stored<E>) -> Result<Answer<E::View>> {
        let revision = serde_json::to_value(stored.revision).map_err(Error::internal)?;
        Ok(Answer { data: E::view(stored, self), revision: Some(revision) })
    }

    /// `conflict`: the caller's revision is not the record's.
    pub fn conflict<E: Resource>(&self, current: &Stored<E>) -> Result<Error> {
        let revision = serde_json::to_value(current.revision).map_err(Error::internal)?;
        let shown = serde_json::to_value(E::view(current, self)).map_err(Error::internal)?;
        Ok(Error::from(Tag::Conflict).detail("current", shown).at_revision(revision))
    }

    /// Judges the revision of a record that the request names and that may not be there yet: 404 for a revision of
    /// nothing, `conflict` for another than the record's.
    pub fn expect<E: Resource>(
        &self,
        record: Option<&Stored<E>>,
        expected: Option<E::Revision>,
    ) -> Result<()> {
        match (record, expected) {
            (None, Some(_)) => Err(Tag::NotFound.into()),
            (Some(record), Some(expected)) if record.revision != expected => Err(self.conflict(record)?),
            _ => Ok(()),
        }
    }

    /// The same, where a record that is there is not to be changed unseen: 428 without a revision.
    pub fn expect_if_there<E: Resource>(
        &self,
        record: Option<&Stored<E>>,
        expected: Option<E::Revision>,
    ) -> Result<()> {
        match (record, expected) {
            (Some(_), None) => Err(Tag::ExpectedRevisionRequired.into()),
            (record, expected) => self.expect(record, expected),
        }
    }

    /// A change to decide on.
    pub fn change(&self) -> Writer {
        let change = Change::new(self.request.stamp.clone(), self.app.chance.clone());
        Writer { ctx: self.clone(), change }
    }

    /// A change that founds an org, and the org: what it writes is told in the name of the new org.
    pub fn found_org(&self, orgcode: &OrgCode) -> (Org, Writer) {
        let org = Org::checked(OrgGuid::from_uuid(self.uuid()));
        let mut stamp = (*self.request.stamp).clone();
        stamp.context.org_guid = Some(org.guid().to_string());
        stamp.context.orgcode = Some(orgcode.to_string());
        let change = Change::new(Arc::new(stamp), self.app.chance.clone());
        (org, Writer { ctx: self.clone(), change })
    }

    /// The org of an invite whose code the caller sent: what is done there must rest on the invite's being for them.
    pub fn org_of_invite(&self, code: &InviteCodeClaim) -> Org {
        Org::checked(code.org_guid)
    }

    /// A change in the name of an org that the request did not name.
    pub fn change_in(&self, org: &OrgRecord) -> Writer {
        let mut stamp = (*self.request.stamp).clone();
        stamp.context.org_guid = Some(org.org_guid.to_string());
        stamp.context.orgcode = Some(org.orgcode.to_string());
        let change = Change::new(Arc::new(stamp), self.app.chance.clone());
        Writer { ctx: self.clone(), change }
    }

    /// Writes a part of a job that does not fit into one transaction, or what must stand although the request is
    /// refused (a failed log-in that is counted). Everything else returns its change, for the dispatcher to write
    /// together with the idempotency record.
    pub async fn commit(&self, writer: Writer) -> Result<()> {
        self.request.store.commit(&writer.change, None).await.map(drop)
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A page of records.
#[derive(Debug)]
pub struct Listed<E: Entity> {
    /// The records.
    pub records: Vec<Stored<E>>,
    /// Where to go on: none on the last page.
    pub next_token: Option<String>,
}

impl<E: Resource> Listed<E> {
    /// Shows the records to the caller.
    pub fn show(&self, ctx: &Ctx) -> Vec<E::View> {
        self.records.iter().map(|record| E::view(record, ctx)).collect()
    }
}

/// Collects what a command changes; see [`Change`].
pub struct Writer {
    pub(crate) ctx: Ctx,
    pub(crate) change: Change,
}

impl Writer {
    /// A new id.
    pub fn uuid(&self) -> Uuid {
        self.change.uuid()
    }

    /// Gives what is changed from here on the reason and references of a nested object, where it has its own (crm §1).
    pub fn because(&mut self, reason: Option<&Reason>, source_refs: Option<SourceRefs>) {
        self.change.because(reason, source_refs);
    }

    /// Creates a record under a key made of a new id.
    pub fn create<E: Entity>(
        &mut self,
        scope: &E::Scope,
        record: E,
        action: impl Into<Action>,
    ) -> Result<Stored<E>> {
        self.change.create(scope, record, action, |_| Error::moved("an id was not new"))
    }

    /// Creates a record whose key may be taken; `taken` says what that means.
    pub fn create_unless<E: Entity>(
        &mut self,
        scope: &E::Scope,
        record: E,
        action: impl Into<Action>,
        taken: impl Fn(Stored<E>) -> Error + Send + Sync + 'static,
    ) -> Result<Stored<E>> {
        self.change.create(scope, record, action, taken)
    }

    /// Changes a record at the revision that the caller saw; who comes second gets `conflict`.
    pub fn update<E: Resource>(
        &mut self,
        scope: &E::Scope,
        before: &Stored<E>,
        record: E,
        action: impl Into<Action>,
    ) -> Result<Stored<E>> {
        let ctx = self.ctx.clone();
        let show = move |stored: &Stored<E>| -> Result<Value> {
            serde_json::to_value(E::view(stored, &ctx)).map_err(Error::internal)
        };
        self.change.update(scope, before, record, action, show)
    }

    /// Changes a record that the caller named no revision of; who comes second decides again.
    pub fn adjust<E: Entity>(
        &mut self,
        scope: &E::Scope,
        before: &Stored<E>,
        record: E,
        action: impl Into<Action>,
    ) -> Result<Stored<E>> {
        self.change.adjust(scope, before, record, action)
    }

    /// Writes an item without a history: a counter, an index beside a record.
    pub fn keep<E: Entity>(&mut self, scope: &E::Scope, before: Option<&Stored<E>>, record: E) -> Result<()> {
        self.change.keep(scope, before, record)
    }

    /// Claims a value; `taken` says what it means when another holds it.
    pub fn claim<E: Entity>(
        &mut self,
        scope: &E::Scope,
        claim: E,
        taken: impl Fn(&E) -> Error + Send + Sync + 'static,
    ) -> Result<()> {
        self.change.claim(scope, claim, taken)
    }

    /// Gives a claim up.
    pub fn release<E: Entity>(&mut self, key: &Key<E>) {
        self.change.release(key);
    }

    /// Adds to the figures of a tally.
    pub fn count(&mut self, key: &Key<Tally>, by: Figures) {
        self.change.count(key, by);
    }

    /// Adds to the figures of a tally, and only if it is still as it was read.
    pub fn count_after(&mut self, key: &Key<Tally>, by: Figures, seen: &Tally) {
        self.change.count_after(key, by, seen);
    }

    /// Takes an item away that is still as it was read; else the command is decided again.
    pub fn discard<E: Entity>(&mut self, scope: &E::Scope, seen: &Stored<E>) -> Result<()> {
        self.change.discard(scope, seen)
    }

    /// Gives a claim up that another request may take over meanwhile: only as it was read.
    pub fn release_seen<E: Entity>(&mut self, key: &Key<E>, seen: &Stored<E>) -> Result<()> {
        self.change.release_seen(key, seen)
    }

    /// Writes only if this record is still as it was read; else the command is decided again.
    pub fn require<E: Entity>(&mut self, key: &Key<E>, seen: &Stored<E>) -> Result<()> {
        self.change.require(key, seen)
    }

    /// Writes only if this item is still as it was read, or still not there; else the command is decided again.
    pub fn require_still<E: Entity>(&mut self, key: &Key<E>, seen: Option<&Stored<E>>) -> Result<()> {
        self.change.require_still(key, seen)
    }

    /// Raises a counter; see [`Change::raise`].
    pub fn raise<E: Entity<Revision = Counter>>(&mut self, scope: &E::Scope, record: E) -> Result<()> {
        self.change.raise(scope, record)
    }

    /// Writes an item over whatever stands there; see [`Change::overwrite`].
    pub fn overwrite<E: Entity>(&mut self, scope: &E::Scope, record: E) -> Result<()> {
        self.change.overwrite(scope, record)
    }

    /// Takes away an item that was written by [`Self::overwrite`], if it is there.
    pub fn wipe<E: Entity>(&mut self, key: &Key<E>) {
        self.change.wipe(key);
    }

    /// Writes only if there is no such item; `present` says what it means when there is.
    pub fn require_absent<E: Entity>(
        &mut self,
        key: &Key<E>,
        present: impl Fn() -> Error + Send + Sync + 'static,
    ) {
        self.change.require_absent(key, present);
    }

    /// The change, with what to answer once it is written.
    pub fn answer<T>(self, answer: Answer<T>) -> Written<T> {
        Written::new(self.change, answer)
    }

    /// The change, answered with a record as it will be.
    pub fn show<E: Resource>(self, stored: &Stored<E>) -> Result<Written<E::View>> {
        let answer = self.ctx.show(stored)?;
        Ok(self.answer(answer))
    }
}
