//! Assignments: what members and service accounts may do at a logical facility, and when (contract ofm §10). The record
//! is in `identity`, for every facility-scoped route is checked against it.

pub mod member;
pub mod service_account;

use std::ops::Deref;

use contract::{
    error::{Error, Result, Tag},
    grants::{GivenGrants, Grant},
    ids::{LogicalGuid, OrgGuid, ServiceAccountGuid, UserGuid},
    revision,
    roles::Role,
    states::{Filter, visible},
    time::Time,
};
use identity::{
    assignment::{Assignee, Assignment, AssignmentState},
    keys,
    lifecycle::Status,
    service_account::AccountStatus,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use service::{Answer, Ctx, Written, person};
use store::{Batch, Found, Listing, Org, Stored};

use crate::{
    giving::{named_by, of_others, within_own_grants},
    lifecycle::{unusable, usable},
    member::joining::check_validity,
};

/// An assignment as it is answered.
#[derive(Serialize, JsonSchema)]
pub struct AssignmentView {
    /// The org.
    org_guid: OrgGuid,
    /// The person, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_guid: Option<UserGuid>,
    /// The service account, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    service_account_guid: Option<ServiceAccountGuid>,
    /// The facility.
    logical_guid: LogicalGuid,
    /// What the assignee may do there.
    grants: GivenGrants,
    /// How it stands; one of a former membership is detached.
    state: AssignmentState,
    /// From when it counts.
    valid_from: Option<Time>,
    /// Until when, exclusively.
    valid_until: Option<Time>,
    /// Whether it counts now: active and inside its validity, its assignee active, its facility not doomed.
    in_force: bool,
    /// The epoch of the membership in which it was made; 0 for a service account.
    epoch: u64,
    /// Who made it.
    assigned_by: String,
    /// Its revision, to be sent as `expected_revision` with the next change.
    revision: revision::Tag,
    /// When it was created.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

/// What is to be known of an assignee and a facility to say whether an assignment between them counts.
#[derive(Clone, Copy)]
struct Standing {
    epoch: u64,
    assignee_is_active: bool,
    facility_is_open: bool,
}

impl Standing {
    fn want(org: &Org, assignee: Assignee, logical: LogicalGuid, batch: &mut Batch) {
        batch.want(&keys::logical_facility(org, logical));
        match assignee {
            Assignee::Member(user) => batch.want(&keys::member(org, user)),
            Assignee::ServiceAccount(account) => batch.want(&keys::service_account(org, account)),
        }
    }

    fn of(org: &Org, assignee: Assignee, logical: LogicalGuid, found: &Found, now: Time) -> Result<Self> {
        let facility = found.get(&keys::logical_facility(org, logical))?;
        let (epoch, assignee_is_active) = match assignee {
            Assignee::Member(user) => {
                let member = found.get(&keys::member(org, user))?;
                member.map_or((0, false), |member| (member.record.epoch, member.record.in_force(now)))
            }
            Assignee::ServiceAccount(account) => {
                let account = found.get(&keys::service_account(org, account))?;
                (0, account.is_some_and(|account| account.record.status == AccountStatus::Active))
            }
        };
        let facility_is_open = facility.is_some_and(|facility| facility.record.status != Status::Doomed);
        Ok(Self { epoch, assignee_is_active, facility_is_open })
    }

    fn show(self, stored: &Stored<Assignment>, now: Time) -> AssignmentView {
        let assignment = stored.record.clone();
        let counts = assignment.counts(self.epoch, now);
        AssignmentView {
            state: assignment.state_in(self.epoch),
            in_force: counts && self.assignee_is_active && self.facility_is_open,
            org_guid: assignment.org_guid,
            user_guid: assignment.user_guid,
            service_account_guid: assignment.service_account_guid,
            logical_guid: assignment.logical_guid,
            grants: assignment.grants,
            valid_from: assignment.valid_from,
            valid_until: assignment.valid_until,
            epoch: assignment.epoch,
            assigned_by: assignment.assigned_by,
            revision: stored.revision,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

/// What is asked of an assignment: between whom, and at which revision the caller saw it.
struct Asked {
    assignee: Assignee,
    logical_guid: LogicalGuid,
    expected_revision: Option<revision::Tag>,
}

impl Asked {
    async fn standing(&self, ctx: &Ctx) -> Result<(Standing, Found)> {
        let org = ctx.org()?;
        let mut batch = Batch::default();
        Standing::want(org, self.assignee, self.logical_guid, &mut batch);
        let found = ctx.read(batch).await?;
        Ok((Standing::of(org, self.assignee, self.logical_guid, &found, ctx.now())?, found))
    }

    /// 428 without the revision of an assignment that is there, 409 with another; 404 for a revision of nothing.
    fn expect(&self, ctx: &Ctx, standing: Standing, before: Option<&Stored<Assignment>>) -> Result<()> {
        match (before, self.expected_revision) {
            (None, Some(_)) => Err(Tag::NotFound.into()),
            (Some(_), None) => Err(Tag::ExpectedRevisionRequired.into()),
            (Some(before), Some(expected)) if expected != before.revision => {
                let current = json!(standing.show(before, ctx.now()));
                Err(Error::from(Tag::Conflict).detail("current", current).at_revision(json!(before.revision)))
            }
            _ => Ok(()),
        }
    }

    /// Refuses to assign anyone but an active member who may be named, or an active service account.
    async fn check_assignee(&self, ctx: &Ctx, found: &Found) -> Result<()> {
        let (org, field) = (ctx.org()?, named_by(self.assignee));
        match self.assignee {
            Assignee::Member(user) => {
                let member = found.get(&keys::member(org, user))?.ok_or_else(|| Error::no_such(field))?;
                person::read(ctx, user, field).await?;
                let is_active = member.record.state == identity::member::MemberState::Active;
                if is_active { Ok(()) } else { Err(unusable(field, member.record.state)) }
            }
            Assignee::ServiceAccount(account) => {
                let key = keys::service_account(org, account);
                let account = found.get(&key)?.ok_or_else(|| Error::no_such(field))?;
                let is_active = account.record.status == AccountStatus::Active;
                if is_active { Ok(()) } else { Err(unusable(field, account.record.status)) }
            }
        }
    }
}

/// What is given.
struct Given {
    grants: GivenGrants,
    valid_from: Option<Time>,
    valid_until: Option<Time>,
}

impl Given {
    /// The assignment as it is to be.
    fn to(self, ctx: &Ctx, asked: &Asked, epoch: u64) -> Result<Assignment> {
        let (user_guid, service_account_guid) = match asked.assignee {
            Assignee::Member(user) => (Some(user), None),
            Assignee::ServiceAccount(account) => (None, Some(account)),
        };
        Ok(Assignment {
            org_guid: ctx.org()?.guid(),
            user_guid,
            service_account_guid,
            logical_guid: asked.logical_guid,
            grants: self.grants,
            state: AssignmentState::Active,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            epoch,
            assigned_by: ctx.caller().actor().unwrap_or_default(),
        })
    }
}

/// Assigns somebody to a facility, or gives an assignment other grants and another validity.
async fn assign(
    ctx: &Ctx,
    asked: Asked,
    given: Given,
    before: Option<Stored<Assignment>>,
) -> Result<Written<AssignmentView>> {
    let org = ctx.org()?;
    check_validity(given.valid_from, given.valid_until)?;
    of_others(ctx, asked.assignee)?;
    let (standing, found) = asked.standing(ctx).await?;
    asked.expect(ctx, standing, before.as_ref())?;
    asked.check_assignee(ctx, &found).await?;
    let key = keys::logical_facility(org, asked.logical_guid);
    let facility = usable(found.get(&key)?, "logical_guid")?;
    within_own_grants(ctx, asked.logical_guid, &given.grants).await?;
    let assignment = given.to(ctx, &asked, standing.epoch)?;
    let action = match asked.assignee {
        Assignee::Member(_) => "member-logical-assigned",
        Assignee::ServiceAccount(_) => "service-account-logical-assigned",
    };
    let mut change = ctx.change();
    change.require(&key, &facility)?;
    let after = match before {
        Some(before) => change.adjust(org, &before, assignment, action)?,
        None => change.create_unless(org, assignment, action, |_| Error::moved("an assignment was made"))?,
    };
    let data = standing.show(&after, ctx.now());
    Ok(change.answer(Answer { data, revision: Some(json!(after.revision)) }))
}

/// Ends an assignment. What is detached already stays as it is, and nothing is written.
async fn detach(
    ctx: &Ctx,
    asked: Asked,
    before: Option<Stored<Assignment>>,
) -> Result<Written<AssignmentView>> {
    of_others(ctx, asked.assignee)?;
    let before = before.ok_or(Tag::NotFound)?;
    let (standing, _) = asked.standing(ctx).await?;
    if before.record.state_in(standing.epoch) == AssignmentState::Detached {
        let data = standing.show(&before, ctx.now());
        return Ok(Written::nothing(Answer { data, revision: Some(json!(before.revision)) }));
    }
    asked.expect(ctx, standing, Some(&before))?;
    let assignment = Assignment { state: AssignmentState::Detached, ..before.record.clone() };
    let action = match asked.assignee {
        Assignee::Member(_) => "member-logical-detached",
        Assignee::ServiceAccount(_) => "service-account-logical-detached",
    };
    let mut change = ctx.change();
    let after = change.adjust(ctx.org()?, &before, assignment, action)?;
    let data = standing.show(&after, ctx.now());
    Ok(change.answer(Answer { data, revision: Some(json!(after.revision)) }))
}

/// A page of assignments.
#[derive(Serialize, JsonSchema)]
struct Assignments {
    /// The assignments.
    assignments: Vec<AssignmentView>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// The states of a list as it shows them, and as they are stored: an assignment of a former membership is stored as
/// active and shown as detached.
struct Wanted(Vec<AssignmentState>);

impl Wanted {
    fn new(state: Option<Filter<AssignmentState>>, include_doomed: Option<bool>) -> Self {
        Self(visible(state, include_doomed))
    }

    fn stored(&self) -> &[AssignmentState] {
        let shows_detached = self.0.contains(&AssignmentState::Detached);
        if shows_detached { contract::states::States::ALL } else { &self.0 }
    }
}

impl Deref for Wanted {
    type Target = [AssignmentState];

    fn deref(&self) -> &[AssignmentState] {
        &self.0
    }
}

/// The page that the request asks for.
async fn page(ctx: &Ctx, listing: &Listing<Assignment>, wanted: &Wanted) -> Result<Answer<Assignments>> {
    let show = |found: Vec<Stored<Assignment>>| async move { shown(ctx, &found, wanted).await };
    let (assignments, next_token) = ctx.list_shown(listing, show).await?;
    Ok(Answer::new(Assignments { assignments, next_token }))
}

/// How some assignments are shown, where they are in the wanted states.
async fn shown(
    ctx: &Ctx,
    records: &[Stored<Assignment>],
    wanted: &Wanted,
) -> Result<Vec<Option<AssignmentView>>> {
    let org = ctx.org()?;
    let mut views = Vec::new();
    // Each asks for its assignee and its facility.
    for records in records.chunks(Batch::MOST / 2) {
        let mut batch = Batch::default();
        for Stored { record, .. } in records {
            Standing::want(org, record.assignee(), record.logical_guid, &mut batch);
        }
        let found = ctx.read(batch).await?;
        for stored in records {
            let Assignment { logical_guid, .. } = stored.record;
            let standing = Standing::of(org, stored.record.assignee(), logical_guid, &found, ctx.now())?;
            let view = standing.show(stored, ctx.now());
            views.push(wanted.contains(&view.state).then_some(view));
        }
    }
    Ok(views)
}

/// Whose assignments are asked for, and what holds for members or for service accounts.
struct Sought {
    /// Who is named.
    named: Option<Assignee>,
    /// Whether somebody is of the kind that is listed.
    is_listed: fn(&Assignee) -> bool,
    /// The facility that is named.
    logical: Option<LogicalGuid>,
    /// By which field somebody is named.
    field: &'static str,
    /// Who may see the assignments of others.
    admin: Role,
    /// All of the kind at a facility.
    staff: fn(&Org, LogicalGuid, &[AssignmentState]) -> Listing<Assignment>,
    /// Which states are asked for.
    wanted: Wanted,
}

impl Sought {
    fn of_facility(&self, org: &Org, logical: LogicalGuid) -> Listing<Assignment> {
        (self.staff)(org, logical, self.wanted.stored())
    }

    fn of_assignee(&self, org: &Org, assignee: Assignee) -> Listing<Assignment> {
        keys::assignments_by_assignee(org, assignee, self.wanted.stored())
    }

    /// The list, where the request says whose it is.
    fn listing(&self, org: &Org) -> Option<Listing<Assignment>> {
        match (self.named, self.logical) {
            (None, Some(logical)) => Some(self.of_facility(org, logical)),
            (Some(assignee), None) => Some(self.of_assignee(org, assignee)),
            _ => None,
        }
    }
}

/// A list, by the rule of who may see what (contract ofm §10): one's own; at a facility with the grant to read it; else
/// with the role.
async fn list_sought(ctx: &Ctx, sought: &Sought) -> Result<Answer<Assignments>> {
    let org = ctx.org()?;
    let &Sought { named, is_listed, logical, field, admin, ref wanted, .. } = sought;
    let own = ctx.caller().assignee().filter(is_listed);
    let assignee = match (named, logical) {
        (named, Some(logical)) => {
            ctx.place(logical).await?.facility()?;
            if named.is_none() || named != own {
                ctx.need_grant(logical, Grant::FacilityRead).await?;
            }
            let Some(named) = named else {
                return page(ctx, &sought.of_facility(org, logical), wanted).await;
            };
            named
        }
        (named, None) => {
            let assignee =
                named.or(own).ok_or_else(|| Error::field(field, "is required, or logical_guid"))?;
            if own != Some(assignee) {
                ctx.need_role(&[admin])?;
            }
            assignee
        }
    };
    if own != Some(assignee) && !is_there(ctx, assignee).await? {
        return Err(Error::no_such(field));
    }
    match logical {
        Some(logical) => only(ctx, assignee, logical, wanted).await,
        None => page(ctx, &sought.of_assignee(org, assignee), wanted).await,
    }
}

async fn is_there(ctx: &Ctx, assignee: Assignee) -> Result<bool> {
    let org = ctx.org()?;
    Ok(match assignee {
        Assignee::Member(user) => ctx.get(&keys::member(org, user)).await?.is_some(),
        Assignee::ServiceAccount(account) => ctx.get(&keys::service_account(org, account)).await?.is_some(),
    })
}

/// The one assignment between somebody and a facility, as a page.
async fn only(
    ctx: &Ctx,
    assignee: Assignee,
    logical: LogicalGuid,
    wanted: &Wanted,
) -> Result<Answer<Assignments>> {
    // It is on the first page, and no token is ever its own.
    ctx.position()?;
    let found = ctx.get(&keys::assignment(ctx.org()?, assignee, logical)).await?;
    let records: Vec<_> = found.into_iter().collect();
    let assignments = shown(ctx, &records, wanted).await?.into_iter().flatten().collect();
    Ok(Answer::new(Assignments { assignments, next_token: None }))
}
