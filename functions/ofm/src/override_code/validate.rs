//! `/override-code/validate`: uses a code, if everything about it is right (contract ofm §14, *Validate*).

use contract::{
    error::{Error, Result, Tag},
    grants::Grant,
    ids::{LogicalGuid, OverrideId, StationGuid, UserGuid},
    reason::SourceRef,
    text::Text,
    time::Time,
};
use identity::{
    keys::{logical_facility, member},
    member::MemberState,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{Access, Answer, Class, Ctx, OrgFrom, Route, Writer, Written, person, post, write};
use store::{Action, Batch, Stored};

use super::{
    OverrideCode,
    checks::{Attempt, Passed, judge},
    digits::{self, Digits},
    issuer::{self, Issuer},
    lockout::{Counts, Subject},
    worth::{OverrideType, Worth},
};
use crate::{
    keys,
    lifecycle::{unusable, usable},
};

/// The routes.
pub static ROUTES: &[Route] = &[Route {
    call: post("/override-code/validate"),
    summary: "Use an override code, or ask whether it could be used",
    class: Class::D,
    org: OrgFrom::Body,
    access: Access::Granted(Grant::FacilityRead, &[]),
    errors: &[
        Tag::InvalidState,
        Tag::OverrideNotFound,
        Tag::OverrideNotActive,
        Tag::OverrideFacilityMismatch,
        Tag::OverrideTypeMismatch,
        Tag::OverrideBindingMismatch,
        Tag::OverrideSelfUse,
        Tag::OverrideLimitExceeded,
        Tag::OverrideExhausted,
        Tag::OverrideExpired,
        Tag::CurrencyMismatch,
    ],
    handler: &write(validate).at(|input| Some(input.logical_guid)).with_secret(),
}];

#[derive(Clone, Deserialize, JsonSchema)]
struct Validate {
    /// The facility: an active one.
    logical_guid: LogicalGuid,
    /// The digits.
    code: Digits,
    /// What it is to be used for.
    #[serde(rename = "type")]
    kind: OverrideType,
    /// How much; required where the type has a worth.
    value: Option<Worth>,
    /// The cashier; the caller unless given. A key must name one; a person who names another needs the grant
    /// `facility:write` there.
    operator_user_guid: Option<UserGuid>,
    /// The till: failures are counted by caller and till.
    station_guid: Option<StationGuid>,
    /// What is done, for codes that are bound to it.
    action: Option<Text<1, 64>>,
    /// The record that it is done to, likewise.
    record: Option<SourceRef>,
    /// The business reference: the same one on the same code is one use.
    use_ref: Option<Text<1, 128>>,
    /// Only asks: uses nothing.
    dry_run: Option<bool>,
}

/// A code that is right.
#[derive(Serialize, JsonSchema)]
struct Validated {
    /// Always true: what is wrong is refused.
    valid: bool,
    /// Its public handle.
    override_id: OverrideId,
    /// The facility.
    logical_guid: LogicalGuid,
    /// What it is for.
    #[serde(rename = "type")]
    kind: OverrideType,
    /// How much it allows at a time.
    max_value: Option<Worth>,
    /// How often it was used, this time included.
    used_count: u32,
    /// How often it may still be.
    uses_left: u32,
    /// When it ends.
    expires_at: Time,
    /// Who gave it out.
    issued_by: UserGuid,
    /// Whether the use with this reference was made before.
    replayed: bool,
}

/// What a validation has to do with.
struct Grounds {
    subject: Subject,
    counts: Counts,
    cashier: UserGuid,
    code: Option<Stored<OverrideCode>>,
    issuer: Option<Issuer>,
}

async fn validate(ctx: Ctx, input: Validate) -> Result<Written<Validated>> {
    input.kind.check(input.value, "value")?;
    let grounds = Grounds::read(&ctx, &input).await?;
    let code = grounds.code.as_ref().map(|code| &code.record);
    let attempt = attempt(&ctx, &input, &grounds);
    let passed = match judge(code, &attempt) {
        Ok(passed) => passed,
        Err(tag) => {
            grounds.counts.count_failure(&ctx, &grounds.subject).await?;
            return Err(tag.into());
        }
    };
    let code = grounds.code.as_ref().ok_or(Tag::OverrideNotFound)?;
    let mut change = ctx.change();
    let place = ctx.place(input.logical_guid).await?;
    change.require(&logical_facility(ctx.org()?, input.logical_guid), place.facility()?)?;
    if let Some(issuer) = &grounds.issuer {
        issuer.require(&mut change, ctx.org()?)?;
    }
    if passed == Passed::Before || input.dry_run == Some(true) {
        // The answer tells as much as a use: it is ordered among the failures in the same way. It forgets none, or whoever
        // has one code could guess others for ever.
        grounds.counts.require(&mut change, ctx.org()?)?;
        ctx.commit(change).await?;
        return Ok(Written::nothing(answer(code, passed)));
    }
    grounds.counts.clear(&mut change, ctx.org()?)?;
    let after = spend(&ctx, &mut change, code, &input, grounds.cashier)?;
    Ok(change.answer(answer(&after, passed)))
}

impl Grounds {
    async fn read(ctx: &Ctx, input: &Validate) -> Result<Self> {
        let org = ctx.org()?;
        let own = ctx.caller().user_guid();
        let cashier = input.operator_user_guid.or(own);
        let cashier = cashier.ok_or_else(|| Error::field("operator_user_guid", "is required"))?;
        if own.is_some_and(|own| own != cashier) {
            ctx.need_grant(input.logical_guid, Grant::FacilityWrite).await?;
        }
        let subject = Subject {
            logical_guid: input.logical_guid,
            caller: ctx.caller().actor().unwrap_or_default(),
            station_guid: input.station_guid,
        };
        let hashes = input.code.hashes(ctx)?;
        let mut batch = Batch::default();
        subject.want(org, &mut batch);
        digits::want(org, &hashes, &mut batch);
        batch.want(&member(org, cashier));
        // The caller's own user has passed the checks.
        let named = Some(cashier).filter(|cashier| own != Some(*cashier));
        if let Some(named) = named {
            person::want(named, &mut batch);
        }
        if let Some(station) = input.station_guid {
            batch.want(&keys::station::by_guid(org, station));
        }
        let found = ctx.read(batch).await?;
        let counts = subject.counts(org, &found)?;
        counts.check(ctx.now())?;
        // Failures are counted by station: whoever makes stations up would never be locked out.
        if let Some(station) = input.station_guid {
            let station = found.get(&keys::station::by_guid(org, station))?;
            let here = station.filter(|station| station.record.logical_guid == input.logical_guid);
            here.ok_or_else(|| Error::no_such("station_guid"))?;
        }
        let cashing =
            found.get(&member(org, cashier))?.ok_or_else(|| Error::no_such("operator_user_guid"))?;
        if let Some(named) = named {
            person::found(&found, named, "operator_user_guid")?;
        }
        if cashing.record.state != MemberState::Active {
            return Err(unusable("operator_user_guid", cashing.record.state));
        }
        usable(Some(ctx.place(input.logical_guid).await?.facility()?.clone()), "logical_guid")?;
        let claims = digits::claims(org, &hashes, &found)?;
        let code = match claims.first() {
            Some(claim) => issuer::read(ctx, &claim.record, input.logical_guid).await?,
            None => None,
        };
        let (code, issuer) = code.unzip();
        Ok(Self { subject, counts, cashier, code, issuer })
    }
}

fn attempt(ctx: &Ctx, input: &Validate, grounds: &Grounds) -> Attempt {
    let issuer = grounds.issuer.as_ref();
    Attempt {
        logical_guid: input.logical_guid,
        kind: input.kind,
        value: input.value,
        cashier: grounds.cashier,
        action: input.action.clone(),
        record: input.record.clone(),
        use_ref: input.use_ref.clone(),
        caller: ctx.caller().user_guid(),
        issuer_counts: issuer.is_some_and(|issuer| issuer.counts(ctx.now())),
        own_use_allowed: issuer.is_some_and(Issuer::may_use_own),
        issuer_may_give: issuer.is_some_and(|issuer| issuer.may_give(input.kind, input.value)),
        now: ctx.now(),
    }
}

/// Uses a code once, if it is still as it was read; else all is looked at again.
fn spend(
    ctx: &Ctx,
    change: &mut Writer,
    before: &Stored<OverrideCode>,
    input: &Validate,
    cashier: UserGuid,
) -> Result<Stored<OverrideCode>> {
    let mut code = before.record.clone();
    code.used_count += 1;
    code.uses.extend(input.use_ref.clone());
    if code.used_count >= code.max_uses {
        code.ended_at = Some(ctx.now());
    }
    let action = Action::from("override-code-used")
        .with("operator_user_guid", json!(cashier))
        .with("station_guid", json!(input.station_guid))
        .with("value", json!(input.value));
    change.adjust(ctx.org()?, before, code, action)
}

fn answer(code: &Stored<OverrideCode>, passed: Passed) -> Answer<Validated> {
    let OverrideCode { override_id, logical_guid, override_type, max_value, max_uses, .. } = code.record;
    let OverrideCode { used_count, expires_at, issued_by, .. } = code.record;
    let data = Validated {
        valid: true,
        override_id,
        logical_guid,
        kind: override_type,
        max_value,
        used_count,
        uses_left: max_uses.saturating_sub(used_count),
        expires_at,
        issued_by,
        replayed: passed == Passed::Before,
    };
    Answer { data, revision: Some(json!(code.revision)) }
}
