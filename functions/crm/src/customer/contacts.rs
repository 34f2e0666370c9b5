//! How a customer is reached and known elsewhere: e-mails, phones, addresses, external references (crm §4).

use contract::{
    email::Email, ids::AddressId, locale::Country, personal::Personal, phone::Phone, problem::Problem,
    text::Text, time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pattern::{is_made_of, pattern};

/// What an entry is called: `home`, `work`.
pub(super) type Label = Personal<Text<1, 200>>;
/// A line of an address.
pub(super) type Line = Personal<Text<1, 200>>;

const MOST_EMAILS: usize = 8;
const MOST_PHONES: usize = 8;
const MOST_ADDRESSES: usize = 16;
const MOST_EXTERNAL_REFS: usize = 16;

/// Which entry is the primary one: the one that says so, else the first.
fn primary_of(given: &[Option<bool>]) -> Result<usize, Problem> {
    let mut primaries = given.iter().enumerate().filter(|(_, primary)| **primary == Some(true));
    match (primaries.next(), primaries.next()) {
        (_, Some(_)) => Err(Problem::new("must have one primary entry only")),
        (first, None) => Ok(first.map_or(0, |(index, _)| index)),
    }
}

fn check_length(length: usize, most: usize) -> Result<(), Problem> {
    if length > most { Err(format!("must have at most {most} entries").into()) } else { Ok(()) }
}

fn check_distinct<T: PartialEq>(values: &[T]) -> Result<(), Problem> {
    let repeated = (1..values.len()).find(|index| values[..*index].contains(&values[*index]));
    match repeated {
        Some(index) => Err(format!("must not have an entry twice: [{index}]").into()),
        None => Ok(()),
    }
}

/// At most 8 e-mail addresses without repeats; exactly one is primary, if there is any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<GivenEmail>", into = "Vec<EmailEntry>")]
#[schemars(extend("maxItems" = MOST_EMAILS))]
pub struct Emails(Vec<EmailEntry>);

/// An e-mail address of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EmailEntry {
    /// The address.
    pub email: Email,
    /// What it is called.
    pub label: Option<Label>,
    /// Whether it is the one to use.
    pub primary: bool,
    /// When the customer proved that it is theirs.
    pub verified_at: Option<Time>,
}

/// An e-mail address as it is sent.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "EmailEntry")]
struct GivenEmail {
    /// The address.
    email: Email,
    /// What it is called.
    label: Option<Label>,
    /// Whether it is the one to use; the first is, unless another says so.
    primary: Option<bool>,
    /// When the customer proved that it is theirs.
    verified_at: Option<Time>,
}

impl TryFrom<Vec<GivenEmail>> for Emails {
    type Error = Problem;

    fn try_from(given: Vec<GivenEmail>) -> Result<Self, Problem> {
        check_length(given.len(), MOST_EMAILS)?;
        check_distinct(&given.iter().map(|entry| &entry.email).collect::<Vec<_>>())?;
        let primary = primary_of(&given.iter().map(|entry| entry.primary).collect::<Vec<_>>())?;
        let entries = given.into_iter().enumerate().map(|(index, entry)| {
            let GivenEmail { email, label, verified_at, .. } = entry;
            EmailEntry { email, label, primary: index == primary, verified_at }
        });
        Ok(Self(entries.collect()))
    }
}

impl From<Emails> for Vec<EmailEntry> {
    fn from(emails: Emails) -> Self {
        emails.0
    }
}

impl Emails {
    /// The entries, in the order in which they were given.
    pub fn as_slice(&self) -> &[EmailEntry] {
        &self.0
    }
}

/// At most 8 phone numbers without repeats; exactly one is primary, if there is any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<GivenPhone>", into = "Vec<PhoneEntry>")]
#[schemars(extend("maxItems" = MOST_PHONES))]
pub struct Phones(Vec<PhoneEntry>);

/// A phone number of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PhoneEntry {
    /// The number.
    pub phone: Phone,
    /// What it is called.
    pub label: Option<Label>,
    /// Whether it is the one to use.
    pub primary: bool,
    /// Whether it takes text messages.
    pub sms: bool,
}

/// A phone number as it is sent.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PhoneEntry")]
struct GivenPhone {
    /// The number.
    phone: Phone,
    /// What it is called.
    label: Option<Label>,
    /// Whether it is the one to use; the first is, unless another says so.
    primary: Option<bool>,
    /// Whether it takes text messages; it does not unless said so.
    sms: Option<bool>,
}

impl TryFrom<Vec<GivenPhone>> for Phones {
    type Error = Problem;

    fn try_from(given: Vec<GivenPhone>) -> Result<Self, Problem> {
        check_length(given.len(), MOST_PHONES)?;
        check_distinct(&given.iter().map(|entry| &entry.phone).collect::<Vec<_>>())?;
        let primary = primary_of(&given.iter().map(|entry| entry.primary).collect::<Vec<_>>())?;
        let entries = given.into_iter().enumerate().map(|(index, entry)| {
            let GivenPhone { phone, label, sms, .. } = entry;
            PhoneEntry { phone, label, primary: index == primary, sms: sms.unwrap_or(false) }
        });
        Ok(Self(entries.collect()))
    }
}

impl From<Phones> for Vec<PhoneEntry> {
    fn from(phones: Phones) -> Self {
        phones.0
    }
}

impl Phones {
    /// The entries, in the order in which they were given.
    pub fn as_slice(&self) -> &[PhoneEntry] {
        &self.0
    }
}

/// An address of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// Its id, made by the server.
    pub address_id: AddressId,
    /// What it is called.
    pub label: Option<Label>,
    /// Street and number.
    pub line1: Line,
    /// What else leads there.
    pub line2: Option<Line>,
    /// Town.
    pub city: Line,
    /// State or province.
    pub region: Option<Line>,
    /// Post code.
    pub postcode: Option<Line>,
    /// Country.
    pub country: Country,
    /// Whether it is the one to use.
    pub primary: bool,
}

/// At most 16 addresses as they are sent, at most one of them primary.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<GivenAddress>")]
#[schemars(extend("maxItems" = MOST_ADDRESSES))]
pub(crate) struct NewAddresses(Vec<GivenAddress>);

/// An address as it is sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(rename = "NewAddress")]
struct GivenAddress {
    /// What it is called.
    label: Option<Label>,
    /// Street and number.
    line1: Line,
    /// What else leads there.
    line2: Option<Line>,
    /// Town.
    city: Line,
    /// State or province.
    region: Option<Line>,
    /// Post code.
    postcode: Option<Line>,
    /// Country.
    country: Country,
    /// Whether it is the one to use; the first is, unless another says so.
    primary: Option<bool>,
}

impl TryFrom<Vec<GivenAddress>> for NewAddresses {
    type Error = Problem;

    fn try_from(given: Vec<GivenAddress>) -> Result<Self, Problem> {
        check_length(given.len(), MOST_ADDRESSES)?;
        primary_of(&given.iter().map(|entry| entry.primary).collect::<Vec<_>>())?;
        Ok(Self(given))
    }
}

impl NewAddresses {
    /// The addresses, each with a new id; exactly one is primary, if there is any.
    pub(crate) fn with_ids(self, mut id: impl FnMut() -> AddressId) -> Vec<Address> {
        let primary = self.0.iter().position(|given| given.primary == Some(true)).unwrap_or(0);
        let addresses = self.0.into_iter().enumerate().map(|(index, given)| {
            let GivenAddress { label, line1, line2, city, region, postcode, country, .. } = given;
            let primary = index == primary;
            Address { address_id: id(), label, line1, line2, city, region, postcode, country, primary }
        });
        addresses.collect()
    }
}

pattern! {
    /// The name of another system: `^[a-z][a-z0-9_]{1,31}$`.
    System,
    |text| is_made_of(text, 2..=32, |b| b.is_ascii_lowercase(), |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
    "^[a-z][a-z0-9_]{1,31}$",
    "must be 2 to 32 lower-case letters, digits or '_', starting with a letter"
}

/// The customer's id in another system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExternalRef {
    /// The system.
    pub system: System,
    /// The id there.
    pub id: Personal<Text<1, 128>>,
}

/// At most 16 ids in other systems, without repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<ExternalRef>", into = "Vec<ExternalRef>")]
#[schemars(extend("maxItems" = MOST_EXTERNAL_REFS))]
pub struct ExternalRefs(Vec<ExternalRef>);

impl TryFrom<Vec<ExternalRef>> for ExternalRefs {
    type Error = Problem;

    fn try_from(given: Vec<ExternalRef>) -> Result<Self, Problem> {
        check_length(given.len(), MOST_EXTERNAL_REFS)?;
        check_distinct(&given)?;
        Ok(Self(given))
    }
}

impl From<ExternalRefs> for Vec<ExternalRef> {
    fn from(refs: ExternalRefs) -> Self {
        refs.0
    }
}

impl ExternalRefs {
    /// The references, in the order in which they were given.
    pub fn as_slice(&self) -> &[ExternalRef] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use contract::input;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Request {
        emails: Emails,
    }

    fn emails(value: &Value) -> Result<Value, String> {
        let read = input::read::<Request>(&json!({"emails": value}));
        read.map(|request| json!(request.emails))
            .map_err(|problems| format!("{} {}", problems[0].field, problems[0].problem))
    }

    #[test]
    fn an_address_is_given_once_in_whatever_spelling() {
        let twice = json!([{"email": "a@x.example"}, {"email": " A@X.example"}]);
        assert_eq!(emails(&twice), Err("emails must not have an entry twice: [1]".to_owned()));
        let none = json!([{"email": "a"}]);
        assert_eq!(emails(&none), Err("emails[0].email must be an e-mail address".to_owned()));
        let two =
            json!([{"email": "a@x.example", "primary": true}, {"email": "b@x.example", "primary": true}]);
        assert_eq!(emails(&two), Err("emails must have one primary entry only".to_owned()));
        let unknown = json!([{"email": "a@x.example", "kind": "home"}]);
        assert_eq!(emails(&unknown), Err("emails[0].kind is not a field of this request".to_owned()));
        let nine: Vec<_> = (0..9).map(|n| json!({"email": format!("{n}@x.example")})).collect();
        assert_eq!(emails(&json!(nine)), Err("emails must have at most 8 entries".to_owned()));
    }

    #[test]
    fn systems_are_named_in_lower_case() {
        for (text, good) in
            [("shop", true), ("s1_x", true), ("s", false), ("Shop", false), ("1s", false), ("", false)]
        {
            assert_eq!(text.parse::<System>().is_ok(), good, "{text}");
        }
        assert!("a".repeat(32).parse::<System>().is_ok() && "a".repeat(33).parse::<System>().is_err());
    }

    proptest! {
        #[test]
        fn exactly_one_is_primary_and_what_is_kept_reads_as_itself(
            given in prop::collection::vec(("[a-c]{1,2}", any::<Option<bool>>()), 0..12)
        ) {
            let rows: Vec<_> = given
                .iter()
                .map(|(name, primary)| json!({"email": format!("{name}@x.example"), "primary": primary}))
                .collect();
            let claimed = given.iter().filter(|(_, primary)| *primary == Some(true)).count();
            let distinct: std::collections::BTreeSet<_> = given.iter().map(|(name, _)| name).collect();
            let read = emails(&json!(rows));
            prop_assert_eq!(read.is_ok(), given.len() <= 8 && claimed <= 1 && distinct.len() == given.len());
            if let Ok(kept) = read {
                let kept_rows = kept.as_array().expect("a list");
                prop_assert_eq!(kept_rows.len(), given.len());
                let primaries = kept_rows.iter().filter(|row| row["primary"] == true).count();
                prop_assert_eq!(primaries, usize::from(!given.is_empty()));
                prop_assert_eq!(emails(&kept), Ok(kept));
            }
        }
    }
}
