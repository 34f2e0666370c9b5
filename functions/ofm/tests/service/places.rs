//! Facilities that tests need.

use ofm::SERVICE;
use serde_json::{Map, Value, json};
use testkit::{Caller, Reply, World};

/// The facilities of an org, as they were answered.
pub(crate) struct Places {
    pub(crate) physical: Value,
    pub(crate) legal: Value,
    pub(crate) logical: Value,
}

impl Places {
    /// One of each kind.
    pub(crate) async fn new(world: &World) -> Self {
        let (physical, legal) = (physical(world, "MAIN").await, legal(world, "MAIN").await);
        let logical = logical(world, "MAIN", &physical, &legal).await;
        Self { physical, legal, logical }
    }

    /// The id of the logical facility.
    pub(crate) fn guid(&self) -> Value {
        self.logical["logical_guid"].clone()
    }
}

/// Calls a route as the owner.
pub(crate) async fn post(world: &World, path: &str, fields: Value) -> Reply {
    post_as(world, &world.owner, path, fields).await
}

/// Calls a route as somebody.
pub(crate) async fn post_as(world: &World, caller: &Caller, path: &str, fields: Value) -> Reply {
    world.post(&SERVICE, caller, path, fields).await
}

pub(crate) fn address() -> Value {
    json!({"line1": "Main Street 1", "city": "Berlin", "country": "DE"})
}

pub(crate) async fn physical(world: &World, code: &str) -> Value {
    let fields = json!({"code": code, "caption": "Shop", "address": address(), "timezone": "Europe/Berlin"});
    post(world, "/facility/physical/create", fields).await.data().clone()
}

pub(crate) async fn legal(world: &World, code: &str) -> Value {
    let fields =
        json!({"code": code, "caption": "Trader", "legal_name": "Trader GmbH", "address": address()});
    post(world, "/facility/legal/create", fields).await.data().clone()
}

pub(crate) async fn logical(world: &World, code: &str, physical: &Value, legal: &Value) -> Value {
    let fields = json!({
        "code": code, "caption": "Store", "pf_guid": physical["pf_guid"], "legal_guid": legal["legal_guid"],
    });
    post(world, "/facility/logical/create", fields).await.data().clone()
}

/// Fields, some of them others than they were.
pub(crate) fn with(mut fields: Value, changes: Value) -> Value {
    if let (Some(fields), Value::Object(changes)) = (fields.as_object_mut(), changes) {
        fields.extend(changes);
    }
    fields
}

/// Which field names a record of this kind, by the noun of its routes.
fn id_of(noun: &str) -> &'static str {
    match noun {
        "facility/physical" => "pf_guid",
        "facility/legal" => "legal_guid",
        "facility/logical" => "logical_guid",
        "zone" => "zone_guid",
        "sales-channel" => "channel_guid",
        "station" => "station_guid",
        "cost-centre" => "cc_guid",
        _ => panic!("what names a {noun}?"),
    }
}

/// The fields that name a record as it was answered, at its revision.
pub(crate) fn named(noun: &str, record: &Value) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert(id_of(noun).to_owned(), record[id_of(noun)].clone());
    fields.insert("expected_revision".to_owned(), record["revision"].clone());
    if noun == "zone" {
        fields.insert("logical_guid".to_owned(), record["logical_guid"].clone());
    }
    fields
}

/// The route that sets the status of such a record.
pub(crate) fn status_path(noun: &str) -> String {
    if noun == "cost-centre" { format!("/{noun}/status/set") } else { format!("/{noun}/status") }
}

/// Sets the status of a record that was answered.
pub(crate) async fn set_status(world: &World, noun: &str, record: &Value, status: &str) -> Reply {
    set_status_as(world, &world.owner, noun, record, status).await
}

pub(crate) async fn set_status_as(
    world: &World,
    caller: &Caller,
    noun: &str,
    record: &Value,
    status: &str,
) -> Reply {
    let mut fields = named(noun, record);
    fields.insert("status".to_owned(), json!(status));
    post_as(world, caller, &status_path(noun), fields.into()).await
}

/// Updates a record that was answered.
pub(crate) async fn update(world: &World, noun: &str, record: &Value, changes: Value) -> Reply {
    update_as(world, &world.owner, noun, record, changes).await
}

pub(crate) async fn update_as(
    world: &World,
    caller: &Caller,
    noun: &str,
    record: &Value,
    changes: Value,
) -> Reply {
    let mut fields = named(noun, record);
    fields.extend(changes.as_object().cloned().unwrap_or_default());
    post_as(world, caller, &format!("/{noun}/update"), fields.into()).await
}

/// Gets a record that was answered.
pub(crate) async fn get(world: &World, noun: &str, record: &Value) -> Reply {
    let mut fields = named(noun, record);
    fields.remove("expected_revision");
    post(world, &format!("/{noun}/get"), fields.into()).await
}

/// One field of each record of a page.
pub(crate) fn column(reply: &Reply, plural: &str, field: &str) -> Vec<String> {
    let records = reply.data()[plural].as_array().expect("a list");
    records.iter().map(|record| record[field].as_str().expect("a text").to_owned()).collect()
}
