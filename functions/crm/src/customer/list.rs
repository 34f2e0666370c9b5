//! Listing customers (crm §4).

use std::fmt::Display;

use contract::{
    error::Result,
    ids::LogicalGuid,
    states::{Filter, visible},
    time::Time,
};
use identity::keys::logical_facility;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Answer, Ctx};
use store::{Batch, Listing, Org};

use super::{Customer, CustomerView, Kind, Status, home, profile::Tag};
use crate::keys;

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct List {
    /// Only this status, or `all`; merged and anonymized customers are hidden unless asked for.
    status: Option<Filter<Status>>,
    /// Only this kind.
    kind: Option<Kind>,
    /// Only those with this tag.
    tag: Option<Tag>,
    /// Only those whose home is this logical facility.
    home_logical_guid: Option<LogicalGuid>,
    /// Only those created then or later.
    from: Option<Time>,
    /// Only those created before then.
    to: Option<Time>,
    /// Shows every status.
    include_doomed: Option<bool>,
}

impl List {
    /// Requests the facility to which the list is narrowed.
    pub(super) fn want(&self, org: &Org, batch: &mut Batch) {
        batch.want_all(&self.home_logical_guid.map(|home| logical_facility(org, home)));
    }

    /// Whether a customer is one of those that are filtered without a key (crm §1).
    fn fits(&self, customer: &Customer) -> bool {
        self.tag.as_ref().is_none_or(|tag| customer.tags.contains(tag))
            && self.home_logical_guid.is_none_or(|home| customer.home_logical_guid == Some(home))
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Customers {
    /// The customers.
    customers: Vec<CustomerView>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

pub(super) fn wanted(input: &List, org: &Org) -> Listing<Customer> {
    let statuses = visible(input.status, input.include_doomed);
    let customers = match input.kind {
        Some(kind) => keys::customer::by_kind(org, kind, &statuses),
        None => keys::customer::by_status(org, &statuses),
    };
    customers
        .between(input.from.as_ref().map(|from| from as &dyn Display), None)
        .before(input.to.as_ref().map(|to| to as &dyn Display))
}

pub(super) async fn newest_first(ctx: Ctx, input: List) -> Result<Answer<Customers>> {
    if let Some(home) = input.home_logical_guid {
        home::named(&ctx, "home_logical_guid", home).await?;
    }
    let customers = wanted(&input, ctx.org()?);
    let page = if input.tag.is_none() && input.home_logical_guid.is_none() {
        ctx.list(&customers).await?
    } else {
        ctx.list_where(&customers, |customer| input.fits(customer)).await?
    };
    Ok(Answer::new(Customers { customers: page.show(&ctx), next_token: page.next_token }))
}
