//! A member as it is shown (ofm §9).

use contract::{
    email::Email,
    given_roles::MemberRoles,
    ids::{OrgGuid, UserGuid},
    personal::DisplayName,
    revision,
    role_profiles::RoleProfile,
    roles::{Role, Roles},
    text::Text,
    time::Time,
};
use identity::member::{EmployeeCode, Member, MemberState};
use schemars::JsonSchema;
use serde::Serialize;
use store::Stored;

use crate::{
    answer::Resource,
    caller::{Caller, Principal},
    ctx::Ctx,
};

/// A member as it is answered.
#[derive(Serialize, JsonSchema)]
pub struct MemberView {
    /// The org.
    org_guid: OrgGuid,
    /// The person.
    user_guid: UserGuid,
    /// The person's name.
    display_name: DisplayName,
    /// The person's e-mail; shown to the person, owners and those who administer members.
    email: Option<Email>,
    /// How the membership stands.
    state: MemberState,
    /// The named bundle of roles.
    role_profile_id: Option<RoleProfile>,
    /// Roles beside the profile's.
    roles: MemberRoles,
    /// Role profile and explicit roles together.
    effective_roles: Roles,
    /// From when it is in force.
    valid_from: Option<Time>,
    /// Until when, exclusively.
    valid_until: Option<Time>,
    /// Whether it is active and inside its validity.
    in_force: bool,
    /// The org's own number for the person; shown as `email` is.
    employee_code: Option<EmployeeCode>,
    /// What the person is there.
    title: Option<Text<1, 80>>,
    /// Counts how often the membership began.
    epoch: u64,
    /// Its revision, to be sent as `expected_revision` with the next change.
    revision: revision::Tag,
    /// When it was created.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

impl Resource for Member {
    type View = MemberView;

    fn view(stored: &Stored<Self>, ctx: &Ctx) -> MemberView {
        let member = stored.record.clone();
        let is_open = sees_contacts(ctx.caller(), member.user_guid);
        MemberView {
            effective_roles: member.effective_roles(),
            in_force: member.in_force(ctx.now()),
            org_guid: member.org_guid,
            user_guid: member.user_guid,
            display_name: member.display_name,
            email: member.email.filter(|_| is_open),
            state: member.state,
            role_profile_id: member.role_profile_id,
            roles: member.roles,
            valid_from: member.valid_from,
            valid_until: member.valid_until,
            employee_code: member.employee_code.filter(|_| is_open),
            title: member.title,
            epoch: member.epoch,
            revision: stored.revision,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

/// Who sees e-mail and number of a member (ofm §2, *Personal fields*).
fn sees_contacts(caller: &Caller, of: UserGuid) -> bool {
    matches!(caller.principal, Principal::Operator { .. })
        || caller.is_owner
        || caller.roles.contains_any(&[Role::OfmMemberAdmin])
        || caller.user_guid() == Some(of)
}
