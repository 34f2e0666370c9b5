//! Turns `async fn(Ctx, In) -> Result<…>` into a row of a table.
//!
//! [`read`], [`list`], [`write`] and so on are `const fn`s that wrap a handler in a value of no size, so that any
//! handler can stand in a `static` table: nothing is allocated or run at start-up. Request and response types are
//! read off the handler's signature.

use std::marker::PhantomData;

use contract::{
    error::{FieldProblem, Result, Tag},
    ids::LogicalGuid,
    input,
    paging::PageSize,
};
use futures::future::{BoxFuture, FutureExt};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use store::{Anything, Batch, Found, Key, Listing, Org, Scope, Stored};

use crate::{
    answer::{Answer, Outcome, Resource, Written},
    ctx::Ctx,
    names::{MayName, Names, Revised},
    route::Figure,
    traits::{Fill, READS, Traits, WRITES},
};

/// A handler with its types erased.
pub trait Handler: Sync {
    /// What it says of the route.
    fn traits(&self) -> Traits;

    /// Reads the request's own fields.
    fn parse(&self, fields: &Value) -> Result<Box<dyn Task + '_>, Vec<FieldProblem>>;

    /// The schemas of request and response: one as it is read, the other as it is written.
    #[cfg(feature = "openapi")]
    fn schemas(
        &self,
        requests: &mut schemars::SchemaGenerator,
        answers: &mut schemars::SchemaGenerator,
    ) -> (schemars::Schema, schemars::Schema);
}

/// A request that was read and can be run; more than once, where what it was decided on changes meanwhile.
///
/// What it asks for first goes out together with the caller check, where the instance has just seen the caller pass; else
/// once the caller has passed (contract §4, *Order of checks*).
pub trait Task: Send + Sync {
    /// Asks for what is to be fetched first.
    fn wants(&self, org: Option<&Org>, batch: &mut Batch);

    /// Where it stands which org the request is about, for [`OrgFrom::Holder`](crate::OrgFrom::Holder).
    fn holder(&self) -> Option<HeldBy>;

    /// The facility that the request names, which is fetched likewise.
    fn place(&self) -> Option<LogicalGuid>;

    /// The facility on which the record hangs that the request names.
    fn hangs_on(&self, ctx: &Ctx, found: &Found) -> Result<Option<LogicalGuid>>;

    /// What else it names, which is fetched likewise.
    fn also(&self, org: &Org) -> Batch;

    /// The list of which a page is fetched likewise.
    fn ahead(&self, org: &Org) -> Option<Listing<Anything>>;

    /// As how many requests it counts for the limit of its route.
    fn weight(&self) -> u32;

    /// Decides.
    fn run<'a>(&'a self, ctx: Ctx, found: &'a Found) -> BoxFuture<'a, Result<Outcome>>;
}

/// The claim that names the org of a request, and how it is refused where no org holds the code.
pub type HeldBy = (Key<Anything>, Tag);

/// The list of an org of which a request asks for a page, if that is plain from the request.
pub type Wanted<I> = fn(&I, &Org) -> Option<Listing<Anything>>;

/// What a request names beside the record that it is about.
pub type Also<I> = fn(&I, &Org, &mut Batch);

/// What a request may be.
pub trait Input: DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static {}
impl<T: DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static> Input for T {}

/// What an answer may be.
pub trait Output: Serialize + JsonSchema + Send + 'static {}
impl<T: Serialize + JsonSchema + Send + 'static> Output for T {}

/// A handler, its request and its response. Made by [`read`], [`list`], [`write`] and the others.
pub struct Typed<F, W, I, O> {
    run: F,
    traits: Traits,
    asks: Asks<I>,
    judges_revision: bool,
    types: PhantomData<fn(W, I) -> O>,
}

/// What a request says of what it is about, before it is run.
struct Asks<I> {
    holder: Option<fn(&I) -> HeldBy>,
    place: Option<fn(&I) -> Option<LogicalGuid>>,
    also: Option<Also<I>>,
    ahead: Option<Wanted<I>>,
    weight: Option<fn(&I) -> u32>,
}

impl<F, W, I, O> Typed<F, W, I, O> {
    const fn new(run: F, traits: Traits) -> Self {
        Self {
            run,
            traits,
            asks: Asks { holder: None, place: None, also: None, ahead: None, weight: None },
            judges_revision: false,
            types: PhantomData,
        }
    }

    /// Says which facility a request names: it is fetched first, see [`Task`], and a grant that the row asks for is needed
    /// there.
    #[must_use]
    pub const fn at(mut self, place: fn(&I) -> Option<LogicalGuid>) -> Self {
        self.asks.place = Some(place);
        self
    }

    /// Says what else of the org a request names: fetched with its record, and given to the handler where
    /// it first asks for it, by [`Ctx::get`] or [`Ctx::read`].
    #[must_use]
    pub const fn also(mut self, also: Also<I>) -> Self {
        self.asks.also = Some(also);
        self
    }

    /// Says of which list a request asks for a page, where the request itself says it: read at the same time, and shown
    /// only where the handler asks the [`Ctx`] for the same page.
    #[must_use]
    pub const fn ahead(mut self, listing: Wanted<I>) -> Self {
        self.asks.ahead = Some(listing);
        self
    }

    /// Says as how many requests one counts for the limit of its route, where it is not one.
    #[must_use]
    pub const fn counting_as(mut self, weight: fn(&I) -> u32) -> Self {
        self.asks.weight = Some(weight);
        self
    }

    fn place(&self, input: &I) -> Option<LogicalGuid> {
        self.asks.place.and_then(|place| place(input))
    }

    /// Refuses requests without `reason`.
    #[must_use]
    pub const fn with_reason(mut self) -> Self {
        self.traits.needs_reason = true;
        self
    }

    /// Passes whatever the org's status: for taking power away, and for what changes the status itself.
    #[must_use]
    pub const fn whatever_the_org_status(mut self) -> Self {
        self.traits.gated = false;
        self
    }

    /// Answers pages of another size than usual.
    #[must_use]
    pub const fn with_page_size(mut self, page_size: PageSize) -> Self {
        self.traits.page_size = page_size;
        self
    }

    /// Takes each request as a new one.
    #[must_use]
    pub const fn ignoring_idempotency(mut self) -> Self {
        self.traits.ignores_idempotency = true;
        self
    }

    /// Says which claim names the org that the request is about, and how it is refused where there is none.
    #[must_use]
    pub const fn of_org_that_holds(mut self, claim: fn(&I) -> HeldBy) -> Self {
        self.asks.holder = Some(claim);
        self
    }

    /// Lets so many requests a minute through from one source address. Routes with the same figure share it.
    #[must_use]
    pub const fn limited_per_address(mut self, per_minute: &'static Figure) -> Self {
        self.traits.per_address = Some(per_minute);
        self
    }

    /// Keeps of a request only what nobody guesses a short secret in it from.
    #[must_use]
    pub const fn with_secret(mut self) -> Self {
        self.traits.holds_secret = true;
        self
    }

    /// Answers 201 where it made a record, by [`Written::created`].
    #[must_use]
    pub const fn creating(mut self) -> Self {
        self.traits.creates = true;
        self
    }

    /// Fills fields that are left out from the request itself.
    #[must_use]
    pub const fn filling(mut self, fills: &'static [Fill]) -> Self {
        self.traits.fills = fills;
        self
    }

    /// Leaves the revision to the handler, by [`Ctx::expect_if_there`]: where something else is to be refused, or found
    /// done, before.
    #[must_use]
    pub const fn judging_revision(mut self) -> Self {
        self.judges_revision = true;
        self
    }

    /// Takes `expected_revision`, but does not insist on it.
    #[must_use]
    pub const fn revision_optional(mut self) -> Self {
        self.traits.needs_revision = false;
        self
    }
}

/// Marks the shapes of handlers.
#[expect(unreachable_pub, reason = "they stand in the types of public functions and are never named")]
pub mod shape {
    /// `(Ctx, In) -> Answer`.
    pub struct Read;
    /// `(Ctx, In, Stored) -> Answer`.
    pub struct ReadRecord;
    /// `(Ctx, In) -> Written`.
    pub struct Write;
    /// `(Ctx, In, Stored) -> Written`.
    pub struct Change;
    /// `(Ctx, In, Option<Stored>) -> Answer`.
    pub struct ReadIfNamed;
    /// `(Ctx, In, Option<Stored>) -> Written`.
    pub struct WriteIfNamed;
}

/// A handler that answers and changes nothing.
pub const fn read<F, I, O, Fut>(run: F) -> Typed<F, shape::Read, I, O>
where
    F: Fn(Ctx, I) -> Fut,
    Fut: Future<Output = Result<Answer<O>>>,
{
    Typed::new(run, READS)
}

/// A handler that answers a page of a list.
pub const fn list<F, I, O, Fut>(run: F) -> Typed<F, shape::Read, I, O>
where
    F: Fn(Ctx, I) -> Fut,
    Fut: Future<Output = Result<Answer<O>>>,
{
    Typed::new(run, Traits { pages: true, ..READS })
}

/// A handler that answers about the record that the request names.
pub const fn read_record<F, I, O, Fut>(run: F) -> Typed<F, shape::ReadRecord, I, O>
where
    I: Names,
    F: Fn(Ctx, I, Stored<I::Record>) -> Fut,
    Fut: Future<Output = Result<Answer<O>>>,
{
    Typed::new(run, Traits { names_record: true, ..READS })
}

/// A handler that decides on a change.
pub const fn write<F, I, O, Fut>(run: F) -> Typed<F, shape::Write, I, O>
where
    F: Fn(Ctx, I) -> Fut,
    Fut: Future<Output = Result<Written<O>>>,
{
    Typed::new(run, WRITES)
}

/// A handler that answers about the record that the request names, if it names one and it is there.
pub const fn read_if_named<F, I, O, Fut>(run: F) -> Typed<F, shape::ReadIfNamed, I, O>
where
    I: MayName,
    F: Fn(Ctx, I, Option<Stored<I::Record>>) -> Fut,
    Fut: Future<Output = Result<Answer<O>>>,
{
    Typed::new(run, READS)
}

/// A handler that decides on a change, given the record that the request names, if it names one and it is there. It
/// judges the record's revision itself.
pub const fn write_if_named<F, I, O, Fut>(run: F) -> Typed<F, shape::WriteIfNamed, I, O>
where
    I: MayName,
    F: Fn(Ctx, I, Option<Stored<I::Record>>) -> Fut,
    Fut: Future<Output = Result<Written<O>>>,
{
    Typed::new(run, WRITES)
}

/// A handler that decides on a change of the record that the request names. It is called once the record is there and
/// at the revision that the caller saw.
pub const fn change<F, I, O, Fut>(run: F) -> Typed<F, shape::Change, I, O>
where
    I: Revised,
    F: Fn(Ctx, I, Stored<I::Record>) -> Fut,
    Fut: Future<Output = Result<Written<O>>>,
{
    Typed::new(run, Traits { names_record: true, needs_revision: true, ..WRITES })
}

/// How a shape of handler is prepared and run.
trait Shape<I, O>: Sync {
    fn wants(&self, _input: &I, _org: Option<&Org>, _batch: &mut Batch) {}
    fn hangs_on(&self, _input: &I, _ctx: &Ctx, _found: &Found) -> Result<Option<LogicalGuid>> {
        Ok(None)
    }
    fn run(&self, ctx: Ctx, input: I, found: &Found) -> BoxFuture<'_, Result<Outcome>>;
}

impl<F, I, O, Fut> Shape<I, O> for Typed<F, shape::Read, I, O>
where
    I: Input,
    O: Output,
    F: Fn(Ctx, I) -> Fut + Sync,
    Fut: Future<Output = Result<Answer<O>>> + Send + 'static,
{
    fn run(&self, ctx: Ctx, input: I, _: &Found) -> BoxFuture<'_, Result<Outcome>> {
        async move {
            ctx.admit(self.place(&input), None).await?;
            Outcome::read((self.run)(ctx, input).await?)
        }
        .boxed()
    }
}

impl<F, I, O, Fut> Shape<I, O> for Typed<F, shape::Write, I, O>
where
    I: Input,
    O: Output,
    F: Fn(Ctx, I) -> Fut + Sync,
    Fut: Future<Output = Result<Written<O>>> + Send + 'static,
{
    fn run(&self, ctx: Ctx, input: I, _: &Found) -> BoxFuture<'_, Result<Outcome>> {
        async move {
            ctx.admit(self.place(&input), None).await?;
            Outcome::written((self.run)(ctx, input).await?)
        }
        .boxed()
    }
}

impl<F, I, O, Fut> Shape<I, O> for Typed<F, shape::ReadRecord, I, O>
where
    I: Input + Names,
    O: Output,
    F: Fn(Ctx, I, Stored<I::Record>) -> Fut + Sync,
    Fut: Future<Output = Result<Answer<O>>> + Send + 'static,
{
    fn wants(&self, input: &I, org: Option<&Org>, batch: &mut Batch) {
        want(input, org, batch);
    }

    fn hangs_on(&self, input: &I, ctx: &Ctx, found: &Found) -> Result<Option<LogicalGuid>> {
        Ok(named(input, ctx, found)?.record.facility())
    }

    fn run(&self, ctx: Ctx, input: I, found: &Found) -> BoxFuture<'_, Result<Outcome>> {
        let record = named(&input, &ctx, found);
        async move {
            let record = record?;
            ctx.find(record.record.facility(), record.record.hidden_without()).await?;
            ctx.admit(self.place(&input), record.record.facility()).await?;
            Outcome::read((self.run)(ctx, input, record).await?)
        }
        .boxed()
    }
}

impl<F, I, O, Fut> Shape<I, O> for Typed<F, shape::Change, I, O>
where
    I: Input + Revised,
    O: Output,
    F: Fn(Ctx, I, Stored<I::Record>) -> Fut + Sync,
    Fut: Future<Output = Result<Written<O>>> + Send + 'static,
{
    fn wants(&self, input: &I, org: Option<&Org>, batch: &mut Batch) {
        want(input, org, batch);
    }

    fn hangs_on(&self, input: &I, ctx: &Ctx, found: &Found) -> Result<Option<LogicalGuid>> {
        Ok(named(input, ctx, found)?.record.facility())
    }

    fn run(&self, ctx: Ctx, input: I, found: &Found) -> BoxFuture<'_, Result<Outcome>> {
        let record = named(&input, &ctx, found);
        async move {
            let record = record?;
            ctx.find(record.record.facility(), record.record.hidden_without()).await?;
            ctx.admit(self.place(&input), record.record.facility()).await?;
            if !self.judges_revision {
                expect(input.expected_revision(), self.traits, &record, &ctx)?;
            }
            Outcome::written((self.run)(ctx, input, record).await?)
        }
        .boxed()
    }
}

impl<F, I, O, Fut> Shape<I, O> for Typed<F, shape::ReadIfNamed, I, O>
where
    I: Input + MayName,
    O: Output,
    F: Fn(Ctx, I, Option<Stored<I::Record>>) -> Fut + Sync,
    Fut: Future<Output = Result<Answer<O>>> + Send + 'static,
{
    fn wants(&self, input: &I, org: Option<&Org>, batch: &mut Batch) {
        want_if_named(input, org, batch);
    }

    fn run(&self, ctx: Ctx, input: I, found: &Found) -> BoxFuture<'_, Result<Outcome>> {
        let record = if_named(&input, &ctx, found);
        async move {
            ctx.admit(self.place(&input), None).await?;
            Outcome::read((self.run)(ctx, input, record?).await?)
        }
        .boxed()
    }
}

impl<F, I, O, Fut> Shape<I, O> for Typed<F, shape::WriteIfNamed, I, O>
where
    I: Input + MayName,
    O: Output,
    F: Fn(Ctx, I, Option<Stored<I::Record>>) -> Fut + Sync,
    Fut: Future<Output = Result<Written<O>>> + Send + 'static,
{
    fn wants(&self, input: &I, org: Option<&Org>, batch: &mut Batch) {
        want_if_named(input, org, batch);
    }

    fn run(&self, ctx: Ctx, input: I, found: &Found) -> BoxFuture<'_, Result<Outcome>> {
        let record = if_named(&input, &ctx, found);
        async move {
            ctx.admit(self.place(&input), None).await?;
            Outcome::written((self.run)(ctx, input, record?).await?)
        }
        .boxed()
    }
}

fn want_if_named<I: MayName>(input: &I, org: Option<&Org>, batch: &mut Batch) {
    let key = Scope::within(org).and_then(|scope| input.key(&scope));
    if let Some(key) = key {
        batch.want(&key);
    }
}

fn if_named<I: MayName>(input: &I, ctx: &Ctx, found: &Found) -> Result<Option<Stored<I::Record>>> {
    let key = Scope::within(ctx.org().ok()).and_then(|scope| input.key(&scope));
    key.map_or(Ok(None), |key| found.get(&key))
}

fn want<I: Names>(input: &I, org: Option<&Org>, batch: &mut Batch) {
    if let Some(scope) = Scope::within(org) {
        batch.want(&input.key(&scope));
    }
}

fn named<I: Names>(input: &I, ctx: &Ctx, found: &Found) -> Result<Stored<I::Record>> {
    let scope = Scope::within(ctx.org().ok()).ok_or(Tag::NotFound)?;
    found.get(&input.key(&scope))?.ok_or_else(|| Tag::NotFound.into())
}

/// 428 without a revision where one is needed, 409 for another than the record's (contract §5).
fn expect<E: Resource>(
    expected: Option<E::Revision>,
    traits: Traits,
    record: &Stored<E>,
    ctx: &Ctx,
) -> Result<()> {
    match expected {
        None if traits.needs_revision => Err(Tag::ExpectedRevisionRequired.into()),
        Some(expected) if expected != record.revision => Err(ctx.conflict(record)?),
        _ => Ok(()),
    }
}

struct Parsed<'h, S, I, O> {
    shape: &'h S,
    asks: &'h Asks<I>,
    input: I,
    out: PhantomData<fn() -> O>,
}

impl<S: Shape<I, O>, I: Input, O> Task for Parsed<'_, S, I, O> {
    fn wants(&self, org: Option<&Org>, batch: &mut Batch) {
        self.shape.wants(&self.input, org, batch);
    }

    fn holder(&self) -> Option<HeldBy> {
        self.asks.holder.map(|holder| holder(&self.input))
    }

    fn place(&self) -> Option<LogicalGuid> {
        self.asks.place.and_then(|place| place(&self.input))
    }

    fn hangs_on(&self, ctx: &Ctx, found: &Found) -> Result<Option<LogicalGuid>> {
        self.shape.hangs_on(&self.input, ctx, found)
    }

    fn also(&self, org: &Org) -> Batch {
        let mut batch = Batch::default();
        if let Some(also) = self.asks.also {
            also(&self.input, org, &mut batch);
        }
        batch
    }

    fn ahead(&self, org: &Org) -> Option<Listing<Anything>> {
        self.asks.ahead.and_then(|listing| listing(&self.input, org))
    }

    fn weight(&self) -> u32 {
        self.asks.weight.map_or(1, |weight| weight(&self.input))
    }

    fn run<'a>(&'a self, ctx: Ctx, found: &'a Found) -> BoxFuture<'a, Result<Outcome>> {
        self.shape.run(ctx, self.input.clone(), found)
    }
}

impl<F, W, I, O> Handler for Typed<F, W, I, O>
where
    Self: Shape<I, O>,
    I: Input,
    O: Output,
{
    fn traits(&self) -> Traits {
        self.traits
    }

    fn parse(&self, fields: &Value) -> Result<Box<dyn Task + '_>, Vec<FieldProblem>> {
        let input = input::read::<I>(fields)?;
        Ok(Box::new(Parsed { shape: self, asks: &self.asks, input, out: PhantomData }))
    }

    #[cfg(feature = "openapi")]
    fn schemas(
        &self,
        requests: &mut schemars::SchemaGenerator,
        answers: &mut schemars::SchemaGenerator,
    ) -> (schemars::Schema, schemars::Schema) {
        (requests.subschema_for::<I>(), answers.subschema_for::<O>())
    }
}
