//! What the tests of this service share: customers, and calls about them.

use std::collections::BTreeMap;

use contract::{
    external_id::ExternalIds,
    ids::{CustomerGuid, LegalGuid, LogicalGuid, PfGuid},
    revision::Counter,
    time::TimeZone,
};
use crm::{SERVICE, keys};
use identity::{
    facility::{FacilityType, LogicalFacility},
    lifecycle::Status,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Change, Entity, Key, Org, classes};
use testkit::{Reply, World};

/// Calls a route as the owner of the org.
pub(crate) async fn call(world: &World, path: &str, fields: Value) -> Reply {
    world.post(&SERVICE, &world.owner, path, fields).await
}

/// Asks for a customer to be created.
pub(crate) async fn ask(world: &World, customer: Value) -> Reply {
    call(world, "/customer/create", json!({"customer": customer, "reason": "signed up"})).await
}

/// Creates a customer.
pub(crate) async fn create(world: &World, customer: Value) -> Value {
    ask(world, customer).await.data()["customer"].clone()
}

/// Looks a customer up by one key.
pub(crate) async fn get(world: &World, key: Value) -> Reply {
    call(world, "/customer/get", key).await
}

/// Asks for a customer to be deleted.
pub(crate) async fn delete(world: &World, guid: &Value) -> Reply {
    call(world, "/customer/delete", json!({"customer_guid": guid})).await
}

/// A logical facility of the org with this status.
pub(crate) async fn facility(world: &World, status: Status) -> LogicalGuid {
    let mut change = world.change();
    let guid = |change: &mut Change| change.uuid();
    let logical_guid = LogicalGuid::from_uuid(guid(&mut change));
    let facility = LogicalFacility {
        org_guid: world.org.guid(),
        logical_guid,
        code: "HOME".parse().expect("a code"),
        caption: "Home".parse().expect("a caption"),
        facility_type: FacilityType::Store,
        pf_guid: PfGuid::from_uuid(guid(&mut change)),
        legal_guid: LegalGuid::from_uuid(guid(&mut change)),
        cost_centre_guid: None,
        timezone: TimeZone::UTC,
        external_ids: ExternalIds::default(),
        status,
    };
    change.keep(&world.org, None, facility).expect("a facility");
    world.commit(change).await;
    logical_guid
}

/// The id in a customer.
pub(crate) fn guid_of(customer: &Value) -> CustomerGuid {
    serde_json::from_value(customer["customer_guid"].clone()).expect("a guid")
}

/// Somebody with everything, whose values hold this word.
pub(crate) fn somebody(word: &str) -> Value {
    json!({
        "customer_code": format!("K-{word}"),
        "given_name": format!("Given{word}"),
        "family_name": format!("Family{word}"),
        "company_name": format!("Company{word}"),
        "emails": [{"email": format!("{word}.one@mail.example"), "label": format!("Label{word}")},
                   {"email": format!("{word}.two@mail.example"), "primary": true}],
        "phones": [{"phone": format!("+4930{word}"), "sms": true}],
        "addresses": [{"line1": format!("Line{word}"), "city": format!("City{word}"), "country": "DE"}],
        "external_refs": [{"system": "shop", "id": format!("ref-{word}")}],
        "tags": ["vip"],
        "locale": "de-DE",
        "birthday": "1777-08-09",
        "attributes": {format!("name{word}"): format!("value{word}")},
    })
}

/// The keys by which [`somebody`] is found.
pub(crate) fn keys_of(word: &str) -> [Value; 5] {
    [
        json!({"customer_code": format!("k-{word}")}),
        json!({"email": format!("{word}.ONE@mail.example")}),
        json!({"email": format!("{word}.two@mail.example")}),
        json!({"phone": format!("+49 (30) {word}")}),
        json!({"external_ref": {"system": "shop", "id": format!("ref-{word}")}}),
    ]
}

/// Something that hangs on a customer.
#[derive(Clone, Serialize, Deserialize)]
struct Adjacent {
    customer_guid: CustomerGuid,
    number: usize,
}

classes!(Adjacent { customer_guid: Plain, number: Plain });

impl Entity for Adjacent {
    const SERVICE: &'static str = "crm";
    const TYPE: &'static str = "adjacent";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        Key::new(&keys::customer::partition(org, self.customer_guid), &[&"adjacent", &self.number])
    }

    fn id(&self) -> String {
        self.number.to_string()
    }
}

/// Hangs so many items on a customer.
pub(crate) async fn hang(world: &World, customer: &Value, count: usize) {
    let customer_guid = guid_of(customer);
    for numbers in (0..count).collect::<Vec<_>>().chunks(100) {
        let mut change = world.change();
        for &number in numbers {
            change.keep(&world.org, None, Adjacent { customer_guid, number }).expect("an item");
        }
        world.commit(change).await;
    }
}

/// So many items is [`somebody`]: the record, a code, two e-mails, a phone, a reference.
pub(crate) const ITEMS: usize = 6;

/// What is stored of a customer besides tombstone and journal, and how often each action was journalled.
pub(crate) async fn left_of(world: &World, customer: &Value) -> (usize, BTreeMap<String, usize>) {
    let guid = guid_of(customer).to_string();
    let (mut left, mut actions) = (0, BTreeMap::new());
    for ((pk, _), item) in world.items().await {
        if pk.contains(&format!("|journal|customer|{guid}")) {
            let data = item["data"].as_m().expect("an entry");
            assert!(!data.contains_key("why"), "a reason was not blanked");
            *actions.entry(data["action"].as_s().expect("an action").clone()).or_default() += 1;
        } else if !pk.contains("|customer-tombstone|") && format!("{pk} {item:?}").contains(&guid) {
            left += 1;
        }
    }
    (left, actions)
}
