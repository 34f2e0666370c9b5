//! Creating a customer (crm §4).

use contract::{
    codes::Code,
    context::RequestContext,
    error::{Error, FieldProblem, Result},
    ids::{AddressId, CustomerGuid, LogicalGuid},
    locale::Locale,
    personal::{DisplayName, Personal},
    reason::{Reason, SourceRefs},
    text::Text,
};
use identity::keys::logical_facility;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Ctx, Written};
use store::{Batch, Org};

use super::{
    Attributes, Birthday, Customer, CustomerView, Emails, ExternalRefs, Kind, Phones, Status, Tags,
    contacts::NewAddresses, home,
};
use crate::{
    lookup,
    settings::{self, Settings},
    stored_answer,
};

#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct Create {
    /// The customer.
    customer: NewCustomer,
}

/// A customer as it is sent.
#[derive(Clone, Deserialize, JsonSchema)]
struct NewCustomer {
    /// Made by the server unless given.
    customer_code: Option<Code>,
    /// What it is; a person unless said.
    kind: Option<Kind>,
    /// Given name.
    given_name: Option<Personal<Text<1, 100>>>,
    /// Family name.
    family_name: Option<Personal<Text<1, 100>>>,
    /// The name by which it is shown; given and family name unless said, else the company's, else the code.
    display_name: Option<DisplayName>,
    /// The company's name; required for a business.
    company_name: Option<DisplayName>,
    /// E-mail addresses.
    emails: Option<Emails>,
    /// Phone numbers.
    phones: Option<Phones>,
    /// Addresses.
    addresses: Option<NewAddresses>,
    /// Ids in other systems.
    external_refs: Option<ExternalRefs>,
    /// The logical facility that the customer calls home: an active one.
    home_logical_guid: Option<LogicalGuid>,
    /// Words to group customers by.
    tags: Option<Tags>,
    /// Language.
    locale: Option<Locale>,
    /// Birthday, `--MM-DD` where the year is withheld.
    birthday: Option<Personal<Birthday>>,
    /// What else is known.
    attributes: Option<Attributes>,
    /// The context, which must agree with the caller.
    request_context: Option<RequestContext>,
    /// Why; the request's reason unless given.
    reason: Option<Reason>,
    /// What it refers to in other systems; the request's references unless given.
    source_refs: Option<SourceRefs>,
}

impl Create {
    /// Asks for what the request names.
    pub(super) fn want(&self, org: &Org, batch: &mut Batch) {
        batch.want_all(&self.customer.home_logical_guid.map(|home| logical_facility(org, home)));
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Created {
    /// The customer.
    customer: CustomerView,
}

pub(super) async fn create(ctx: Ctx, input: Create) -> Result<Written<Created>> {
    let (org, settings, given) = (ctx.org()?, settings::in_force(), input.customer);
    check(&ctx, &settings, &given)?;
    home::check(&ctx, "customer.home_logical_guid", given.home_logical_guid).await?;
    let mut change = ctx.change();
    change.because(given.reason.as_ref(), given.source_refs.clone());
    let code_was_given = given.customer_code.is_some();
    let customer = given.into_customer(&ctx, &settings)?;
    let guid = customer.customer_guid;
    lookup::write(&ctx, &mut change, &customer, &settings, code_was_given)?;
    let created = change.create(org, customer, "customer-created")?;
    stored_answer::note(&mut change, org, guid);
    Ok(change.answer(ctx.show(&created)?.map(|customer| Created { customer })))
}

/// What cannot be told from one field alone.
fn check(ctx: &Ctx, settings: &Settings, given: &NewCustomer) -> Result<()> {
    if let Some(claimed) = &given.request_context {
        ctx.agree(claimed)?;
    }
    let mut problems = Vec::new();
    let mut note = |field: &str, problem: &str| {
        problems.push(FieldProblem { field: format!("customer.{field}"), problem: problem.to_owned() });
    };
    if given.kind == Some(Kind::Business) && given.company_name.is_none() {
        note("company_name", "is required for a business");
    }
    let today = ctx.now().date_in(&settings.time_zone);
    if given.birthday.as_ref().is_some_and(|birthday| birthday.is_after(today)) {
        note("birthday", "must not be in the future");
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::fields(&problems)) }
}

impl NewCustomer {
    fn into_customer(self, ctx: &Ctx, settings: &Settings) -> Result<Customer> {
        let customer_code = match self.customer_code {
            Some(code) => code,
            None => random_code(ctx, settings)?,
        };
        let display_name = match self.display_name {
            Some(name) => name,
            None => default_name(
                self.given_name.as_ref(),
                self.family_name.as_ref(),
                self.company_name.as_ref(),
                &customer_code,
            )?,
        };
        Ok(Customer {
            customer_guid: CustomerGuid::from_uuid(ctx.uuid()),
            customer_code,
            kind: self.kind.unwrap_or_default(),
            status: Status::Active,
            given_name: self.given_name,
            family_name: self.family_name,
            display_name,
            company_name: self.company_name,
            emails: self.emails.unwrap_or_default(),
            phones: self.phones.unwrap_or_default(),
            addresses: self.addresses.unwrap_or_default().with_ids(|| AddressId::from_uuid(ctx.uuid())),
            external_refs: self.external_refs.unwrap_or_default(),
            home_logical_guid: self.home_logical_guid,
            tags: self.tags.unwrap_or_default(),
            locale: self.locale,
            birthday: self.birthday,
            attributes: self.attributes.unwrap_or_default(),
            merged_into: None,
            merged_at: None,
            anonymized_at: None,
            last_activity_at: ctx.now().date_in(&settings.time_zone),
        })
    }
}

/// What codes are made of: nothing that is misread (crm §3 and §11). 32 symbols take 5 bits of a random byte each.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The prefix and 8 random symbols.
fn random_code(ctx: &Ctx, settings: &Settings) -> Result<Code> {
    let mut random = [0; 8];
    ctx.chance().fill(&mut random);
    let symbols = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    let code: String = settings.code_prefix.chars().chain(symbols).collect();
    code.parse().map_err(Error::internal)
}

/// Given and family name, else the company's, else the code. Two names of full length are a little too long together.
fn default_name(
    given: Option<&Personal<Text<1, 100>>>,
    family: Option<&Personal<Text<1, 100>>>,
    company: Option<&DisplayName>,
    code: &Code,
) -> Result<DisplayName> {
    let names: Vec<_> = [given, family].into_iter().flatten().map(|name| name.as_str()).collect();
    let name = match (names.is_empty(), company) {
        (false, _) => names.join(" "),
        (true, Some(company)) => company.as_str().to_owned(),
        (true, None) => code.to_string(),
    };
    let name: String = name.chars().take(200).collect();
    // A joiner joins nothing at the end of a name.
    let name = name.trim_end_matches(['\u{200c}', '\u{200d}']);
    name.parse().map(Personal).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(given: Option<&str>, family: Option<&str>, company: Option<&str>) -> String {
        fn name<const N: usize>(text: &str) -> Personal<Text<1, N>> {
            Personal(text.parse().unwrap())
        }
        let (given, family, company) = (given.map(name), family.map(name), company.map(name));
        let code = "C1".parse().unwrap();
        let shown = default_name(given.as_ref(), family.as_ref(), company.as_ref(), &code).unwrap();
        shown.as_str().to_owned()
    }

    #[test]
    fn who_has_no_name_is_shown_by_what_is_there() {
        assert_eq!(shown(Some("Ada"), Some("Lovelace"), Some("Engines")), "Ada Lovelace");
        assert_eq!(shown(None, Some("Lovelace"), None), "Lovelace");
        assert_eq!(shown(None, None, Some("Engines")), "Engines");
        assert_eq!(shown(None, None, None), "C1");
        let joined = format!("{}ی\u{200c}م", "م".repeat(97));
        assert_eq!(shown(Some(&joined), Some(&joined), None).chars().count(), 199);
        let long = "ä".repeat(100);
        assert_eq!(shown(Some(&long), Some(&long), None).chars().count(), 200);
    }
}
