//! How a record becomes an item. Its fields live in one map (`data`), apart from what the store itself keeps, so
//! that no name can collide.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{
    error::{Error, Result},
    time::Time,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    entity::{Entity, Stored},
    key::{Index, Key},
};

/// An attribute as the SDK has it.
pub(crate) type Attribute = AttributeValue;
/// An item as the SDK has it.
pub type Item = HashMap<String, Attribute>;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: &impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn value<T: Serialize>(value: &T) -> Result<AttributeValue> {
    serde_dynamo::to_attribute_value(value).map_err(Error::internal)
}

pub(crate) fn key_item(pk: &str, sk: &str) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

/// The item of a record, with the keys of every list it appears in: written whole each time, so that no list can lag
/// behind its record.
pub(crate) fn encode<E: Entity>(scope: &E::Scope, stored: &Stored<E>) -> Result<Item> {
    let key: Key<E> = stored.record.key(scope);
    let indexes = stored.record.indexes(scope, stored.created_at);
    let mut item = key_item(&key.pk, &key.sk);
    for (index, keys) in [(Index::First, indexes.first), (Index::Second, indexes.second)] {
        if let Some((partition, sort)) = keys {
            let (_, partition_name, sort_name) = index.names();
            item.insert(partition_name.to_owned(), text(partition));
            item.insert(sort_name.to_owned(), text(sort));
        }
    }
    item.insert("type".to_owned(), text(E::TYPE));
    item.insert("revision".to_owned(), value(&stored.revision)?);
    item.insert("created_at".to_owned(), value(&stored.created_at)?);
    item.insert("updated_at".to_owned(), value(&stored.updated_at)?);
    item.insert("sequence".to_owned(), number(&stored.sequence));
    item.insert("chain".to_owned(), text(stored.chain.as_str()));
    item.insert("data".to_owned(), value(&stored.record)?);
    if let Some(at) = stored.record.expires() {
        item.insert("ttl".to_owned(), number(&at.unix_seconds()));
    }
    Ok(item)
}

/// The record in an item.
pub(crate) fn decode<E: Entity>(mut item: Item) -> Result<Stored<E>> {
    Ok(Stored {
        record: field(&mut item, E::TYPE, "data")?,
        revision: field(&mut item, E::TYPE, "revision")?,
        created_at: field(&mut item, E::TYPE, "created_at")?,
        updated_at: field::<Time>(&mut item, E::TYPE, "updated_at")?,
        sequence: field(&mut item, E::TYPE, "sequence")?,
        chain: field(&mut item, E::TYPE, "chain")?,
    })
}

pub(crate) fn field<T: DeserializeOwned>(item: &mut Item, of: &str, name: &str) -> Result<T> {
    let value =
        item.remove(name).ok_or_else(|| Error::internal(format_args!("{of}: no attribute {name}")))?;
    // The error text of serde_dynamo names types, not values.
    serde_dynamo::from_attribute_value(value)
        .map_err(|error| Error::internal(format_args!("{of}.{name}: {error}")))
}
