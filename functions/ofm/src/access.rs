//! Who may call what in this service (ofm §1).

use contract::roles::Role;
use service::Access;

/// Whoever is associated with the org; a key needs one of these roles.
pub(crate) const ASSOCIATED: Access = Access::Associated(&[
    Role::OfmView,
    Role::OfmMemberAdmin,
    Role::OfmTeamAdmin,
    Role::OfmChannelAdmin,
    Role::Owner,
    Role::OfmOwner,
    Role::Pvv,
    Role::Pma,
    Role::Vca,
    Role::PmcView,
    Role::PmcPublish,
]);
