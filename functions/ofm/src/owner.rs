//! Owners: the members who answer for an org (contract ofm §8).

use contract::{
    error::{Error, Result, Tag},
    ids::UserGuid,
    revision,
    states::{Filter, visible},
};
use identity::{
    keys,
    owner::{Owner, OwnerState},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{
    Access, Answer, Class, Ctx, MayName, OrgFrom, Route, Written, change, list, names,
    ownership::{self, People, PrimarySet, StateSet},
    post, revised, write_if_named,
};
use store::{Key, Listing, Org, Shown, Stored};

use crate::access::ASSOCIATED;

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/owner/list"),
        summary: "List the owners of an org, oldest first",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &list(list_oldest_first).ahead(|input, org| Some(wanted(input, org).of_anything())),
    },
    Route {
        call: post("/owner/primary/set"),
        summary: "Name another primary owner: an active secondary one",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::PrimaryOwner,
        errors: &[Tag::InvalidState],
        handler: &change(set_primary),
    },
    Route {
        call: post("/owner/secondary/add"),
        summary: "Make an active member an owner",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::PrimaryOwner,
        errors: &[
            Tag::ExpectedRevisionRequired,
            Tag::Conflict,
            Tag::InvalidState,
            Tag::DuplicateOwner,
            Tag::LimitExceeded,
        ],
        handler: &write_if_named(add_secondary)
            .also(|input, org, batch| People::want(org, &[input.user_guid], batch)),
    },
    Route {
        call: post("/owner/secondary/remove"),
        summary: "Make an owner an ordinary member again",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::PrimaryOwner,
        errors: &[Tag::InvalidTransition, Tag::LastOwner, Tag::LimitExceeded],
        handler: &change(remove_secondary)
            .also(|input, org, batch| ownership::want_for_removal(org, input.user_guid, batch)),
    },
    Route {
        call: post("/owner/state/set"),
        summary: "Suspend or reinstate an owner who is not the primary one",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::PrimaryOwner,
        errors: &[Tag::InvalidTransition, Tag::InvalidState, Tag::LastOwner, Tag::LimitExceeded],
        handler: &change(set_state).also(|input, org, batch| People::want(org, &[input.user_guid], batch)),
    },
];

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

fn wanted(input: &List, org: &Org) -> Listing<Owner> {
    keys::owners_by_state(org, &visible(input.state, input.include_doomed))
}

async fn list_oldest_first(ctx: Ctx, input: List) -> Result<Answer<Owners>> {
    let page = ctx.list(&wanted(&input, ctx.org()?)).await?;
    Ok(Answer::new(Owners { owners: page.show(&ctx), next_token: page.next_token }))
}

names!([SetPrimary, RemoveSecondary, SetState] Owner = keys::owner[user_guid]);
revised!(SetPrimary, RemoveSecondary, SetState);

#[derive(Clone, Deserialize, JsonSchema)]
struct SetPrimary {
    /// Who is to be the primary owner: an active secondary one.
    user_guid: UserGuid,
    /// The revision of that owner that the caller saw.
    expected_revision: Option<revision::Tag>,
}

async fn set_primary(ctx: Ctx, input: SetPrimary, before: Stored<Owner>) -> Result<Written<PrimarySet>> {
    let former = ctx.org_record()?.record.primary_owner_user_guid;
    let people = People::read(&ctx, &[input.user_guid, former]).await?;
    people.user(input.user_guid)?;
    if !before.record.secondary_owner || before.record.state != OwnerState::Active {
        return Err(Error::from(Tag::InvalidState).detail("state", json!(before.record.state)));
    }
    ownership::hand_over(&ctx, &people, input.user_guid, Some(&before), true)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct AddSecondary {
    /// Who is to be an owner: an active member.
    user_guid: UserGuid,
    /// The revision that the caller saw, where the person was an owner before.
    expected_revision: Option<revision::Tag>,
}

impl MayName for AddSecondary {
    type Record = Owner;

    fn key(&self, org: &Org) -> Option<Key<Owner>> {
        Some(keys::owner(org, self.user_guid))
    }
}

async fn add_secondary(
    ctx: Ctx,
    input: AddSecondary,
    before: Option<Stored<Owner>>,
) -> Result<Written<Shown<Owner>>> {
    let (org, seen) = (ctx.org()?, ctx.org_record()?);
    ctx.expect_if_there(before.as_ref(), input.expected_revision)?;
    let people = People::read(&ctx, &[input.user_guid]).await?;
    let (user, member) = (people.user(input.user_guid)?, people.member(org, input.user_guid)?);
    ownership::refuse_unfit(&member.record)?;
    let owner = match &before {
        Some(before) if before.record.state != OwnerState::Removed => return Err(Tag::DuplicateOwner.into()),
        Some(before) => before.record.made_secondary(ctx.now()),
        None => ownership::secondary(&member.record, &ctx),
    };
    let mut change = ctx.change();
    let action = "owner-secondary-added";
    let added = ownership::put(&ctx, &mut change, &people, before.as_ref(), owner, action, true)?;
    change.require(&keys::org(org), seen)?;
    change.require(&keys::user(input.user_guid), &user)?;
    change.show(&added)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct RemoveSecondary {
    /// The owner.
    user_guid: UserGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// Whether to revoke the active keys that the owner made, 25 at most; by default they outlive the owner.
    revoke_keys: Option<bool>,
}

async fn remove_secondary(
    ctx: Ctx,
    input: RemoveSecondary,
    before: Stored<Owner>,
) -> Result<Written<StateSet>> {
    let revoke_keys = input.revoke_keys == Some(true);
    ownership::remove(&ctx, &before, "owner-secondary-removed", revoke_keys).await
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetState {
    /// The owner.
    user_guid: UserGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How it is to stand.
    state: Settable,
}

/// The states that are set here; how an owner is removed is `/owner/secondary/remove`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Settable {
    /// In force.
    Active,
    /// Paused: an ordinary member meanwhile.
    Suspended,
}

async fn set_state(ctx: Ctx, input: SetState, before: Stored<Owner>) -> Result<Written<Shown<Owner>>> {
    let state = match input.state {
        Settable::Active => OwnerState::Active,
        Settable::Suspended => OwnerState::Suspended,
    };
    ownership::set_state(&ctx, &before, state, "owner-state-set").await
}
