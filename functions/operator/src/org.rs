//! The status of orgs: every move of the table, without cooldown (ofm §4).

use contract::{
    error::{Result, Tag},
    revision,
};
use identity::org::{ARCS, OrgRecord, OrgStatus};
use schemars::JsonSchema;
use serde::Deserialize;
use service::{Access, Class, Ctx, Names, OrgFrom, Route, Written, allow, change, direct::action, revised};
use store::{Key, Org, Shown, Stored};

use crate::keys;

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[Route {
    call: action("org-status-set"),
    summary: "Set the status of an org",
    class: Class::A,
    org: OrgFrom::Body,
    access: Access::Operator,
    errors: &[Tag::InvalidTransition],
    handler: &change(set_status),
}];

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The revision that was seen.
    expected_revision: Option<revision::Tag>,
    /// The new status.
    status: OrgStatus,
}

impl Names for SetStatus {
    type Record = OrgRecord;

    fn key(&self, org: &Org) -> Key<OrgRecord> {
        keys::org(org)
    }
}

revised!(SetStatus);

async fn set_status(
    ctx: Ctx,
    input: SetStatus,
    before: Stored<OrgRecord>,
) -> Result<Written<Shown<OrgRecord>>> {
    allow(ARCS, before.record.status, input.status)?;
    let moved = before.record.moved_by_operator(input.status, ctx.now());
    let mut change = ctx.change();
    let after = change.update(ctx.org()?, &before, moved, "org-status-set")?;
    change.show(&after)
}
