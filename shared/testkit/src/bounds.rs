//! What a request to the table may be at most. Every request of every function under test is held to it.

use aws_sdk_dynamodb::{
    Client,
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef},
    error::BoxError,
};
use contract::paging::Limit;
use serde_json::{Map, Value};

/// A page of the longest list, one record more to know whether there is another page, and downwards the one that the
/// page before ended with, which is met again.
const MOST_ITEMS_OF_A_QUERY: u64 = Limit::MOST.get() as u64 + 2;
/// The names of an org's members come up to 5,000 at once (ofm §9, `member/names`).
const LONG_LIST: (&str, u64) = ("|members|", 5_000 + 2);
/// DynamoDB takes so many keys in one batch, and so many items in one transaction.
const MOST_AT_ONCE: usize = 100;
/// DynamoDB takes so many bytes in one item.
const MOST_BYTES_OF_AN_ITEM: usize = 400 * 1024;
/// DynamoDB takes so many bytes in the items of one transaction.
const MOST_BYTES_OF_A_TRANSACTION: usize = 4 * 1024 * 1024;

/// The same client, for functions under test: a request out of bounds ends the test.
pub fn bounded(client: &Client) -> Client {
    Client::from_conf(client.config().to_builder().interceptor(Bounds).build())
}

/// The operation that a request asks of the database, and its body.
pub(crate) fn asked<'c>(context: &'c BeforeTransmitInterceptorContextRef<'_>) -> (&'c str, Value) {
    let request = context.request();
    let target = request.headers().get("x-amz-target").expect("an operation");
    let operation = target.rsplit_once('.').map_or(target, |(_, operation)| operation);
    let body = serde_json::from_slice(request.body().bytes().expect("a body")).expect("JSON");
    (operation, body)
}

#[derive(Debug)]
struct Bounds;

impl Intercept for Bounds {
    fn name(&self) -> &'static str {
        "Bounds"
    }

    // Once for each request, however often it is tried.
    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (operation, body) = asked(context);
        if let Err(problem) = check(operation, &body) {
            panic!("{operation}: {problem}: {body}");
        }
        Ok(())
    }
}

fn check(operation: &str, body: &Value) -> Result<(), String> {
    match operation {
        "GetItem" | "UpdateItem" | "DeleteItem" => Ok(()),
        "PutItem" => item(&body["Item"]).map(drop),
        "Query" => match body["Limit"].as_u64() {
            None => Err("it has no limit".to_owned()),
            Some(limit) if (1..=most_of(body)).contains(&limit) => Ok(()),
            Some(limit) => Err(format!("it asks for {limit} items")),
        },
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flat_map(Map::values);
            at_once(tables.map(|table| table["Keys"].as_array().map_or(0, Vec::len)).sum())
        }
        "TransactWriteItems" => transaction(body["TransactItems"].as_array().map_or(&[], Vec::as_slice)),
        _ => Err("no function has a use for it".to_owned()),
    }
}

fn most_of(query: &Value) -> u64 {
    let (long, most) = LONG_LIST;
    let partition = query["ExpressionAttributeValues"][":pk"]["S"].as_str().unwrap_or_default();
    if partition.contains(long) { most } else { MOST_ITEMS_OF_A_QUERY }
}

fn at_once(count: usize) -> Result<(), String> {
    if (1..=MOST_AT_ONCE).contains(&count) { Ok(()) } else { Err(format!("it is about {count} items")) }
}

fn transaction(items: &[Value]) -> Result<(), String> {
    at_once(items.len())?;
    let puts = items.iter().filter_map(|write| write.pointer("/Put/Item"));
    let bytes: usize = puts.map(item).sum::<Result<_, _>>()?;
    if bytes > MOST_BYTES_OF_A_TRANSACTION { Err(format!("its items have {bytes} bytes")) } else { Ok(()) }
}

/// The size of an item, as DynamoDB counts it: names and values.
fn item(item: &Value) -> Result<usize, String> {
    let bytes = attributes(item.as_object());
    if bytes > MOST_BYTES_OF_AN_ITEM {
        return Err(format!("an item of type {} has {bytes} bytes", item["type"]["S"]));
    }
    Ok(bytes)
}

fn attributes(attributes: Option<&Map<String, Value>>) -> usize {
    attributes.into_iter().flatten().map(|(name, value)| name.len() + size(value)).sum()
}

/// A number counts as one byte for two digits and one more: its text is never shorter.
fn size(attribute: &Value) -> usize {
    let Some((kind, value)) = attribute.as_object().and_then(|attribute| attribute.iter().next()) else {
        return 0;
    };
    let texts = |value: &Value| value.as_str().map_or(0, str::len);
    match kind.as_str() {
        "M" => 3 + attributes(value.as_object()) + value.as_object().map_or(0, Map::len),
        "L" => 3 + value.as_array().into_iter().flatten().map(|value| 1 + size(value)).sum::<usize>(),
        "N" => texts(value) + 1,
        "SS" | "NS" | "BS" => value.as_array().into_iter().flatten().map(texts).sum(),
        "S" | "B" => texts(value),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(operation: &str, body: &Value) -> String {
        check(operation, body).expect_err("out of bounds")
    }

    fn put(bytes: usize) -> Value {
        json!({"Put": {"Item": {"type": {"S": "x"}, "data": {"M": {"text": {"S": "x".repeat(bytes)}}}}}})
    }

    #[test]
    fn every_read_of_many_has_a_limit() {
        assert_eq!(refused("Query", &json!({})), "it has no limit");
        assert_eq!(refused("Query", &json!({"Limit": 259})), "it asks for 259 items");
        assert_eq!(check("Query", &json!({"Limit": 258})), Ok(()));
        assert_eq!(refused("Scan", &json!({"Limit": 1})), "no function has a use for it");
    }

    #[test]
    fn no_more_than_a_hundred_at_once() {
        let batch = |keys: usize| json!({"RequestItems": {"table": {"Keys": vec![json!({}); keys]}}});
        assert_eq!(check("BatchGetItem", &batch(100)), Ok(()));
        assert_eq!(refused("BatchGetItem", &batch(101)), "it is about 101 items");
        let transaction = |items: usize| json!({"TransactItems": vec![put(1); items]});
        assert_eq!(check("TransactWriteItems", &transaction(100)), Ok(()));
        assert_eq!(refused("TransactWriteItems", &transaction(101)), "it is about 101 items");
    }

    #[test]
    fn no_item_and_no_transaction_is_too_large() {
        let rest = "type".len() + 1 + "data".len() + 3 + "text".len() + 1;
        let transaction = |items: &[Value]| json!({"TransactItems": items});
        assert_eq!(check("TransactWriteItems", &transaction(&[put(400 * 1024 - rest)])), Ok(()));
        assert_eq!(
            refused("TransactWriteItems", &transaction(&[put(1), put(400 * 1024 - rest + 1)])),
            "an item of type \"x\" has 409601 bytes"
        );
        let many = vec![put(390 * 1024); 11];
        assert_eq!(
            refused("TransactWriteItems", &transaction(&many)),
            format!("its items have {} bytes", 11 * (390 * 1024 + rest))
        );
    }
}
