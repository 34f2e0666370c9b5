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
    time::Time,
};
use futures::future::{join, join3};
use identity::{
    keys,
    org::{OrgRecord, OrgStatus},
};
use serde_json::{Map, Value, value::RawValue};
use store::{
    Anything, Batch, Claimed, Committed, Deadline, Found, Key, Meter, Org, Replay, Sent, Stamp, Store, Stored,
};

use crate::{
    access::Access,
    answer::Outcome,
    app::{App, build},
    caller::{Caller, Credential, Principal, agree},
    ctx::{Ctx, Requested},
    first_reads::FirstReads,
    frame::{self, Framed},
    headers::Headers,
    limit::Limit,
    memo::Memo,
    place::Place,
    replay::{carried_out, refuse, repeat, replayed},
    route::{OrgFrom, Route},
    touch::touch,
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
    /// Whether the caller passed the caller check.
    pub(crate) passed: bool,
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
pub(crate) struct Holder {
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
pub(crate) struct Shaped {
    pub(crate) framed: Framed<'static>,
    pub(crate) credential: Credential,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) store: Store,
    /// The limit that it is under where its caller is not known.
    pub(crate) strangers: Option<Limit>,
    /// The claim on the org's code that was not read, because the code was remembered.
    pub(crate) spared: OnceLock<Key<Anything>>,
    memo: Arc<Memo>,
}

/// A caller who passed the caller check and may call the route.
struct Passed {
    caller: Caller,
    org: Option<(Org, Stored<OrgRecord>)>,
    context: RequestContext,
    as_owner: bool,
}

impl Run {
    /// The rule of who may call, in this deployment.
    pub(crate) fn access(&self) -> Access {
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
        let store = self.app.store.metered(self.meter.clone()).until(self.deadline);
        let credential = match self.credential(&framed) {
            Ok(credential) => credential,
            Err(error) => return Err(self.refuse_nameless(&framed, &store, seen, error).await),
        };
        let idempotency_key = self.idempotency_key(&framed)?;
        let (strangers, spared) = (self.strangers(&credential, &framed.frame), OnceLock::new());
        let memo = Arc::default();
        let shaped = Shaped { framed, credential, idempotency_key, store, strangers, spared, memo };
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

    fn credential(&self, framed: &Framed<'_>) -> Result<Credential> {
        let frame = &framed.frame;
        match &frame.actor {
            Some(actor) => Ok(Credential::Operator(actor.as_str().to_owned())),
            None => Credential::choose(
                self.access(),
                [self.headers.session.as_ref(), frame.session_guid.as_ref()],
                [self.headers.key.as_ref(), frame.api_key.as_ref()],
            ),
        }
    }

    async fn attempt(&self, shaped: &Shaped, seen: &mut Seen) -> Result<Done> {
        seen.passed = false;
        self.refuse_stranger_again(shaped, seen)?;
        match Box::pin(self.decide_once(shaped, seen)).await {
            Err(error) if self.is_of_stranger(&error, seen) => {
                Err(self.refuse_stranger(shaped, seen, error).await)
            }
            result => result,
        }
    }

    async fn decide_once(&self, shaped: &Shaped, seen: &mut Seen) -> Result<Done> {
        let org = match self.org(shaped).await {
            Ok(org) => org,
            Err(error) => return Err(self.refuse_orgless(shaped, seen, error).await),
        };
        let limit = self.limit(shaped, org.as_ref(), seen);
        let Some(limit) = limit else { return Box::pin(self.check(shaped, org, None, seen)).await };
        limit.refuse_again(seen)?;
        let is_prompt = self.reports_at_once(shaped, org.as_ref(), &limit);
        let checked = Box::pin(self.check(shaped, org, Some(&limit), seen));
        if !is_prompt {
            return checked.await;
        }
        let (result, ()) = join(checked, limit.report(&shaped.store)).await;
        result
    }

    /// Whether what is to be reported of the rate goes out beside the caller check. A stranger is not to feel by the time
    /// how busy an org is.
    fn reports_at_once(&self, shaped: &Shaped, org: Option<&Org>, limit: &Limit) -> bool {
        limit.is_per_address() || self.is_known(shaped, org)
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
        let weight = shaped.framed.task.weight();
        let limit = || Limit::of(self.app, self.route, &shaped.credential, org, source_ip, weight);
        (seen.tries == 1).then(limit).flatten()
    }

    async fn check(
        &self,
        shaped: &Shaped,
        org: Option<Org>,
        limit: Option<&Limit>,
        seen: &mut Seen,
    ) -> Result<Done> {
        let Shaped { framed, store, .. } = shaped;
        let first = self.first_reads(shaped, org.as_ref());
        let is_known = self.is_known(shaped, org.as_ref());
        let checks = self.checks(shaped, org.as_ref(), limit);
        let (found, ahead) = if is_known {
            self.read_with_checks(shaped, org.as_ref(), checks.clone(), &first).await?
        } else {
            (store.read(checks.clone()).await?, None)
        };
        let now = self.now(&found)?;
        seen.now = Some(now);
        if let Some(limit) = limit.filter(|limit| limit.is_per_address()) {
            limit.admit(&found, seen)?;
        }
        let Passed { caller, org, context, as_owner } = self.pass(shaped, org, limit, &found, seen)?;
        let tenant = org.as_ref().map(|(org, _)| *org);
        let (found, ahead) = if is_known {
            (found, ahead)
        } else {
            self.read_after_checks(shaped, tenant.as_ref(), &checks, &first, found).await?
        };

        let FirstReads { also, place, replay_key, .. } = first;
        let mine = replay_key.map(|hash| self.replay(framed, &context, org.as_ref(), hash, now));
        let ctx = self.ctx(shaped, caller, org, context, as_owner, now);
        ctx.keep(ahead, found.beside(also));
        if let Some((org, logical)) = &place {
            let _ = ctx.request.place.set(Place::of(org, shaped.credential.assignee(), *logical, &found)?);
        }
        let before = mine.as_ref().map_or(Ok(None), |mine| replayed(&found, mine, now)).transpose();
        if let Some(before) = before {
            // Who lost the grant meanwhile is not told of the first answer either (contract §5).
            if self.route.access.grant().is_some() {
                ctx.admit(framed.task.place(), framed.task.hangs_on(&ctx, &found)?).await?;
            }
            return before;
        }
        let late = limit.filter(|limit| !is_known && !limit.is_per_address());
        let report = async {
            if let Some(limit) = late {
                limit.report(store).await;
            }
        };
        let (result, (), ()) =
            join3(Box::pin(self.decide(shaped, &ctx, &found, mine)), touch(&ctx), report).await;
        result
    }

    /// All that the caller check needs (usm §2), and what the limits need beside it.
    fn checks(&self, shaped: &Shaped, org: Option<&Org>, limit: Option<&Limit>) -> Batch {
        let mut batch = Batch::default();
        shaped.credential.wants(org, &mut batch);
        if let Some(limit) = limit {
            limit.wants(&mut batch);
        }
        if self.app.settings.test_clock {
            batch.want(&keys::clock());
        }
        batch
    }

    /// Credential, association, rate limit, role, org gate: by what the caller check read.
    fn pass(
        &self,
        shaped: &Shaped,
        org: Option<Org>,
        limit: Option<&Limit>,
        found: &Found,
        seen: &mut Seen,
    ) -> Result<Passed> {
        let (framed, now) = (&shaped.framed, self.now(found)?);
        self.forget(shaped, org.as_ref());
        let principal = shaped.credential.check(found, now)?;
        let caller = Caller::within(principal, org.as_ref(), found)?;
        seen.actor = caller.actor();
        seen.source = caller.source();
        let org = self.associated(&caller, org, found, now)?;
        seen.passed = true;
        self.note_pass(shaped, org.as_ref().map(|(org, _)| org));
        agree_on_org(framed, org.as_ref())?;
        let context = self.context(&caller, org.as_ref().map(|(_, record)| &record.record));
        seen.orgcode.clone_from(&context.orgcode);
        seen.session_fingerprint.clone_from(&context.session_fingerprint);
        seen.api_key_fingerprint.clone_from(&context.api_key_fingerprint);
        if let Some(limit) = limit.filter(|limit| !limit.is_per_address()) {
            limit.admit(found, seen)?;
        }
        if let Some(claimed) = &framed.frame.request_context {
            agree(claimed, &context)?;
        }
        let as_owner = self.access().check(&caller)?;
        self.gate(&caller, org.as_ref().map(|(_, record)| &record.record))?;
        Ok(Passed { caller, org, context, as_owner })
    }

    async fn decide(&self, shaped: &Shaped, ctx: &Ctx, found: &Found, mine: Option<Replay>) -> Result<Done> {
        let outcome = match shaped.framed.task.run(ctx.clone(), found).await {
            Ok(outcome) => outcome,
            Err(error) => return refuse(shaped, mine.as_ref(), ctx.now(), error).await,
        };
        let Some(change) = &outcome.change else {
            let before = carried_out(shaped, mine.as_ref(), ctx.now()).await?;
            return Ok(before.unwrap_or_else(|| done(outcome)));
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
            let _ = shaped.spared.set(claim);
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
