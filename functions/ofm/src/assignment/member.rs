//! Assignments of members (contract ofm §10).

use contract::{
    error::{Result, Tag},
    grants::GivenGrants,
    ids::{LogicalGuid, OrgGuid, UserGuid},
    revision,
    roles::Role,
    states::Filter,
    time::Time,
};
use identity::{
    assignment::{Assignee, Assignment, AssignmentState},
    keys,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Answer, Class, Ctx, MayName, OrgFrom, Route, Written, list, person, post, write_if_named,
};
use store::{Key, Listing, Org, Stored};

use super::{
    Asked, AssignmentView, Assignments, Given, Sought, Standing, Wanted, assign, detach, list_sought,
};

/// Who assigns members.
const ADMIN: Access = Access::OneOf(&[Role::OfmMemberAdmin]);

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/member/assign-logical"),
        summary: "Assign a member to a logical facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMIN,
        errors: &[Tag::ExpectedRevisionRequired, Tag::Conflict, Tag::InvalidState],
        handler: &write_if_named(assign_member).at(|input| Some(input.logical_guid)).also(
            |input, org, batch| {
                Standing::want(org, Assignee::Member(input.user_guid), input.logical_guid, batch);
                person::want(input.user_guid, batch);
            },
        ),
    },
    Route {
        call: post("/member/assignments"),
        summary: "List the assignments of a member, or of the members at a facility, oldest first",
        class: Class::B,
        org: OrgFrom::Body,
        access: Access::Judged(
            "one's own; with `logical_guid`: grant `facility:read` there; else role `ofm_member_admin`",
        ),
        errors: &[Tag::Forbidden, Tag::FacilityGrantRequired],
        handler: &list(list_assignments)
            .at(|input| input.logical_guid)
            .ahead(|input, org| input.sought().listing(org).map(Listing::of_anything)),
    },
    Route {
        call: post("/member/detach-logical"),
        summary: "End the assignment of a member to a logical facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMIN,
        errors: &[Tag::ExpectedRevisionRequired, Tag::Conflict],
        handler: &write_if_named(detach_member).also(|input, org, batch| {
            Standing::want(org, Assignee::Member(input.user_guid), input.logical_guid, batch);
        }),
    },
];

#[derive(Clone, Deserialize, JsonSchema)]
struct Assign {
    /// The member.
    user_guid: UserGuid,
    /// The facility: an active one.
    logical_guid: LogicalGuid,
    /// What the member may do there.
    grants: GivenGrants,
    /// From when.
    valid_from: Option<Time>,
    /// Until when, exclusively.
    valid_until: Option<Time>,
    /// The revision that the caller saw, where there is an assignment.
    expected_revision: Option<revision::Tag>,
}

impl MayName for Assign {
    type Record = Assignment;

    fn key(&self, org: &Org) -> Option<Key<Assignment>> {
        Some(keys::assignment(org, Assignee::Member(self.user_guid), self.logical_guid))
    }
}

async fn assign_member(
    ctx: Ctx,
    input: Assign,
    before: Option<Stored<Assignment>>,
) -> Result<Written<AssignmentView>> {
    let Assign { user_guid, logical_guid, grants, valid_from, valid_until, expected_revision } = input;
    let asked = Asked { assignee: Assignee::Member(user_guid), logical_guid, expected_revision };
    assign(&ctx, asked, Given { grants, valid_from, valid_until }, before).await
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Detach {
    /// The member.
    user_guid: UserGuid,
    /// The facility.
    logical_guid: LogicalGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
}

impl MayName for Detach {
    type Record = Assignment;

    fn key(&self, org: &Org) -> Option<Key<Assignment>> {
        Some(keys::assignment(org, Assignee::Member(self.user_guid), self.logical_guid))
    }
}

/// What became of an assignment.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Detached")]
struct Outcome {
    /// The org.
    org_guid: OrgGuid,
    /// The member.
    user_guid: UserGuid,
    /// The facility.
    logical_guid: LogicalGuid,
    /// Whether it was this request that ended it.
    detached: bool,
    /// How it stands.
    state: AssignmentState,
    /// Its revision.
    revision: revision::Tag,
}

async fn detach_member(
    ctx: Ctx,
    input: Detach,
    before: Option<Stored<Assignment>>,
) -> Result<Written<Outcome>> {
    let Detach { user_guid, logical_guid, expected_revision } = input;
    let asked = Asked { assignee: Assignee::Member(user_guid), logical_guid, expected_revision };
    let written = detach(&ctx, asked, before).await?;
    let detached = written.writes();
    Ok(written.map(|view| Outcome {
        org_guid: view.org_guid,
        user_guid,
        logical_guid,
        detached,
        state: view.state,
        revision: view.revision,
    }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only those in this state, or `all`; those not detached unless said otherwise.
    state: Option<Filter<AssignmentState>>,
    /// Whether detached ones are shown too.
    include_doomed: Option<bool>,
    /// The member; the caller, unless a facility is given. A key must name one or the other.
    user_guid: Option<UserGuid>,
    /// The facility.
    logical_guid: Option<LogicalGuid>,
}

impl List {
    fn sought(&self) -> Sought {
        Sought {
            named: self.user_guid.map(Assignee::Member),
            is_listed: |assignee| matches!(assignee, Assignee::Member(_)),
            logical: self.logical_guid,
            field: "user_guid",
            admin: Role::OfmMemberAdmin,
            staff: keys::members_assigned_to,
            wanted: Wanted::new(self.state, self.include_doomed),
        }
    }
}

async fn list_assignments(ctx: Ctx, input: List) -> Result<Answer<Assignments>> {
    list_sought(&ctx, &input.sought()).await
}
