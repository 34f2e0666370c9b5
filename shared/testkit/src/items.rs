//! The table's items, as tests look at them: past every service.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

use crate::{World, database, proxy::Call};

/// An item of the table.
pub(crate) type Item = HashMap<String, AttributeValue>;
/// Items by partition and sort key.
pub type Items = BTreeMap<(String, String), Item>;

impl World {
    /// Everything that is stored of this org.
    pub async fn items(&self) -> Items {
        let found = database::patient(database::endpoint())
            .scan()
            .table_name(database::table())
            .filter_expression("contains(pk, :org)")
            .expression_attribute_values(":org", AttributeValue::S(self.org.guid().to_string()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .expect("the table answers");
        found.into_iter().map(|item| ((text(&item, "pk"), text(&item, "sk")), item)).collect()
    }
}

/// What is there of all that these calls tried to write: the type of each item, for journal entries with the action.
pub async fn written(calls: &[Call]) -> Vec<String> {
    let mut kinds: Vec<_> = left_by(calls).await.iter().map(kind).collect();
    kinds.sort();
    kinds
}

/// What is there of all that these calls tried to write.
pub(crate) async fn left_by(calls: &[Call]) -> Vec<Item> {
    under(&calls.iter().flat_map(keys).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()).await
}

/// What is there under these keys.
pub(crate) async fn under(keys: &[(String, String)]) -> Vec<Item> {
    let client = database::patient(database::endpoint());
    let mut there = Vec::new();
    for keys in keys.chunks(MOST_KEYS) {
        let key = |(pk, sk): &(String, String)| {
            let text = |value: &String| AttributeValue::S(value.clone());
            HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
        };
        let keys = keys.iter().map(key).collect();
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let asked = client.batch_get_item().request_items(database::table(), wanted.expect("keys"));
        let found = asked.send().await.expect("the table answers").responses.unwrap_or_default();
        there.extend(found.into_values().flatten());
    }
    there
}

/// `BatchGetItem` takes so many.
const MOST_KEYS: usize = 100;

fn kind(item: &Item) -> String {
    let kind = text(item, "type");
    match item.get("data").and_then(|data| data.as_m().ok()) {
        Some(data) if kind == store::journal::TYPE => {
            format!("{kind}: {} {}", text(data, "aggregate_type"), text(data, "action"))
        }
        _ => kind,
    }
}

/// The keys that a call writes.
fn keys(call: &Call) -> Vec<(String, String)> {
    let request = &*call.request;
    let members = request["TransactItems"].as_array().into_iter().flatten();
    let effects = members.flat_map(|member| ["Put", "Update", "Delete"].map(|kind| &member[kind]));
    effects
        .chain([request])
        .filter_map(|effect| {
            let key = effect.get("Key").or_else(|| effect.get("Item"))?;
            Some((key["pk"]["S"].as_str()?.to_owned(), key["sk"]["S"].as_str()?.to_owned()))
        })
        .collect()
}

pub(crate) fn text(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}
