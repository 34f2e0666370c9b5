//! What ties a user to orgs.

use contract::{
    error::{Error, Result},
    ids::UserGuid,
};
use identity::{
    keys,
    member::{Member, MemberState},
    org::{OrgRecord, OrgStatus},
    owner::Owner,
};
use service::Ctx;
use store::{Batch, Org, Stored};

/// So many ties are read at once: three items each, of the hundred that fit into a batch.
const BATCH: usize = 33;

/// A membership with the org that it is of and the ownership that goes with it, as they stand.
pub(crate) struct Tie {
    pub(crate) org: Org,
    pub(crate) org_record: Stored<OrgRecord>,
    pub(crate) member: Stored<Member>,
    pub(crate) owner: Option<Stored<Owner>>,
}

impl Tie {
    /// Whether the user is the primary owner of an org that is not doomed.
    pub(crate) fn is_primary(&self) -> bool {
        let org = &self.org_record.record;
        org.status != OrgStatus::Doomed && org.primary_owner_user_guid == self.member.record.user_guid
    }

    /// Whether the user could be made the primary owner: an active member of an org that is not doomed.
    pub(crate) fn may_become_primary(&self) -> bool {
        self.org_record.record.status != OrgStatus::Doomed && self.member.record.state == MemberState::Active
    }
}

/// Everything that ties a user to orgs. The list comes from an index, which lags by a moment; what it names is read
/// as it stands.
pub(crate) async fn ties(ctx: &Ctx, user: UserGuid) -> Result<Vec<Tie>> {
    let mut ties = Vec::new();
    for members in ctx.all(&keys::memberships_of(user)).await?.chunks(BATCH) {
        let orgs: Vec<Org> = members.iter().map(|member| Org::checked(member.record.org_guid)).collect();
        let mut batch = Batch::default();
        for org in &orgs {
            batch.want(&keys::org(org));
            batch.want(&keys::member(org, user));
            batch.want(&keys::owner(org, user));
        }
        let found = ctx.read(batch).await?;
        for org in orgs {
            ties.push(Tie {
                org_record: found.get(&keys::org(&org))?.ok_or_else(|| Error::internal("a member's org"))?,
                member: found.get(&keys::member(&org, user))?.ok_or_else(|| Error::moved("a membership"))?,
                owner: found.get(&keys::owner(&org, user))?,
                org,
            });
        }
    }
    Ok(ties)
}
