//! The facility that a request is about, and what the caller may do there (contract §4, *Facility grants*).

use contract::{
    error::{Error, Result, Tag},
    grants::{Grant, Grants},
    ids::LogicalGuid,
    roles::Role,
    time::Time,
};
use identity::{
    assignment::{Assignee, Assignment},
    facility::LogicalFacility,
    keys,
    lifecycle::Status,
};
use serde_json::json;
use store::{Batch, Found, Org, Stored};

use crate::{
    access::one_of,
    caller::{Caller, Principal},
    ctx::Ctx,
};

/// A facility, and the caller's assignment to it, as far as there are such.
#[derive(Clone, Debug)]
pub struct Place {
    logical_guid: LogicalGuid,
    facility: Option<Stored<LogicalFacility>>,
    assignment: Option<Stored<Assignment>>,
}

impl Place {
    /// Asks for all that is to be known.
    pub(crate) fn want(org: &Org, assignee: Option<Assignee>, logical: LogicalGuid, batch: &mut Batch) {
        batch.want(&keys::logical_facility(org, logical));
        if let Some(assignee) = assignee {
            batch.want(&keys::assignment(org, assignee, logical));
        }
    }

    /// What was found of it.
    pub(crate) fn of(
        org: &Org,
        assignee: Option<Assignee>,
        logical_guid: LogicalGuid,
        found: &Found,
    ) -> Result<Self> {
        let facility = found.get(&keys::logical_facility(org, logical_guid))?;
        let assignment = match assignee {
            Some(assignee) => found.get(&keys::assignment(org, assignee, logical_guid))?,
            None => None,
        };
        Ok(Self { logical_guid, facility, assignment })
    }

    /// The facility; without it, the field that named it names nothing.
    pub fn facility(&self) -> Result<&Stored<LogicalFacility>> {
        self.facility.as_ref().ok_or_else(|| Error::no_such("logical_guid"))
    }

    /// What the caller may do there at this time. Owners need no assignment.
    fn grants(&self, caller: &Caller, now: Time) -> Grants {
        let is_open = self.facility.as_ref().is_some_and(|facility| facility.record.status != Status::Doomed);
        match &self.assignment {
            _ if caller.is_owner => Grants::all(),
            Some(assignment) if is_open && assignment.record.counts(caller.epoch(), now) => {
                Grants::from(&assignment.record.grants)
            }
            _ => Grants::default(),
        }
    }
}

impl Caller {
    /// The caller as somebody who can be assigned to facilities.
    pub fn assignee(&self) -> Option<Assignee> {
        match &self.principal {
            Principal::Session { user, .. } => Some(Assignee::Member(user.record.user_guid)),
            Principal::Key { account, .. } => {
                Some(Assignee::ServiceAccount(account.record.service_account_guid))
            }
            Principal::Anonymous | Principal::Operator { .. } => None,
        }
    }

    /// The epoch in which the caller's assignments count. Service accounts have but one.
    pub fn epoch(&self) -> u64 {
        self.member.as_ref().map_or(0, |member| member.record.epoch)
    }
}

impl Ctx {
    /// A facility of the org, with the caller's assignment to it: read once in a request, and together with the caller
    /// check where the route's row says [`at`](crate::Typed::at).
    pub async fn place(&self, logical: LogicalGuid) -> Result<Place> {
        if let Some(known) = self.request.place.get().filter(|place| place.logical_guid == logical) {
            return Ok(known.clone());
        }
        let (org, assignee) = (self.org()?, self.caller().assignee());
        let mut batch = Batch::default();
        Place::want(org, assignee, logical, &mut batch);
        let place = Place::of(org, assignee, logical, &self.read(batch).await?)?;
        // A request is about one facility: of several, the first is remembered.
        let _ = self.request.place.set(place.clone());
        Ok(place)
    }

    /// Several facilities, in the order in which they are named, in one round trip.
    pub async fn places(&self, logicals: &[LogicalGuid]) -> Result<Vec<Place>> {
        let (org, assignee) = (self.org()?, self.caller().assignee());
        let mut batch = Batch::default();
        for logical in logicals {
            Place::want(org, assignee, *logical, &mut batch);
        }
        let found = self.read(batch).await?;
        logicals.iter().map(|logical| Place::of(org, assignee, *logical, &found)).collect()
    }

    /// What the caller may do at a facility that was read.
    pub fn grants_in(&self, place: &Place) -> Grants {
        place.grants(self.caller(), self.now())
    }

    /// What the caller may do at a facility. For an owner nothing is read.
    pub async fn grants_at(&self, logical: LogicalGuid) -> Result<Grants> {
        if self.caller().is_owner {
            return Ok(Grants::all());
        }
        Ok(self.place(logical).await?.grants(self.caller(), self.now()))
    }

    /// Refuses a caller without a grant at a facility.
    pub async fn need_grant(&self, logical: LogicalGuid, grant: Grant) -> Result<()> {
        if self.grants_at(logical).await?.contains(grant) {
            return Ok(());
        }
        Err(Error::from(Tag::FacilityGrantRequired)
            .detail("grant", json!(grant))
            .detail("logical_guid", json!(logical)))
    }

    /// Refuses a caller with none of these roles who is no owner: where it depends on the request whether one is needed.
    pub fn need_role(&self, roles: &[Role]) -> Result<()> {
        one_of(self.caller(), roles).map(drop)
    }

    /// Refuses a caller for whom a record is not there.
    pub(crate) async fn find(&self, hangs_on: Option<LogicalGuid>, hidden: Option<Grant>) -> Result<()> {
        match hangs_on.zip(hidden) {
            Some((logical, grant)) if !self.grants_at(logical).await?.contains(grant) => {
                Err(Tag::NotFound.into())
            }
            _ => Ok(()),
        }
    }

    /// Refuses a caller without the grant that the route's row asks for, at the facility that the request names or on
    /// which its record hangs.
    pub(crate) async fn admit(
        &self,
        named: Option<LogicalGuid>,
        hangs_on: Option<LogicalGuid>,
    ) -> Result<()> {
        let Some((grant, roles)) = self.request.route.access.grant() else { return Ok(()) };
        if named.is_some() && hangs_on.is_some() && named != hangs_on {
            return Err(Tag::NotFound.into());
        }
        if let Some(logical) = named {
            self.place(logical).await?.facility()?;
        }
        let logical =
            named.or(hangs_on).ok_or_else(|| Error::internal("the route does not say at which facility"))?;
        if self.caller().roles.contains_any(roles) {
            return Ok(());
        }
        self.need_grant(logical, grant).await
    }
}
