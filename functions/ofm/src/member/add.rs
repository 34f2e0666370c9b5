//! `/member/add`: an owner takes a person in (ofm §9).

use contract::{
    error::{Result, Tag},
    given_roles::MemberRoles,
    ids::UserGuid,
    revision,
    role_profiles::RoleProfile,
    text::Text,
    time::Time,
};
use identity::{
    keys,
    member::{EmployeeCode, Member, MemberState},
};
use schemars::JsonSchema;
use serde::Deserialize;
use service::{Ctx, MayName, Written, person, records::MemberView};
use store::{Key, Org, Stored};

use super::joining::{self, Joining, Terms};

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct Add {
    /// The person: a verified user. Nobody is added by an e-mail, for that would tell who has an account.
    pub(super) user_guid: UserGuid,
    /// The revision that the caller saw, where the person was a member before.
    expected_revision: Option<revision::Tag>,
    /// A named bundle of roles.
    role_profile_id: Option<RoleProfile>,
    /// Roles beside the profile's.
    roles: Option<MemberRoles>,
    /// From when it is in force.
    valid_from: Option<Time>,
    /// Until when, exclusively.
    valid_until: Option<Time>,
    /// The org's own number for the person, unique in the org.
    employee_code: Option<EmployeeCode>,
    /// What the person is there.
    title: Option<Text<1, 80>>,
}

impl MayName for Add {
    type Record = Member;

    fn key(&self, org: &Org) -> Option<Key<Member>> {
        Some(keys::member(org, self.user_guid))
    }
}

impl Add {
    fn terms(self) -> Terms {
        Terms {
            role_profile_id: self.role_profile_id,
            roles: self.roles.unwrap_or_default(),
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            employee_code: self.employee_code,
            title: self.title,
        }
    }
}

pub(super) async fn add(ctx: Ctx, input: Add, before: Option<Stored<Member>>) -> Result<Written<MemberView>> {
    joining::check_validity(input.valid_from, input.valid_until)?;
    ctx.expect(before.as_ref(), input.expected_revision)?;
    let user = person::read(&ctx, input.user_guid, "user_guid").await?;
    if before.as_ref().is_some_and(|before| before.record.state != MemberState::Removed) {
        return Err(Tag::DuplicateMember.into());
    }
    let joining = Joining {
        org: ctx.org()?,
        orgcode: &ctx.org_record()?.record.orgcode,
        user: &user,
        before: before.as_ref(),
        by_caller: input.expected_revision.is_some(),
    };
    let mut change = ctx.change();
    let joined = joining.join(&ctx, &mut change, input.terms())?;
    change.show(&joined)
}
