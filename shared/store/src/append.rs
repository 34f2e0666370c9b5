//! Adding to a list that a record holds, so that callers at the same time do not stand in each other's way.

use aws_sdk_dynamodb::{
    error::SdkError, operation::update_item::UpdateItemError, types::ReturnConsumedCapacity,
};
use contract::{
    error::{Error, Result},
    revision::Tag,
    time::Time,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    client::Store,
    codec::{key_item, number, value},
    entity::Entity,
    key::Key,
    read::failed,
};

/// One more value of a list, and what the list must be like.
#[derive(Clone, Copy, Debug)]
pub struct Append<'a, T> {
    /// The field of the record that holds the list.
    pub field: &'static str,
    /// The first value, as it was read: whoever takes values off the list changes it.
    pub first: &'a T,
    /// The value to be added.
    pub value: &'a T,
    /// The list is shorter than this.
    pub shorter_than: usize,
    /// When the record may be forgotten.
    pub expires: Time,
}

impl Store {
    /// Adds a value at the end of a list, as one conditional update: any number of callers may do so at once, and none
    /// decides on what another has changed. The record gets a new revision and no journal entry. Says whether the
    /// value was added: it is not if the list is no longer as the condition says, or if a transaction held the record.
    pub async fn append<E: Entity<Revision = Tag>, T: Serialize>(
        &self,
        key: &Key<E>,
        append: Append<'_, T>,
        revision: Uuid,
        now: Time,
    ) -> Result<bool> {
        self.meter.write_trip();
        let sent = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key_item(&key.pk, &key.sk)))
            .update_expression(
                "SET #data.#list = list_append(#data.#list, :more), #revision = :revision, \
                 #updated_at = :now, #ttl = :ttl",
            )
            .condition_expression("#data.#list[0] = :first AND size(#data.#list) < :most")
            .expression_attribute_names("#data", "data")
            .expression_attribute_names("#list", append.field)
            .expression_attribute_names("#revision", "revision")
            .expression_attribute_names("#updated_at", "updated_at")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":more", value(&[append.value])?)
            .expression_attribute_values(":first", value(append.first)?)
            .expression_attribute_values(":most", number(&append.shorter_than))
            .expression_attribute_values(":revision", value(&revision)?)
            .expression_attribute_values(":now", value(&now)?)
            .expression_attribute_values(":ttl", number(&append.expires.unix_seconds()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                self.meter.wrote(answer.consumed_capacity());
                Ok(true)
            }
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err(),
                    UpdateItemError::ConditionalCheckFailedException(_)
                        | UpdateItemError::TransactionConflictException(_)
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err::<bool, Error>(failed(&error)),
        }
    }
}
