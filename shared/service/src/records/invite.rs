//! An invite to become a member, as those who administer members see it (ofm §9.1).

use contract::{
    codes::InviteCode,
    email::Email,
    given_roles::MemberRoles,
    ids::{InviteGuid, OrgGuid, UserGuid},
    personal::Personal,
    revision,
    role_profiles::RoleProfile,
    text::Prose,
    time::Time,
};
use identity::invite::{Invite, InviteStatus, InvitedTo};
use schemars::JsonSchema;
use serde::Serialize;
use store::Stored;

use crate::{answer::Resource, ctx::Ctx};

/// An invite as it is answered.
#[derive(Serialize, JsonSchema)]
pub struct InviteView {
    /// The org.
    org_guid: OrgGuid,
    /// Its id.
    invite_guid: InviteGuid,
    /// What the person sends to accept it. It opens nothing to anybody else.
    code: InviteCode,
    /// Who may accept it.
    user_guid: Option<UserGuid>,
    /// Whoever may accept it has this as a confirmed e-mail.
    email: Option<Email>,
    /// The role profile that the person will have.
    role_profile_id: Option<RoleProfile>,
    /// The roles that they will have beside it.
    roles: MemberRoles,
    /// From when the membership will be in force.
    valid_from: Option<Time>,
    /// Until when, exclusively.
    valid_until: Option<Time>,
    /// The facilities that they will be assigned to.
    assignments: Vec<InvitedTo>,
    /// What is said to the person.
    message: Option<Personal<Prose<500>>>,
    /// From when on it may not be accepted any more.
    expires_at: Time,
    /// How it stands now.
    status: InviteStatus,
    /// Who made it: a user or a service account.
    invited_by: String,
    /// Who accepted it.
    accepted_by: Option<UserGuid>,
    /// Its revision, to be sent as `expected_revision` with the next change.
    revision: revision::Tag,
    /// When it was created.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

impl Resource for Invite {
    type View = InviteView;

    fn view(stored: &Stored<Self>, ctx: &Ctx) -> InviteView {
        InviteView::of(stored, stored.record.status_at(ctx.now(), true))
    }
}

impl InviteView {
    /// An invite that stands so. What it rests on may have ended although it was not changed, see
    /// [`Invite::status_at`]: who knows better than the record alone says so.
    pub fn of(stored: &Stored<Invite>, status: InviteStatus) -> Self {
        let invite = stored.record.clone();
        Self {
            status,
            org_guid: invite.org_guid,
            invite_guid: invite.invite_guid,
            code: invite.code,
            user_guid: invite.user_guid,
            email: invite.email,
            role_profile_id: invite.role_profile_id,
            roles: invite.roles,
            valid_from: invite.valid_from,
            valid_until: invite.valid_until,
            assignments: invite.assignments,
            message: invite.message,
            expires_at: invite.expires_at,
            invited_by: invite.invited_by,
            accepted_by: invite.accepted_by,
            revision: stored.revision,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}
