//! What Lambda hands over of a DynamoDB stream.
//!
//! Own types, read record by record: `aws_lambda_events` refuses the whole batch for one record that it cannot read,
//! and brings a second library for times.

use serde::Deserialize;
use serde_dynamo::Item;
use serde_json::Value;
use store::{
    Entity,
    journal::{self, Again, Entry, ItemKey},
};

/// An invocation.
#[derive(Debug, Deserialize)]
pub struct StreamEvent {
    /// The changes of one shard, in order.
    #[serde(rename = "Records")]
    pub records: Vec<Value>,
}

/// One change of the table.
#[derive(Debug)]
pub struct Record {
    /// Its place in the shard, by which a failure is reported; none in a record that is damaged.
    pub sequence_number: Option<String>,
    /// When the table was changed, in Unix seconds.
    pub changed_at: Option<i64>,
    /// The key of the item that changed; none in a record that is damaged. The partition of a journal entry holds the
    /// journal of one aggregate: within it, order is kept.
    pub key: Option<ItemKey>,
    /// The stream that it came through.
    pub stream_arn: Option<String>,
    /// What it is.
    pub content: Content,
}

/// What a change of the table is.
#[derive(Debug)]
pub enum Content {
    /// A new entry of the journal.
    Entry(Box<Entry>),
    /// The order to publish an entry of the journal again.
    Again(Again),
    /// Another change: the event source's filter should have kept it back.
    Other,
    /// What should be an entry and cannot be read.
    Unreadable,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    event_name: String,
    dynamodb: Change,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    new_image: Option<Item>,
}

impl Record {
    /// Reads a record. Why one is unreadable is not told: the reason could quote what it holds.
    pub fn read(record: Value) -> Self {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let part = |name: &str| {
            let within = |of: &str| text(&format!("/dynamodb/{of}/{name}/S"));
            within("Keys").or_else(|| within("NewImage"))
        };
        let seconds = record.pointer("/dynamodb/ApproximateCreationDateTime");
        Self {
            sequence_number: text("/dynamodb/SequenceNumber").filter(|number| !number.is_empty()),
            // Lambda writes whole seconds, as a number that may have a fraction.
            changed_at: seconds.and_then(|seconds| seconds.as_i64().or_else(|| whole(seconds))),
            key: part("pk").zip(part("sk")).map(|(pk, sk)| ItemKey { pk, sk }),
            stream_arn: text("/eventSourceARN"),
            content: content(record).unwrap_or(Content::Unreadable),
        }
    }
}

fn whole(seconds: &Value) -> Option<i64> {
    seconds.to_string().split('.').next()?.parse().ok()
}

fn content(record: Value) -> Option<Content> {
    let raw: Raw = serde_json::from_value(record).ok()?;
    if raw.event_name != "INSERT" {
        return Some(Content::Other);
    }
    let mut image = raw.dynamodb.new_image?.into_inner();
    let kind: String = serde_dynamo::from_attribute_value(image.remove("type")?).ok()?;
    match kind.as_str() {
        journal::TYPE => {
            let entry = serde_dynamo::from_attribute_value(image.remove("data")?).ok()?;
            Some(Content::Entry(Box::new(entry)))
        }
        Again::TYPE => Some(Content::Again(serde_dynamo::from_attribute_value(image.remove("data")?).ok()?)),
        _ => Some(Content::Other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::tests::entry;

    fn insert(image: &Value) -> Value {
        json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "7", "NewImage": image}})
    }

    fn journal(entry: &Entry) -> Value {
        let data: serde_dynamo::AttributeValue = serde_dynamo::to_attribute_value(entry).unwrap();
        json!({"pk": {"S": "crm|o|journal|customer|1"}, "sk": {"S": "1"}, "type": {"S": "journal"}, "data": data})
    }

    #[test]
    fn an_entry_comes_back_as_it_was_written() {
        let read = Record::read(insert(&journal(&entry())));
        assert_eq!(read.sequence_number.as_deref(), Some("7"));
        let key = ItemKey { pk: "crm|o|journal|customer|1".to_owned(), sk: "1".to_owned() };
        assert_eq!(read.key, Some(key));
        let Content::Entry(read) = read.content else { panic!("{read:?}") };
        assert_eq!(*read, entry());
    }

    #[test]
    fn other_changes_are_none_of_ours() {
        let record = insert(&json!({"type": {"S": "customer"}, "data": {"M": {}}}));
        assert!(matches!(Record::read(record).content, Content::Other));
        for name in ["MODIFY", "REMOVE"] {
            let mut record = insert(&journal(&entry()));
            record["eventName"] = json!(name);
            assert!(matches!(Record::read(record).content, Content::Other), "{name}");
        }
    }

    #[test]
    fn what_should_be_an_entry_and_is_none_is_unreadable() {
        let mut half = journal(&entry());
        half["data"]["M"].as_object_mut().unwrap().remove("action");
        let mut odd = journal(&entry());
        odd["data"]["M"]["sequence"] = json!({"N": "one"});
        let untyped = json!({"pk": {"S": "x"}});
        for record in [
            insert(&half),
            insert(&odd),
            insert(&untyped),
            insert(&json!({"type": {"S": "journal"}, "pk": {"S": "x"}})),
            json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "7"}}),
        ] {
            let read = Record::read(record);
            assert!(matches!(read.content, Content::Unreadable), "{read:?}");
            assert_eq!(read.sequence_number.as_deref(), Some("7"));
        }
        for record in [json!({}), json!("x"), json!({"dynamodb": {"SequenceNumber": ""}})] {
            let read = Record::read(record);
            assert!(matches!(read.content, Content::Unreadable), "{read:?}");
            assert_eq!(read.sequence_number, None);
        }
    }
}
