//! Who may call what, unless the deployment is open to the public (referral §2).

use contract::roles::Role;
use service::Access;

/// Who may read.
pub(crate) const READERS: Access =
    Access::PublicOr(&[Role::InfView, Role::InfManage, Role::InfCampaignAdmin, Role::InfFinance]);

/// Who may confirm and delete.
pub(crate) const MANAGERS: Access = Access::PublicOr(&[Role::InfManage]);
