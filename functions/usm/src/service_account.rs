//! Service accounts: programs that act in an org (contract usm §4).

use std::collections::HashMap;

use contract::{
    codes::Code,
    error::{Error, Result, Tag},
    given_roles::ServiceAccountRoles,
    ids::ServiceAccountGuid,
    revision,
    roles::Role,
    states::{Filter, visible},
    text::Caption,
};
use identity::{
    org::OrgStatus,
    service_account::{ARCS, AccountStatus, ServiceAccount},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{
    Access, Answer, Class, Ctx, OrgFrom, Route, Written, allow, change, list, names, post, revised, write,
};
use store::{Batch, Entity, Key, Listing, Org, Shown, Stored, classes};

use crate::keys;

/// Who may look at accounts and keys, and revoke keys: owners, and who has the role.
pub(crate) const ADMIN: Access = Access::OneOf(&[Role::ServiceAccountAdmin]);

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/service_account/create"),
        summary: "Create a service account; its roles never change",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::OwnerInPerson,
        errors: &[Tag::DuplicateCode],
        handler: &write(create),
    },
    Route {
        call: post("/service_account/list"),
        summary: "List the service accounts of an org, by code",
        class: Class::B,
        org: OrgFrom::Body,
        access: ADMIN,
        errors: &[],
        handler: &list(list_by_code).ahead(|input, org| Some(wanted(input, org).of_anything())),
    },
    Route {
        call: post("/service_account/status"),
        summary: "Set the status of a service account; its keys count only while it is active",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::OwnerInPerson,
        errors: &[Tag::InvalidTransition, Tag::OrgWriteBlocked],
        handler: &change(set_status).whatever_the_org_status(),
    },
];

/// Who holds a code: written with the account, never released.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountCodeClaim {
    /// The code.
    pub code: Code,
    /// The account.
    pub service_account_guid: ServiceAccountGuid,
}

classes!(AccountCodeClaim { code: Plain, service_account_guid: Plain });

impl Entity for AccountCodeClaim {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "service-account-code";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::api_key::account_by_code(org, &self.code)
    }

    fn id(&self) -> String {
        self.code.to_string()
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// Its code, unique in the org.
    code: Code,
    /// What it is called.
    caption: Caption,
    /// What it may do.
    roles: ServiceAccountRoles,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<Shown<ServiceAccount>>> {
    let org = ctx.org()?;
    let mut change = ctx.change();
    let service_account_guid = ServiceAccountGuid::from_uuid(change.uuid());
    let claim = AccountCodeClaim { code: input.code.clone(), service_account_guid };
    change.claim(org, claim, |_| Error::from(Tag::DuplicateCode).detail("field", "code"))?;
    let account = ServiceAccount {
        org_guid: org.guid(),
        service_account_guid,
        code: input.code,
        caption: input.caption,
        roles: input.roles,
        status: AccountStatus::Active,
        keys_valid_from: None,
        created_by: ctx.caller().user_guid(),
    };
    let created = change.create(org, account, "service-account-created")?;
    change.show(&created)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Just those that stand so, or `all`; by default those that are not doomed.
    status: Option<Filter<AccountStatus>>,
    /// Whether to show the doomed too.
    include_doomed: Option<bool>,
    /// Just those with this role.
    role: Option<Role>,
}

#[derive(Serialize, JsonSchema)]
struct ServiceAccounts {
    /// The accounts.
    service_accounts: Vec<Listed>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Listed {
    #[serde(flatten)]
    account: Shown<ServiceAccount>,
    /// How many active keys it has.
    active_keys: usize,
}

fn wanted(input: &List, org: &Org) -> Listing<ServiceAccount> {
    identity::keys::service_accounts_by_status(org, &visible(input.status, input.include_doomed))
}

async fn list_by_code(ctx: Ctx, input: List) -> Result<Answer<ServiceAccounts>> {
    let listing = wanted(&input, ctx.org()?);
    // An org has few accounts: those with another role are read over.
    let has_role = |account: &ServiceAccount| input.role.is_none_or(|role| account.roles.contains(role));
    let page = ctx.list_where(&listing, has_role).await?;
    let counts = active_keys(&ctx, &page.records).await?;
    let listed = page.records.iter().map(|account| Listed {
        account: account.shown(),
        active_keys: counts.get(&account.record.service_account_guid).copied().unwrap_or_default(),
    });
    Ok(Answer::new(ServiceAccounts { service_accounts: listed.collect(), next_token: page.next_token }))
}

/// How many active keys some accounts have.
async fn active_keys(
    ctx: &Ctx,
    accounts: &[Stored<ServiceAccount>],
) -> Result<HashMap<ServiceAccountGuid, usize>> {
    let org = ctx.org()?;
    let mut counts = HashMap::new();
    // One key of each batch is the policy's.
    for accounts in accounts.chunks(Batch::MOST - 1) {
        let ring = |account: &Stored<ServiceAccount>| {
            identity::keys::key_ring(org, account.record.service_account_guid)
        };
        let policy = identity::keys::key_policy(org);
        let mut batch = Batch::default();
        batch.want(&policy);
        for account in accounts {
            batch.want(&ring(account));
        }
        let found = ctx.read(batch).await?;
        let policy = found.get(&policy)?.map(|policy| policy.record);
        for account in accounts {
            if let Some(ring) = found.get(&ring(account))? {
                let active = ring.record.active(&account.record, policy.as_ref(), ctx.now());
                counts.insert(account.record.service_account_guid, active.len());
            }
        }
    }
    Ok(counts)
}

names!([SetStatus] ServiceAccount = identity::keys::service_account[service_account_guid]);
revised!(SetStatus);

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The account.
    service_account_guid: ServiceAccountGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How it shall stand.
    status: AccountStatus,
}

async fn set_status(
    ctx: Ctx,
    input: SetStatus,
    before: Stored<ServiceAccount>,
) -> Result<Written<Shown<ServiceAccount>>> {
    may_give_power(&ctx, input.status)?;
    allow(ARCS, before.record.status, input.status)?;
    let mut change = ctx.change();
    let account = ServiceAccount { status: input.status, ..before.record.clone() };
    let after = change.update(ctx.org()?, &before, account, "service-account-status-set")?;
    change.show(&after)
}

/// Taking power away is always allowed; giving it back is not in an org whose status allows no changes.
fn may_give_power(ctx: &Ctx, to: AccountStatus) -> Result<()> {
    let org = ctx.org_record()?.record.status;
    if to == AccountStatus::Active && org != OrgStatus::Verified {
        return Err(Error::from(Tag::OrgWriteBlocked).detail("status", json!(org)));
    }
    Ok(())
}
