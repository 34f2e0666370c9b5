//! Where the records that callers are checked against are stored, and how they are found. Every key of this crate is
//! made here.

use std::{collections::BTreeSet, fmt::Display};

use contract::{
    codes::{InvitationCode, InviteCode, OrgCode},
    ids::{InvitationId, InviteGuid, KeyId, LogicalGuid, ServiceAccountGuid, UserGuid},
    time::Time,
};
use store::{Index, Indexes, Key, Listing, Order, Org, Partition};

use crate::{
    api_key::{ApiKey, KeyPolicy, KeyStatus},
    assignment::{Assignee, Assignment, AssignmentState},
    clock::ClockShift,
    facility::LogicalFacility,
    invitation::{Invitation, InvitationCodeClaim, InvitationStatus},
    invite::{Invite, InviteCodeClaim, InviteStatus, StandingInvite},
    key_ring::KeyRing,
    lifecycle::Status,
    made_key::{KeyMaker, MadeKey},
    member::{EmployeeCodeClaim, Member, MemberState},
    open_entry::OpenEntry,
    org::{OrgCodeClaim, OrgRecord},
    owned_orgs::OwnedOrgs,
    owner::{Owner, OwnerSeats, OwnerState},
    service_account::{AccountStatus, ServiceAccount},
    session::{Session, SessionStatus},
    user::{EmailClaim, User},
};

/// The org itself.
pub fn org(org: &Org) -> Key<OrgRecord> {
    Key::new(&Partition::of("ofm", org).part("org"), &[&"org"])
}

/// Who holds an orgcode.
pub fn orgcode(code: &OrgCode) -> Key<OrgCodeClaim> {
    Key::new(&Partition::of_system("ofm").part("orgcode").part(code), &[&"claim"])
}

fn person(org: &Org, user: UserGuid) -> Partition {
    Partition::of("ofm", org).part("member").part(user)
}

/// A person's membership in an org.
pub fn member(org: &Org, user: UserGuid) -> Key<Member> {
    Key::new(&person(org, user), &[&"member"])
}

/// A person's ownership of an org.
pub fn owner(org: &Org, user: UserGuid) -> Key<Owner> {
    Key::new(&person(org, user), &[&"owner"])
}

/// Who are the active owners of an org.
pub fn owner_seats(org: &Org) -> Key<OwnerSeats> {
    Key::new(&Partition::of("ofm", org).part("owner-seats"), &[&"seats"])
}

/// The one timesheet entry of a person that is open.
pub fn open_entry(org: &Org, user: UserGuid) -> Key<OpenEntry> {
    Key::new(&Partition::of("ofm", org).part("open-entry").part(user), &[&"claim"])
}

/// Who holds an org's own number for a person, by its keyed hash.
pub fn employee_code(org: &Org, code_hash: &str) -> Key<EmployeeCodeClaim> {
    Key::new(&Partition::of("ofm", org).part("employee-code").part(code_hash), &[&"claim"])
}

fn members(org: &Org, of: MemberState) -> Partition {
    Partition::of("ofm", org).part("members").state(of)
}

fn orgs_of(user: UserGuid) -> Partition {
    Partition::of_system("ofm").part("orgs-of").part(user)
}

pub(crate) fn member_lists(org: &Org, member: &Member, created_at: Time) -> Indexes {
    Indexes::none()
        .first(members(org, member.state), &[&created_at, &member.user_guid])
        .second(orgs_of(member.user_guid), &[&member.orgcode, &member.org_guid])
}

/// The members of an org in some states, oldest first.
pub fn members_by_state(org: &Org, states: &[MemberState]) -> Listing<Member> {
    Listing::new(Index::First, states.iter().map(|state| members(org, *state)), Order::Ascending)
}

/// A person's memberships in all orgs, by orgcode.
pub fn memberships_of(user: UserGuid) -> Listing<Member> {
    Listing::new(Index::Second, [orgs_of(user)], Order::Ascending)
}

/// Of which orgs a user is the primary owner.
pub fn owned_orgs(user: UserGuid) -> Key<OwnedOrgs> {
    Key::new(&Partition::of_system("ofm").part("owned-by").part(user), &[&"orgs"])
}

fn owners(org: &Org, of: OwnerState) -> Partition {
    Partition::of("ofm", org).part("owners").state(of)
}

pub(crate) fn owner_lists(org: &Org, owner: &Owner, created_at: Time) -> Indexes {
    Indexes::none().first(owners(org, owner.state), &[&created_at, &owner.user_guid])
}

/// The owners of an org in some states, oldest first.
pub fn owners_by_state(org: &Org, states: &[OwnerState]) -> Listing<Owner> {
    Listing::new(Index::First, states.iter().map(|state| owners(org, *state)), Order::Ascending)
}

fn of_user(user: UserGuid) -> Partition {
    Partition::of_system("usm").part("user").part(user)
}

/// A user.
pub fn user(user: UserGuid) -> Key<User> {
    Key::new(&of_user(user), &[&"user"])
}

/// Who holds an e-mail address, by its keyed hash.
pub fn email(email_hash: &str) -> Key<EmailClaim> {
    Key::new(&Partition::of_system("usm").part("email").part(email_hash), &[&"claim"])
}

/// A session, by the hash of its token.
pub fn session(user: UserGuid, token_hash: &str) -> Key<Session> {
    Key::new(&of_user(user), &[&"session", &token_hash])
}

fn sessions(user: UserGuid, status: SessionStatus) -> Partition {
    of_user(user).part("sessions").state(status)
}

pub(crate) fn session_lists(session: &Session, created_at: Time) -> Indexes {
    Indexes::none().first(sessions(session.user_guid, session.status), &[&created_at, &session.session_id])
}

/// A user's sessions by what was done to them, opened in a span of time, oldest first.
pub fn sessions_opened(
    user: UserGuid,
    statuses: &[SessionStatus],
    from: Option<Time>,
    to: Option<Time>,
) -> Listing<Session> {
    let partitions = statuses.iter().map(|status| sessions(user, *status));
    let from = from.as_ref().map(|from| from as &dyn Display);
    let to = to.as_ref().map(|to| to as &dyn Display);
    Listing::new(Index::First, partitions, Order::Ascending).between(from, to)
}

fn of_account(org: &Org, account: ServiceAccountGuid) -> Partition {
    Partition::of("usm", org).part("service-account").part(account)
}

/// A service account.
pub fn service_account(org: &Org, account: ServiceAccountGuid) -> Key<ServiceAccount> {
    Key::new(&of_account(org, account), &[&"account"])
}

fn accounts(org: &Org, status: AccountStatus) -> Partition {
    Partition::of("usm", org).part("service-accounts").state(status)
}

pub(crate) fn service_account_lists(org: &Org, account: &ServiceAccount) -> Indexes {
    Indexes::none().first(accounts(org, account.status), &[&account.code, &account.service_account_guid])
}

/// The service accounts of an org in some states, by code.
pub fn service_accounts_by_status(org: &Org, statuses: &[AccountStatus]) -> Listing<ServiceAccount> {
    Listing::new(Index::First, statuses.iter().map(|status| accounts(org, *status)), Order::Ascending)
}

/// An API key, by its hash.
pub fn api_key(org: &Org, account: ServiceAccountGuid, token_hash: &str) -> Key<ApiKey> {
    Key::new(&of_account(org, account), &[&"key", &token_hash])
}

fn api_keys(org: &Org, account: ServiceAccountGuid, status: KeyStatus) -> Partition {
    of_account(org, account).part("keys").state(status)
}

pub(crate) fn api_key_lists(org: &Org, key: &ApiKey, created_at: Time) -> Indexes {
    Indexes::none().first(api_keys(org, key.service_account_guid, key.status), &[&created_at, &key.key_id])
}

/// The keys of a service account in some states, oldest first.
pub fn api_keys_by_status(org: &Org, account: ServiceAccountGuid, statuses: &[KeyStatus]) -> Listing<ApiKey> {
    let partitions = statuses.iter().map(|status| api_keys(org, account, *status));
    Listing::new(Index::First, partitions, Order::Ascending)
}

/// Which keys of a service account may still count.
pub fn key_ring(org: &Org, account: ServiceAccountGuid) -> Key<KeyRing> {
    Key::new(&Partition::of("usm", org).part("key-ring").part(account), &[&"index"])
}

fn made_by(org: &Org, user: UserGuid) -> Partition {
    Partition::of("usm", org).part("made-keys").part(user)
}

/// How often a person made a key in an org.
pub fn key_maker(org: &Org, user: UserGuid) -> Key<KeyMaker> {
    Key::new(&made_by(org, user), &[&"maker"])
}

/// That a person made a key.
pub fn made_key(org: &Org, user: UserGuid, id: KeyId) -> Key<MadeKey> {
    Key::new(&made_by(org, user), &[&"key", &id])
}

/// The keys that a person made in an org and that were not revoked one by one, oldest first.
pub fn made_keys(org: &Org, user: UserGuid) -> Listing<MadeKey> {
    Listing::new(Index::Main, [made_by(org, user)], Order::Ascending).beginning(&[&"key", &""])
}

/// The org's policy for its keys.
pub fn key_policy(org: &Org) -> Key<KeyPolicy> {
    Key::new(&Partition::of("usm", org).part("key-policy"), &[&"policy"])
}

/// A logical facility.
pub fn logical_facility(org: &Org, logical: LogicalGuid) -> Key<LogicalFacility> {
    Key::new(&Partition::of("ofm", org).part("facility-logical").part(logical), &[&"facility"])
}

fn logical_facilities(org: &Org, status: Status) -> Partition {
    Partition::of("ofm", org).part("facilities-logical").state(status)
}

pub(crate) fn logical_facility_lists(org: &Org, facility: &LogicalFacility) -> Indexes {
    // Sorts by code, also where one code begins with another: a space sorts before all that a code may hold.
    let sort = format!("{} {}", facility.code, facility.logical_guid);
    Indexes::none().first(logical_facilities(org, facility.status), &[&sort])
}

/// The logical facilities of an org in some states, by code.
pub fn logical_facilities_by_status(org: &Org, statuses: &[Status]) -> Listing<LogicalFacility> {
    let partitions = statuses.iter().map(|status| logical_facilities(org, *status));
    Listing::new(Index::First, partitions, Order::Ascending)
}

fn of_assignee(org: &Org, assignee: Assignee) -> Partition {
    Partition::of("ofm", org).part(assignee.kind()).part(assignee)
}

/// What somebody may do at a facility.
pub fn assignment(org: &Org, assignee: Assignee, logical: LogicalGuid) -> Key<Assignment> {
    Key::new(&of_assignee(org, assignee), &[&"assignment", &logical])
}

fn assignments_of(org: &Org, assignee: Assignee, state: AssignmentState) -> Partition {
    of_assignee(org, assignee).part("assignments").state(state)
}

fn assignments_at(org: &Org, logical: LogicalGuid, kind: &str, state: AssignmentState) -> Partition {
    Partition::of("ofm", org).part("facility-logical").part(logical).part("assigned").part(kind).state(state)
}

pub(crate) fn assignment_lists(org: &Org, assignment: &Assignment, created_at: Time) -> Indexes {
    let Assignment { logical_guid, state, .. } = assignment;
    let assignee = assignment.assignee();
    let here = assignments_at(org, *logical_guid, assignee.kind(), *state);
    Indexes::none()
        .first(assignments_of(org, assignee, *state), &[&created_at, logical_guid])
        .second(here, &[&created_at, &assignee])
}

/// The facilities that somebody is or was assigned to, oldest first.
pub fn assignments_by_assignee(
    org: &Org,
    assignee: Assignee,
    states: &[AssignmentState],
) -> Listing<Assignment> {
    let partitions = states.iter().map(|state| assignments_of(org, assignee, *state));
    Listing::new(Index::First, partitions, Order::Ascending)
}

/// The members who are or were assigned to a facility, oldest assignment first.
pub fn members_assigned_to(
    org: &Org,
    logical: LogicalGuid,
    states: &[AssignmentState],
) -> Listing<Assignment> {
    let partitions = states.iter().map(|state| assignments_at(org, logical, Assignee::MEMBER, *state));
    Listing::new(Index::Second, partitions, Order::Ascending)
}

/// The service accounts that are or were assigned to a facility, oldest assignment first.
pub fn service_accounts_assigned_to(
    org: &Org,
    logical: LogicalGuid,
    states: &[AssignmentState],
) -> Listing<Assignment> {
    let partitions =
        states.iter().map(|state| assignments_at(org, logical, Assignee::SERVICE_ACCOUNT, *state));
    Listing::new(Index::Second, partitions, Order::Ascending)
}

/// An invitation to create an org.
pub fn invitation(id: InvitationId) -> Key<Invitation> {
    Key::new(&Partition::of_system("ofm").part("invitation").part(id), &[&"invitation"])
}

/// Which invitation has this code.
pub fn invitation_code(code: &InvitationCode) -> Key<InvitationCodeClaim> {
    Key::new(&Partition::of_system("ofm").part("invitation-code").part(code), &[&"claim"])
}

/// Whose invitations a list holds.
#[derive(Clone, Copy, Debug)]
pub enum Invited<'a> {
    /// Everybody's.
    Anyone,
    /// Those that name this user.
    User(UserGuid),
    /// Those that name the e-mail with this keyed hash.
    Email(&'a str),
}

impl Invited<'_> {
    fn index(self) -> Index {
        if matches!(self, Self::Anyone) { Index::First } else { Index::Second }
    }

    fn partition(self, status: InvitationStatus) -> Partition {
        let partition = Partition::of_system("ofm").part("invitations");
        let partition = match self {
            Self::Anyone => partition,
            Self::User(user) => partition.part("user").part(user),
            Self::Email(hash) => partition.part("email").part(hash),
        };
        partition.state(status)
    }
}

pub(crate) fn invitation_lists(invitation: &Invitation) -> Indexes {
    let Invitation { invitation_id, user_guid, email_hash, status, expires_at, .. } = invitation;
    let lists = Indexes::none().first(Invited::Anyone.partition(*status), &[expires_at, invitation_id]);
    let invited = match (user_guid, email_hash) {
        (Some(user), _) => Invited::User(*user),
        (None, Some(hash)) => Invited::Email(hash),
        (None, None) => return lists,
    };
    lists.second(invited.partition(*status), &[expires_at, invitation_id])
}

/// The invitations that stand in some way at this time, in the order in which they end.
pub fn invitations(invited: Invited<'_>, statuses: &[InvitationStatus], now: Time) -> Listing<Invitation> {
    // Open ones and expired ones lie in one partition, divided by the time: what ended cannot move by itself.
    let stored: BTreeSet<_> = statuses
        .iter()
        .map(|status| match status {
            InvitationStatus::Expired => InvitationStatus::Open,
            status => *status,
        })
        .collect();
    let partitions = stored.into_iter().map(|status| invited.partition(status));
    let list = Listing::new(invited.index(), partitions, Order::Ascending);
    match statuses {
        [InvitationStatus::Open] => {
            let later = Time::from_millis(now.millis() + 1).unwrap_or(now);
            list.between(Some(&later), None)
        }
        [InvitationStatus::Expired] => list.between(None, Some(&now)),
        _ => list,
    }
}

/// An invite to become a member.
pub fn invite(org: &Org, guid: InviteGuid) -> Key<Invite> {
    Key::new(&Partition::of("ofm", org).part("member-invite").part(guid), &[&"invite"])
}

/// Which invite has this code.
pub fn invite_code(code: &InviteCode) -> Key<InviteCodeClaim> {
    Key::new(&Partition::of_system("ofm").part("member-invite-code").part(code), &[&"claim"])
}

/// Which invite of a person to an org stands; the person by their id, or by the keyed hash of their e-mail.
pub fn standing_invite(org: &Org, person: &str) -> Key<StandingInvite> {
    Key::new(&Partition::of("ofm", org).part("standing-invite").part(person), &[&"claim"])
}

/// Whose invites a list holds.
#[derive(Clone, Copy, Debug)]
pub enum InviteesOf<'a> {
    /// Everybody's.
    Org,
    /// Those that name this user.
    User(UserGuid),
    /// Those that name the e-mail with this keyed hash.
    Email(&'a str),
}

/// What names one person is listed for all orgs, so that it is found when the person is to be forgotten.
fn invites_to(person: impl Display, status: InviteStatus) -> Partition {
    Partition::of_system("ofm").part("member-invites").part(person).state(status)
}

fn invites_of(org: &Org, status: InviteStatus) -> Partition {
    Partition::of("ofm", org).part("member-invites").state(status)
}

pub(crate) fn invite_lists(org: &Org, invite: &Invite) -> Indexes {
    let Invite { invite_guid, user_guid, email_hash, status, expires_at, .. } = invite;
    let lists = Indexes::none().first(invites_of(org, *status), &[expires_at, invite_guid]);
    let to = match (user_guid, email_hash) {
        (Some(user), _) => invites_to(user, *status),
        (None, Some(hash)) => invites_to(hash, *status),
        (None, None) => return lists,
    };
    lists.second(to, &[&org.guid(), expires_at, invite_guid])
}

/// The invites of an org that stand in some way at this time, in the order in which they end.
pub fn invites(org: &Org, of: InviteesOf<'_>, statuses: &[InviteStatus], now: Time) -> Listing<Invite> {
    // Active ones, expired ones, and revoked ones that were revoked by nobody lie in one partition: what ended cannot
    // move by itself.
    let stored: BTreeSet<_> = statuses
        .iter()
        .flat_map(|status| match status {
            InviteStatus::Expired => &[InviteStatus::Active][..],
            InviteStatus::Revoked => &[InviteStatus::Active, InviteStatus::Revoked],
            status => std::slice::from_ref(status),
        })
        .copied()
        .collect();
    let (index, partitions): (_, Vec<_>) = match of {
        InviteesOf::Org => (Index::First, stored.iter().map(|status| invites_of(org, *status)).collect()),
        InviteesOf::User(user) => {
            (Index::Second, stored.iter().map(|status| invites_to(user, *status)).collect())
        }
        InviteesOf::Email(hash) => {
            (Index::Second, stored.iter().map(|status| invites_to(hash, *status)).collect())
        }
    };
    let list = Listing::new(index, partitions, Order::Ascending);
    let guid = org.guid();
    let within: &[&dyn Display] = if matches!(of, InviteesOf::Org) { &[] } else { &[&guid] };
    let later = Time::from_millis(now.millis() + 1).unwrap_or(now);
    match statuses {
        [InviteStatus::Active] => list.beginning_between(within, Some(&later), None),
        [InviteStatus::Expired] => list.beginning_between(within, None, Some(&now)),
        _ => list.beginning_between(within, None, None),
    }
}

/// All invites of a person, to whatever org: the person by their id, or by the keyed hash of their e-mail.
pub fn invites_to_person(person: &str) -> Listing<Invite> {
    let statuses = [InviteStatus::Active, InviteStatus::Accepted, InviteStatus::Revoked];
    Listing::new(Index::Second, statuses.map(|status| invites_to(person, status)), Order::Ascending)
}

/// The shift of the test clock.
pub fn clock() -> Key<ClockShift> {
    Key::new(&Partition::of_system("sys").part("clock"), &[&"shift"])
}
