//! Recording a click (referral §4).

use contract::{
    attribution_id::AttributionId,
    codes::ReferralCode,
    error::{Error, Result, Tag},
    personal::Personal,
    time::Time,
    web::{IpAddress, UserAgent, WebUrl},
};
use identity::org::OrgStatus;
use schemars::JsonSchema;
use serde::Deserialize;
use service::{
    Access, Answer, Class, Ctx, Fill, HeldBy, MayName, OrgFrom, Route, Written, post, write_if_named,
};
use store::{Key, Org, Stored};

use crate::{
    CLICKS_PER_MINUTE, DEDUPE_MINUTES, RETENTION_DAYS,
    attribution::{Attribution, AttributionView},
    code::Code,
    dedupe::{Around, CountedClick, visitor_of},
    keys, stored_answer,
    totals::{self, Count},
};

/// The routes.
pub(crate) static ROUTES: &[Route] = &[Route {
    call: post("/").named("/attribution/record"),
    summary: "Record a referral click",
    class: Class::B,
    org: OrgFrom::Holder,
    access: Access::Public,
    errors: &[Tag::CodeNotFound, Tag::CodeInactive],
    handler: &write_if_named(record)
        .of_org_that_holds(holder)
        // Whether an org may change anything is not told to everybody: its codes are inactive.
        .whatever_the_org_status()
        .filling(&[Fill::SourceAddress("ip_address"), Fill::UserAgent("user_agent")])
        .limited_per_address(&CLICKS_PER_MINUTE)
        .creating(),
}];

/// A time may be so far ahead of the service's.
pub(crate) const MOST_AHEAD_MINUTES: i64 = 5;

/// A click on a mentor's code.
#[derive(Clone, Deserialize, JsonSchema)]
struct Click {
    /// The code.
    code: ReferralCode,
    /// Where the click came from; the caller's address unless given.
    ip_address: Option<Personal<IpAddress>>,
    /// What program made it; the `user-agent` header unless given.
    user_agent: Option<Personal<UserAgent>>,
    /// Which page it was on; a fragment is dropped.
    referrer_url: Option<Personal<WebUrl>>,
    /// When it was, at most 5 minutes ahead; now unless given.
    occurred_at: Option<Time>,
}

impl MayName for Click {
    type Record = Code;

    fn key(&self, org: &Org) -> Option<Key<Code>> {
        Some(keys::code::by_code(org, &self.code))
    }
}

fn holder(input: &Click) -> HeldBy {
    (keys::code::claim(&input.code).of_anything(), Tag::CodeNotFound)
}

async fn record(ctx: Ctx, input: Click, code: Option<Stored<Code>>) -> Result<Written<AttributionView>> {
    let occurred_at = input.occurred_at.unwrap_or(ctx.now());
    if occurred_at > ctx.now().plus_minutes(MOST_AHEAD_MINUTES) {
        return Err(Error::field("occurred_at", "must not be more than 5 minutes ahead"));
    }
    let code = active(&ctx, code, occurred_at)?;
    let click = attribution(&ctx, input, code, occurred_at)?;
    let around = around(&ctx, &click).await?;
    let repeated = around.as_ref().and_then(|around| around.repeated(ctx.figure(&DEDUPE_MINUTES), ctx.now()));
    match repeated {
        Some(first) => repeat(&ctx, &first.attribution_id).await,
        None => count(&ctx, click, around.as_ref()),
    }
}

/// The code, where it takes clicks at this time.
fn active(ctx: &Ctx, code: Option<Stored<Code>>, at: Time) -> Result<Code> {
    let code = code.ok_or(Tag::CodeNotFound)?.record;
    match ctx.org_record()?.record.status {
        OrgStatus::Doomed => Err(Tag::CodeNotFound.into()),
        OrgStatus::Verified if code.is_active(at) => Ok(code),
        _ => Err(Tag::CodeInactive.into()),
    }
}

fn attribution(ctx: &Ctx, input: Click, code: Code, clicked_at: Time) -> Result<Attribution> {
    let required = || Error::field("ip_address", "is required: the gateway does not tell the caller's");
    let nameless = || "".parse().map(Personal).map_err(Error::internal);
    Ok(Attribution {
        id: AttributionId::from_uuid(ctx.uuid()),
        code: code.code,
        mentor_id: code.mentor_id,
        window_days: code.window_days,
        new_member_id: None,
        ip_address: Some(input.ip_address.ok_or_else(required)?),
        user_agent: Some(input.user_agent.map_or_else(nameless, Ok)?),
        referrer_url: input.referrer_url,
        clicked_at,
        confirmed_at: None,
    })
}

/// The counted clicks of the same visitor around this one; `None` if the deployment counts every click.
async fn around(ctx: &Ctx, click: &Attribution) -> Result<Option<Around>> {
    let minutes = ctx.figure(&DEDUPE_MINUTES);
    match visitor_of(ctx.org()?, click, ctx.lookup_key()) {
        Some(hash) if minutes > 0 => Around::read(ctx, hash, click.clicked_at, minutes).await.map(Some),
        _ => Ok(None),
    }
}

/// The first click again: nothing is counted. If the deployment is not open to the public, the caller is told no more
/// than they sent.
async fn repeat(ctx: &Ctx, first: &AttributionId) -> Result<Written<AttributionView>> {
    let org = ctx.org()?;
    let first = ctx.get(&keys::attribution::by_id(org, first)).await?;
    let first = first.ok_or_else(|| Error::moved("a click was deleted while it was repeated"))?;
    let view = AttributionView::of_click(&first);
    let view = if ctx.is_public() { view } else { view.without_referrer() };
    let mut change = ctx.change();
    stored_answer::note_of_unchanged(&mut change, org, &first)?;
    Ok(change.answer(Answer::new(view)).deduplicated())
}

fn count(ctx: &Ctx, click: Attribution, around: Option<&Around>) -> Result<Written<AttributionView>> {
    let (org, now) = (ctx.org()?, ctx.now());
    let mut change = ctx.change();
    let created = change.create(org, click, "referral-click-recorded")?;
    let click = &created.record;
    totals::add(&mut change, org, click, Count::CLICK, None);
    if let Some(around) = around {
        let until = now.plus_days(ctx.figure(&RETENTION_DAYS).into());
        let (attribution_id, clicked_at) = (click.id.clone(), click.clicked_at);
        around.add(&mut change, org, &CountedClick { attribution_id, clicked_at, until }, now)?;
    }
    stored_answer::note(&mut change, org, &click.id);
    let answer = Answer::new(AttributionView::of_click(&created));
    Ok(change.answer(answer).created(ctx.location(&click.id)))
}
