//! By what a customer is found besides their guid: code, e-mail, phone, external reference (crm §4).
//!
//! A value that is one customer's alone is a claim: one item, at one key. A value that several may have is one item
//! per customer. Both lie in the value's partition, so that one consistent query answers who has it.

use contract::{
    codes::Code,
    email::Email,
    error::{Error, Result, Tag},
    ids::CustomerGuid,
    phone::Phone,
    revision,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{Ctx, Writer};
use store::{Batch, Entity, Key, Org, classes};

use crate::{
    customer::{Customer, ExternalRef},
    keys,
    settings::Settings,
};

/// What kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The customer code.
    Code,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// An id in another system.
    ExternalRef,
}

impl By {
    /// What it means that another customer has the value.
    fn taken(self) -> Tag {
        match self {
            Self::Code => Tag::DuplicateCode,
            Self::Email => Tag::DuplicateEmail,
            Self::Phone => Tag::DuplicatePhone,
            Self::ExternalRef => Tag::DuplicateExternalRef,
        }
    }
}

/// A value by which customers are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// Its kind.
    pub by: By,
    /// A code as it is; of everything else a keyed hash.
    pub value: String,
}

impl Sought {
    /// By code.
    pub(crate) fn code(code: &Code) -> Self {
        Self { by: By::Code, value: code.to_string() }
    }

    /// By e-mail address.
    pub(crate) fn email(ctx: &Ctx, email: &Email) -> Result<Self> {
        Self::hashed(ctx, By::Email, "email", email.as_str())
    }

    /// By phone number.
    pub(crate) fn phone(ctx: &Ctx, phone: &Phone) -> Result<Self> {
        Self::hashed(ctx, By::Phone, "phone", phone.as_str())
    }

    /// By the id in another system.
    pub(crate) fn external_ref(ctx: &Ctx, external: &ExternalRef) -> Result<Self> {
        // The name of a system holds no space.
        let value = format!("{} {}", external.system.as_str(), external.id.as_str());
        Self::hashed(ctx, By::ExternalRef, "external_ref", &value)
    }

    fn hashed(ctx: &Ctx, by: By, kind: &str, value: &str) -> Result<Self> {
        Ok(Self { by, value: ctx.lookup_key().hash(&ctx.org()?.guid().to_string(), kind, value) })
    }

    /// Every value by which a customer is found.
    pub(crate) fn all_of(ctx: &Ctx, customer: &Customer) -> Result<Vec<Self>> {
        let mut all = vec![Self::code(&customer.customer_code)];
        for entry in customer.emails.as_slice() {
            all.push(Self::email(ctx, &entry.email)?);
        }
        for entry in customer.phones.as_slice() {
            all.push(Self::phone(ctx, &entry.phone)?);
        }
        for external in customer.external_refs.as_slice() {
            all.push(Self::external_ref(ctx, external)?);
        }
        Ok(all)
    }
}

/// That a customer is found by a value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lookup {
    /// The kind of value.
    pub by: By,
    /// The value; see [`Sought`].
    pub value: String,
    /// The customer.
    pub customer_guid: CustomerGuid,
    /// Whether the value is theirs alone.
    pub is_claim: bool,
}

classes!(Lookup { by: Plain, value: Identity, customer_guid: Plain, is_claim: Plain });

impl Entity for Lookup {
    const SERVICE: &'static str = "crm";
    const TYPE: &'static str = "customer-lookup";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        let sought = Sought { by: self.by, value: self.value.clone() };
        if self.is_claim {
            keys::customer::claim(org, &sought)
        } else {
            keys::customer::shared(org, &sought, self.customer_guid)
        }
    }

    fn id(&self) -> String {
        self.customer_guid.to_string()
    }
}

/// Writes the look-ups of a new customer. A code that the server made and that is taken is made anew.
pub(crate) fn write(
    ctx: &Ctx,
    change: &mut Writer,
    customer: &Customer,
    settings: &Settings,
    code_was_given: bool,
) -> Result<()> {
    let org = ctx.org()?;
    for Sought { by, value } in Sought::all_of(ctx, customer)? {
        let is_claim = match by {
            By::Code | By::ExternalRef => true,
            By::Email => settings.unique_emails,
            By::Phone => settings.unique_phones,
        };
        let lookup = Lookup { by, value, customer_guid: customer.customer_guid, is_claim };
        if !is_claim {
            change.keep(org, None, lookup)?;
        } else if by == By::Code && !code_was_given {
            change.claim(org, lookup, |_| Error::moved("a customer code was not new"))?;
        } else {
            change.claim(org, lookup, move |holder: &Lookup| {
                Error::from(by.taken()).detail("customer_guid", json!(holder.customer_guid))
            })?;
        }
    }
    Ok(())
}

/// The look-ups that lead to a customer.
pub(crate) async fn held(ctx: &Ctx, customer: &Customer) -> Result<Vec<Lookup>> {
    let (org, guid) = (ctx.org()?, customer.customer_guid);
    let keys = Sought::all_of(ctx, customer)?;
    let keys: Vec<_> = keys
        .iter()
        .flat_map(|sought| [keys::customer::claim(org, sought), keys::customer::shared(org, sought, guid)])
        .collect();
    let mut batch = Batch::default();
    for key in &keys {
        batch.want(key);
    }
    let found = ctx.read(batch).await?;
    let mut held = Vec::new();
    for key in &keys {
        held.extend(
            found.get(key)?.map(|lookup| lookup.record).filter(|lookup| lookup.customer_guid == guid),
        );
    }
    Ok(held)
}
