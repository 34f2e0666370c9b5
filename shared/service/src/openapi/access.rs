//! Who may call, as documents say it.

use contract::roles::Role;
use serde_json::{Value, json};

use crate::access::Access;

/// Who may call a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// In one word.
    pub name: &'static str,
    /// Whether it takes no credential, where the deployment is open to the public.
    pub nobody: bool,
    /// Whether a person's session may do.
    pub session: bool,
    /// Whether a service account's key may do.
    pub key: bool,
    /// The roles that open the route.
    pub roles: Vec<&'static str>,
    /// The grant at the facility that opens the route.
    pub grant: Option<&'static str>,
    /// What it depends on, where one word does not say it.
    pub rule: Option<&'static str>,
}

/// Who passes a rule.
pub fn who(access: Access) -> Who {
    let names = |roles: &[Role]| roles.iter().map(|role| role.as_str()).collect::<Vec<_>>();
    let owner = || names(&Role::ALL.iter().copied().filter(|role| role.is_owner()).collect::<Vec<_>>());
    let (name, session, key, roles) = match access {
        Access::Public => ("public", false, false, Vec::new()),
        Access::Any => ("any", true, true, Vec::new()),
        Access::Human => ("human", true, false, Vec::new()),
        Access::Key => ("key", false, true, Vec::new()),
        Access::Associated(roles) => ("associated", true, true, names(roles)),
        Access::OneOf(roles) => ("role", true, true, names(roles)),
        Access::PublicOr(roles) => ("public-or-role", true, true, names(roles)),
        Access::Granted(_, roles) => ("grant", true, true, names(roles)),
        Access::GrantedInPerson(_) => ("grant-in-person", true, false, Vec::new()),
        Access::Judged(_) => ("by-request", true, true, Vec::new()),
        Access::Owner => ("owner", true, true, owner()),
        Access::OwnerInPerson => ("owner-in-person", true, false, Vec::new()),
        Access::PrimaryOwner => ("primary-owner", true, false, Vec::new()),
        Access::Operator => ("operator", false, false, Vec::new()),
    };
    let grant = match access {
        Access::Granted(grant, _) | Access::GrantedInPerson(grant) => Some(grant.as_str()),
        _ => None,
    };
    let rule = match access {
        Access::Judged(rule) => Some(rule),
        _ => None,
    };
    Who { name, nobody: matches!(access, Access::PublicOr(_)), session, key, roles, grant, rule }
}

impl Who {
    /// The `security` of an operation: each of the credentials that may do.
    pub(crate) fn security(&self) -> Vec<Value> {
        let schemes = [(self.session, "sessionAuth"), (self.key, "apiKeyAuth")];
        let none = self.nobody.then(|| json!({}));
        let schemes = schemes.iter().filter(|(takes, _)| *takes).map(|(_, scheme)| json!({*scheme: []}));
        none.into_iter().chain(schemes).collect()
    }
}
