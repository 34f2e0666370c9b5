//! Whether the service answers (crm §1).

use contract::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Answer, Class, Ctx, OrgFrom, Route, get, read};

/// The routes.
pub(crate) static ROUTES: &[Route] = &[Route {
    call: get("/stat"),
    summary: "Tell whether the service answers",
    class: Class::A,
    org: OrgFrom::Nowhere,
    access: Access::Public,
    errors: &[],
    handler: &read(stat),
}];

#[derive(Clone, Deserialize, JsonSchema)]
struct Stat {}

/// That it does, and nothing of the caller.
#[derive(Serialize, JsonSchema)]
struct Health {
    /// The service.
    service: &'static str,
    /// `active`.
    status: &'static str,
}

async fn stat(_: Ctx, _: Stat) -> Result<Answer<Health>> {
    Ok(Answer::new(Health { service: crate::SERVICE.name, status: "active" }))
}
