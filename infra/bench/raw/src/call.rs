//! A call, built from what was recorded.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    operation::{
        batch_get_item::builders::BatchGetItemFluentBuilder, query::builders::QueryFluentBuilder,
        transact_write_items::builders::TransactWriteItemsFluentBuilder,
    },
    types::{
        AttributeValue, ConditionCheck, Delete, KeysAndAttributes, Put, ReturnConsumedCapacity,
        ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    },
};
use lambda_http::Error;
use serde_json::Value;

/// A call that can be sent any number of times.
pub(crate) enum Call {
    BatchGet(BatchGetItemFluentBuilder),
    Query(Box<QueryFluentBuilder>),
    Transact(TransactWriteItemsFluentBuilder),
}

type Attributes = HashMap<String, AttributeValue>;

impl Call {
    /// Builds the call.
    pub(crate) fn read(client: &Client, mut recorded: Value) -> Result<Self, Error> {
        let request = recorded["request"].take();
        match recorded["operation"].as_str() {
            Some("BatchGetItem") => Ok(Self::BatchGet(batch_get(client, request)?)),
            Some("Query") => Ok(Self::Query(Box::new(query(client, request)?))),
            Some("TransactWriteItems") => Ok(Self::Transact(transact(client, request)?)),
            other => Err(format!("no call of {other:?} is known").into()),
        }
    }

    /// Sends it. The answer is read as the SDK reads it, and let go.
    pub(crate) async fn send(&self) -> Result<(), Error> {
        match self {
            Self::BatchGet(call) => drop(call.clone().send().await?),
            Self::Query(call) => drop((**call).clone().send().await?),
            Self::Transact(call) => drop(call.clone().send().await?),
        }
        Ok(())
    }
}

fn batch_get(client: &Client, mut request: Value) -> Result<BatchGetItemFluentBuilder, Error> {
    let mut call = client.batch_get_item().return_consumed_capacity(ReturnConsumedCapacity::Total);
    for (table, wanted) in request["RequestItems"].as_object_mut().into_iter().flatten() {
        let mut keys = KeysAndAttributes::builder().set_consistent_read(wanted["ConsistentRead"].as_bool());
        for key in wanted["Keys"].as_array_mut().into_iter().flatten() {
            keys = keys.keys(attributes(key.take())?);
        }
        call = call.request_items(table, keys.build()?);
    }
    Ok(call)
}

fn query(client: &Client, mut request: Value) -> Result<QueryFluentBuilder, Error> {
    Ok(client
        .query()
        .set_table_name(text(&request["TableName"]))
        .set_index_name(text(&request["IndexName"]))
        .set_key_condition_expression(text(&request["KeyConditionExpression"]))
        .set_expression_attribute_names(names(&request["ExpressionAttributeNames"]))
        .set_expression_attribute_values(Some(attributes(request["ExpressionAttributeValues"].take())?))
        .set_scan_index_forward(request["ScanIndexForward"].as_bool())
        .set_limit(request["Limit"].as_i64().and_then(|limit| i32::try_from(limit).ok()))
        .set_consistent_read(request["ConsistentRead"].as_bool())
        .return_consumed_capacity(ReturnConsumedCapacity::Total))
}

fn transact(client: &Client, mut request: Value) -> Result<TransactWriteItemsFluentBuilder, Error> {
    let mut call = client
        .transact_write_items()
        .set_client_request_token(text(&request["ClientRequestToken"]))
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    for item in request["TransactItems"].as_array_mut().into_iter().flatten() {
        for (kind, effect) in item.as_object_mut().into_iter().flatten() {
            call = call.transact_items(transact_item(kind, effect)?);
        }
    }
    Ok(call)
}

/// A put, a deletion or a check. All take the same condition, and give back the item on which it fails.
fn transact_item(kind: &str, effect: &mut Value) -> Result<TransactWriteItem, Error> {
    macro_rules! conditional {
        ($builder:expr) => {
            $builder
                .set_table_name(text(&effect["TableName"]))
                .set_condition_expression(text(&effect["ConditionExpression"]))
                .set_expression_attribute_names(names(&effect["ExpressionAttributeNames"]))
                .set_expression_attribute_values(match effect["ExpressionAttributeValues"].take() {
                    Value::Null => None,
                    values => Some(attributes(values)?),
                })
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        };
    }
    let item = TransactWriteItem::builder();
    Ok(match kind {
        "Put" => {
            item.put(conditional!(Put::builder()).set_item(Some(attributes(effect["Item"].take())?)).build()?)
        }
        "Delete" => item.delete(
            conditional!(Delete::builder()).set_key(Some(attributes(effect["Key"].take())?)).build()?,
        ),
        "ConditionCheck" => item.condition_check(
            conditional!(ConditionCheck::builder())
                .set_key(Some(attributes(effect["Key"].take())?))
                .build()?,
        ),
        other => return Err(format!("no {other} is known in a transaction").into()),
    }
    .build())
}

/// Attributes in the JSON of `DynamoDB`: `{"pk": {"S": "…"}}`.
fn attributes(json: Value) -> Result<Attributes, Error> {
    let item: serde_dynamo::Item = serde_json::from_value(json)?;
    Ok(item.into())
}

fn text(json: &Value) -> Option<String> {
    json.as_str().map(str::to_owned)
}

fn names(json: &Value) -> Option<HashMap<String, String>> {
    serde_json::from_value(json.clone()).ok()
}
