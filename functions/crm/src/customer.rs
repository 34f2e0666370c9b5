//! Customers (crm §4).

use std::borrow::Cow;

use contract::{
    codes::Code,
    ids::{CustomerGuid, LogicalGuid},
    locale::Locale,
    personal::{DisplayName, Personal},
    revision::Counter,
    states::States,
    text::Text,
    time::{Date, Time},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize, Serializer, ser::Error};
use serde_json::Value;
use service::{Class, Ctx, OrgFrom, Resource, Route, list, post, read_if_named, write, write_if_named};
use store::{Entity, Indexes, Key, Org, Shown, Stored, classes};

use contract::error::Tag;

use crate::{
    access::{EDIT, PRIVACY, READ},
    keys, mask,
};

mod contacts;
mod create;
mod delete;
mod get;
mod home;
mod list;
mod profile;
mod tombstone;

pub use contacts::{Address, EmailEntry, Emails, ExternalRef, ExternalRefs, PhoneEntry, Phones};
pub use profile::{Attributes, Birthday, Tags};
pub use tombstone::{DeletionState, Tombstone};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/customer/create"),
        summary: "Create a customer",
        class: Class::D,
        org: OrgFrom::Header,
        access: EDIT,
        errors: &[Tag::DuplicateCode, Tag::DuplicateEmail, Tag::DuplicatePhone, Tag::DuplicateExternalRef],
        handler: &write(create::create).with_reason().also(create::Create::want),
    },
    Route {
        call: post("/customer/delete"),
        summary: "Delete a customer and all that hangs on them",
        class: Class::A,
        org: OrgFrom::Header,
        access: PRIVACY,
        errors: &[Tag::Conflict, Tag::InvalidState],
        handler: &write_if_named(delete::delete),
    },
    Route {
        call: post("/customer/get"),
        summary: "Get a customer by guid, code, e-mail, phone or external reference",
        class: Class::C,
        org: OrgFrom::Header,
        access: READ,
        errors: &[Tag::Ambiguous],
        handler: &read_if_named(get::get),
    },
    Route {
        call: post("/customer/list"),
        summary: "List customers, newest first",
        class: Class::B,
        org: OrgFrom::Header,
        access: READ,
        errors: &[],
        handler: &list(list::newest_first)
            .also(list::List::want)
            .ahead(|input, org| Some(list::wanted(input, org).of_anything())),
    },
];

/// What a customer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CustomerKind")]
pub enum Kind {
    /// A person.
    #[default]
    Individual,
    /// A company.
    Business,
    /// Somebody who bought without saying who they are.
    Guest,
}

/// How a customer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CustomerStatus")]
pub enum Status {
    /// In business.
    Active,
    /// Kept, but nothing new begins.
    Inactive,
    /// Gone into another customer.
    Merged,
    /// Nobody knows any more who it was.
    Anonymized,
}

impl States for Status {
    const ALL: &'static [Self] = &[Self::Active, Self::Inactive, Self::Merged, Self::Anonymized];
    const HIDDEN: &'static [Self] = &[Self::Merged, Self::Anonymized];
}

/// A customer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Customer {
    /// Its id.
    pub customer_guid: CustomerGuid,
    /// Its code, unique in the org; free again when a deletion has completed.
    pub customer_code: Code,
    /// What it is.
    pub kind: Kind,
    /// How it stands.
    pub status: Status,
    /// Given name.
    pub given_name: Option<Personal<Text<1, 100>>>,
    /// Family name.
    pub family_name: Option<Personal<Text<1, 100>>>,
    /// The name by which it is shown.
    pub display_name: DisplayName,
    /// The company's name; a business has one.
    pub company_name: Option<DisplayName>,
    /// E-mail addresses: exactly one is primary, if there is any.
    pub emails: Emails,
    /// Phone numbers: exactly one is primary, if there is any.
    pub phones: Phones,
    /// Addresses: exactly one is primary, if there is any.
    pub addresses: Vec<Address>,
    /// Its ids in other systems, each unique in the org.
    pub external_refs: ExternalRefs,
    /// The logical facility that the customer calls home.
    pub home_logical_guid: Option<LogicalGuid>,
    /// Words to group customers by.
    pub tags: Tags,
    /// Its language.
    pub locale: Option<Locale>,
    /// Birthday, `--MM-DD` where the year is withheld.
    pub birthday: Option<Personal<Birthday>>,
    /// What else is known.
    pub attributes: Attributes,
    /// The customer that this one went into.
    pub merged_into: Option<CustomerGuid>,
    /// When it went there.
    pub merged_at: Option<Time>,
    /// When it was anonymized.
    pub anonymized_at: Option<Time>,
    /// The day of the last change, movement, consent or registration.
    pub last_activity_at: Date,
}

classes!(Customer {
    customer_guid: Plain,
    customer_code: Plain,
    kind: Plain,
    status: Plain,
    given_name: Identity,
    family_name: Identity,
    display_name: Identity,
    company_name: Identity,
    emails: Contact,
    phones: Contact,
    addresses: Contact,
    external_refs: Identity,
    home_logical_guid: Plain,
    tags: Plain,
    locale: Plain,
    birthday: Identity,
    attributes: FreeText,
    merged_into: Plain,
    merged_at: Plain,
    anonymized_at: Plain,
    last_activity_at: Plain,
});

impl Entity for Customer {
    const SERVICE: &'static str = "crm";
    const TYPE: &'static str = "customer";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::customer::by_guid(org, self.customer_guid)
    }

    fn indexes(&self, org: &Org, created_at: Time) -> Indexes {
        keys::customer::lists(org, self, created_at)
    }

    fn id(&self) -> String {
        self.customer_guid.to_string()
    }
}

/// A customer as the caller may see it.
pub struct CustomerView {
    shown: Shown<Customer>,
    is_masked: bool,
}

impl Resource for Customer {
    type View = CustomerView;

    fn view(stored: &Stored<Self>, ctx: &Ctx) -> CustomerView {
        CustomerView { shown: stored.shown(), is_masked: mask::applies(ctx) }
    }
}

impl Serialize for CustomerView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.is_masked {
            return self.shown.serialize(serializer);
        }
        match serde_json::to_value(&self.shown).map_err(S::Error::custom)? {
            Value::Object(mut record) => {
                mask::hide::<Customer>(&mut record);
                record.serialize(serializer)
            }
            other => other.serialize(serializer),
        }
    }
}

impl JsonSchema for CustomerView {
    fn schema_name() -> Cow<'static, str> {
        Shown::<Customer>::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        Shown::<Customer>::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Shown::<Customer>::json_schema(generator);
        mask::may_hide::<Customer>(&mut schema, generator.definitions());
        schema
    }
}
