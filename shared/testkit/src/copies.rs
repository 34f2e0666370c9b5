//! Copies of a record, put straight into the table: for lists that are to be long.

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use serde_json::Value;

use crate::{
    database,
    items::{self, Item, text},
    proxy::{Call, Operation},
};

/// `BatchWriteItem` takes so many.
const MOST_WRITES: usize = 25;
/// Copies differ in so many digits.
const DIGITS: usize = 6;

/// A record of a list, with whatever is read to show it, to be copied.
#[derive(Debug)]
pub struct Original {
    items: Vec<Item>,
    /// What tells it from the other records: ids and codes.
    names: Vec<String>,
    copies: usize,
}

impl Original {
    /// The last record of a list that was answered as a whole, by these calls.
    ///
    /// # Panics
    /// Where the list has fewer than two records, or nothing tells them apart.
    pub async fn of(calls: &[Call]) -> Self {
        let mut listed = Vec::new();
        let mut sort_name = String::new();
        for call in calls.iter().filter(|call| call.operation == Operation::Query) {
            let found = again(&call.request).await;
            if !found.is_empty() {
                call.request["ExpressionAttributeNames"]["#sk"]
                    .as_str()
                    .expect("a name")
                    .clone_into(&mut sort_name);
            }
            listed.extend(found);
        }
        listed.sort_by_key(|item| text(item, &sort_name));
        // A call that was sent again finds the same.
        listed.dedup();
        let last = listed.pop().unwrap_or_else(|| panic!("a list with records: {calls:?}"));
        let same = |item: &&Item| text(item, "type") == text(&last, "type");
        let sibling = listed.iter().rev().find(same).expect("a list of two records");
        let names = ["pk", "sk", &*sort_name].map(|name| differing(&text(&last, name), &text(sibling, name)));
        let mut names = names.concat();
        names.sort();
        names.dedup();
        assert!(!names.is_empty(), "something tells records apart");
        let mut items = linked(calls, &names).await;
        items.retain(|item| (item["pk"] != last["pk"]) || (item["sk"] != last["sk"]));
        // In no other list than this one.
        let mut bare = last.clone();
        let of_index = sort_name.trim_end_matches("sk");
        bare.retain(|name, _| !name.starts_with("gsi") || name.starts_with(of_index));
        items.push(bare);
        Self { items, names, copies: 0 }
    }

    /// Writes so many copies, each with ids and codes of its own.
    pub async fn copy(&mut self, count: usize) {
        let fresh = self.copies..self.copies + count;
        self.copies = fresh.end;
        let copies: Vec<_> = fresh.flat_map(|n| self.items.iter().map(move |item| (n, item))).collect();
        let client = database::patient(database::endpoint());
        for some in copies.chunks(MOST_WRITES) {
            let mut left: Vec<_> = some.iter().map(|(n, item)| put(self.copied(item, *n))).collect();
            while !left.is_empty() {
                let asked = client.batch_write_item().request_items(database::table(), left);
                let answer = asked.send().await.expect("the table answers");
                left = answer.unprocessed_items.into_iter().flatten().flat_map(|(_, left)| left).collect();
            }
        }
    }

    fn copied(&self, item: &Item, n: usize) -> Item {
        item.iter().map(|(name, value)| (name.clone(), self.renamed(value, n))).collect()
    }

    fn renamed(&self, value: &AttributeValue, n: usize) -> AttributeValue {
        match value {
            AttributeValue::S(text) => {
                let rename = |text: String, name: &String| text.replace(name, &numbered(name, n));
                AttributeValue::S(self.names.iter().fold(text.clone(), rename))
            }
            AttributeValue::M(fields) => AttributeValue::M(self.copied(fields, n)),
            AttributeValue::L(values) => {
                AttributeValue::L(values.iter().map(|value| self.renamed(value, n)).collect())
            }
            other => other.clone(),
        }
    }
}

/// A name of the same form whose last letters and digits are this number: digits are in every alphabet of ids and codes.
fn numbered(name: &str, n: usize) -> String {
    let number = format!("{n:0DIGITS$}");
    let mut digits = number.chars().rev();
    let mut exchange =
        |char: char| if char.is_ascii_alphanumeric() { digits.next().unwrap_or(char) } else { char };
    let renamed: String = name.chars().rev().map(&mut exchange).collect();
    match digits.next() {
        None => renamed.chars().rev().collect(),
        // Too short.
        Some(_) => format!("{}{number}", &name[..1]),
    }
}

/// The parts in which a key differs from another, but for times: copies are of the same time.
fn differing(key: &str, other: &str) -> Vec<String> {
    let parts = key.split('|').zip(other.split('|'));
    let names =
        parts.filter(|(part, other)| part != other && !is_time(part)).map(|(part, _)| part.to_owned());
    let names: Vec<_> = names.collect();
    assert!(names.iter().all(|name| name.len() > 3), "{names:?} may stand for something else");
    names
}

fn is_time(part: &str) -> bool {
    part.ends_with('Z') && part.contains(':')
}

/// Whatever else these calls read under keys that have one of these names in them.
async fn linked(calls: &[Call], names: &[String]) -> Vec<Item> {
    let mut keys = Vec::new();
    for call in calls {
        let tables = call.request["RequestItems"].as_object().into_iter().flat_map(|tables| tables.values());
        let several = tables.flat_map(|table| table["Keys"].as_array().into_iter().flatten());
        for key in several.chain(call.request.get("Key")) {
            let part = |name: &str| key[name]["S"].as_str().expect("a key").to_owned();
            let key = (part("pk"), part("sk"));
            if names.iter().any(|name| key.0.contains(name) || key.1.contains(name)) && !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    items::under(&keys).await
}

/// All that a query finds, without its limit.
async fn again(query: &Value) -> Vec<Item> {
    let mut again = database::patient(database::endpoint())
        .query()
        .table_name(database::table())
        .set_index_name(query["IndexName"].as_str().map(str::to_owned))
        .set_key_condition_expression(query["KeyConditionExpression"].as_str().map(str::to_owned));
    for (name, value) in query["ExpressionAttributeNames"].as_object().into_iter().flatten() {
        again = again.expression_attribute_names(name, value.as_str().expect("a name"));
    }
    for (name, value) in query["ExpressionAttributeValues"].as_object().into_iter().flatten() {
        let value = AttributeValue::S(value["S"].as_str().expect("a text").to_owned());
        again = again.expression_attribute_values(name, value);
    }
    again.into_paginator().items().send().try_collect().await.expect("the table answers")
}

fn put(item: Item) -> WriteRequest {
    let put = PutRequest::builder().set_item(Some(item)).build().expect("an item");
    WriteRequest::builder().put_request(put).build()
}
