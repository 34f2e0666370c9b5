//! Which orgs a caller belongs to: `/org/list` (contract ofm §4).

use contract::{
    codes::OrgCode,
    error::Result,
    ids::{OrgGuid, UserGuid},
    revision,
    states::{Filter, visible},
    text::Caption,
    time::{Time, TimeZone},
};
use identity::{
    keys,
    member::{Member, MemberState},
    org::{OrgRecord, OrgStatus},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Answer, Class, Ctx, OrgFrom, Principal, Route, list, post};
use store::Stored;

/// The routes.
pub static ROUTES: &[Route] = &[Route {
    call: post("/org/list"),
    summary: "List the caller's own orgs, by code",
    class: Class::B,
    org: OrgFrom::Nowhere,
    access: Access::Any,
    errors: &[],
    handler: &list(list_own),
}];

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only orgs of this status, or `all`.
    status: Option<Filter<OrgStatus>>,
    /// Taken as in every list, but doomed orgs never appear.
    include_doomed: Option<bool>,
}

/// A page of orgs.
#[derive(Serialize, JsonSchema)]
struct Orgs {
    /// The orgs.
    orgs: Vec<OwnOrg>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// An org, and what the caller is there.
#[derive(Serialize, JsonSchema)]
struct OwnOrg {
    /// Its id.
    org_guid: OrgGuid,
    /// Its code.
    orgcode: OrgCode,
    /// How it stands.
    status: OrgStatus,
    /// What it is called.
    caption: Caption,
    /// Its time zone.
    timezone: TimeZone,
    /// Whether the caller is an active owner, or a key with the role of one.
    is_owner: bool,
    /// Whether the caller is the active primary owner.
    is_primary_owner: bool,
    /// How the caller's membership stands; null for a key.
    member_state: Option<MemberState>,
    /// Its revision.
    revision: revision::Tag,
}

impl OwnOrg {
    fn of_key(org: Stored<OrgRecord>, is_owner: bool) -> Self {
        let OrgRecord { org_guid, orgcode, status, caption, timezone, .. } = org.record;
        Self {
            org_guid,
            orgcode,
            status,
            caption,
            timezone,
            is_owner,
            is_primary_owner: false,
            member_state: None,
            revision: org.revision,
        }
    }

    fn of_member(org: Stored<OrgRecord>, member: &Member) -> Self {
        Self {
            is_primary_owner: member.is_primary_owner(),
            member_state: Some(member.state),
            ..Self::of_key(org, member.is_owner())
        }
    }
}

async fn list_own(ctx: Ctx, input: List) -> Result<Answer<Orgs>> {
    let mut statuses = visible(input.status, input.include_doomed);
    statuses.retain(|status| *status != OrgStatus::Doomed);
    let (orgs, next_token) = match &ctx.caller().principal {
        Principal::Session { user, .. } => of_person(&ctx, user.record.user_guid, &statuses).await?,
        Principal::Key { org, .. } => {
            // A key sees its one org on its one page: no token is ever its own.
            ctx.position()?;
            let org = Some(*org.clone()).filter(|org| statuses.contains(&org.record.status));
            (org.map(|org| OwnOrg::of_key(org, ctx.caller().is_owner)).into_iter().collect(), None)
        }
        Principal::Anonymous | Principal::Operator { .. } => (Vec::new(), None),
    };
    Ok(Answer::new(Orgs { orgs, next_token }))
}

/// A page of a person's orgs, and where to go on.
async fn of_person(
    ctx: &Ctx,
    user: UserGuid,
    statuses: &[OrgStatus],
) -> Result<(Vec<OwnOrg>, Option<String>)> {
    let show = |found: Vec<Stored<Member>>| async move { shown(ctx, &found, statuses).await };
    ctx.list_shown(&keys::memberships_of(user), show).await
}

/// The orgs of some memberships, where they are shown.
async fn shown(
    ctx: &Ctx,
    memberships: &[Stored<Member>],
    statuses: &[OrgStatus],
) -> Result<Vec<Option<OwnOrg>>> {
    let key = |member: &Member| Some(keys::org(&ctx.caller().org_of(member)?));
    let members = memberships.iter().map(|stored| &stored.record);
    let keys: Vec<_> =
        members.map(|member| counts(member, ctx.now()).then(|| key(member)).flatten()).collect();
    let wanted: Vec<_> = keys.iter().flatten().cloned().collect();
    let mut orgs = ctx.get_each(&wanted).await?.into_iter();
    let own = keys.iter().zip(memberships).map(|(key, member)| {
        key.as_ref()?;
        let org = orgs.next().flatten().filter(|org| statuses.contains(&org.record.status))?;
        Some(OwnOrg::of_member(org, &member.record))
    });
    Ok(own.collect())
}

/// Whether a membership makes an org the person's own. One that is over tells nothing of the org any more, like every
/// other route; one that is suspended shows that it is, so that the person knows whom to ask.
fn counts(member: &Member, now: Time) -> bool {
    member.state == MemberState::Suspended || member.in_force(now)
}
