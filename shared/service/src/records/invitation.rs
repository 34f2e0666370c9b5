//! An invitation as the operator sees it (ofm §4.1).

use contract::{
    codes::{InvitationCode, OrgCode},
    email::Email,
    ids::{InvitationId, OrgGuid, UserGuid},
    revision,
    text::Caption,
    time::Time,
};
use identity::invitation::{Invitation, InvitationStatus};
use schemars::JsonSchema;
use serde::Serialize;
use store::Stored;

use crate::{answer::Resource, ctx::Ctx};

/// An invitation as it is answered.
#[derive(Serialize, JsonSchema)]
pub struct InvitationView {
    /// Its id.
    invitation_id: InvitationId,
    /// What the invitee sends to use it.
    code: InvitationCode,
    /// Who may use it.
    user_guid: Option<UserGuid>,
    /// Whoever may use it has this as a confirmed e-mail.
    email: Option<Email>,
    /// Only this orgcode may be created with it.
    orgcode: Option<OrgCode>,
    /// What it is for.
    caption: Option<Caption>,
    /// How it stands now.
    status: InvitationStatus,
    /// From when on it may not be used any more.
    expires_at: Time,
    /// The org that was created with it.
    org_guid: Option<OrgGuid>,
    /// Its revision, to be sent as `expected_revision` with the next change.
    revision: revision::Tag,
    /// When it was created.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

impl Resource for Invitation {
    type View = InvitationView;

    fn view(stored: &Stored<Self>, ctx: &Ctx) -> InvitationView {
        let invitation = stored.record.clone();
        InvitationView {
            status: invitation.status_at(ctx.now()),
            invitation_id: invitation.invitation_id,
            code: invitation.code,
            user_guid: invitation.user_guid,
            email: invitation.email,
            orgcode: invitation.orgcode,
            caption: invitation.caption,
            expires_at: invitation.expires_at,
            org_guid: invitation.org_guid,
            revision: stored.revision,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}
