//! The test clock (usm §5, `clock-set`).

use contract::{
    error::{Error, Result, Tag},
    time::Time,
};
use identity::{clock::ClockShift, keys};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Answer, Class, Ctx, OrgFrom, Route, Written, direct::action, write};
use store::System;

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[Route {
    call: action("clock-set"),
    summary: "Move the time of a deployment that runs with a test clock",
    class: Class::A,
    org: OrgFrom::Nowhere,
    access: Access::Operator,
    errors: &[Tag::InvalidState],
    handler: &write(set),
}];

#[derive(Clone, Deserialize, JsonSchema)]
struct Set {
    /// What the time is to be; this or `advance_seconds`.
    now: Option<Time>,
    /// By how many seconds to move it on.
    advance_seconds: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
struct Now {
    /// What the time is now.
    now: Time,
}

async fn set(ctx: Ctx, input: Set) -> Result<Written<Now>> {
    if !ctx.has_test_clock() {
        return Err(Tag::InvalidState.into());
    }
    let now = match (input.now, input.advance_seconds) {
        (Some(now), None) => now,
        (None, Some(seconds)) => advanced(ctx.now(), seconds)?,
        (None, None) => return Err(Error::field("now", "is required, or advance_seconds")),
        (Some(_), Some(_)) => return Err(Error::field("advance_seconds", "must not stand beside now")),
    };
    let before = ctx.get(&keys::clock()).await?;
    let shift = ClockShift { millis: now.millis() - ctx.machine_time().millis() };
    let mut change = ctx.change();
    match &before {
        Some(before) => change.adjust(&System, before, shift, "clock-set")?,
        None => change.create(&System, shift, "clock-set")?,
    };
    Ok(change.answer(Answer::new(Now { now })))
}

/// The time so much later, where there is one.
fn advanced(now: Time, seconds: i64) -> Result<Time> {
    let millis = seconds.checked_mul(1000).and_then(|millis| now.millis().checked_add(millis));
    millis
        .and_then(Time::from_millis)
        .ok_or_else(|| Error::field("advance_seconds", "must stay in the years 0 to 9999"))
}
