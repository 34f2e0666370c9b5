//! Making codes, listing and switching them (referral §1).

use contract::{
    codes::ReferralCode,
    error::{Error, Result, Tag},
    foreign_id::ForeignId,
    revision::Counter,
    states::{Filter, visible},
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Answer, Class, Ctx, HeldBy, Names, OrgFrom, Route, Written, allow, change, direct::action, list,
    revised, write,
};
use store::{Key, Org, Shown, Stored, System};

use super::upkeep;
use crate::{
    code::{ARCS, Code, CodeClaim, CodeStatus, DEFAULT_WINDOW, MOST_WINDOW},
    keys,
};

/// The actions.
pub static ACTIONS: &[Route] = &[
    Route {
        call: action("referral-code-create"),
        summary: "Make a mentor's referral code",
        class: Class::A,
        org: OrgFrom::BodyCode,
        access: Access::Operator,
        errors: &[Tag::DuplicateCode],
        handler: &write(create),
    },
    Route {
        call: action("referral-code-list"),
        summary: "List the referral codes of an org or of a mentor, by code",
        class: Class::A,
        org: OrgFrom::BodyCode,
        access: Access::Operator,
        errors: &[],
        handler: &list(list_by_code),
    },
    Route {
        call: action("referral-code-status-set"),
        summary: "Disable or enable a referral code",
        class: Class::A,
        org: OrgFrom::Holder,
        access: Access::Operator,
        errors: &[Tag::CodeNotFound, Tag::InvalidTransition],
        handler: &change(set_status).of_org_that_holds(holder),
    },
];

/// The code in the answer about one.
#[derive(Serialize, JsonSchema)]
struct OneCode {
    /// The code.
    referral_code: Shown<Code>,
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// Whose it is: the id of another system.
    mentor_id: ForeignId,
    /// Made by the server unless given.
    code: Option<ReferralCode>,
    /// From when on clicks are refused; never unless given.
    expires_at: Option<Time>,
    /// For so many times 24 hours after a click a recruitment can be confirmed: 1 to 365, 30 unless given.
    window_days: Option<u16>,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<OneCode>> {
    let (org, orgcode) = (ctx.org()?, ctx.org_record()?.record.orgcode.clone());
    let window_days = input.window_days.unwrap_or(DEFAULT_WINDOW);
    if !(1..=MOST_WINDOW).contains(&window_days) {
        return Err(Error::field("window_days", "must be 1 to 365"));
    }
    if let Some(code) = &input.code
        && let Some(known) = ctx.get(&keys::code::by_code(org, code)).await?
    {
        if known.record.mentor_id != input.mentor_id {
            return Err(taken());
        }
        let answer = ctx.show(&known)?.map(|referral_code| OneCode { referral_code });
        return Ok(ctx.change().answer(answer));
    }
    let code = input.code.unwrap_or_else(|| random_code(&ctx));
    let record = Code {
        code: code.clone(),
        mentor_id: input.mentor_id,
        orgcode,
        status: CodeStatus::Active,
        expires_at: input.expires_at,
        window_days,
    };
    let mut change = ctx.change();
    let org_guid = org.guid();
    // A code that the org got at the same time may be the same mentor's.
    let held = move |claim: &CodeClaim| {
        if claim.org_guid == org_guid { Error::moved("the code was made") } else { taken() }
    };
    change.claim(&System, CodeClaim { code, org_guid }, held)?;
    let created = change.create(org, record, "referral-code-created")?;
    upkeep::begin(&ctx, &mut change).await?;
    let answer = ctx.show(&created)?.map(|referral_code| OneCode { referral_code });
    Ok(change.answer(answer))
}

fn taken() -> Error {
    Error::from(Tag::DuplicateCode).detail("field", "code")
}

fn random_code(ctx: &Ctx) -> ReferralCode {
    let mut random = [0; 12];
    ctx.chance().fill(&mut random);
    ReferralCode::from_random(random)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only this mentor's.
    mentor_id: Option<ForeignId>,
    /// Only those that stand so, or `all`; all unless given.
    status: Option<Filter<CodeStatus>>,
}

/// A page of codes.
#[derive(Serialize, JsonSchema)]
struct Codes {
    /// The codes.
    referral_codes: Vec<Shown<Code>>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

async fn list_by_code(ctx: Ctx, input: List) -> Result<Answer<Codes>> {
    let (org, statuses) = (ctx.org()?, visible(input.status, None));
    let listing = match &input.mentor_id {
        Some(mentor) => keys::code::by_mentor(org, mentor, &statuses),
        None => keys::code::by_status(org, &statuses),
    };
    let page = ctx.list(&listing).await?;
    Ok(Answer::new(Codes { referral_codes: page.show(&ctx), next_token: page.next_token }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The code.
    code: ReferralCode,
    /// The revision that was seen.
    expected_revision: Option<Counter>,
    /// How it is to stand.
    status: CodeStatus,
}

impl Names for SetStatus {
    type Record = Code;

    fn key(&self, org: &Org) -> Key<Code> {
        keys::code::by_code(org, &self.code)
    }
}

revised!(SetStatus);

fn holder(input: &SetStatus) -> HeldBy {
    (keys::code::claim(&input.code).of_anything(), Tag::CodeNotFound)
}

async fn set_status(ctx: Ctx, input: SetStatus, before: Stored<Code>) -> Result<Written<OneCode>> {
    allow(ARCS, before.record.status, input.status)?;
    let code = Code { status: input.status, ..before.record.clone() };
    let mut change = ctx.change();
    let after = change.update(ctx.org()?, &before, code, "referral-code-status-set")?;
    let answer = ctx.show(&after)?.map(|referral_code| OneCode { referral_code });
    Ok(change.answer(answer))
}
