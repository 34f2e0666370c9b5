//! Who is in a team (contract ofm §11). Somebody who left the org reads as removed, and so does everybody in a team that
//! is doomed: nothing is written for that (ofm §2, *Membership epoch*).

use contract::{
    codes::Code,
    error::{Error, Result, Tag},
    ids::{LogicalGuid, OrgGuid, TeamGuid, UserGuid},
    personal::DisplayName,
    revision,
    roles::Role,
    states::{Filter, States, visible},
    text::Caption,
    time::Time,
};
use identity::{
    keys::member as member_key,
    member::{Member, MemberState},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{
    Access, Answer, Class, Ctx, MayName, OrgFrom, Resource, Route, Writer, Written, list, person, post,
    write_if_named,
};
use store::{Batch, Entity, Indexes, Key, Listing, Org, Stored, classes};

use crate::{
    access::ASSOCIATED,
    crew, keys,
    lifecycle::Status,
    team::{ADMINS, Team, rely_on_facility},
};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/team/member/add"),
        summary: "Add a person to a team, or change their position in it",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMINS,
        errors: &[Tag::ExpectedRevisionRequired, Tag::Conflict, Tag::InvalidState, Tag::LimitExceeded],
        handler: &write_if_named(add).also(|input, org, batch| {
            want(org, input.team_guid, input.user_guid, batch);
            person::want(input.user_guid, batch);
        }),
    },
    Route {
        call: post("/team/member/remove"),
        summary: "Remove a person from a team",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Judged("`ofm_team_admin`, or oneself"),
        errors: &[Tag::Forbidden, Tag::ExpectedRevisionRequired, Tag::Conflict],
        handler: &write_if_named(remove)
            .also(|input, org, batch| want(org, input.team_guid, input.user_guid, batch)),
    },
    Route {
        call: post("/team/members"),
        summary: "List who is in a team, in the order in which they joined",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &list(list_of_team)
            .also(|input, org, batch| batch.want(&keys::team::by_guid(org, input.team_guid)))
            .ahead(|input, org| Some(input.wanted(org).of_anything())),
    },
    Route {
        call: post("/team/by-member"),
        summary: "List the teams that a person is in, by code",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &list(list_of_person)
            .also(|input, org, batch| batch.want_all(&input.user_guid.map(|user| member_key(org, user))))
            .ahead(|input, org| input.user_guid.map(|user| input.wanted(org, user).of_anything())),
    },
];

/// So many are in a team at most.
pub const MOST_MEMBERS: u32 = 2_000;

/// How a person is in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TeamMemberState {
    /// In it.
    Active,
    /// Not any more; may be added again.
    Removed,
}

impl States for TeamMemberState {
    const ALL: &'static [Self] = &[Self::Active, Self::Removed];
    const HIDDEN: &'static [Self] = &[Self::Removed];
}

/// What a person is in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// One of it.
    Member,
    /// Leads it.
    Lead,
}

/// That a person is or was in a team. One record per person and team.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TeamMember {
    /// The org.
    pub org_guid: OrgGuid,
    /// The team.
    pub team_guid: TeamGuid,
    /// The team's code, by which a person's teams are listed.
    pub team_code: Code,
    /// The person.
    pub user_guid: UserGuid,
    /// What the person is in it.
    pub position: Position,
    /// How it stands as stored; see [`TeamMember::state_in`].
    pub state: TeamMemberState,
    /// The membership's epoch in which the person was added: it counts in no other (ofm §2).
    pub epoch: u64,
}

classes!(TeamMember {
    org_guid: Plain,
    team_guid: Plain,
    team_code: Plain,
    user_guid: Plain,
    position: Plain,
    state: Plain,
    epoch: Plain,
});

impl Entity for TeamMember {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "team-member";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::team::member(org, self.team_guid, self.user_guid)
    }

    fn indexes(&self, org: &Org, created_at: Time) -> Indexes {
        keys::team::member_lists(org, self, created_at)
    }

    fn id(&self) -> String {
        format!("{}:{}", self.team_guid, self.user_guid)
    }
}

impl TeamMember {
    /// How it stands, the team and the person's membership in the org being so.
    pub fn state_in(&self, team: Status, member: &Member) -> TeamMemberState {
        let counts =
            team != Status::Doomed && self.epoch == member.epoch && member.state != MemberState::Removed;
        if counts { self.state } else { TeamMemberState::Removed }
    }
}

/// That a person is or was in a team, as it is answered.
#[derive(Serialize, JsonSchema)]
pub struct TeamMemberView {
    /// The org.
    org_guid: OrgGuid,
    /// The team.
    team_guid: TeamGuid,
    /// The person.
    user_guid: UserGuid,
    /// The person's name; null where a refusal shows the record.
    display_name: Option<DisplayName>,
    /// What the person is in it.
    position: Position,
    /// How it stands.
    state: TeamMemberState,
    /// Its revision, to be sent as `expected_revision` with the next change.
    revision: revision::Tag,
    /// When the person was first added.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

impl TeamMemberView {
    fn of(stored: &Stored<TeamMember>, team: Status, member: &Member) -> Self {
        Self {
            display_name: Some(member.display_name.clone()),
            state: stored.record.state_in(team, member),
            ..Self::bare(stored)
        }
    }

    fn bare(stored: &Stored<TeamMember>) -> Self {
        let TeamMember { org_guid, team_guid, user_guid, position, state, .. } = stored.record;
        Self {
            org_guid,
            team_guid,
            user_guid,
            display_name: None,
            position,
            state,
            revision: stored.revision,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

impl Resource for TeamMember {
    type View = TeamMemberView;

    fn view(stored: &Stored<Self>, _: &Ctx) -> TeamMemberView {
        TeamMemberView::bare(stored)
    }
}

fn want(org: &Org, team: TeamGuid, user: UserGuid, batch: &mut Batch) {
    batch.want(&keys::team::by_guid(org, team));
    batch.want(&member_key(org, user));
}

/// A team and a person of the org.
async fn both(ctx: &Ctx, team: TeamGuid, user: UserGuid) -> Result<(Stored<Team>, Option<Stored<Member>>)> {
    let org = ctx.org()?;
    let mut batch = Batch::default();
    want(org, team, user, &mut batch);
    let (team, member) = (keys::team::by_guid(org, team), member_key(org, user));
    let found = ctx.read(batch).await?;
    Ok((found.get(&team)?.ok_or(Tag::NotFound)?, found.get(&member)?))
}

macro_rules! may_name {
    ($($input:ident),+) => {$(
        impl MayName for $input {
            type Record = TeamMember;

            fn key(&self, org: &Org) -> Option<Key<TeamMember>> {
                Some(keys::team::member(org, self.team_guid, self.user_guid))
            }
        }
    )+};
}

may_name!(Add, Remove);

#[derive(Clone, Deserialize, JsonSchema)]
struct Add {
    /// The team.
    team_guid: TeamGuid,
    /// The person: an active member of the org, and for a team of a facility assigned there or an owner.
    user_guid: UserGuid,
    /// What the person is in it; an ordinary member unless given.
    position: Option<Position>,
    /// The revision that the caller saw, where the person is or was in it.
    expected_revision: Option<revision::Tag>,
}

async fn add(ctx: Ctx, input: Add, before: Option<Stored<TeamMember>>) -> Result<Written<TeamMemberView>> {
    let org = ctx.org()?;
    let (team, member) = both(&ctx, input.team_guid, input.user_guid).await?;
    ctx.expect_if_there(before.as_ref(), input.expected_revision)?;
    let member = member.ok_or_else(|| Error::no_such("user_guid"))?;
    person::read(&ctx, input.user_guid, "user_guid").await?;
    if team.record.status != Status::Active {
        return Err(Error::from(Tag::InvalidState).detail("status", json!(team.record.status)));
    }
    let mut change = ctx.change();
    rely_on_facility(&ctx, &mut change, &team.record).await?;
    crew::refuse_unfit(&ctx, &mut change, &member, team.record.logical_guid).await?;
    let is_in = before.as_ref().is_some_and(|before| before.record.state == TeamMemberState::Active);
    let record = TeamMember {
        org_guid: org.guid(),
        team_guid: input.team_guid,
        team_code: team.record.code.clone(),
        user_guid: input.user_guid,
        position: input.position.unwrap_or(Position::Member),
        state: TeamMemberState::Active,
        epoch: member.record.epoch,
    };
    let action = "team-member-added";
    let added = match &before {
        None => change.create(org, record, action)?,
        Some(before) => change.update(org, before, record, action)?,
    };
    count(&mut change, org, &team, i8::from(!is_in))?;
    let answer = ctx.show(&added)?;
    Ok(change.answer(answer.map(|_| TeamMemberView::of(&added, team.record.status, &member.record))))
}

/// Counts who is in a team, and holds on to how it stands.
fn count(change: &mut Writer, org: &Org, team: &Stored<Team>, more: i8) -> Result<()> {
    if more == 0 {
        return change.require(&keys::team::by_guid(org, team.record.team_guid), team);
    }
    let member_count = team.record.member_count.saturating_add_signed(more.into());
    if member_count > MOST_MEMBERS {
        return Err(Error::from(Tag::LimitExceeded).detail("most", MOST_MEMBERS));
    }
    let counted = Team { member_count, ..team.record.clone() };
    change.adjust(org, team, counted, "team-updated").map(drop)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Remove {
    /// The team.
    team_guid: TeamGuid,
    /// The person.
    user_guid: UserGuid,
    /// The revision that the caller saw, where the person is in it.
    expected_revision: Option<revision::Tag>,
}

/// What came of removing a person from a team.
#[derive(Serialize, JsonSchema)]
struct RemovedMember {
    /// The org.
    org_guid: OrgGuid,
    /// The team.
    team_guid: TeamGuid,
    /// The person.
    user_guid: UserGuid,
    /// False where the person was not in it: then nothing was written.
    removed: bool,
    /// How it stands now.
    state: TeamMemberState,
    /// Its revision; null where the person never was in it.
    revision: Option<revision::Tag>,
}

async fn remove(
    ctx: Ctx,
    input: Remove,
    before: Option<Stored<TeamMember>>,
) -> Result<Written<RemovedMember>> {
    if ctx.caller().user_guid() != Some(input.user_guid) {
        ctx.need_role(&[Role::OfmTeamAdmin])?;
    }
    let org = ctx.org()?;
    let (team, member) = both(&ctx, input.team_guid, input.user_guid).await?;
    let answer = |removed: bool, revision| RemovedMember {
        org_guid: org.guid(),
        team_guid: input.team_guid,
        user_guid: input.user_guid,
        removed,
        state: TeamMemberState::Removed,
        revision,
    };
    let is_in = |before: &&Stored<TeamMember>| {
        let member = member.as_ref().map(|member| &member.record);
        let state = |member| before.record.state_in(team.record.status, member);
        // Who is left over from a former membership of the org still counts, until they are removed by the revision.
        let is_left_over = before.record.state == TeamMemberState::Active
            && team.record.status != Status::Doomed
            && input.expected_revision.is_some();
        is_left_over || member.map(state) == Some(TeamMemberState::Active)
    };
    let Some(before) = before.as_ref().filter(is_in) else {
        let revision = before.map(|before| before.revision);
        return Ok(Written::nothing(Answer::new(answer(false, revision))));
    };
    ctx.expect_if_there(Some(before), input.expected_revision)?;
    let mut change = ctx.change();
    let record = TeamMember { state: TeamMemberState::Removed, ..before.record.clone() };
    let after = change.update(org, before, record, "team-member-removed")?;
    count(&mut change, org, &team, -1)?;
    let shown = ctx.show(&after)?;
    Ok(change.answer(shown.map(|_| answer(true, Some(after.revision)))))
}

/// As stored, what may read so: who is removed may be stored as active.
fn stored(states: &[TeamMemberState]) -> Vec<TeamMemberState> {
    if states.contains(&TeamMemberState::Removed) { TeamMemberState::ALL.to_vec() } else { states.to_vec() }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct OfTeam {
    /// The team.
    team_guid: TeamGuid,
    /// Only those in this state, or `all`; those not removed unless said otherwise.
    state: Option<Filter<TeamMemberState>>,
    /// Whether removed ones are shown too.
    include_doomed: Option<bool>,
}

impl OfTeam {
    fn states(&self) -> Vec<TeamMemberState> {
        visible(self.state, self.include_doomed)
    }

    fn wanted(&self, org: &Org) -> Listing<TeamMember> {
        keys::team::members(org, self.team_guid, &stored(&self.states()))
    }
}

/// A page of those who are in a team.
#[derive(Serialize, JsonSchema)]
struct TeamMembers {
    /// They.
    members: Vec<TeamMemberView>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

async fn list_of_team(ctx: Ctx, input: OfTeam) -> Result<Answer<TeamMembers>> {
    let org = ctx.org()?;
    let team = ctx.get(&keys::team::by_guid(org, input.team_guid)).await?.ok_or(Tag::NotFound)?;
    let (states, status) = (input.states(), team.record.status);
    let (ctx, states) = (&ctx, &states);
    let show = |found: Vec<Stored<TeamMember>>| async move {
        let people: Vec<_> = found.iter().map(|found| member_key(org, found.record.user_guid)).collect();
        let people = ctx.get_each(&people).await?;
        let views = found.iter().zip(people).map(|(found, person)| {
            let view = TeamMemberView::of(found, status, &person?.record);
            states.contains(&view.state).then_some(view)
        });
        Ok(views.collect())
    };
    let (members, next_token) = ctx.list_shown(&input.wanted(org), show).await?;
    Ok(Answer::new(TeamMembers { members, next_token }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct OfPerson {
    /// The person; the caller unless given. A key must name one.
    user_guid: Option<UserGuid>,
    /// Only teams that the person is in so, or `all`; those not left unless said otherwise.
    state: Option<Filter<TeamMemberState>>,
    /// Whether teams are shown too that the person is not in any more.
    include_doomed: Option<bool>,
}

impl OfPerson {
    fn states(&self) -> Vec<TeamMemberState> {
        visible(self.state, self.include_doomed)
    }

    fn wanted(&self, org: &Org, user: UserGuid) -> Listing<TeamMember> {
        keys::team::by_member(org, user, &stored(&self.states()))
    }
}

/// A team that a person is or was in.
#[derive(Serialize, JsonSchema)]
struct OwnTeam {
    /// The team.
    team_guid: TeamGuid,
    /// The person.
    user_guid: UserGuid,
    /// The team's code.
    code: Code,
    /// What the team is called.
    caption: Caption,
    /// The facility whose team it is.
    logical_guid: Option<LogicalGuid>,
    /// What the person is in it.
    position: Position,
    /// How the person is in it.
    state: TeamMemberState,
    /// How the team stands.
    status: Status,
}

impl OwnTeam {
    fn of(found: &TeamMember, team: Team, member: &Member) -> Self {
        Self {
            state: found.state_in(team.status, member),
            team_guid: found.team_guid,
            user_guid: found.user_guid,
            code: team.code,
            caption: team.caption,
            logical_guid: team.logical_guid,
            position: found.position,
            status: team.status,
        }
    }
}

/// A page of a person's teams.
#[derive(Serialize, JsonSchema)]
struct OwnTeams {
    /// The teams.
    teams: Vec<OwnTeam>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

async fn list_of_person(ctx: Ctx, input: OfPerson) -> Result<Answer<OwnTeams>> {
    let org = ctx.org()?;
    let user = input.user_guid.or(ctx.caller().user_guid());
    let user = user.ok_or_else(|| Error::field("user_guid", "is required"))?;
    let member = ctx.get(&member_key(org, user)).await?.ok_or_else(|| Error::no_such("user_guid"))?;
    let states = input.states();
    let (ctx, states, member) = (&ctx, &states, &member);
    let show = |found: Vec<Stored<TeamMember>>| async move {
        let teams: Vec<_> =
            found.iter().map(|found| keys::team::by_guid(org, found.record.team_guid)).collect();
        let teams = ctx.get_each(&teams).await?;
        let views = found.iter().zip(teams).map(|(found, team)| {
            let view = OwnTeam::of(&found.record, team?.record, &member.record);
            states.contains(&view.state).then_some(view)
        });
        Ok(views.collect())
    };
    let (teams, next_token) = ctx.list_shown(&input.wanted(org, user), show).await?;
    Ok(Answer::new(OwnTeams { teams, next_token }))
}
