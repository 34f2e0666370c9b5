//! What Lambda hands over of a DynamoDB stream.
//!
//! Own types, read record by record: `aws_lambda_events` refuses the whole batch for one record that it cannot read,
//! and brings a second library for times.

use serde::Deserialize;
use serde_dynamo::Item;
use serde_json::Value;
use store::journal::{self, Entry};

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
    /// What it is.
    pub content: Content,
}

/// What a change of the table is.
#[derive(Debug)]
pub enum Content {
    /// A new entry of the journal.
    Entry {
        /// The partition that holds the journal of one aggregate: within it, order is kept.
        aggregate: String,
        /// The entry.
        entry: Box<Entry>,
    },
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
        let sequence_number = record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str);
        let sequence_number = sequence_number.filter(|number| !number.is_empty()).map(str::to_owned);
        Self { sequence_number, content: content(record).unwrap_or(Content::Unreadable) }
    }
}

fn content(record: Value) -> Option<Content> {
    let raw: Raw = serde_json::from_value(record).ok()?;
    if raw.event_name != "INSERT" {
        return Some(Content::Other);
    }
    let mut image = raw.dynamodb.new_image?.into_inner();
    let mut text = |name| serde_dynamo::from_attribute_value::<_, String>(image.remove(name)?).ok();
    if text("type")? != journal::TYPE {
        return Some(Content::Other);
    }
    let aggregate = text("pk")?;
    let entry = serde_dynamo::from_attribute_value(image.remove("data")?).ok()?;
    Some(Content::Entry { aggregate, entry: Box::new(entry) })
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
        let Content::Entry { aggregate, entry: read } = read.content else { panic!("{read:?}") };
        assert_eq!(*read, entry());
        assert_eq!(aggregate, "crm|o|journal|customer|1");
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
