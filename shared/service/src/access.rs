//! Who may call a route (contract §4, ofm §1, usm §4).

use contract::{
    error::{Error, Result, Tag},
    grants::Grant,
    roles::Role,
};
use serde_json::json;

use crate::caller::{Caller, Principal};

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone, without a credential.
    Public,
    /// Any valid session or key.
    Any,
    /// Any valid session; a key is refused.
    Human,
    /// Any valid key.
    Key,
    /// Whoever is associated with the org; a key also needs one of these roles.
    Associated(&'static [Role]),
    /// Whoever is associated and has one of these roles, or is an owner.
    OneOf(&'static [Role]),
    /// Anyone, where the deployment is open to the public; in any other as [`Access::OneOf`] (referral §2).
    PublicOr(&'static [Role]),
    /// Whoever is associated and has the grant at the facility that the request is about, or one of the roles, or is
    /// an owner. The grant is judged once the record is there (contract §4, *Order within record*).
    Granted(Grant, &'static [Role]),
    /// The same by a person's session alone; a key is refused.
    GrantedInPerson(Grant),
    /// Whoever is associated, and may do what the request asks for: the handler judges, by the rule in these words.
    Judged(&'static str),
    /// An active owner, or a key with the role of one.
    Owner,
    /// An active owner's session; a key is refused.
    OwnerInPerson,
    /// The active primary owner's session; a key is refused as any other owner is, for no key is the primary one.
    PrimaryOwner,
    /// An operator, by direct invocation.
    Operator,
}

impl Access {
    /// The grant that is needed at the facility that the request is about, and the roles that do instead.
    pub(crate) fn grant(self) -> Option<(Grant, &'static [Role])> {
        match self {
            Self::Granted(grant, roles) => Some((grant, roles)),
            Self::GrantedInPerson(grant) => Some((grant, &[])),
            _ => None,
        }
    }

    /// The rule in a deployment that is open to the public, or is not.
    pub(crate) fn in_deployment(self, is_public: bool) -> Self {
        match self {
            Self::PublicOr(_) if is_public => Self::Public,
            Self::PublicOr(roles) => Self::OneOf(roles),
            rule => rule,
        }
    }

    /// Whether the caller must belong to the org of the request.
    pub(crate) fn needs_association(self) -> bool {
        !matches!(self, Self::Public | Self::Any | Self::Human | Self::Key | Self::Operator)
    }

    /// Refuses a caller without the right; says whether the caller passed as an owner only.
    pub(crate) fn check(self, caller: &Caller) -> Result<bool> {
        let is_key = matches!(caller.principal, Principal::Key { .. });
        let refuse = |tag: Tag| Err(Error::from(tag));
        match self {
            Self::Public | Self::Any | Self::Key | Self::Operator => Ok(false),
            Self::Human if is_key => refuse(Tag::Forbidden),
            Self::Human => Ok(false),
            Self::Associated(roles) if is_key => one_of(caller, roles),
            Self::Associated(_) => Ok(false),
            Self::OneOf(roles) | Self::PublicOr(roles) => one_of(caller, roles),
            Self::Granted(_, roles) => Ok(caller.is_owner && !caller.roles.contains_any(roles)),
            Self::GrantedInPerson(_) if is_key => refuse(Tag::Forbidden),
            Self::GrantedInPerson(_) | Self::Judged(_) => Ok(caller.is_owner),
            Self::OwnerInPerson if is_key => refuse(Tag::Forbidden),
            Self::Owner | Self::OwnerInPerson if !caller.is_owner => refuse(Tag::NotOwner),
            Self::Owner | Self::OwnerInPerson => Ok(true),
            Self::PrimaryOwner if !caller.is_primary_owner => refuse(Tag::NotPrimaryOwner),
            Self::PrimaryOwner => Ok(true),
        }
    }

    /// The tags with which the check refuses.
    pub(crate) fn tags(self) -> Vec<Tag> {
        let session = [Tag::SessionInvalid, Tag::SessionExpired];
        let key = [Tag::ApiKeyInvalid, Tag::ApiKeyExpired];
        let with = |tags: &[Tag]| [&session[..], &key[..], tags].concat();
        match self {
            Self::Public | Self::Operator => Vec::new(),
            Self::Any => with(&[]),
            Self::Human => with(&[Tag::Forbidden]),
            Self::Key => key.to_vec(),
            Self::Associated(_) | Self::OneOf(_) | Self::PublicOr(_) => {
                with(&[Tag::Forbidden, Tag::NotFound])
            }
            Self::Granted(..) => with(&[Tag::FacilityGrantRequired, Tag::NotFound]),
            Self::GrantedInPerson(_) => with(&[Tag::Forbidden, Tag::FacilityGrantRequired, Tag::NotFound]),
            Self::Judged(_) => with(&[Tag::NotFound]),
            Self::Owner => with(&[Tag::NotOwner, Tag::NotFound]),
            Self::OwnerInPerson => with(&[Tag::Forbidden, Tag::NotOwner, Tag::NotFound]),
            Self::PrimaryOwner => with(&[Tag::NotPrimaryOwner, Tag::NotFound]),
        }
    }
}

/// Refuses a caller with none of these roles; says whether the caller passed as an owner only.
pub(crate) fn one_of(caller: &Caller, roles: &[Role]) -> Result<bool> {
    if caller.roles.contains_any(roles) {
        return Ok(false);
    }
    if caller.is_owner {
        return Ok(true);
    }
    let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
    Err(Error::from(Tag::Forbidden).detail("roles", json!(names)))
}
