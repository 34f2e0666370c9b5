//! One request from its fields to its answer: the checks, the handler, the commit.
//!
//! The order of the checks (contract §4): body shape, credential, association, rate limit, role, org gate, idempotent
//! replay, record. No later check shows through an earlier one.

use std::sync::{Arc, Mutex, OnceLock};

use contract::{
    canonical,
    codes::OrgCode,
    context::RequestContext,
    envelope::ContextSource,
    error::{Error, Result, Tag},
    ids::OrgGuid,
    paging::CursorScope,
    text::Text,
    time::Time,
};
use futures::future::join;
use identity::{
    api_key::ApiKey,
    keys,
    org::{OrgRecord, OrgStatus},
    session::Session,
};
use serde_json::{Map, Value, value::RawValue};
use store::{
    Ahead, Anything, Batch, Claimed, Committed, Deadline, Found, Key, Meter, Org, Replay, Sent, Stamp, Store,
    Stored,
};

use crate::{
    access::Access,
    answer::Outcome,
    app::{App, build},
    caller::{Caller, Credential, Principal, agree},
    ctx::{Ctx, Requested},
    frame::{self, Framed},
    headers::Headers,
    limit::Limit,
    memo::Memo,
    place::Place,
    route::{OrgFrom, Route},
    traits::Fill,
};

/// What a request was found to be, for the envelope and the log, also where it was refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) now: Option<Time>,
    pub(crate) orgcode: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) cccode: Option<String>,
    pub(crate) source: Option<ContextSource>,
    pub(crate) session_fingerprint: Option<String>,
    pub(crate) api_key_fingerprint: Option<String>,
    pub(crate) tries: u32,
}

/// A request that was answered.
pub(crate) struct Done {
    pub(crate) data: Box<RawValue>,
    pub(crate) revision: Option<Value>,
    pub(crate) sent: Sent,
    pub(crate) replayed: bool,
}

/// What is read of the claim on a code, whatever else it tells.
#[derive(Clone, Copy, serde::Deserialize)]
struct Holder {
    org_guid: OrgGuid,
}

/// A request for a route.
pub(crate) struct Run {
    pub(crate) app: &'static App,
    pub(crate) route: &'static Route,
    pub(crate) headers: Headers,
    pub(crate) body: Map<String, Value>,
    pub(crate) source_ip: Option<String>,
    pub(crate) meter: Meter,
    pub(crate) request_id: String,
    /// The gateway's id of the request, where its caller named it otherwise.
    pub(crate) gateway_request_id: Option<String>,
    pub(crate) deadline: Deadline,
}

/// A request whose shape is right.
struct Shaped {
    framed: Framed<'static>,
    credential: Credential,
    idempotency_key: Option<String>,
    store: Store,
    memo: Arc<Memo>,
}

impl Run {
    /// The rule of who may call, in this deployment.
    fn access(&self) -> Access {
        self.route.access.in_deployment(self.app.settings.public_org.is_some())
    }

    /// Fills the fields that the request itself fills.
    fn fill(&self, body: &mut Map<String, Value>) {
        for fill in self.route.handler.traits().fills {
            let (name, value) = match fill {
                Fill::SourceAddress(name) => (name, &self.source_ip),
                Fill::UserAgent(name) => (name, &self.headers.user_agent),
            };
            if let Some(value) = value
                && body.get(*name).is_none_or(Value::is_null)
            {
                body.insert((*name).to_owned(), value.as_str().into());
            }
        }
    }

    /// Checks the shape, then decides and writes, again where what was decided on has moved.
    pub(crate) async fn answer(mut self, seen: &mut Seen) -> Result<Done> {
        let mut body = std::mem::take(&mut self.body);
        self.fill(&mut body);
        let problems = std::mem::take(&mut self.headers.problems);
        let framed = frame::split(self.app.service.style, self.route, body, problems)?;
        seen.cccode = self.headers.cccode.as_ref().map(ToString::to_string);
        let frame = &framed.frame;
        let credential = match &frame.actor {
            Some(actor) => Credential::Operator(actor.as_str().to_owned()),
            None => Credential::choose(
                self.access(),
                [self.headers.session.as_ref(), frame.session_guid.as_ref()],
                [self.headers.key.as_ref(), frame.api_key.as_ref()],
            )?,
        };
        let idempotency_key = self.idempotency_key(&framed)?;
        let store = self.app.store.metered(self.meter.clone()).until(self.deadline);
        let shaped = Shaped { framed, credential, idempotency_key, store, memo: Arc::default() };
        let decided = Box::pin(self.decide_in_time(&shaped, seen));
        let in_time = tokio::time::timeout(self.deadline.left_for_calls(), decided).await;
        in_time.unwrap_or_else(|_| Err(Error::unavailable("the request's time is up")))
    }

    /// Decides, and again where what was decided on moved meanwhile and there is time (ofm §2, *Guards are exact*).
    async fn decide_in_time(&self, shaped: &Shaped, seen: &mut Seen) -> Result<Done> {
        let mut backoff = shaped.store.backoff();
        loop {
            seen.tries += 1;
            let result = Box::pin(self.attempt(shaped, seen)).await;
            if let Some(result) = backoff.settle(result).await {
                return result;
            }
        }
    }

    async fn attempt(&self, shaped: &Shaped, seen: &mut Seen) -> Result<Done> {
        let org = match self.org(shaped).await {
            Ok(org) => org,
            Err(error) => return Err(self.refuse_orgless(shaped, seen, error).await),
        };
        let limit = self.limit(shaped, org.as_ref(), seen);
        let Some(limit) = limit else { return Box::pin(self.check(shaped, org, None, seen)).await };
        limit.refuse_again(seen)?;
        let checked = Box::pin(self.check(shaped, org, Some(&limit), seen));
        let (result, ()) = join(checked, limit.report(&shaped.store)).await;
        result
    }

    /// A request of which no org is found counts too, where an address is limited: codes cannot be guessed without end.
    async fn refuse_orgless(&self, shaped: &Shaped, seen: &mut Seen, error: Error) -> Error {
        let Some(limit) = self.limit(shaped, None, seen).filter(Limit::is_per_address) else { return error };
        let admitted = limit.refuse_again(seen).and_then(|()| limit.admit(&Found::default(), seen));
        limit.report(&shaped.store).await;
        admitted.err().unwrap_or(error)
    }

    /// The limit that the request is under: it counts once, however often it is decided anew.
    fn limit(&self, shaped: &Shaped, org: Option<&Org>, seen: &Seen) -> Option<Limit> {
        let source_ip = self.source_ip.as_deref();
        let limit = || Limit::of(self.app, self.route, &shaped.credential, org, source_ip);
        (seen.tries == 1).then(limit).flatten()
    }

    async fn check(
        &self,
        shaped: &Shaped,
        org: Option<Org>,
        limit: Option<&Limit>,
        seen: &mut Seen,
    ) -> Result<Done> {
        let Shaped { framed, credential, store, .. } = shaped;
        let replay_key = self.replay_key(shaped, org.as_ref());
        let mut batch = Batch::default();
        credential.wants(org.as_ref(), &mut batch);
        if let Some(limit) = limit {
            limit.wants(&mut batch);
        }
        framed.task.wants(org.as_ref(), &mut batch);
        let place = org.zip(framed.task.place());
        if let Some((org, logical)) = &place {
            Place::want(org, credential.assignee(), *logical, &mut batch);
        }
        if let Some(hash) = &replay_key {
            batch.want(&Replay::key_of(self.app.service.name, org.as_ref(), hash));
        }
        if self.app.settings.test_clock {
            batch.want(&keys::clock());
        }
        let also = org.map(|org| framed.task.also(&org)).unwrap_or_default();
        batch.want_as(&also);
        let (found, ahead) = join(store.read(batch), self.ahead(shaped, org.as_ref())).await;
        let found = found?;
        let beside = found.beside(also);
        let now = self.now(&found)?;
        seen.now = Some(now);

        if let Some(limit) = limit.filter(|limit| limit.is_per_address()) {
            limit.admit(&found, seen)?;
        }
        let principal = credential.check(&found, now)?;
        let caller = Caller::within(principal, org.as_ref(), &found)?;
        seen.actor = caller.actor();
        seen.source = caller.source();
        let org = self.associated(&caller, org, &found, now)?;
        agree_on_org(framed, org.as_ref())?;
        let context = self.context(&caller, org.as_ref().map(|(_, record)| &record.record));
        seen.orgcode.clone_from(&context.orgcode);
        seen.session_fingerprint.clone_from(&context.session_fingerprint);
        seen.api_key_fingerprint.clone_from(&context.api_key_fingerprint);
        if let Some(limit) = limit.filter(|limit| !limit.is_per_address()) {
            limit.admit(&found, seen)?;
        }
        if let Some(claimed) = &framed.frame.request_context {
            agree(claimed, &context)?;
        }
        let as_owner = self.access().check(&caller)?;
        self.gate(&caller, org.as_ref().map(|(_, record)| &record.record))?;

        let mine = replay_key.map(|hash| self.replay(framed, &context, org.as_ref(), hash, now));
        let ctx = self.ctx(shaped, caller, org, context, as_owner, now);
        ctx.keep(ahead, beside);
        if let Some((org, logical)) = &place {
            let _ = ctx.request.place.set(Place::of(org, credential.assignee(), *logical, &found)?);
        }
        let before = mine.as_ref().map_or(Ok(None), |mine| replayed(&found, mine, now)).transpose();
        if let Some(before) = before {
            // Who lost the grant meanwhile is not told of the first answer either (contract §5).
            if self.route.access.grant().is_some() {
                ctx.admit(framed.task.place(), framed.task.hangs_on(&ctx, &found)?).await?;
            }
            return before;
        }
        let (result, ()) = join(self.decide(shaped, &ctx, &found, mine), touch(&ctx)).await;
        result
    }

    /// The page that the request asks for, where that is known before its caller.
    async fn ahead(&self, shaped: &Shaped, org: Option<&Org>) -> Option<Ahead> {
        let frame = &shaped.framed.frame;
        let org = org?;
        let listing = shaped.framed.task.ahead(org)?;
        let open = |token: &Text<1, 2048>| {
            let (tenant, filters) = (org.guid().to_string(), canonical::text(&shaped.framed.own));
            let scope = CursorScope { tenant: &tenant, route: self.route.call.name, filters: &filters };
            self.app.settings.cursor_key.open(scope, token.as_str())
        };
        // A token that was made for something else is refused when the page is asked for.
        let after = frame.next_token.as_ref().map(open).transpose().ok()?;
        shaped.store.ahead(listing, after, self.route.handler.traits().page_size.limit(frame.limit)).await
    }

    async fn decide(&self, shaped: &Shaped, ctx: &Ctx, found: &Found, mine: Option<Replay>) -> Result<Done> {
        let outcome = match shaped.framed.task.run(ctx.clone(), found).await {
            Ok(outcome) => outcome,
            Err(error) => return refuse(shaped, mine.as_ref(), ctx.now(), error).await,
        };
        let Some(change) = &outcome.change else {
            return Ok(done(outcome));
        };
        let claimed = mine.map(|mine| {
            let data = outcome.replay.as_ref().unwrap_or(&outcome.data).get().to_owned();
            let sent = (outcome.sent != Sent::default()).then(|| outcome.sent.clone());
            let replay = Replay { data: Some(data), revision: outcome.revision.clone(), sent, ..mine };
            Claimed { replay, now: ctx.now() }
        });
        match shaped.store.commit(change, claimed).await? {
            Committed::Done => Ok(done(outcome)),
            Committed::Before(first) => repeat(*first),
        }
    }

    /// The org that the request names, before it is known whether the caller belongs to it.
    async fn org(&self, shaped: &Shaped) -> Result<Option<Org>> {
        let frame = &shaped.framed.frame;
        let settings = &self.app.settings;
        let code = match self.route.org {
            OrgFrom::Nowhere => return Ok(None),
            OrgFrom::Holder => return self.holder(shaped).await.map(Some),
            OrgFrom::Body | OrgFrom::BodyGuid if frame.org_guid.is_some() => {
                return Ok(frame.org_guid.map(Org::checked));
            }
            OrgFrom::Body | OrgFrom::BodyGuid | OrgFrom::BodyCode => frame.orgcode.clone(),
            OrgFrom::Deployment if settings.public_org.is_some() => match &self.headers.orgcode {
                // There are no others.
                Some(other) if Some(other) != settings.public_org.as_ref() => {
                    return Ok(Some(Org::checked(OrgGuid::NOWHERE)));
                }
                _ => settings.public_org.clone(),
            },
            OrgFrom::Header | OrgFrom::Deployment => self.header_org(shaped)?,
        };
        let Some(code) = code else {
            return Err(Error::field("x-orgcode", "is required"));
        };
        // An org that is not there is refused like one that the caller does not belong to, after the credential.
        let guid = self.claimed(shaped, keys::orgcode(&code).of_anything()).await?;
        Ok(Some(Org::checked(guid.unwrap_or(OrgGuid::NOWHERE))))
    }

    /// The org that holds the code in the request. Where the deployment is one org's, no other has codes.
    async fn holder(&self, shaped: &Shaped) -> Result<Org> {
        let held_by = shaped.framed.task.holder();
        let (claim, unknown) = held_by.ok_or_else(|| Error::internal("the route names no code"))?;
        let guid = self.claimed(shaped, claim).await?.ok_or(unknown)?;
        if let Some(code) = &self.app.settings.public_org
            && self.claimed(shaped, keys::orgcode(code).of_anything()).await? != Some(guid)
        {
            return Err(unknown.into());
        }
        Ok(Org::checked(guid))
    }

    /// The org that the claim on a code names. A code never changes its org.
    async fn claimed(&self, shaped: &Shaped, claim: Key<Anything>) -> Result<Option<OrgGuid>> {
        let (partition, _) = claim.parts();
        if let Some(guid) = self.app.remembered(partition) {
            return Ok(Some(guid));
        }
        let holder: Option<Holder> = shaped.store.part(&claim).await?;
        if let Some(Holder { org_guid }) = holder {
            self.app.remember(partition, org_guid);
        }
        Ok(holder.map(|holder| holder.org_guid))
    }

    fn header_org(&self, shaped: &Shaped) -> Result<Option<OrgCode>> {
        let frame = &shaped.framed.frame;
        let context = frame.request_context.as_ref().and_then(|context| context.orgcode.as_deref());
        let context = context
            .map(str::parse::<OrgCode>)
            .transpose()
            .map_err(|problem| Error::from(("request_context.orgcode", problem)))?;
        let mut named = [&self.headers.orgcode, &frame.orgcode, &context].into_iter().flatten();
        let first = named.next();
        if named.any(|other| Some(other) != first) {
            return Err(Error::from(Tag::ContextMismatch).detail("field", "orgcode"));
        }
        Ok(first.cloned())
    }

    /// Refuses whoever does not belong to the org, exactly as if there were no such org.
    fn associated(
        &self,
        caller: &Caller,
        org: Option<Org>,
        found: &Found,
        now: Time,
    ) -> Result<Option<(Org, Stored<OrgRecord>)>> {
        let Some(org) = org else { return Ok(None) };
        let record = found.get(&keys::org(&org))?.ok_or(Tag::NotFound)?;
        let is_operator = matches!(caller.principal, Principal::Operator { .. });
        let is_there = is_operator || record.record.status != OrgStatus::Doomed;
        let belongs = if self.access().needs_association() {
            is_there && caller.belongs(&org, now)
        } else {
            is_there || self.route.org != OrgFrom::Deployment
        };
        if !belongs {
            return Err(Tag::NotFound.into());
        }
        Ok(Some((org, record)))
    }

    /// The org's status must allow changes (contract §4, *Org gate*).
    fn gate(&self, caller: &Caller, org: Option<&OrgRecord>) -> Result<()> {
        let traits = self.route.handler.traits();
        let is_operator = matches!(caller.principal, Principal::Operator { .. });
        match org {
            Some(org)
                if traits.writes && traits.gated && !is_operator && org.status != OrgStatus::Verified =>
            {
                let status = serde_json::to_value(org.status).map_err(Error::internal)?;
                Err(Error::from(Tag::OrgWriteBlocked).detail("status", status))
            }
            _ => Ok(()),
        }
    }

    fn now(&self, found: &Found) -> Result<Time> {
        let machine = self.app.clock.now();
        Ok(match found.get(&keys::clock())? {
            Some(shift) if self.app.settings.test_clock => shift.record.apply(machine),
            _ => machine,
        })
    }

    fn context(&self, caller: &Caller, org: Option<&OrgRecord>) -> RequestContext {
        RequestContext {
            logical_guid: self.headers.logical_guid.as_ref().map(ToString::to_string),
            channel_code: self.headers.channel_code.as_ref().map(|code| code.0.clone()),
            cccode: self.headers.cccode.as_ref().map(ToString::to_string),
            ..caller.context(org)
        }
    }

    fn ctx(
        &self,
        shaped: &Shaped,
        caller: Caller,
        org: Option<(Org, Stored<OrgRecord>)>,
        context: RequestContext,
        as_owner: bool,
        now: Time,
    ) -> Ctx {
        let frame = &shaped.framed.frame;
        let stamp = Stamp {
            now,
            context,
            as_owner,
            surface: self.headers.surface.map(str::to_owned),
            build: serde_json::to_value(build()).unwrap_or_default(),
            request_id: self.request_id.clone(),
            gateway_request_id: self.gateway_request_id.clone(),
            reason: frame.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            reason_code: frame.reason_code,
            source_refs: frame.source_refs.clone().unwrap_or_default(),
        };
        let request = Requested {
            route: self.route,
            store: shaped.store.clone(),
            memo: shaped.memo.clone(),
            caller,
            org,
            stamp: Arc::new(stamp),
            limit: self.route.handler.traits().page_size.limit(frame.limit),
            token: frame.next_token.as_ref().map(|token| token.as_str().to_owned()),
            filters: canonical::text(&shaped.framed.own),
            source_ip: self.source_ip.clone(),
            user_agent: self.headers.user_agent.clone(),
            place: OnceLock::new(),
            ahead: Mutex::default(),
            beside: Mutex::default(),
        };
        Ctx { app: self.app, request: Arc::new(request) }
    }

    fn idempotency_key(&self, framed: &Framed<'_>) -> Result<Option<String>> {
        let traits = self.route.handler.traits();
        let (header, body) = (&self.headers.idempotency_key, &framed.frame.idempotency_key);
        match (header, body) {
            _ if !traits.writes || traits.ignores_idempotency => Ok(None),
            (Some(header), Some(body)) if header != body => {
                Err(Error::from(Tag::ContextMismatch).detail("field", "idempotency_key"))
            }
            _ => Ok(header.as_ref().or(body.as_ref()).map(|key| key.0.clone())),
        }
    }

    /// The hash of an idempotency key's scope: route and key, and the caller where there is no org.
    fn replay_key(&self, shaped: &Shaped, org: Option<&Org>) -> Option<String> {
        let key = shaped.idempotency_key.as_ref()?;
        let principal = match (&shaped.credential, org) {
            (_, Some(_)) => Value::Null,
            (Credential::Session(token), None) => token.user_guid.to_string().into(),
            (Credential::Key(token), None) => token.service_account_guid.to_string().into(),
            (Credential::Operator(_) | Credential::None, None) => "operator".into(),
        };
        Some(canonical::hash(&Value::from(vec![self.route.call.name.into(), key.as_str().into(), principal])))
    }

    /// By which a repeat is known to be one.
    fn payload_hash(&self, framed: &Framed<'_>, org: Option<&Org>) -> String {
        if self.route.handler.traits().holds_secret {
            let tenant = org.map_or_else(|| "-".to_owned(), |org| org.guid().to_string());
            return self.app.settings.lookup_key.hash(&tenant, "payload", &canonical::text(&framed.payload));
        }
        canonical::hash(&framed.payload)
    }

    fn replay(
        &self,
        framed: &Framed<'_>,
        context: &RequestContext,
        org: Option<&(Org, Stored<OrgRecord>)>,
        hash: String,
        now: Time,
    ) -> Replay {
        Replay {
            org_guid: org.map(|(org, _)| org.guid()),
            service: self.app.service.name.to_owned(),
            hash,
            principal: context.actor.clone().unwrap_or_default(),
            payload: self.payload_hash(framed, org.map(|(org, _)| org)),
            data: None,
            revision: None,
            sent: None,
            until: now.plus_hours(Replay::HOURS),
        }
    }
}

fn done(outcome: Outcome) -> Done {
    Done { data: outcome.data, revision: outcome.revision, sent: outcome.sent, replayed: false }
}

/// An org named twice must be one org (ofm §1, `org*`).
fn agree_on_org(framed: &Framed<'_>, org: Option<&(Org, Stored<OrgRecord>)>) -> Result<()> {
    match (&framed.frame.orgcode, org) {
        (Some(code), Some((_, record))) if *code != record.record.orgcode => {
            Err(Error::from(Tag::ContextMismatch).detail("field", "orgcode"))
        }
        _ => Ok(()),
    }
}

/// The first answer again, where the key was used before (contract §5).
fn replayed(found: &Found, mine: &Replay, now: Time) -> Result<Option<Done>> {
    let key = Replay::key_of(&mine.service, mine.org_guid.map(Org::checked).as_ref(), &mine.hash);
    match found.get(&key)? {
        Some(first) if first.record.holds(now) && first.record.answers(mine) => {
            repeat(first.record).map(Some)
        }
        Some(first) if first.record.holds(now) => Err(Tag::IdempotencyMismatch.into()),
        _ => Ok(None),
    }
}

/// A refusal, unless the same request was carried out while this one was decided: what was read last may be its effect.
/// Then its answer again.
async fn refuse(shaped: &Shaped, mine: Option<&Replay>, now: Time, error: Error) -> Result<Done> {
    let Some(mine) = mine.filter(|_| !error.is_moved()) else { return Err(error) };
    let key = Replay::key_of(&mine.service, mine.org_guid.map(Org::checked).as_ref(), &mine.hash);
    match shaped.store.get(&key).await? {
        Some(first) if first.record.holds(now) && first.record.answers(mine) => repeat(first.record),
        _ => Err(error),
    }
}

fn repeat(first: Replay) -> Result<Done> {
    // What was blanked when a person was erased is not there any more (crm §7).
    let data = first.data.ok_or(Tag::NotFound)?;
    let data = RawValue::from_string(data).map_err(Error::internal)?;
    Ok(Done { data, revision: first.revision, sent: first.sent.unwrap_or_default(), replayed: true })
}

/// Notes that the credential was used (usm §3 and §4), beside the work of the handler. A touch that fails fails
/// nothing.
async fn touch(ctx: &Ctx) {
    let (store, now) = (&ctx.request.store, ctx.now());
    let touched = match &ctx.caller().principal {
        Principal::Session { session, .. } => match session.record.touched(now) {
            Some(touched) => store.touch(&store::System, session, &touched, Session::TOUCHED).await,
            None => Ok(()),
        },
        Principal::Key { key, .. } => match key.record.used(now) {
            Some(used) => store.touch(&Org::checked(key.record.org_guid), key, &used, ApiKey::TOUCHED).await,
            None => Ok(()),
        },
        Principal::Anonymous | Principal::Operator { .. } => Ok(()),
    };
    if let Err(error) = touched {
        tracing::debug!(tag = error.tag().name(), "a touch failed");
    }
}
