//! Finding one customer (crm §4).

use std::{borrow::Cow, collections::BTreeSet};

use contract::{
    codes::Code,
    email::Email,
    error::{Error, Result, Tag},
    ids::CustomerGuid,
    phone::Phone,
    problem::Problem,
    time::Time,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service::{Answer, Ctx, MayName};
use store::{Key, Org, Stored};

use super::{Customer, CustomerView, ExternalRef, Kind, Status};
use crate::{keys, lookup::Sought};

/// A lineage is no longer (crm §5).
const LONGEST_LINEAGE: usize = 16;
/// So many customers are named where several have a value.
const MOST_NAMED: usize = 8;

/// Which customer, by exactly one key.
#[derive(Clone, Deserialize, JsonSchema)]
struct Given {
    /// By id.
    customer_guid: Option<CustomerGuid>,
    /// By code.
    customer_code: Option<Code>,
    /// By e-mail address.
    email: Option<Email>,
    /// By phone number.
    phone: Option<Phone>,
    /// By the id in another system.
    external_ref: Option<ExternalRef>,
    /// Whether a customer that went into another is answered by that one; yes unless said otherwise.
    follow_merge: Option<bool>,
    /// What to answer besides.
    include: Option<Vec<Part>>,
}

/// A request for one customer.
#[derive(Clone, Deserialize)]
#[serde(try_from = "Given")]
pub(super) struct Get {
    by: Wanted,
    follow_merge: bool,
    include: BTreeSet<Part>,
}

/// The one key.
#[derive(Clone)]
enum Wanted {
    Guid(CustomerGuid),
    Code(Code),
    Email(Email),
    Phone(Phone),
    ExternalRef(ExternalRef),
}

/// What hangs on a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CustomerPart")]
enum Part {
    /// The balance of points.
    Loyalty,
    /// Consents.
    Consents,
    /// Flags.
    Flags,
    /// Holds.
    Holds,
}

impl TryFrom<Given> for Get {
    type Error = Problem;

    fn try_from(given: Given) -> Result<Self, Problem> {
        let keys = [
            given.customer_guid.map(Wanted::Guid),
            given.customer_code.map(Wanted::Code),
            given.email.map(Wanted::Email),
            given.phone.map(Wanted::Phone),
            given.external_ref.map(Wanted::ExternalRef),
        ];
        let mut keys = keys.into_iter().flatten();
        match (keys.next(), keys.next()) {
            (Some(by), None) => Ok(Self {
                by,
                follow_merge: given.follow_merge.unwrap_or(true),
                include: given.include.into_iter().flatten().collect(),
            }),
            _ => Err(Problem::new(
                "must have exactly one of customer_guid, customer_code, email, phone, external_ref",
            )),
        }
    }
}

impl JsonSchema for Get {
    fn schema_name() -> Cow<'static, str> {
        "Get".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Given::json_schema(generator)
    }
}

impl MayName for Get {
    type Record = Customer;

    fn key(&self, org: &Org) -> Option<Key<Customer>> {
        match self.by {
            Wanted::Guid(guid) => Some(keys::customer::by_guid(org, guid)),
            _ => None,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Got {
    /// The customer.
    customer: Whole,
    /// The customer that was asked for, where it went into another.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_from: Option<CustomerGuid>,
    /// The customer that it went into.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<CustomerGuid>,
    /// The balance of points; null where there is no account.
    #[serde(skip_serializing_if = "Option::is_none")]
    loyalty: Option<Value>,
    /// Consents.
    #[serde(skip_serializing_if = "Option::is_none")]
    consents: Option<Vec<Value>>,
    /// Flags.
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<Vec<Value>>,
    /// Pending holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<Vec<Value>>,
}

/// A customer, or what is left of one that went into another.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Whole {
    Customer(Box<CustomerView>),
    Merged(Stub),
}

/// What is left of a customer that went into another.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MergedCustomer")]
struct Stub {
    /// Its id.
    customer_guid: CustomerGuid,
    /// `merged`.
    status: Status,
    /// What it was.
    kind: Kind,
    /// The customer that it went into.
    merged_into: Option<CustomerGuid>,
    /// When.
    merged_at: Option<Time>,
}

pub(super) async fn get(ctx: Ctx, input: Get, named: Option<Stored<Customer>>) -> Result<Answer<Got>> {
    let asked = match (&input.by, named) {
        (Wanted::Guid(_), named) => named.ok_or(Tag::NotFound)?,
        (by, _) => find(&ctx, by).await?,
    };
    let found = if input.follow_merge { survivor(&ctx, asked.clone()).await? } else { asked.clone() };
    let (asked, into) = (asked.record.customer_guid, found.record.customer_guid);
    let followed = asked != into;
    // Nothing hangs on a customer before there are routes that hang it there.
    let nothing = |part| input.include.contains(&part).then(Vec::new);
    let answer = ctx.show(&found)?;
    Ok(answer.map(|view| Got {
        customer: whole(&found.record, view),
        resolved_from: followed.then_some(asked),
        merged_into: followed.then_some(into),
        loyalty: input.include.contains(&Part::Loyalty).then_some(Value::Null),
        consents: nothing(Part::Consents),
        flags: nothing(Part::Flags),
        holds: nothing(Part::Holds),
    }))
}

fn whole(customer: &Customer, view: CustomerView) -> Whole {
    let Customer { customer_guid, status, kind, merged_into, merged_at, .. } = *customer;
    match status {
        Status::Merged => Whole::Merged(Stub { customer_guid, status, kind, merged_into, merged_at }),
        _ => Whole::Customer(Box::new(view)),
    }
}

/// The one customer who has a value.
async fn find(ctx: &Ctx, by: &Wanted) -> Result<Stored<Customer>> {
    let org = ctx.org()?;
    let sought = match by {
        Wanted::Guid(guid) => {
            return ctx.get(&keys::customer::by_guid(org, *guid)).await?.ok_or_else(missing);
        }
        Wanted::Code(code) => Sought::code(code),
        Wanted::Email(email) => Sought::email(ctx, email)?,
        Wanted::Phone(phone) => Sought::phone(ctx, phone)?,
        Wanted::ExternalRef(external) => Sought::external_ref(ctx, external)?,
    };
    let holders = ctx.some(&keys::customer::by_value(org, &sought), MOST_NAMED + 1).await?;
    let guids: BTreeSet<_> = holders.iter().map(|lookup| lookup.record.customer_guid).collect();
    let mut guids = guids.into_iter();
    match (guids.next(), guids.len()) {
        (None, _) => Err(missing()),
        (Some(guid), 0) => ctx.get(&keys::customer::by_guid(org, guid)).await?.ok_or_else(missing),
        (Some(first), _) => {
            let named: Vec<_> = std::iter::once(first).chain(guids).take(MOST_NAMED).collect();
            Err(Error::from(Tag::Ambiguous).detail("customer_guids", json!(named)))
        }
    }
}

fn missing() -> Error {
    Tag::NotFound.into()
}

/// The customer that one went into, however often that one went into another.
async fn survivor(ctx: &Ctx, mut customer: Stored<Customer>) -> Result<Stored<Customer>> {
    for _ in 0..LONGEST_LINEAGE {
        let Some(into) = customer.record.merged_into else { return Ok(customer) };
        customer = ctx.get(&keys::customer::by_guid(ctx.org()?, into)).await?.ok_or_else(missing)?;
    }
    Err(Error::internal("a lineage is too long"))
}
