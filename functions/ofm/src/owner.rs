//! Owners: the members who answer for an org (contract ofm §8).

use contract::{
    error::Result,
    states::{Filter, visible},
};
use identity::{
    keys,
    owner::{Owner, OwnerState},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Answer, Class, Ctx, OrgFrom, Route, list, post};
use store::Shown;

use crate::access::ASSOCIATED;

/// The routes.
pub static ROUTES: &[Route] = &[Route {
    call: post("/owner/list"),
    summary: "List the owners of an org, oldest first",
    class: Class::B,
    org: OrgFrom::Body,
    access: ASSOCIATED,
    errors: &[],
    handler: &list(list_oldest_first),
}];

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only owners in this state, or `all`; those not removed unless said otherwise.
    state: Option<Filter<OwnerState>>,
    /// Whether removed owners are shown too.
    include_doomed: Option<bool>,
}

/// A page of owners.
#[derive(Serialize, JsonSchema)]
struct Owners {
    /// The owners.
    owners: Vec<Shown<Owner>>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

async fn list_oldest_first(ctx: Ctx, input: List) -> Result<Answer<Owners>> {
    let states = visible(input.state, input.include_doomed);
    let page = ctx.list(&keys::owners_by_state(ctx.org()?, &states)).await?;
    Ok(Answer::new(Owners { owners: page.show(&ctx), next_token: page.next_token }))
}
