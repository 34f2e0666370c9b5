//! Legal facilities: who trades (contract ofm §6).

use contract::{
    address::Address,
    codes::Code,
    error::{Result, Tag},
    external_id::ExternalIds,
    ids::{LegalGuid, OrgGuid},
    input::Patch,
    locale::Country,
    personal::Personal,
    revision,
    roles::Role,
    several::Several,
    states::{Filter, visible},
    text::{Caption, Text},
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Answer, Class, Ctx, OrgFrom, Resource, Route, Written, allow, change, list, names, post,
    read_record, revised, write,
};
use store::{Entity, Indexes, Key, Listing, Org, Stored, classes};

use crate::{
    access::ASSOCIATED,
    facility::FacilityCodeClaim,
    hold::{Parent, Weight, bears_nothing},
    keys,
    lifecycle::{ARCS, Living, Status, not_doomed},
};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/facility/legal/create"),
        summary: "Create a legal facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::DuplicateCode],
        handler: &write(create),
    },
    Route {
        call: post("/facility/legal/get"),
        summary: "Get a legal facility",
        class: Class::B,
        org: OrgFrom::BodyGuid,
        access: ASSOCIATED,
        errors: &[],
        handler: &read_record(get),
    },
    Route {
        call: post("/facility/legal/list"),
        summary: "List the legal facilities of an org, by code",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &list(list_by_code).ahead(|input, org| Some(wanted(input, org).of_anything())),
    },
    Route {
        call: post("/facility/legal/status"),
        summary: "Set the status of a legal facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::InvalidTransition, Tag::InUse],
        handler: &change(set_status),
    },
    Route {
        call: post("/facility/legal/update"),
        summary: "Change a legal facility",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::InvalidState],
        handler: &change(update),
    },
];

/// What kind of number a tax id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaxScheme {
    /// Value added tax.
    Vat,
    /// Goods and services tax.
    Gst,
    /// Sales tax.
    SalesTax,
    /// Employer identification number.
    Ein,
    /// Australian business number.
    Abn,
    /// Anything else.
    Other,
}

/// A number under which a legal facility is taxed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaxId {
    /// What kind of number.
    pub scheme: TaxScheme,
    /// The number.
    pub value: Personal<Text<1, 64>>,
    /// The country whose number it is.
    pub country: Country,
    /// The state or province whose number it is.
    pub region: Option<Text<1, 120>>,
}

/// At most 16 tax ids.
pub type TaxIds = Several<TaxId, 0, 16>;

/// A legal facility.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LegalFacility {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its id.
    pub legal_guid: LegalGuid,
    /// Its code, unique among the org's legal facilities; never changes.
    pub code: Code,
    /// What it is called.
    pub caption: Caption,
    /// Its name in the register.
    pub legal_name: Caption,
    /// The name that it trades under.
    pub trading_name: Option<Caption>,
    /// Its number in the register.
    pub registration_number: Option<Text<1, 64>>,
    /// Where it is registered.
    pub address: Address,
    /// The numbers under which it is taxed.
    pub tax_ids: TaxIds,
    /// What other systems call it.
    pub external_ids: ExternalIds,
    /// How it stands.
    pub status: Status,
}

classes!(LegalFacility {
    org_guid: Plain,
    legal_guid: Plain,
    code: Plain,
    caption: Plain,
    legal_name: Plain,
    trading_name: Plain,
    registration_number: Plain,
    address: Plain,
    tax_ids: Identity,
    external_ids: Plain,
    status: Plain,
});

impl Entity for LegalFacility {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "facility-legal";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::facility::legal(org, self.legal_guid)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::facility::legal_lists(org, self)
    }

    fn id(&self) -> String {
        self.legal_guid.to_string()
    }
}

impl Living for LegalFacility {
    fn status(&self) -> Status {
        self.status
    }
}

/// A tax id as it is answered.
#[derive(Serialize, JsonSchema)]
pub struct TaxIdView {
    /// What kind of number.
    scheme: TaxScheme,
    /// The number; shown to owners and `finance_audit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Personal<Text<1, 64>>>,
    /// The end of the number, at most its last 4 characters and never more than half of it; shown to everybody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    value_last4: Option<String>,
    /// The country whose number it is.
    country: Country,
    /// The state or province whose number it is.
    region: Option<Text<1, 120>>,
}

impl TaxIdView {
    fn of(tax_id: &TaxId, in_full: bool) -> Self {
        let TaxId { scheme, value, country, region } = tax_id.clone();
        let value_last4 = (!in_full).then(|| end_of(value.as_str()));
        Self { scheme, value: in_full.then_some(value), value_last4, country, region }
    }
}

fn end_of(number: &str) -> String {
    let length = number.chars().count();
    number.chars().skip(length - (length / 2).min(4)).collect()
}

/// A legal facility as it is answered.
#[derive(Serialize, JsonSchema)]
pub struct LegalFacilityView {
    /// The org.
    org_guid: OrgGuid,
    /// Its id.
    legal_guid: LegalGuid,
    /// Its code, unique among the org's legal facilities; never changes.
    code: Code,
    /// What it is called.
    caption: Caption,
    /// Its name in the register.
    legal_name: Caption,
    /// The name that it trades under.
    trading_name: Option<Caption>,
    /// Its number in the register.
    registration_number: Option<Text<1, 64>>,
    /// Where it is registered.
    address: Address,
    /// The numbers under which it is taxed.
    tax_ids: Vec<TaxIdView>,
    /// What other systems call it.
    external_ids: ExternalIds,
    /// How it stands.
    status: Status,
    /// Its revision, to be sent as `expected_revision` with the next change.
    revision: revision::Tag,
    /// When it was created.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

impl Resource for LegalFacility {
    type View = LegalFacilityView;

    fn view(stored: &Stored<Self>, ctx: &Ctx) -> LegalFacilityView {
        let facility = stored.record.clone();
        let caller = ctx.caller();
        let in_full = caller.is_owner || caller.roles.contains_any(&[Role::FinanceAudit]);
        LegalFacilityView {
            org_guid: facility.org_guid,
            legal_guid: facility.legal_guid,
            code: facility.code,
            caption: facility.caption,
            legal_name: facility.legal_name,
            trading_name: facility.trading_name,
            registration_number: facility.registration_number,
            address: facility.address,
            tax_ids: facility.tax_ids.iter().map(|tax_id| TaxIdView::of(tax_id, in_full)).collect(),
            external_ids: facility.external_ids,
            status: facility.status,
            revision: stored.revision,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// Its code, unique among the org's legal facilities.
    code: Code,
    /// What it is called.
    caption: Caption,
    /// Its name in the register.
    legal_name: Caption,
    /// Where it is registered.
    address: Address,
    /// The name that it trades under.
    trading_name: Option<Caption>,
    /// Its number in the register.
    registration_number: Option<Text<1, 64>>,
    /// The numbers under which it is taxed.
    tax_ids: Option<TaxIds>,
    /// What other systems call it.
    external_ids: Option<ExternalIds>,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<LegalFacilityView>> {
    let org = ctx.org()?;
    let mut change = ctx.change();
    let facility = LegalFacility {
        org_guid: org.guid(),
        legal_guid: LegalGuid::from_uuid(change.uuid()),
        code: input.code,
        caption: input.caption,
        legal_name: input.legal_name,
        trading_name: input.trading_name,
        registration_number: input.registration_number,
        address: input.address,
        tax_ids: input.tax_ids.unwrap_or_default(),
        external_ids: input.external_ids.unwrap_or_default(),
        status: Status::Active,
    };
    FacilityCodeClaim::legal(facility.code.clone(), facility.legal_guid).take(&mut change, org)?;
    let created = change.create(org, facility, "facility-legal-created")?;
    change.show(&created)
}

names!([Get, SetStatus, Update] LegalFacility = keys::facility::legal[legal_guid]);
revised!(SetStatus, Update);

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The facility.
    legal_guid: LegalGuid,
}

async fn get(ctx: Ctx, _: Get, facility: Stored<LegalFacility>) -> Result<Answer<LegalFacilityView>> {
    ctx.show(&facility)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only those of this status, or `all`; those not doomed unless said otherwise.
    status: Option<Filter<Status>>,
    /// Whether doomed ones are shown too.
    include_doomed: Option<bool>,
    /// Only those that are registered in this country.
    country: Option<Country>,
}

/// A page of legal facilities.
#[derive(Serialize, JsonSchema)]
struct Facilities {
    /// The facilities.
    facilities: Vec<LegalFacilityView>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

fn wanted(input: &List, org: &Org) -> Listing<LegalFacility> {
    keys::facility::legals_by_status(org, &visible(input.status, input.include_doomed))
}

async fn list_by_code(ctx: Ctx, input: List) -> Result<Answer<Facilities>> {
    let facilities = wanted(&input, ctx.org()?);
    let page = match input.country {
        None => ctx.list(&facilities).await?,
        // An org has few traders: reading past the others costs less than a key for the filter.
        Some(country) => {
            ctx.list_where(&facilities, |facility: &LegalFacility| facility.address.country == country)
                .await?
        }
    };
    Ok(Answer::new(Facilities { facilities: page.show(&ctx), next_token: page.next_token }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The facility.
    legal_guid: LegalGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How it is to stand.
    status: Status,
}

async fn set_status(
    ctx: Ctx,
    input: SetStatus,
    before: Stored<LegalFacility>,
) -> Result<Written<LegalFacilityView>> {
    allow(ARCS, before.record.status, input.status)?;
    let mut change = ctx.change();
    if input.status == Status::Doomed {
        bears_nothing(&ctx, &mut change, Parent::Legal(input.legal_guid), Weight::Present).await?;
    }
    let facility = LegalFacility { status: input.status, ..before.record.clone() };
    let after = change.update(ctx.org()?, &before, facility, "facility-legal-status-set")?;
    change.show(&after)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Update {
    /// The facility.
    legal_guid: LegalGuid,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// What it is to be called.
    caption: Option<Caption>,
    /// Its name in the register.
    legal_name: Option<Caption>,
    /// The name that it trades under; null clears.
    trading_name: Patch<Caption>,
    /// Its number in the register; null clears.
    registration_number: Patch<Text<1, 64>>,
    /// Where it is registered, as a whole.
    address: Option<Address>,
    /// The numbers under which it is taxed, as a whole.
    tax_ids: Option<TaxIds>,
    /// What other systems call it, as a whole.
    external_ids: Option<ExternalIds>,
}

impl Update {
    fn apply(self, facility: &mut LegalFacility) {
        facility.caption = self.caption.unwrap_or_else(|| facility.caption.clone());
        facility.legal_name = self.legal_name.unwrap_or_else(|| facility.legal_name.clone());
        self.trading_name.apply(&mut facility.trading_name);
        self.registration_number.apply(&mut facility.registration_number);
        facility.address = self.address.unwrap_or_else(|| facility.address.clone());
        facility.tax_ids = self.tax_ids.unwrap_or_else(|| facility.tax_ids.clone());
        facility.external_ids = self.external_ids.unwrap_or_else(|| facility.external_ids.clone());
    }
}

async fn update(
    ctx: Ctx,
    input: Update,
    before: Stored<LegalFacility>,
) -> Result<Written<LegalFacilityView>> {
    not_doomed(&before.record)?;
    let mut facility = before.record.clone();
    input.apply(&mut facility);
    let mut change = ctx.change();
    let after = change.update(ctx.org()?, &before, facility, "facility-legal-updated")?;
    change.show(&after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_number_is_never_more_than_half_of_it() {
        for (number, end) in [("DE123456789", "6789"), ("12345678", "5678"), ("1234", "34"), ("1", "")] {
            assert_eq!(end_of(number), end);
        }
    }
}
