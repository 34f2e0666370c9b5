//! The state of members (ofm §9).

use contract::{
    error::{Error, Result, Tag},
    ids::UserGuid,
    revision,
};
use identity::{
    keys,
    member::{ARCS, Member, MemberState},
    owner::OwnerState,
};
use ofm::timesheet::void;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use service::{
    Access, Class, Ctx, OrgFrom, Route, Written, allow, change, clocked_in, direct::action, names, parting,
    records::MemberView, revised,
};
use store::Stored;

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[Route {
    call: action("member-state-set"),
    summary: "Suspend, reinstate or remove a member",
    class: Class::A,
    org: OrgFrom::Body,
    access: Access::Operator,
    errors: &[Tag::InvalidTransition, Tag::InUse],
    handler: &change(set_state),
}];

names!([SetState] Member = keys::member[user_guid]);
revised!(SetState);

#[derive(Clone, Deserialize, JsonSchema)]
struct SetState {
    /// The member.
    user_guid: UserGuid,
    /// The revision that was seen.
    expected_revision: Option<revision::Tag>,
    /// The new state.
    state: MemberState,
    /// Removes the member also while they are clocked in: the open timesheet entry is voided.
    force: Option<bool>,
}

async fn set_state(ctx: Ctx, input: SetState, before: Stored<Member>) -> Result<Written<MemberView>> {
    allow(ARCS, before.record.state, input.state)?;
    if input.state != MemberState::Active {
        refuse_owner(&before.record)?;
    }
    let mut change = ctx.change();
    match (input.state, input.force) {
        (MemberState::Removed, Some(true)) => {
            void::open_entry_of(&ctx, &mut change, input.user_guid).await?;
        }
        (MemberState::Removed, _) => clocked_in::refuse(&ctx, &mut change, input.user_guid).await?,
        (MemberState::Active | MemberState::Suspended, _) => {}
    }
    let mut member = Member { state: input.state, ..before.record.clone() };
    if input.state != MemberState::Active {
        member = parting::lapsed(&ctx, &mut change, member)?;
    }
    let after = change.update(ctx.org()?, &before, member, "member-state-set")?;
    change.show(&after)
}

/// An active owner stays an active member.
fn refuse_owner(member: &Member) -> Result<()> {
    match member.owner {
        Some(owner) if owner.state == OwnerState::Active => {
            let blocking = json!([{"kind": "owner", "count": 1, "sample_id": member.user_guid}]);
            Err(Error::from(Tag::InUse).detail("blocking", blocking))
        }
        _ => Ok(()),
    }
}
