//! Sets of roles as they are given: to people, and to service accounts.

use std::{borrow::Cow, ops::Deref};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{
    problem::Problem,
    roles::{Role, Roles},
};

/// Most roles that are given at once.
const MAX: usize = 64;

/// The explicit roles of a person: at most 64, none twice, none that makes an owner (ofm §9).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Role>")]
pub struct MemberRoles(Roles);

/// The roles of a service account: 1 to 64, none twice (usm §4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Role>")]
pub struct ServiceAccountRoles(Roles);

fn distinct(given: Vec<Role>) -> Result<Roles, Problem> {
    if given.len() > MAX {
        return Err(format!("must have at most {MAX} entries").into());
    }
    let count = given.len();
    let roles: Roles = given.into_iter().collect();
    if roles.len() == count { Ok(roles) } else { Err(Problem::new("must not name a role twice")) }
}

impl TryFrom<Vec<Role>> for MemberRoles {
    type Error = Problem;

    fn try_from(given: Vec<Role>) -> Result<Self, Problem> {
        let roles = distinct(given)?;
        if roles.are_owners() {
            return Err(Problem::new(
                "must not name owner or ofm_owner: people are made owners by the owner routes",
            ));
        }
        Ok(Self(roles))
    }
}

impl TryFrom<Vec<Role>> for ServiceAccountRoles {
    type Error = Problem;

    fn try_from(given: Vec<Role>) -> Result<Self, Problem> {
        let roles = distinct(given)?;
        if roles.is_empty() { Err(Problem::new("must not be empty")) } else { Ok(Self(roles)) }
    }
}

impl Deref for MemberRoles {
    type Target = Roles;

    fn deref(&self) -> &Roles {
        &self.0
    }
}

impl Deref for ServiceAccountRoles {
    type Target = Roles;

    fn deref(&self) -> &Roles {
        &self.0
    }
}

impl JsonSchema for MemberRoles {
    fn schema_name() -> Cow<'static, str> {
        "MemberRoles".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let givable: Vec<_> = Role::ALL.iter().filter(|role| !role.is_owner()).collect();
        let role = json_schema!({"type": "string", "enum": givable});
        json_schema!({"type": "array", "items": role, "maxItems": MAX, "uniqueItems": true})
    }
}

impl JsonSchema for ServiceAccountRoles {
    fn schema_name() -> Cow<'static, str> {
        "ServiceAccountRoles".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let role = generator.subschema_for::<Role>();
        json_schema!({"type": "array", "items": role, "minItems": 1, "maxItems": MAX, "uniqueItems": true})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn member(roles: Value) -> Result<Value, String> {
        let roles: MemberRoles = serde_json::from_value(roles).map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(roles).unwrap())
    }

    fn service_account(roles: Value) -> Result<Value, String> {
        let roles: ServiceAccountRoles = serde_json::from_value(roles).map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(roles).unwrap())
    }

    #[test]
    fn roles_are_distinct_and_sorted() {
        assert_eq!(member(json!(["ofm_view", "crm_view"])), Ok(json!(["crm_view", "ofm_view"])));
        assert_eq!(member(json!([])), Ok(json!([])));
        assert_eq!(member(json!(["pvv", "pvv"])), Err("must not name a role twice".to_owned()));
        assert!(member(json!(["crm_god"])).is_err());
        assert!(member(json!("crm_view")).is_err());
    }

    #[test]
    fn there_are_at_most_64() {
        let roles: Vec<_> = Role::ALL.iter().filter(|role| !role.is_owner()).take(65).collect();
        assert!(member(json!(roles[..64])).is_ok());
        for read in [member, service_account] {
            assert_eq!(read(json!(roles)), Err("must have at most 64 entries".to_owned()));
        }
    }

    #[test]
    fn only_service_accounts_are_owners_by_role() {
        for owner in ["owner", "ofm_owner"] {
            assert!(member(json!([owner])).unwrap_err().starts_with("must not name owner"));
            assert_eq!(service_account(json!([owner])), Ok(json!([owner])));
        }
        assert_eq!(service_account(json!([])), Err("must not be empty".to_owned()));
    }
}
