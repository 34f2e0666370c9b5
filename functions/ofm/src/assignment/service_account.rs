//! Assignments of service accounts (contract ofm §10).

use contract::{
    error::{Result, Tag},
    grants::GivenGrants,
    ids::{LogicalGuid, OrgGuid, ServiceAccountGuid},
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
use service::{Access, Answer, Class, Ctx, MayName, OrgFrom, Route, Written, list, post, write_if_named};
use store::{Key, Listing, Org, Stored};

use super::{
    Asked, AssignmentView, Assignments, Given, Sought, Standing, Wanted, assign, detach, list_sought,
};

/// Who assigns service accounts.
const ADMIN: Access = Access::OneOf(&[Role::ServiceAccountAdmin]);

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/service-account/assign-logical"),
        summary: "Assign a service account to a logical facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMIN,
        errors: &[Tag::ExpectedRevisionRequired, Tag::Conflict, Tag::InvalidState],
        handler: &write_if_named(assign_account).at(|input| Some(input.logical_guid)).also(
            |input, org, batch| {
                Standing::want(
                    org,
                    Assignee::ServiceAccount(input.service_account_guid),
                    input.logical_guid,
                    batch,
                );
            },
        ),
    },
    Route {
        call: post("/service-account/assignments"),
        summary: "List the assignments of a service account, or of those at a facility, oldest first",
        class: Class::B,
        org: OrgFrom::Body,
        access: Access::Judged(
            "one's own; with `logical_guid`: grant `facility:read` there; else role `service_account_admin`",
        ),
        errors: &[Tag::Forbidden, Tag::FacilityGrantRequired],
        handler: &list(list_assignments)
            .at(|input| input.logical_guid)
            .ahead(|input, org| input.sought().listing(org).map(Listing::of_anything)),
    },
    Route {
        call: post("/service-account/detach-logical"),
        summary: "End the assignment of a service account to a logical facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMIN,
        errors: &[Tag::ExpectedRevisionRequired, Tag::Conflict],
        handler: &write_if_named(detach_account).also(|input, org, batch| {
            Standing::want(
                org,
                Assignee::ServiceAccount(input.service_account_guid),
                input.logical_guid,
                batch,
            );
        }),
    },
];

#[derive(Clone, Deserialize, JsonSchema)]
struct Assign {
    /// The service account.
    service_account_guid: ServiceAccountGuid,
    /// The facility: an active one.
    logical_guid: LogicalGuid,
    /// What it may do there.
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
        Some(keys::assignment(org, Assignee::ServiceAccount(self.service_account_guid), self.logical_guid))
    }
}

async fn assign_account(
    ctx: Ctx,
    input: Assign,
    before: Option<Stored<Assignment>>,
) -> Result<Written<AssignmentView>> {
    let Assign { service_account_guid, logical_guid, grants, valid_from, valid_until, expected_revision } =
        input;
    let asked =
        Asked { assignee: Assignee::ServiceAccount(service_account_guid), logical_guid, expected_revision };
    assign(&ctx, asked, Given { grants, valid_from, valid_until }, before).await
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Detach {
    /// The service account.
    service_account_guid: ServiceAccountGuid,
    /// The facility.
    logical_guid: LogicalGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
}

impl MayName for Detach {
    type Record = Assignment;

    fn key(&self, org: &Org) -> Option<Key<Assignment>> {
        Some(keys::assignment(org, Assignee::ServiceAccount(self.service_account_guid), self.logical_guid))
    }
}

/// What became of an assignment.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Detached")]
struct Outcome {
    /// The org.
    org_guid: OrgGuid,
    /// The service account.
    service_account_guid: ServiceAccountGuid,
    /// The facility.
    logical_guid: LogicalGuid,
    /// Whether it was this request that ended it.
    detached: bool,
    /// How it stands.
    state: AssignmentState,
    /// Its revision.
    revision: revision::Tag,
}

async fn detach_account(
    ctx: Ctx,
    input: Detach,
    before: Option<Stored<Assignment>>,
) -> Result<Written<Outcome>> {
    let Detach { service_account_guid, logical_guid, expected_revision } = input;
    let asked =
        Asked { assignee: Assignee::ServiceAccount(service_account_guid), logical_guid, expected_revision };
    let written = detach(&ctx, asked, before).await?;
    let detached = written.writes();
    Ok(written.map(|view| Outcome {
        org_guid: view.org_guid,
        service_account_guid,
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
    /// The service account; that of the key, unless a facility is given. A session must name one or the other.
    service_account_guid: Option<ServiceAccountGuid>,
    /// The facility.
    logical_guid: Option<LogicalGuid>,
}

impl List {
    fn sought(&self) -> Sought {
        Sought {
            named: self.service_account_guid.map(Assignee::ServiceAccount),
            is_listed: |assignee| matches!(assignee, Assignee::ServiceAccount(_)),
            logical: self.logical_guid,
            field: "service_account_guid",
            admin: Role::ServiceAccountAdmin,
            staff: keys::service_accounts_assigned_to,
            wanted: Wanted::new(self.state, self.include_doomed),
        }
    }
}

async fn list_assignments(ctx: Ctx, input: List) -> Result<Answer<Assignments>> {
    list_sought(&ctx, &input.sought()).await
}
