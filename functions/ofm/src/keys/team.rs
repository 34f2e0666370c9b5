//! Teams, and who is in them.

use contract::{
    codes::Code,
    ids::{LogicalGuid, TeamGuid, UserGuid},
    time::Time,
};
use store::{Index, Indexes, Key, Listing, Order, Org, Partition};

use crate::{
    lifecycle::Status,
    team::{
        Team, TeamCodeClaim,
        member::{TeamMember, TeamMemberState},
    },
};

/// A team.
pub fn by_guid(org: &Org, guid: TeamGuid) -> Key<Team> {
    Key::new(&of_team(org, guid), &[&"team"])
}

fn of_team(org: &Org, guid: TeamGuid) -> Partition {
    Partition::of("ofm", org).part("team").part(guid)
}

/// Which team has this code.
pub fn by_code(org: &Org, code: &Code) -> Key<TeamCodeClaim> {
    Key::new(&Partition::of("ofm", org).part("team-code").part(code), &[&"claim"])
}

/// Whose teams a list holds.
#[derive(Clone, Copy, Debug)]
pub enum Teams {
    /// All.
    All,
    /// Those of one facility.
    OfFacility(LogicalGuid),
    /// Those of the whole org.
    OfNoFacility,
}

impl Teams {
    fn index(self) -> Index {
        if matches!(self, Self::All) { Index::First } else { Index::Second }
    }

    fn partition(self, org: &Org, status: Status) -> Partition {
        let teams = Partition::of("ofm", org).part("teams");
        let teams = match self {
            Self::All => teams,
            Self::OfFacility(logical) => teams.part("of").part(logical),
            Self::OfNoFacility => teams.part("org-wide"),
        };
        teams.state(status)
    }
}

/// Sorts by code, also where one code begins with another: a space sorts before all that a code may hold.
fn position(code: &Code, guid: TeamGuid) -> String {
    format!("{code} {guid}")
}

pub(crate) fn lists(org: &Org, team: &Team) -> Indexes {
    let position = position(&team.code, team.team_guid);
    let teams = team.logical_guid.map_or(Teams::OfNoFacility, Teams::OfFacility);
    Indexes::none()
        .first(Teams::All.partition(org, team.status), &[&position])
        .second(teams.partition(org, team.status), &[&position])
}

/// Teams in some states, by code.
pub fn by_status(org: &Org, teams: Teams, statuses: &[Status]) -> Listing<Team> {
    let partitions = statuses.iter().map(|status| teams.partition(org, *status));
    Listing::new(teams.index(), partitions, Order::Ascending)
}

/// That a person is or was in a team.
pub fn member(org: &Org, team: TeamGuid, user: UserGuid) -> Key<TeamMember> {
    Key::new(&of_team(org, team), &[&"member", &user])
}

fn in_team(org: &Org, team: TeamGuid, state: TeamMemberState) -> Partition {
    of_team(org, team).part("members").state(state)
}

fn of_user(org: &Org, user: UserGuid, state: TeamMemberState) -> Partition {
    Partition::of("ofm", org).part("teams-of").part(user).state(state)
}

pub(crate) fn member_lists(org: &Org, member: &TeamMember, created_at: Time) -> Indexes {
    let TeamMember { team_guid, user_guid, state, .. } = member;
    Indexes::none()
        .first(in_team(org, *team_guid, *state), &[&created_at, user_guid])
        .second(of_user(org, *user_guid, *state), &[&position(&member.team_code, *team_guid)])
}

/// Who is or was in a team, as stored, in the order in which they first joined.
pub fn members(org: &Org, team: TeamGuid, states: &[TeamMemberState]) -> Listing<TeamMember> {
    let partitions = states.iter().map(|state| in_team(org, team, *state));
    Listing::new(Index::First, partitions, Order::Ascending)
}

/// In which teams a person is or was, as stored, by the teams' codes.
pub fn by_member(org: &Org, user: UserGuid, states: &[TeamMemberState]) -> Listing<TeamMember> {
    let partitions = states.iter().map(|state| of_user(org, user, *state));
    Listing::new(Index::Second, partitions, Order::Ascending)
}
