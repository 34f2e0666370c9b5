//! Owners, put right by the operator (ofm §8).

use contract::{
    error::{Error, Result, Tag},
    ids::UserGuid,
    revision,
};
use identity::{
    keys,
    owner::{Owner, OwnerState},
};
use schemars::JsonSchema;
use serde::Deserialize;
use service::{
    Access, Class, Ctx, OrgFrom, Route, Written, change,
    direct::action,
    names,
    ownership::{self, People, PrimarySet, StateSet, hand_over},
    revised, write,
};
use store::Stored;

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[
    Route {
        call: action("owner-primary-set"),
        summary: "Name another primary owner: an active member, made an owner if not one",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Operator,
        errors: &[Tag::InvalidState, Tag::LimitExceeded, Tag::Conflict],
        handler: &write(set_primary),
    },
    Route {
        call: action("owner-state-set"),
        summary: "Suspend, reinstate or remove an owner who is not the primary one",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Operator,
        errors: &[Tag::InvalidTransition, Tag::InvalidState, Tag::LastOwner, Tag::LimitExceeded],
        handler: &change(set_state),
    },
];

#[derive(Clone, Deserialize, JsonSchema)]
struct SetPrimary {
    /// Who is to be the primary owner.
    user_guid: UserGuid,
    /// The revision of that person's owner record that was seen, where there is one.
    expected_revision: Option<revision::Tag>,
}

async fn set_primary(ctx: Ctx, input: SetPrimary) -> Result<Written<PrimarySet>> {
    let (org, former) = (ctx.org()?, ctx.org_record()?.record.primary_owner_user_guid);
    let people = People::read(&ctx, &[input.user_guid, former]).await?;
    people.user(input.user_guid)?;
    let before = people.owner(org, input.user_guid)?;
    ctx.expect(before.as_ref(), input.expected_revision)?;
    if input.user_guid == former {
        return Err(Error::from(Tag::InvalidState).detail("field", "user_guid"));
    }
    hand_over(&ctx, &people, input.user_guid, before.as_ref(), input.expected_revision.is_some())
}

names!([SetState] Owner = keys::owner[user_guid]);
revised!(SetState);

#[derive(Clone, Deserialize, JsonSchema)]
struct SetState {
    /// The owner.
    user_guid: UserGuid,
    /// The revision that was seen.
    expected_revision: Option<revision::Tag>,
    /// The new state.
    state: OwnerState,
    /// With `removed`: whether to revoke the active keys that the owner made, 25 at most; by default they outlive the
    /// owner.
    revoke_keys: Option<bool>,
}

async fn set_state(ctx: Ctx, input: SetState, before: Stored<Owner>) -> Result<Written<StateSet>> {
    let revoke_keys = input.revoke_keys == Some(true);
    ownership::set_any_state(&ctx, &before, input.state, "owner-state-set", revoke_keys).await
}
