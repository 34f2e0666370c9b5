//! Who is calling: from a credential to a caller that is known to be good (contract §4, usm §2).

use contract::{
    context::RequestContext,
    envelope::ContextSource,
    error::{Error, Result, Tag},
    ids::UserGuid,
    roles::Roles,
    secret::Secret,
    time::Time,
};
use identity::{
    api_key::ApiKey,
    assignment::Assignee,
    giver::Giver,
    keys,
    member::Member,
    org::{OrgRecord, OrgStatus},
    service_account::ServiceAccount,
    session::Session,
    token::{ApiKeyToken, SessionToken},
    user::User,
};
use store::{Batch, Found, Org, Stored};

use crate::access::Access;

/// What was sent to prove who is calling.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    None,
    Session(SessionToken),
    Key(ApiKeyToken),
    Operator(String),
}

impl Credential {
    /// Picks the credential that counts: any session beats any key, and a header beats the body.
    pub(crate) fn choose(
        access: Access,
        [header_session, body_session]: [Option<&Secret>; 2],
        [header_key, body_key]: [Option<&Secret>; 2],
    ) -> Result<Self> {
        let session = header_session.or(body_session);
        let key = header_key.or(body_key);
        match (access, session, key) {
            (Access::Public, ..) => Ok(Self::None),
            (Access::Key, _, Some(key)) | (_, None, Some(key)) => {
                ApiKeyToken::parse(key.clone()).map(Self::Key).ok_or_else(|| Tag::ApiKeyInvalid.into())
            }
            (Access::Key, ..) | (_, None, None) => Err(Tag::AuthRequired.into()),
            (_, Some(session), _) => SessionToken::parse(session.clone())
                .map(Self::Session)
                .ok_or_else(|| Tag::SessionInvalid.into()),
        }
    }

    /// The hash by which the credential itself is known; none where none was sent.
    pub(crate) fn hash(&self) -> Option<String> {
        match self {
            Self::None | Self::Operator(_) => None,
            Self::Session(token) => Some(token.secret.hash().hex()),
            Self::Key(token) => Some(token.secret.hash().hex()),
        }
    }

    /// Asks for everything that the check needs; all keys follow from the token and the request.
    pub(crate) fn wants(&self, org: Option<&Org>, batch: &mut Batch) {
        if let Some(org) = org {
            batch.want(&keys::org(org));
        }
        match self {
            Self::None | Self::Operator(_) => {}
            Self::Session(token) => {
                batch.want(&keys::session(token.user_guid, &token.secret.hash().hex()));
                batch.want(&keys::user(token.user_guid));
                if let Some(org) = org {
                    batch.want(&keys::member(org, token.user_guid));
                }
            }
            Self::Key(token) => {
                let own = Org::checked(token.org_guid);
                batch.want(&keys::api_key(&own, token.service_account_guid, &token.secret.hash().hex()));
                batch.want(&keys::service_account(&own, token.service_account_guid));
                batch.want(&keys::key_policy(&own));
                batch.want(&keys::org(&own));
            }
        }
    }

    /// Whoever it is that claims it, as somebody who can be assigned to facilities.
    pub(crate) fn assignee(&self) -> Option<Assignee> {
        match self {
            Self::Session(token) => Some(Assignee::Member(token.user_guid)),
            Self::Key(token) => Some(Assignee::ServiceAccount(token.service_account_guid)),
            Self::None | Self::Operator(_) => None,
        }
    }

    /// Checks the credential itself: known, active, in time, and its user verified.
    pub(crate) fn check(&self, found: &Found, now: Time) -> Result<Principal> {
        match self {
            Self::None => Ok(Principal::Anonymous),
            Self::Operator(actor) => Ok(Principal::Operator { actor: actor.clone() }),
            Self::Session(token) => {
                let key = keys::session(token.user_guid, &token.secret.hash().hex());
                let session = found.get(&key)?.ok_or(Tag::SessionInvalid)?;
                let user = found.get(&keys::user(token.user_guid))?;
                session.record.check(user.as_ref().map(|user| &user.record), now)?;
                let user = user.ok_or(Tag::SessionInvalid)?;
                Ok(Principal::Session { session: Box::new(session), user: Box::new(user) })
            }
            Self::Key(token) => {
                let own = Org::checked(token.org_guid);
                let key_of = keys::api_key(&own, token.service_account_guid, &token.secret.hash().hex());
                let key = found.get(&key_of)?.ok_or(Tag::ApiKeyInvalid)?;
                let account = found.get(&keys::service_account(&own, token.service_account_guid))?;
                let policy = found.get(&keys::key_policy(&own))?;
                let org = found.get(&keys::org(&own))?.ok_or(Tag::ApiKeyInvalid)?;
                let account_record = account.as_ref().map(|account| &account.record);
                let policy = policy.as_ref().map(|policy| &policy.record);
                key.record.check(key.created_at, account_record, policy, now)?;
                if org.record.status == OrgStatus::Doomed {
                    return Err(Tag::ApiKeyInvalid.into());
                }
                let account = account.ok_or(Tag::ApiKeyInvalid)?;
                let (key, account, org) = (Box::new(key), Box::new(account), Box::new(org));
                Ok(Principal::Key { key, account, org })
            }
        }
    }
}

/// A caller whose credential is good.
#[derive(Clone, Debug)]
pub enum Principal {
    /// Nobody in particular.
    Anonymous,
    /// A person.
    Session {
        /// The session.
        session: Box<Stored<Session>>,
        /// The person.
        user: Box<Stored<User>>,
    },
    /// A program.
    Key {
        /// The key.
        key: Box<Stored<ApiKey>>,
        /// The account that it belongs to.
        account: Box<Stored<ServiceAccount>>,
        /// The org that the account belongs to.
        org: Box<Stored<OrgRecord>>,
    },
    /// An operator, as the invocation names them.
    Operator {
        /// Name or mail of the human.
        actor: String,
    },
}

/// A caller, with what they may do in the org of the request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// Their membership, where they are a person and the request is about an org.
    pub member: Option<Box<Stored<Member>>>,
    /// Effective roles.
    pub roles: Roles,
    /// An active owner, or a key with the role of one.
    pub is_owner: bool,
    /// The active primary owner, in person.
    pub is_primary_owner: bool,
}

impl Caller {
    /// A caller with the roles that they have in the org of the request.
    pub(crate) fn within(principal: Principal, org: Option<&Org>, found: &Found) -> Result<Self> {
        let mut caller = Self {
            principal,
            member: None,
            roles: Roles::default(),
            is_owner: false,
            is_primary_owner: false,
        };
        match (&caller.principal, org) {
            (Principal::Session { user, .. }, Some(org)) => {
                let member = found.get(&keys::member(org, user.record.user_guid))?;
                caller.member = member.map(Box::new);
            }
            (Principal::Key { account, .. }, org)
                if org.is_none_or(|org| org.guid() == account.record.org_guid) =>
            {
                caller.is_owner = account.record.roles.are_owners();
                caller.roles = (*account.record.roles).clone();
            }
            _ => {}
        }
        if let Some(member) = &caller.member {
            caller.is_owner = member.record.is_owner();
            caller.is_primary_owner = member.record.is_primary_owner();
            caller.roles = member.record.effective_roles();
        }
        Ok(caller)
    }

    /// Whether the caller belongs to the org at this time.
    pub(crate) fn belongs(&self, org: &Org, now: Time) -> bool {
        match &self.principal {
            Principal::Anonymous => false,
            Principal::Operator { .. } => true,
            Principal::Session { .. } => self.member.as_ref().is_some_and(|m| m.record.in_force(now)),
            Principal::Key { account, .. } => account.record.org_guid == org.guid(),
        }
    }

    /// The org of one of the caller's own memberships, as a proof of belonging to it; nothing of another's.
    pub fn org_of(&self, membership: &Member) -> Option<Org> {
        (self.user_guid() == Some(membership.user_guid)).then(|| Org::checked(membership.org_guid))
    }

    /// The person, where it is one.
    pub fn user_guid(&self) -> Option<UserGuid> {
        match &self.principal {
            Principal::Session { user, .. } => Some(user.record.user_guid),
            _ => None,
        }
    }

    /// Who acts, as journal and events name it: the id of the user or service account, or `operator:<name>`.
    pub fn actor(&self) -> Option<String> {
        match &self.principal {
            Principal::Anonymous => None,
            Principal::Session { user, .. } => Some(user.record.user_guid.to_string()),
            Principal::Key { account, .. } => Some(account.record.service_account_guid.to_string()),
            Principal::Operator { actor } => Some(format!("operator:{actor}")),
        }
    }

    /// Who acts, as what they give rests on it (ofm §2); none for an operator and for nobody.
    pub fn giver(&self) -> Option<Giver> {
        match &self.principal {
            Principal::Session { user, .. } => {
                let lapses = self.member.as_ref().map_or(0, |member| member.record.lapses);
                Some(Giver::Person { user_guid: user.record.user_guid, lapses })
            }
            Principal::Key { account, .. } => {
                Some(Giver::Program { service_account_guid: account.record.service_account_guid })
            }
            Principal::Anonymous | Principal::Operator { .. } => None,
        }
    }

    /// What kind of caller.
    pub fn source(&self) -> Option<ContextSource> {
        match &self.principal {
            Principal::Anonymous => None,
            Principal::Session { .. } => Some(ContextSource::Session),
            Principal::Key { .. } => Some(ContextSource::ApiKey),
            Principal::Operator { .. } => Some(ContextSource::Operator),
        }
    }

    /// The context in which the caller acts in an org.
    pub(crate) fn context(&self, org: Option<&OrgRecord>) -> RequestContext {
        let (session_fingerprint, api_key_fingerprint) = match &self.principal {
            Principal::Session { session, .. } => (Some(session.record.session_fingerprint.clone()), None),
            Principal::Key { key, .. } => (None, Some(key.record.api_key_fingerprint.clone())),
            _ => (None, None),
        };
        RequestContext {
            orgcode: org.map(|org| org.orgcode.to_string()),
            org_guid: org.map(|org| org.org_guid.to_string()),
            actor: self.actor(),
            roles: (!self.roles.is_empty()).then(|| self.roles.iter().map(|role| role.to_string()).collect()),
            context_source: self.source(),
            session_fingerprint,
            api_key_fingerprint,
            ..RequestContext::default()
        }
    }
}

/// Refuses a `request_context` that says something else than what is (contract §4).
pub(crate) fn agree(claimed: &RequestContext, actual: &RequestContext) -> Result<()> {
    let same = |claimed: &Option<String>, actual: &Option<String>| {
        claimed.as_ref().is_none_or(|claimed| {
            actual.as_ref().is_some_and(|actual| actual.eq_ignore_ascii_case(claimed.trim()))
        })
    };
    let roles = claimed.roles.iter().flatten();
    let held = actual.roles.as_deref().unwrap_or_default();
    let checks = [
        ("orgcode", same(&claimed.orgcode, &actual.orgcode)),
        ("org_guid", same(&claimed.org_guid, &actual.org_guid)),
        ("logical_guid", same(&claimed.logical_guid, &actual.logical_guid)),
        ("channel_code", same(&claimed.channel_code, &actual.channel_code)),
        ("cccode", same(&claimed.cccode, &actual.cccode)),
        ("actor", same(&claimed.actor, &actual.actor)),
        ("roles", roles.clone().all(|role| held.contains(role))),
        (
            "context_source",
            claimed.context_source.is_none() || claimed.context_source == actual.context_source,
        ),
        ("session_fingerprint", same(&claimed.session_fingerprint, &actual.session_fingerprint)),
        ("api_key_fingerprint", same(&claimed.api_key_fingerprint, &actual.api_key_fingerprint)),
    ];
    match checks.iter().find(|(_, agrees)| !agrees) {
        Some((field, _)) => {
            Err(Error::from(Tag::ContextMismatch).detail("field", format!("request_context.{field}")))
        }
        None => Ok(()),
    }
}
