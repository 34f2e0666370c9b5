//! `/member/state/set`: how a member stands, what they may do, and for how long (ofm §9).

use contract::{
    error::{Error, Result, Tag},
    given_roles::MemberRoles,
    ids::UserGuid,
    input::Patch,
    revision,
    role_profiles::RoleProfile,
    roles::Roles,
    text::Text,
    time::Time,
};
use identity::{
    assignment::Assignee,
    keys,
    member::{ARCS, EmployeeCode, Member, MemberState},
    owner::OwnerState,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use service::{Ctx, Written, allow, clocked_in, names, parting, records::MemberView, revised};
use store::Stored;

use super::joining;
use crate::giving;

names!([Set] Member = keys::member[user_guid]);
revised!(Set);

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct Set {
    /// The member.
    user_guid: UserGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How the membership is to stand; as it does unless given.
    state: Option<MemberState>,
    /// A named bundle of roles; null clears.
    role_profile_id: Patch<RoleProfile>,
    /// Roles beside the profile's, as a whole.
    roles: Option<MemberRoles>,
    /// From when it is in force; null clears.
    valid_from: Patch<Time>,
    /// Until when, exclusively; null clears.
    valid_until: Patch<Time>,
    /// The org's own number for the person, unique in the org; null clears.
    employee_code: Patch<EmployeeCode>,
    /// What the person is there; null clears.
    title: Patch<Text<1, 80>>,
}

impl Set {
    fn apply(self, before: &Member) -> Result<Member> {
        let mut member = before.clone();
        member.state = self.state.unwrap_or(before.state);
        member.roles = self.roles.unwrap_or(member.roles);
        self.role_profile_id.apply(&mut member.role_profile_id);
        self.valid_from.apply(&mut member.valid_from);
        self.valid_until.apply(&mut member.valid_until);
        self.employee_code.apply(&mut member.employee_code);
        self.title.apply(&mut member.title);
        joining::check_validity(member.valid_from, member.valid_until)?;
        Ok(member)
    }
}

pub(super) async fn set(ctx: Ctx, input: Set, before: Stored<Member>) -> Result<Written<MemberView>> {
    let state = input.state;
    let old = &before.record;
    let member = input.apply(old)?;
    giving::of_others(&ctx, Assignee::Member(old.user_guid))?;
    if old.is_owner() && !ctx.caller().is_owner {
        return Err(Tag::NotOwner.into());
    }
    giving::within_own(&ctx, &come_alive(old, &member, ctx.now()))?;
    match state {
        Some(to) => allow(ARCS, old.state, to)?,
        None if old.state == MemberState::Removed => {
            return Err(Error::from(Tag::InvalidState).detail("state", json!(old.state)));
        }
        None => {}
    }
    keep_owner(&member)?;
    let org = ctx.org()?;
    let had = old.employee_code.clone();
    let has = member.employee_code.clone();
    let action = if state.is_some() { "member-state-set" } else { "member-updated" };
    let mut change = ctx.change();
    if member.state == MemberState::Removed {
        clocked_in::refuse(&ctx, &mut change, member.user_guid).await?;
    }
    let ends = state.is_some() && member.state != MemberState::Active;
    let member = if ends { parting::lapsed(&ctx, &mut change, member)? } else { member };
    let after = change.update(org, &before, member, action)?;
    joining::number(&ctx, &mut change, org, after.record.user_guid, [had.as_ref(), has.as_ref()])?;
    change.show(&after)
}

/// The roles that a change gives, judged as if the caller gave them (ofm §1): those that are new, and all of a member who
/// comes back into force or stays so for longer.
fn come_alive(before: &Member, after: &Member, now: Time) -> Roles {
    let roles = after.effective_roles();
    if after.in_force_beyond(before, now) { roles } else { roles.missing_in(&before.effective_roles()) }
}

/// An active owner stays an active member, without an end.
fn keep_owner(member: &Member) -> Result<()> {
    let owns = member.owner.is_some_and(|owner| owner.state == OwnerState::Active);
    let lasts = member.valid_from.is_none() && member.valid_until.is_none();
    if !owns || (member.state == MemberState::Active && lasts) {
        return Ok(());
    }
    let blocking = json!([{"kind": "owner", "count": 1, "sample_id": member.user_guid}]);
    Err(Error::from(Tag::InUse).detail("blocking", blocking))
}

#[cfg(test)]
mod tests {
    use contract::{ids::OrgGuid, personal::Personal, roles::Role, states::States};
    use proptest::{prelude::*, sample::subsequence};

    use super::*;

    const GIVEN: &[Role] = &[Role::CrmView, Role::CrmEdit, Role::OfmView, Role::PpmView];
    const PROFILES: &[&str] = &["cashier", "auditor"];
    /// The times of the tests lie around this one.
    const NOW: i64 = 5;

    fn at(hour: i64) -> Time {
        Time::EPOCH.plus_hours(hour)
    }

    fn member() -> impl Strategy<Value = Member> {
        let span = || prop::option::of((0..=2 * NOW).prop_map(at));
        let profile = prop::option::of(prop::sample::select(PROFILES));
        let state = prop::sample::select(MemberState::ALL);
        (state, profile, subsequence(GIVEN, 0..=GIVEN.len()), span(), span()).prop_map(
            |(state, profile, roles, valid_from, valid_until)| Member {
                org_guid: OrgGuid::NOWHERE,
                orgcode: "ACME".parse().unwrap(),
                user_guid: UserGuid::NOWHERE,
                display_name: Personal("Mia".parse().unwrap()),
                email: None,
                state,
                role_profile_id: profile.map(|profile| profile.parse().unwrap()),
                roles: roles.try_into().unwrap(),
                valid_from,
                valid_until,
                employee_code: None,
                title: None,
                epoch: 1,
                lapses: 0,
                owner: None,
            },
        )
    }

    proptest! {
        /// Whatever a change is, a role that somebody has at some time by it and would not have had without it is judged.
        #[test]
        fn every_role_that_comes_alive_is_judged(before in member(), after in member()) {
            let judged = come_alive(&before, &after, at(NOW));
            for hour in NOW..=2 * NOW + 1 {
                let held = |member: &Member| {
                    if member.in_force(at(hour)) { member.effective_roles() } else { Roles::default() }
                };
                let gained = held(&after).missing_in(&held(&before));
                prop_assert!(gained.missing_in(&judged).is_empty(), "{gained:?} at {hour}");
            }
        }

        /// What takes power away, or leaves it as it is, is open to whoever administers members.
        #[test]
        fn nothing_is_judged_of_a_change_that_gives_nothing(before in member(), state in prop::sample::select(MemberState::ALL)) {
            let after = Member { title: Some("Chief".parse().unwrap()), ..before.clone() };
            prop_assert!(come_alive(&before, &after, at(NOW)).is_empty());
            let less = Member { state, role_profile_id: None, ..before.clone() };
            if state != MemberState::Active {
                prop_assert!(come_alive(&before, &less, at(NOW)).is_empty());
            }
        }
    }
}
