//! `/override-code/generate`: gives out a code, no wider than its issuer's own profile (contract ofm §14).

use contract::{
    error::{Error, FieldProblem, Result, Tag},
    grants::Grant,
    ids::{LogicalGuid, OverrideId, UserGuid},
};
use identity::{keys::logical_facility, member::MemberState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Class, Ctx, OrgFrom, Resource, Route, Writer, Written, post, write};

use super::{
    Bind, MOST_MINUTES, OverrideCode, OverrideView, StoredStatus,
    cap::{Asked, most},
    digits, issued,
    worth::{OverrideType, Worth},
};
use crate::{
    crew,
    lifecycle::{unusable, usable},
    profile::effective::{Effective, Source},
};

/// The routes.
pub static ROUTES: &[Route] = &[Route {
    call: post("/override-code/generate"),
    summary: "Give out an override code; its digits are told once",
    class: Class::B,
    org: OrgFrom::Body,
    access: Access::GrantedInPerson(Grant::FacilityRead),
    errors: &[Tag::InvalidState, Tag::ProfileLimitExceeded, Tag::CurrencyMismatch],
    handler: &write(generate).at(|input| Some(input.logical_guid)).also(|input, org, batch| {
        if let Some(user) = input.bound_to() {
            crew::want_named(org, user, batch);
        }
    }),
}];

const MOST_USES: u32 = 20;
const USUAL_MINUTES: u32 = 15;

#[derive(Clone, Deserialize, JsonSchema)]
struct Generate {
    /// The facility: an active one.
    logical_guid: LogicalGuid,
    /// What it is for.
    #[serde(rename = "type")]
    kind: OverrideType,
    /// How much it shall allow at a time; required where the type has a worth.
    max_value: Option<Worth>,
    /// How often it may be used: once unless given.
    #[schemars(range(min = 1, max = 20))]
    max_uses: Option<u32>,
    /// For how long it holds: 15 minutes unless given.
    #[schemars(range(min = 1, max = 480))]
    expires_in_minutes: Option<u32>,
    /// What it can be used for alone.
    bind: Option<Bind>,
}

impl Generate {
    fn uses(&self) -> u32 {
        self.max_uses.unwrap_or(1)
    }

    fn minutes(&self) -> i64 {
        self.expires_in_minutes.unwrap_or(USUAL_MINUTES).into()
    }

    fn asked(&self) -> Asked {
        Asked { kind: self.kind, worth: self.max_value, uses: self.uses().into(), minutes: self.minutes() }
    }

    fn bound_to(&self) -> Option<UserGuid> {
        self.bind.as_ref()?.user_guid
    }

    /// What holds for everybody, whatever their profile.
    fn check(&self) -> Result<()> {
        let mut problems = Vec::new();
        let mut note = |field: &str, problem: &str| {
            problems.push(FieldProblem { field: field.to_owned(), problem: problem.to_owned() });
        };
        if !(1..=MOST_USES).contains(&self.uses()) {
            note("max_uses", "must be 1 to 20");
        }
        if !(1..=MOST_MINUTES).contains(&self.minutes()) {
            note("expires_in_minutes", "must be 1 to 480");
        }
        if !problems.is_empty() {
            return Err(Error::fields(&problems));
        }
        self.kind.check(self.max_value, "max_value")?;
        let Some(amount) = self.bind.as_ref().and_then(|bind| bind.amount) else { return Ok(()) };
        self.kind.check(Some(amount), "bind.amount")?;
        match self.max_value.map(|most| amount.is_within(most)).transpose() {
            Ok(Some(false)) => Err(Error::field("bind.amount", "must be no more than max_value")),
            Ok(_) => Ok(()),
            Err(tag) => Err(Error::from(tag).detail("field", "bind.amount")),
        }
    }
}

/// A code that was given out.
#[derive(Serialize, JsonSchema)]
struct Generated {
    /// Its record.
    #[serde(flatten)]
    record: OverrideView,
    /// Its digits; told here only.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// True in the answer to a repeated request, which does not tell the digits again.
    #[serde(skip_serializing_if = "Option::is_none")]
    code_withheld: Option<bool>,
}

async fn generate(ctx: Ctx, input: Generate) -> Result<Written<Generated>> {
    input.check()?;
    let org = ctx.org()?;
    let logical = input.logical_guid;
    let issuer = ctx.caller().user_guid().ok_or(Tag::Forbidden)?;
    let mut change = ctx.change();
    rely(&ctx, &mut change, logical, input.bound_to()).await?;
    permit(&ctx, &mut change, issuer, &input).await?;
    let code = OverrideCode {
        org_guid: org.guid(),
        override_id: OverrideId::from_uuid(change.uuid()),
        logical_guid: logical,
        override_type: input.kind,
        max_value: input.max_value,
        max_uses: input.uses(),
        used_count: 0,
        expires_at: ctx.now().plus_minutes(input.minutes()),
        bind: input.bind,
        status: StoredStatus::Active,
        issued_by: issuer,
        issuer_lapses: ctx.caller().member.as_ref().map_or(0, |member| member.record.lapses),
        reason: ctx.reason().and_then(|reason| reason.parse().ok()),
        ended_at: None,
        uses: Vec::new(),
    };
    let digits = digits::draw(&ctx, &mut change, &code).await?;
    let created = change.create(org, code, "override-code-generated")?;
    let record = OverrideCode::view(&created, &ctx);
    let repeated = Generated { record, code: None, code_withheld: Some(true) };
    let code = Some(digits.reveal().to_owned());
    let answer = ctx.show(&created)?.map(|record| Generated { record, code, code_withheld: None });
    Ok(change.answer(answer).repeated_as(repeated))
}

/// Refuses a facility that is not open, now or when the change is written, and a code bound to anyone but an active
/// member who may be named.
async fn rely(ctx: &Ctx, change: &mut Writer, logical: LogicalGuid, user: Option<UserGuid>) -> Result<()> {
    let org = ctx.org()?;
    let facility = ctx.place(logical).await?.facility()?.clone();
    if let Some(user) = user {
        let member = crew::named(ctx, user, "bind.user_guid").await?;
        if member.record.state != MemberState::Active {
            return Err(unusable("bind.user_guid", member.record.state));
        }
    }
    let facility = usable(Some(facility), "logical_guid")?;
    change.require(&logical_facility(org, logical), &facility)
}

/// Refuses what is beyond the issuer's own profile there, now or when the change is written. Only an owner for whom no
/// profile is set is uncapped.
async fn permit(ctx: &Ctx, change: &mut Writer, issuer: UserGuid, input: &Generate) -> Result<()> {
    let own = Effective::own(ctx, input.logical_guid).await?;
    if !(ctx.caller().is_owner && own.source == Source::Builtin) {
        let power = own.power();
        input.asked().check(power)?;
        let an_hour = most(power.controls, "override.issue_max_per_hour");
        issued::count(ctx, change, (issuer, input.logical_guid), an_hour).await?;
    }
    own.require(change, ctx.org()?, None)
}
