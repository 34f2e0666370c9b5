//! Teams: people who work together (contract ofm §11). Who is in one is in [`member`].

pub mod member;

use contract::{
    codes::Code,
    error::{Error, Result, Tag},
    ids::{LogicalGuid, OrgGuid, TeamGuid},
    input::Patch,
    revision,
    roles::Role,
    states::{Filter, visible},
    text::{Caption, Prose},
    time::Time,
};
use identity::keys::logical_facility;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Answer, Class, Ctx, OrgFrom, Resource, Route, Writer, Written, allow, change, list, names, post,
    read_record, revised, write,
};
use store::{Entity, Indexes, Key, Listing, Org, Shown, Stored, classes};

use crate::{
    access::ASSOCIATED,
    hold::{Child, Parent, Weight, hang},
    keys::{self, team::Teams},
    lifecycle::{ARCS, Living, Status, not_doomed, usable},
};

const ADMINS: Access = Access::OneOf(&[Role::OfmTeamAdmin]);

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/team/create"),
        summary: "Create a team, of the org or of one facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMINS,
        errors: &[Tag::InvalidState, Tag::DuplicateCode],
        handler: &write(create),
    },
    Route {
        call: post("/team/get"),
        summary: "Get a team",
        class: Class::B,
        org: OrgFrom::BodyGuid,
        access: ASSOCIATED,
        errors: &[],
        handler: &read_record(get),
    },
    Route {
        call: post("/team/list"),
        summary: "List the teams of an org, by code",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &list(list_by_code)
            .at(|input| input.logical_guid)
            .ahead(|input, org| Some(wanted(input, org).of_anything())),
    },
    Route {
        call: post("/team/status"),
        summary: "Set the status of a team",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMINS,
        errors: &[Tag::InvalidTransition, Tag::InvalidState],
        handler: &change(set_status),
    },
    Route {
        call: post("/team/update"),
        summary: "Change caption or description of a team",
        class: Class::A,
        org: OrgFrom::Body,
        access: ADMINS,
        errors: &[Tag::InvalidState],
        handler: &change(update),
    },
];

/// A team.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Team {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its id.
    pub team_guid: TeamGuid,
    /// Its code, unique in the org; never changes.
    pub code: Code,
    /// What it is called.
    pub caption: Caption,
    /// What it is for.
    pub description: Option<Prose<1000>>,
    /// The facility whose team it is; null for one of the whole org. Never changes.
    pub logical_guid: Option<LogicalGuid>,
    /// How many were added and not removed. Who left the org counts until they are removed.
    pub member_count: u32,
    /// How it stands.
    pub status: Status,
}

classes!(Team {
    org_guid: Plain,
    team_guid: Plain,
    code: Plain,
    caption: Plain,
    description: Plain,
    logical_guid: Plain,
    member_count: Plain,
    status: Plain,
});

impl Entity for Team {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "team";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::team::by_guid(org, self.team_guid)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::team::lists(org, self)
    }

    fn id(&self) -> String {
        self.team_guid.to_string()
    }
}

impl Resource for Team {
    type View = Shown<Self>;

    fn view(stored: &Stored<Self>, _: &Ctx) -> Shown<Self> {
        stored.shown()
    }
}

impl Living for Team {
    fn status(&self) -> Status {
        self.status
    }
}

/// Who holds a code: written with the team, never released.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TeamCodeClaim {
    /// The code.
    pub code: Code,
    /// The team.
    pub team_guid: TeamGuid,
}

classes!(TeamCodeClaim { code: Plain, team_guid: Plain });

impl Entity for TeamCodeClaim {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "team-code";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::team::by_code(org, &self.code)
    }

    fn id(&self) -> String {
        self.code.to_string()
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// Its code, unique in the org.
    code: Code,
    /// What it is called.
    caption: Caption,
    /// What it is for.
    description: Option<Prose<1000>>,
    /// The facility whose team it is: an active one; of the whole org unless given.
    logical_guid: Option<LogicalGuid>,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<Shown<Team>>> {
    let org = ctx.org()?;
    let mut change = ctx.change();
    let team = Team {
        org_guid: org.guid(),
        team_guid: TeamGuid::from_uuid(change.uuid()),
        code: input.code,
        caption: input.caption,
        description: input.description,
        logical_guid: input.logical_guid,
        member_count: 0,
        status: Status::Active,
    };
    rely_on_facility(&ctx, &mut change, &team).await?;
    let claim = TeamCodeClaim { code: team.code.clone(), team_guid: team.team_guid };
    change.claim(org, claim, |_| Error::from(Tag::DuplicateCode).detail("field", "code"))?;
    hang_on_facility(&mut change, org, &team, Weight::Nothing)?;
    let created = change.create(org, team, "team-created")?;
    change.show(&created)
}

/// The facility of a team must be active, also when the change is written; but to wind the team down (ofm §6).
async fn rely_on_facility(ctx: &Ctx, change: &mut Writer, team: &Team) -> Result<()> {
    let Some(logical) = team.logical_guid else { return Ok(()) };
    let key = logical_facility(ctx.org()?, logical);
    let facility = usable(ctx.get(&key).await?, "logical_guid")?;
    change.require(&key, &facility)
}

/// A facility is not doomed while a team of it is not.
fn hang_on_facility(change: &mut Writer, org: &Org, team: &Team, was: Weight) -> Result<()> {
    let Some(logical) = team.logical_guid else { return Ok(()) };
    hang(change, org, (Parent::Logical(logical), Child::Team), &team.team_guid, (was, team.status.into()))
}

names!([Get, SetStatus, Update] Team = keys::team::by_guid[team_guid]);
revised!(SetStatus, Update);

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The team.
    team_guid: TeamGuid,
}

async fn get(ctx: Ctx, _: Get, team: Stored<Team>) -> Result<Answer<Shown<Team>>> {
    ctx.show(&team)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only those of this status, or `all`; those not doomed unless said otherwise.
    status: Option<Filter<Status>>,
    /// Whether doomed ones are shown too.
    include_doomed: Option<bool>,
    /// Only those of this facility.
    logical_guid: Option<LogicalGuid>,
    /// With `true`, only those of the whole org.
    org_wide: Option<bool>,
}

/// A page of teams.
#[derive(Serialize, JsonSchema)]
struct TeamPage {
    /// The teams.
    teams: Vec<Shown<Team>>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

fn wanted(input: &List, org: &Org) -> Listing<Team> {
    let teams = match (input.logical_guid, input.org_wide == Some(true)) {
        (Some(logical), _) => Teams::OfFacility(logical),
        (None, true) => Teams::OfNoFacility,
        (None, false) => Teams::All,
    };
    keys::team::by_status(org, teams, &visible(input.status, input.include_doomed))
}

async fn list_by_code(ctx: Ctx, input: List) -> Result<Answer<TeamPage>> {
    if let Some(logical) = input.logical_guid {
        if input.org_wide == Some(true) {
            return Err(Error::field("org_wide", "must not stand beside logical_guid"));
        }
        ctx.place(logical).await?.facility()?;
    }
    let page = ctx.list(&wanted(&input, ctx.org()?)).await?;
    Ok(Answer::new(TeamPage { teams: page.show(&ctx), next_token: page.next_token }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The team.
    team_guid: TeamGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How it is to stand.
    status: Status,
}

async fn set_status(ctx: Ctx, input: SetStatus, before: Stored<Team>) -> Result<Written<Shown<Team>>> {
    let org = ctx.org()?;
    allow(ARCS, before.record.status, input.status)?;
    let mut change = ctx.change();
    let team = Team { status: input.status, ..before.record.clone() };
    if input.status == Status::Active {
        rely_on_facility(&ctx, &mut change, &team).await?;
    }
    hang_on_facility(&mut change, org, &team, before.record.status.into())?;
    let after = change.update(org, &before, team, "team-status-set")?;
    change.show(&after)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Update {
    /// The team.
    team_guid: TeamGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// What it is to be called.
    caption: Option<Caption>,
    /// What it is for; null clears.
    description: Patch<Prose<1000>>,
}

async fn update(ctx: Ctx, input: Update, before: Stored<Team>) -> Result<Written<Shown<Team>>> {
    not_doomed(&before.record)?;
    let mut team = before.record.clone();
    team.caption = input.caption.unwrap_or(team.caption);
    input.description.apply(&mut team.description);
    let mut change = ctx.change();
    rely_on_facility(&ctx, &mut change, &team).await?;
    let after = change.update(ctx.org()?, &before, team, "team-updated")?;
    change.show(&after)
}
