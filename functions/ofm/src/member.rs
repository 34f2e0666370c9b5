//! Members: the people of an org (contract ofm §9).

mod add;
pub(crate) mod joining;
mod set;

use std::collections::{BTreeMap, BTreeSet};

use contract::{
    codes::OrgCode,
    error::{Error, Result, Tag},
    grants::Grants,
    ids::{LogicalGuid, OrgGuid, UserGuid},
    paging::PageSize,
    personal::DisplayName,
    role_profiles::RoleProfile,
    roles::{Role, Roles},
    states::{Filter, States, visible},
    time::Time,
};
use identity::{
    assignment::{Assignee, AssignmentState},
    keys,
    lifecycle::Status,
    member::{Member, MemberState},
    org::OrgStatus,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{
    Access, Answer, Class, Ctx, MayName, OrgFrom, Principal, Route, change, list, post, read_if_named,
    records::MemberView, write_if_named,
};
use store::{Key, Listing, Org, Stored};

use crate::access::ASSOCIATED;

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/member/add"),
        summary: "Make a person a member, or a removed member one again",
        class: Class::C,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::Conflict, Tag::DuplicateMember, Tag::DuplicateCode],
        handler: &write_if_named(add::add)
            .also(|input, _, batch| service::person::want(input.user_guid, batch)),
    },
    Route {
        call: post("/member/list"),
        summary: "List the members of an org, oldest first",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &list(list_oldest_first)
            .at(|input| input.logical_guid)
            .ahead(|input, org| input.logical_guid.is_none().then(|| input.members(org).of_anything())),
    },
    Route {
        call: post("/member/names"),
        summary: "Tell the names of all who are or were members of an org",
        class: Class::B,
        org: OrgFrom::BodyGuid,
        access: ASSOCIATED,
        errors: &[],
        handler: &list(names)
            .with_page_size(PageSize { default: MOST_NAMES, most: MOST_NAMES })
            .ahead(|input, org| input.user_guids.is_none().then(|| all_members(org).of_anything())),
    },
    Route {
        call: post("/member/resolve"),
        summary: "Tell what a person may do in an org",
        class: Class::C,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[Tag::Forbidden],
        handler: &read_if_named(resolve).at(|input| input.logical_guid),
    },
    Route {
        call: post("/member/state/set"),
        summary: "Set how a member stands, what they may do, and for how long",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::OneOf(&[Role::OfmMemberAdmin]),
        errors: &[Tag::NotOwner, Tag::InvalidState, Tag::InvalidTransition, Tag::InUse, Tag::DuplicateCode],
        handler: &change(set::set),
    },
];

/// A name is short: so many fit into one answer.
const MOST_NAMES: u16 = 5_000;
/// So many people may be asked for by their ids.
const MOST_GUIDS: usize = 256;
/// Who may resolve someone else, beside owners and keys.
const RESOLVERS: &[Role] = &[Role::OfmMemberAdmin, Role::OfmView];

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only members in this state, or `all`; those not removed unless said otherwise.
    state: Option<Filter<MemberState>>,
    /// Whether removed members are shown too.
    include_doomed: Option<bool>,
    /// Only those with this role profile.
    role_profile_id: Option<RoleProfile>,
    /// Only those with this role, by their profile or explicitly.
    role: Option<Role>,
    /// Only those assigned to this facility.
    logical_guid: Option<LogicalGuid>,
    /// Only those whose membership is in force now, or only the others.
    in_force: Option<bool>,
}

impl List {
    fn members(&self, org: &Org) -> Listing<Member> {
        keys::members_by_state(org, &visible(self.state, self.include_doomed))
    }

    /// Whether it asks for less than all members in some states.
    fn narrows(&self) -> bool {
        self.role_profile_id.is_some() || self.role.is_some() || self.in_force.is_some()
    }

    fn matches(&self, member: &Member, now: Time) -> bool {
        self.role_profile_id.is_none_or(|profile| member.role_profile_id == Some(profile))
            && self.role.is_none_or(|role| member.effective_roles().contains_any(&[role]))
            && self.in_force.is_none_or(|wanted| member.in_force(now) == wanted)
    }
}

/// A page of members.
#[derive(Serialize, JsonSchema)]
struct Members {
    /// The members.
    members: Vec<MemberView>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

async fn list_oldest_first(ctx: Ctx, input: List) -> Result<Answer<Members>> {
    let members = input.members(ctx.org()?);
    let matches = |member: &Member| input.matches(member, ctx.now());
    let page = match input.logical_guid {
        Some(logical) => {
            let mut staff = assigned_to(&ctx, logical).await?;
            staff.retain(|stored| matches(&stored.record));
            ctx.list_of(&members, staff)?
        }
        // The staff of an org is some thousands at most: a key for every role would cost each change of a member more
        // than reading past the others costs the rare list.
        None if input.narrows() => ctx.list_where(&members, matches).await?,
        None => ctx.list(&members).await?,
    };
    Ok(Answer::new(Members { members: page.show(&ctx), next_token: page.next_token }))
}

/// The members who are assigned to a facility now.
async fn assigned_to(ctx: &Ctx, logical: LogicalGuid) -> Result<Vec<Stored<Member>>> {
    let org = ctx.org()?;
    let place = ctx.place(logical).await?;
    if place.facility()?.record.status == Status::Doomed {
        return Ok(Vec::new());
    }
    let all = ctx.all(&keys::members_assigned_to(org, logical, &[AssignmentState::Active])).await?;
    let counting = all.iter().map(|stored| &stored.record);
    let counting = counting.filter(|assignment| assignment.counts(assignment.epoch, ctx.now()));
    let epochs: BTreeMap<_, _> =
        counting.filter_map(|assignment| Some((assignment.user_guid?, assignment.epoch))).collect();
    let keys: Vec<_> = epochs.keys().map(|user| keys::member(org, *user)).collect();
    let mut staff = ctx.get_all(&keys).await?;
    staff.retain(|stored| epochs.get(&stored.record.user_guid) == Some(&stored.record.epoch));
    Ok(staff)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Names {
    /// Only these people, at most 256; all who are or were members unless given.
    #[schemars(length(max = 256))]
    user_guids: Option<Vec<UserGuid>>,
}

/// The names of people.
#[derive(Serialize, JsonSchema)]
struct Named {
    /// Their names; `Former member` for who was erased.
    names: Vec<Name>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// The name of a person.
#[derive(Serialize, JsonSchema)]
struct Name {
    /// The person.
    user_guid: UserGuid,
    /// The name.
    display_name: DisplayName,
}

impl From<Stored<Member>> for Name {
    fn from(member: Stored<Member>) -> Self {
        Self { user_guid: member.record.user_guid, display_name: member.record.display_name }
    }
}

fn all_members(org: &Org) -> Listing<Member> {
    keys::members_by_state(org, MemberState::ALL)
}

async fn names(ctx: Ctx, input: Names) -> Result<Answer<Named>> {
    let (members, next_token) = match input.user_guids {
        Some(guids) if guids.len() > MOST_GUIDS => {
            return Err(Error::field("user_guids", format!("must have at most {MOST_GUIDS} entries")));
        }
        Some(guids) => named(&ctx, guids).await?,
        None => {
            let page = ctx.list(&all_members(ctx.org()?)).await?;
            (page.records, page.next_token)
        }
    };
    Ok(Answer::new(Named { names: members.into_iter().map(Name::from).collect(), next_token }))
}

/// A page of those people who are or were members, by their ids.
async fn named(ctx: &Ctx, guids: Vec<UserGuid>) -> Result<(Vec<Stored<Member>>, Option<String>)> {
    let after = ctx.position()?;
    let is_ahead = |guid: &UserGuid| after.as_ref().is_none_or(|after| guid.to_string() > *after);
    let guids: Vec<_> = guids.into_iter().filter(is_ahead).collect::<BTreeSet<_>>().into_iter().collect();
    let org = ctx.org()?;
    let keys: Vec<_> = guids.iter().map(|guid| keys::member(org, *guid)).collect();
    let mut members = ctx.get_all(&keys).await?;
    let more = members.len() > ctx.limit().get();
    members.truncate(ctx.limit().get());
    let last = members.last().filter(|_| more);
    let next_token = last.map(|member| ctx.seal(&member.record.user_guid.to_string()));
    Ok((members, next_token))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Resolve {
    /// The person; the caller unless given. A key must name one.
    user_guid: Option<UserGuid>,
    /// The facility whose grants are asked for.
    logical_guid: Option<LogicalGuid>,
}

/// What a person may do in an org.
#[derive(Serialize, JsonSchema)]
struct Resolved {
    /// The org.
    org_guid: OrgGuid,
    /// Its code.
    orgcode: OrgCode,
    /// How it stands.
    org_status: OrgStatus,
    /// The person.
    user_guid: UserGuid,
    /// How the membership stands.
    state: MemberState,
    /// Whether the person is an active owner.
    is_owner: bool,
    /// Whether the person is the active primary owner.
    is_primary_owner: bool,
    /// The named bundle of roles.
    role_profile_id: Option<RoleProfile>,
    /// Role profile and explicit roles together.
    roles: Roles,
    /// Until when the membership is in force, exclusively.
    valid_until: Option<Time>,
    /// Counts how often the membership began.
    epoch: u64,
    /// What the person may do at the facility that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    grants: Option<Grants>,
}

impl MayName for Resolve {
    type Record = Member;

    fn key(&self, org: &Org) -> Option<Key<Member>> {
        self.user_guid.map(|user| keys::member(org, user))
    }
}

async fn resolve(ctx: Ctx, input: Resolve, named: Option<Stored<Member>>) -> Result<Answer<Resolved>> {
    let member = resolved(&ctx, input.user_guid, named.as_ref())?;
    let grants = match input.logical_guid {
        Some(logical) => Some(grants_of(&ctx, member, logical).await?),
        None => None,
    };
    let org = &ctx.org_record()?.record;
    Ok(Answer::new(Resolved {
        org_guid: org.org_guid,
        orgcode: org.orgcode.clone(),
        org_status: org.status,
        user_guid: member.user_guid,
        state: member.state,
        is_owner: member.is_owner(),
        is_primary_owner: member.is_primary_owner(),
        role_profile_id: member.role_profile_id,
        roles: member.effective_roles(),
        valid_until: member.valid_until,
        epoch: member.epoch,
        grants,
    }))
}

/// What a member may do at a facility. Owners need no assignment.
async fn grants_of(ctx: &Ctx, member: &Member, logical: LogicalGuid) -> Result<Grants> {
    let place = ctx.place(logical).await?;
    let is_open = place.facility()?.record.status != Status::Doomed;
    if member.is_owner() {
        return Ok(Grants::all());
    }
    if !is_open || !member.in_force(ctx.now()) {
        return Ok(Grants::default());
    }
    let key = keys::assignment(ctx.org()?, Assignee::Member(member.user_guid), logical);
    let assignment = ctx.get(&key).await?;
    let counting = assignment.filter(|assignment| assignment.record.counts(member.epoch, ctx.now()));
    Ok(counting.map(|assignment| Grants::from(&assignment.record.grants)).unwrap_or_default())
}

/// The member whom a request is about: the caller, or someone else for those who may know.
fn resolved<'a>(
    ctx: &'a Ctx,
    wanted: Option<UserGuid>,
    named: Option<&'a Stored<Member>>,
) -> Result<&'a Member> {
    let caller = ctx.caller();
    let Some(wanted) = wanted else {
        let own = caller.member.as_ref().ok_or_else(|| Error::field("user_guid", "is required"))?;
        return Ok(&own.record);
    };
    let is_key = matches!(caller.principal, Principal::Key { .. });
    let may_know = is_key || caller.is_owner || caller.roles.contains_any(RESOLVERS);
    if !may_know && caller.user_guid() != Some(wanted) {
        let names: Vec<_> = RESOLVERS.iter().map(|role| role.as_str()).collect();
        return Err(Error::from(Tag::Forbidden).detail("roles", json!(names)));
    }
    named.map(|member| &member.record).ok_or_else(|| Error::no_such("user_guid"))
}
