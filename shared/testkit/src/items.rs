//! The table's items, as tests look at them: past every service.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;

use crate::{World, database, proxy::Call};

/// Items by partition and sort key.
pub type Items = BTreeMap<(String, String), HashMap<String, AttributeValue>>;

impl World {
    /// Everything that is stored of this org.
    pub async fn items(&self) -> Items {
        let found = database::client(database::endpoint())
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
    let client = database::client(database::endpoint());
    let mut kinds = Vec::new();
    for (pk, sk) in calls.iter().flat_map(keys).collect::<BTreeSet<_>>() {
        let found = client
            .get_item()
            .table_name(database::table())
            .key("pk", AttributeValue::S(pk))
            .key("sk", AttributeValue::S(sk))
            .consistent_read(true)
            .send()
            .await
            .expect("the table answers");
        if let Some(item) = found.item {
            let action = item
                .get("data")
                .and_then(|data| data.as_m().ok())
                .filter(|_| text(&item, "type") == "journal");
            let action =
                action.map(|data| format!(" {} {}", text(data, "aggregate_type"), text(data, "action")));
            kinds.push(format!("{}{}", text(&item, "type"), action.unwrap_or_default()));
        }
    }
    kinds.sort();
    kinds
}

/// The keys that a call writes.
fn keys(call: &Call) -> Vec<(String, String)> {
    let request = &call.request;
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

fn text(item: &HashMap<String, AttributeValue>, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}
