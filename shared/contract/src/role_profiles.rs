//! Bundles of roles that people are given by name (ofm §9.2).

use std::str::FromStr;

use crate::{
    json::json_choice,
    problem::Problem,
    roles::{Role, Roles},
};

macro_rules! role_profiles {
    ($($profile:ident = $name:literal $(with $included:ident)? [$($role:ident)*];)*) => {
        /// A bundle of roles, known by its name (`role_profile_id`).
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RoleProfile { $(#[doc = concat!("`", $name, "`")] $profile,)* }

        impl RoleProfile {
            /// Every profile.
            pub const ALL: &'static [Self] = &[$(Self::$profile,)*];

            /// The name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$profile => $name,)* }
            }

            /// The roles that it gives.
            pub fn roles(self) -> Roles {
                match self { $(Self::$profile => {
                    let roles: Roles = [$(Role::$role,)*].into_iter().collect();
                    $(let roles = roles.union(&Self::$included.roles());)?
                    roles
                })* }
            }
        }
    };
}

role_profiles! {
    OrgAdmin = "org_admin" [
        OfmView OfmMemberAdmin OfmTeamAdmin OfmChannelAdmin ServiceAccountAdmin CrmView CrmManage InfView InfManage
    ];
    AreaManager = "area_manager" with StoreManager [OfmMemberAdmin OfmTeamAdmin];
    StoreManager = "store_manager" [
        CrmView CrmManage IcsView IcsOperator ScmView ScmOrder ScmFulfillment ScmReturns PpmView PcmView SlcView
    ];
    AssistantManager = "assistant_manager" [
        CrmView CrmEdit IcsView IcsOperator ScmView ScmFulfillment ScmReturns PpmView
    ];
    Cashier = "cashier" [CrmView PpmView];
    SalesAssociate = "sales_associate" [CrmView CrmEdit PpmView IcsView];
    StockAssociate = "stock_associate" [IcsView IcsOperator ScmView ScmFulfillment];
    CustomerService = "customer_service" [CrmView CrmEdit ScmView ScmReturns];
    Scheduler = "scheduler" [OfmView OfmTeamAdmin];
    PeopleAdmin = "people_admin" [OfmView OfmMemberAdmin OfmTeamAdmin];
    ChannelManager = "channel_manager" [OfmView OfmChannelAdmin PmcView SlcView];
    MarketingManager = "marketing_manager" [CrmView CrmManage LoyaltyAdmin InfView InfManage InfCampaignAdmin];
    LoyaltyManager = "loyalty_manager" [CrmView LoyaltyAdmin GiftcardAdmin];
    FinanceManager = "finance_manager" [FinanceAudit CrmView InfView InfFinance GiftcardAdmin ArAdmin AcctView];
    PrivacyOfficer = "privacy_officer" [CrmView CrmPrivacyAdmin];
    Auditor = "auditor" [FinanceAudit OfmView CrmView InfView];
}

impl FromStr for RoleProfile {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let profile = Self::ALL.iter().copied().find(|profile| profile.as_str() == text);
        profile.ok_or(Problem::new("must be the name of a role profile, such as store_manager"))
    }
}

json_choice!(RoleProfile, as_str, Self::ALL);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn profiles_are_known_by_their_names() {
        for profile in RoleProfile::ALL {
            assert_eq!(serde_json::from_value::<RoleProfile>(json!(profile)).unwrap(), *profile);
        }
        assert!("Store_Manager".parse::<RoleProfile>().is_err());
    }

    #[test]
    fn no_profile_makes_an_owner_and_none_is_empty() {
        for profile in RoleProfile::ALL {
            assert!(!profile.roles().is_empty(), "{profile}");
            assert!(!profile.roles().are_owners(), "{profile}");
        }
    }

    #[test]
    fn an_area_manager_may_do_what_a_store_manager_may() {
        let (area, store) = (RoleProfile::AreaManager.roles(), RoleProfile::StoreManager.roles());
        assert!(store.missing_in(&area).is_empty());
        let more: Roles = [Role::OfmMemberAdmin, Role::OfmTeamAdmin].into_iter().collect();
        assert_eq!(area.missing_in(&store), more);
    }
}
