//! What people and service accounts may do (ofm §9.2, §9.3).

use std::{collections::BTreeSet, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{json::json_choice, problem::Problem};

macro_rules! roles {
    ($($role:ident = $name:literal;)*) => {
        /// A role: the name of something that its holder may do. The list is closed (ofm §9.3).
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role { $(#[doc = concat!("`", $name, "`")] $role,)* }

        impl Role {
            /// Every role, in the order of their names.
            pub const ALL: &'static [Self] = &[$(Self::$role,)*];

            /// The name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$role => $name,)* }
            }
        }
    };
}

roles! {
    AcctExportAdmin = "acct_export_admin";
    AcctView = "acct_view";
    ArAdmin = "ar_admin";
    CommissionAdmin = "commission_admin";
    CostView = "cost_view";
    CrmEdit = "crm_edit";
    CrmManage = "crm_manage";
    CrmPrivacyAdmin = "crm_privacy_admin";
    CrmTaxExemptionAdmin = "crm_tax_exemption_admin";
    CrmView = "crm_view";
    FinanceAudit = "finance_audit";
    GiftcardAdmin = "giftcard_admin";
    IcsAdjust = "ics_adjust";
    IcsCostAdmin = "ics_cost_admin";
    IcsCount = "ics_count";
    IcsOperator = "ics_operator";
    IcsPlanner = "ics_planner";
    IcsTransferApprove = "ics_transfer_approve";
    IcsView = "ics_view";
    InfCampaignAdmin = "inf_campaign_admin";
    InfFinance = "inf_finance";
    InfManage = "inf_manage";
    InfView = "inf_view";
    IntegrationAdmin = "integration_admin";
    IntegrationView = "integration_view";
    LoyaltyAdmin = "loyalty_admin";
    MrsReader = "mrs_reader";
    MrsWriter = "mrs_writer";
    OfmChannelAdmin = "ofm_channel_admin";
    OfmMemberAdmin = "ofm_member_admin";
    OfmOwner = "ofm_owner";
    OfmTeamAdmin = "ofm_team_admin";
    OfmView = "ofm_view";
    Owner = "owner";
    PcmBuyer = "pcm_buyer";
    PcmConsignment = "pcm_consignment";
    PcmPoApprove = "pcm_po_approve";
    PcmView = "pcm_view";
    Pma = "pma";
    PmcPublish = "pmc_publish";
    PmcView = "pmc_view";
    PpmAdmin = "ppm_admin";
    PpmAnalyst = "ppm_analyst";
    PpmApprove = "ppm_approve";
    PpmApprover = "ppm_approver";
    PpmPriceAdmin = "ppm_price_admin";
    PpmPromoAdmin = "ppm_promo_admin";
    PpmView = "ppm_view";
    PvmApprove = "pvm_approve";
    PvmEdit = "pvm_edit";
    PvmSupplierAdmin = "pvm_supplier_admin";
    PvmView = "pvm_view";
    Pvv = "pvv";
    RbsAdmin = "rbs_admin";
    RbsView = "rbs_view";
    ScmBackorderApprove = "scm_backorder_approve";
    ScmCredit = "scm_credit";
    ScmDiscountApprove = "scm_discount_approve";
    ScmFulfillment = "scm_fulfillment";
    ScmOrder = "scm_order";
    ScmReturns = "scm_returns";
    ScmSpecialOrderApprove = "scm_special_order_approve";
    ScmView = "scm_view";
    ServiceAccountAdmin = "service_account_admin";
    SlcManage = "slc_manage";
    SlcView = "slc_view";
    UcpAdmin = "ucp_admin";
    UtlExportAdmin = "utl_export_admin";
    UtlOffboardingAdmin = "utl_offboarding_admin";
    Vca = "vca";
}

impl Role {
    /// Whether the role makes its holder an owner. People become owners by other ways, so only service accounts
    /// are given such a role.
    pub const fn is_owner(self) -> bool {
        matches!(self, Self::Owner | Self::OfmOwner)
    }
}

impl FromStr for Role {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let role = Self::ALL.iter().copied().find(|role| role.as_str() == text);
        role.ok_or(Problem::new("must be a role that can be given"))
    }
}

json_choice!(Role, as_str, Self::ALL);

/// A set of roles, shown in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// Whether the role is among them.
    pub fn contains(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Whether any of the wanted roles is among them. Of no wanted role, none is.
    pub fn contains_any(&self, wanted: &[Role]) -> bool {
        wanted.iter().any(|role| self.0.contains(role))
    }

    /// Whether one of them makes its holder an owner.
    pub fn are_owners(&self) -> bool {
        self.0.iter().any(|role| role.is_owner())
    }

    /// Those of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(&self.0 | &other.0)
    }

    /// Those that the other set lacks: what a giver who holds `other` may not give.
    #[must_use]
    pub fn missing_in(&self, other: &Self) -> Self {
        Self(&self.0 - &other.0)
    }

    /// The roles, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = Role> + '_ {
        self.0.iter().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn roles_are_in_the_order_of_their_names() {
        assert!(Role::ALL.is_sorted_by_key(|role| role.as_str()));
        assert!(Role::ALL.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn roles_are_read_by_their_exact_names() {
        for role in Role::ALL {
            assert_eq!(serde_json::from_value::<Role>(json!(role)).unwrap(), *role);
        }
        for text in ["", "OWNER", "crm_view ", "crm"] {
            assert!(text.parse::<Role>().is_err(), "{text}");
        }
    }

    #[test]
    fn sets() {
        let view: Roles = [Role::OfmView, Role::CrmView].into_iter().collect();
        let edit: Roles = [Role::CrmEdit, Role::CrmView].into_iter().collect();
        assert!(view.contains_any(&[Role::CrmManage, Role::OfmView]));
        assert!(!view.contains_any(&[Role::CrmManage]));
        assert!(!view.contains_any(&[]));
        assert_eq!(
            view.union(&edit).iter().collect::<Vec<_>>(),
            [Role::CrmEdit, Role::CrmView, Role::OfmView]
        );
        assert_eq!(edit.missing_in(&view).iter().collect::<Vec<_>>(), [Role::CrmEdit]);
        assert_eq!(serde_json::to_value(&view).unwrap(), json!(["crm_view", "ofm_view"]));
        assert!([Role::Owner].into_iter().collect::<Roles>().are_owners());
        assert!(!view.are_owners());
    }
}
