//! How a membership begins, by an owner's word or by an invite, and what it may say (ofm §9).

use contract::{
    codes::OrgCode,
    error::{Error, Result, Tag},
    given_roles::MemberRoles,
    ids::UserGuid,
    role_profiles::RoleProfile,
    text::Text,
    time::Time,
};
use identity::{
    keys,
    member::{EmployeeCode, EmployeeCodeClaim, Member, MemberState},
    user::User,
};
use service::{Ctx, Writer};
use store::{Org, Stored};

/// On what terms a person belongs to an org.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) role_profile_id: Option<RoleProfile>,
    pub(crate) roles: MemberRoles,
    pub(crate) valid_from: Option<Time>,
    pub(crate) valid_until: Option<Time>,
    pub(crate) employee_code: Option<EmployeeCode>,
    pub(crate) title: Option<Text<1, 80>>,
}

/// A span of time begins before it ends.
pub(crate) fn check_validity(from: Option<Time>, until: Option<Time>) -> Result<()> {
    match (from, until) {
        (Some(from), Some(until)) if until <= from => {
            Err(Error::field("valid_until", "must be later than valid_from"))
        }
        _ => Ok(()),
    }
}

/// Somebody who is to be a member.
pub(crate) struct Joining<'a> {
    pub(crate) org: &'a Org,
    pub(crate) orgcode: &'a OrgCode,
    pub(crate) user: &'a Stored<User>,
    /// The membership that ended, where there was one.
    pub(crate) before: Option<&'a Stored<Member>>,
    /// Whether the caller named the revision of it.
    pub(crate) by_caller: bool,
}

impl Joining<'_> {
    /// Makes them one. Who was a member before begins anew, with nothing of what they were, under another epoch, so
    /// that old grants stay dead (ofm §2, *Membership epoch*).
    pub(crate) fn join(&self, ctx: &Ctx, change: &mut Writer, terms: Terms) -> Result<Stored<Member>> {
        let Self { org, before, .. } = *self;
        let member = self.member(terms);
        let had = before.and_then(|before| before.record.employee_code.clone());
        let (has, action) = (member.employee_code.clone(), "member-added");
        let joined = match before {
            None => change.create_unless(org, member, action, |_| Tag::DuplicateMember.into())?,
            Some(before) if self.by_caller => change.update(org, before, member, action)?,
            Some(before) => change.adjust(org, before, member, action)?,
        };
        let user_guid = self.user.record.user_guid;
        number(ctx, change, org, user_guid, [had.as_ref(), has.as_ref()])?;
        change.require(&keys::user(user_guid), self.user)?;
        Ok(joined)
    }

    fn member(&self, terms: Terms) -> Member {
        let user = &self.user.record;
        let before = self.before.map(|before| &before.record);
        Member {
            org_guid: self.org.guid(),
            orgcode: self.orgcode.clone(),
            user_guid: user.user_guid,
            display_name: user.display_name.clone(),
            email: user.email.clone(),
            state: MemberState::Active,
            role_profile_id: terms.role_profile_id,
            roles: terms.roles,
            valid_from: terms.valid_from,
            valid_until: terms.valid_until,
            employee_code: terms.employee_code,
            title: terms.title,
            epoch: before.map_or(1, |before| before.epoch + 1),
            lapses: before.map_or(0, |before| before.lapses),
            owner: before.and_then(|before| before.owner),
        }
    }
}

/// Keeps the claim on the org's own number of a person in step with the record.
pub(crate) fn number(
    ctx: &Ctx,
    change: &mut Writer,
    org: &Org,
    user_guid: UserGuid,
    [before, after]: [Option<&EmployeeCode>; 2],
) -> Result<()> {
    if before == after {
        return Ok(());
    }
    let hash = |code| EmployeeCodeClaim::hash(org, code, ctx.lookup_key());
    if let Some(code) = before {
        change.release(&keys::employee_code(org, &hash(code)));
    }
    if let Some(code) = after {
        let claim = EmployeeCodeClaim { code_hash: hash(code), user_guid };
        let taken = |_: &EmployeeCodeClaim| Error::from(Tag::DuplicateCode).detail("field", "employee_code");
        change.claim(org, claim, taken)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_an_inside() {
        let at = |seconds| Some(Time::EPOCH.plus_seconds(seconds));
        assert!(check_validity(None, None).is_ok() && check_validity(at(5), None).is_ok());
        assert!(check_validity(None, at(5)).is_ok() && check_validity(at(4), at(5)).is_ok());
        for (from, until) in [(at(5), at(5)), (at(6), at(5))] {
            assert_eq!(check_validity(from, until).unwrap_err().tag(), Tag::InvalidInput);
        }
    }
}
