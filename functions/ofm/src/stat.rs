//! Whether the service answers (contract ofm §3).

use contract::{error::Result, time::Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Answer, Class, Ctx, OrgFrom, Route, get, read};

/// The routes.
pub static ROUTES: &[Route] = &[Route {
    call: get("/stat"),
    summary: "Tell whether the service answers",
    class: Class::B,
    org: OrgFrom::Nowhere,
    access: Access::Any,
    errors: &[],
    handler: &read(stat),
}];

#[derive(Clone, Deserialize, JsonSchema)]
struct Stat {}

/// That it does.
#[derive(Serialize, JsonSchema)]
struct Health {
    /// The service.
    service: &'static str,
    /// `ok`.
    status: &'static str,
    /// Where the rest stands.
    note: &'static str,
    /// The time of the service.
    time_utc: Time,
}

async fn stat(ctx: Ctx, _: Stat) -> Result<Answer<Health>> {
    Ok(Answer::new(Health {
        service: crate::SERVICE.name,
        status: "ok",
        note: "See Envelope",
        time_utc: ctx.now(),
    }))
}
