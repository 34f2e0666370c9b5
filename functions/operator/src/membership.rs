//! What ties a user to orgs.

use contract::{
    error::{Error, Result},
    ids::{OrgGuid, UserGuid},
};
use identity::{keys, member::Member, org::OrgStatus, owned_orgs::OwnedOrgs, owner::Owner};
use service::Ctx;
use store::{Batch, Org, Stored};

/// So many ties are read at once: two items each, of the hundred that fit into a batch.
const TIES_READ: usize = 50;
/// So many orgs are read at once.
const ORGS_READ: usize = 100;

/// A membership with the ownership that goes with it, as they stand.
pub(crate) struct Tie {
    pub(crate) org: Org,
    pub(crate) member: Stored<Member>,
    pub(crate) owner: Option<Stored<Owner>>,
}

/// Every membership of a user. The list comes from an index, which lags by a moment; what it names is read as it
/// stands.
pub(crate) async fn ties(ctx: &Ctx, user: UserGuid) -> Result<Vec<Tie>> {
    let mut ties = Vec::new();
    for members in ctx.all(&keys::memberships_of(user)).await?.chunks(TIES_READ) {
        let orgs: Vec<Org> = members.iter().map(|member| Org::checked(member.record.org_guid)).collect();
        let mut batch = Batch::default();
        for org in &orgs {
            batch.want(&keys::member(org, user));
            batch.want(&keys::owner(org, user));
        }
        let found = ctx.read(batch).await?;
        for org in orgs {
            let member = found.get(&keys::member(&org, user))?.ok_or_else(|| Error::moved("a membership"))?;
            ties.push(Tie { member, owner: found.get(&keys::owner(&org, user))?, org });
        }
    }
    Ok(ties)
}

/// Those of a user's orgs that are not doomed.
pub(crate) async fn living(ctx: &Ctx, owned: &OwnedOrgs) -> Result<Vec<OrgGuid>> {
    let orgs: Vec<Org> = owned.orgs.iter().copied().map(Org::checked).collect();
    let mut living = Vec::new();
    for part in orgs.chunks(ORGS_READ) {
        let mut batch = Batch::default();
        for org in part {
            batch.want(&keys::org(org));
        }
        let found = ctx.read(batch).await?;
        for org in part {
            let record = found.get(&keys::org(org))?;
            if record.is_some_and(|record| record.record.status != OrgStatus::Doomed) {
                living.push(org.guid());
            }
        }
    }
    Ok(living)
}
