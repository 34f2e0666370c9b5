//! Who may call what in this service (crm §2).

use contract::roles::Role;
use service::Access;

/// The roles that read whole records. `finance_audit` reads too, with personal fields masked.
pub(crate) const READS_PERSONS: &[Role] = &[
    Role::CrmView,
    Role::CrmEdit,
    Role::CrmManage,
    Role::CrmPrivacyAdmin,
    Role::CrmTaxExemptionAdmin,
    Role::LoyaltyAdmin,
    Role::GiftcardAdmin,
];

/// Who may read.
pub(crate) const READ: Access = Access::OneOf(&[
    Role::CrmView,
    Role::CrmEdit,
    Role::CrmManage,
    Role::CrmPrivacyAdmin,
    Role::CrmTaxExemptionAdmin,
    Role::LoyaltyAdmin,
    Role::GiftcardAdmin,
    Role::FinanceAudit,
]);

/// Who may create and change customers.
pub(crate) const EDIT: Access = Access::OneOf(&[Role::CrmEdit, Role::CrmManage, Role::CrmPrivacyAdmin]);

/// Who may erase customers and say how long they are kept.
pub(crate) const PRIVACY: Access = Access::OneOf(&[Role::CrmPrivacyAdmin, Role::CrmManage]);
