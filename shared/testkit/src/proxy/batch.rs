//! Batches that are carried out in part.

use serde_json::{Value, json};

use super::Operation;

/// A batch request in two parts.
pub(super) struct Split {
    /// The request without the entry that is left over.
    pub(super) request: Value,
    /// The name of the reply's field that holds what is left over.
    field: &'static str,
    /// What is left over, in the shape of `RequestItems`.
    left_over: Value,
}

impl Split {
    /// Adds what is left over to the reply to the shortened request.
    pub(super) fn complete(self, mut reply: Value) -> Value {
        reply[self.field] = self.left_over;
        reply
    }
}

/// Which entry of a batch is left over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    First,
    Last,
}

/// Splits one entry off a batch; `None` where the call is no batch or would be left empty (DynamoDB then
/// throttles the call as a whole).
pub(super) fn split(operation: &Operation, request: &Value, end: End) -> Option<Split> {
    let (field, pointer) = match operation {
        Operation::BatchGetItem => ("UnprocessedKeys", "/Keys"),
        Operation::BatchWriteItem => ("UnprocessedItems", ""),
        _ => return None,
    };
    let mut request = request.clone();
    let tables = request["RequestItems"].as_object_mut()?;
    let table = tables.keys().next_back()?.clone();
    let mut of_table = tables[&table].clone();
    let entries = tables[&table].pointer_mut(pointer)?.as_array_mut()?;
    let entry = match end {
        End::First if !entries.is_empty() => entries.remove(0),
        _ => entries.pop()?,
    };
    if entries.is_empty() {
        tables.remove(&table);
    }
    if tables.is_empty() {
        return None;
    }
    *of_table.pointer_mut(pointer)? = json!([entry]);
    Some(Split { request, field, left_over: json!({ table: of_table }) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_key_is_left_over_with_its_table_s_options() {
        let request = json!({
            "RequestItems": { "t": { "ConsistentRead": true, "Keys": [{ "pk": { "S": "a" } }, { "pk": { "S": "b" } }] } },
            "ReturnConsumedCapacity": "TOTAL",
        });
        let split = split(&Operation::BatchGetItem, &request, End::Last).unwrap();
        assert_eq!(
            split.request,
            json!({
                "RequestItems": { "t": { "ConsistentRead": true, "Keys": [{ "pk": { "S": "a" } }] } },
                "ReturnConsumedCapacity": "TOTAL",
            })
        );
        assert_eq!(
            split.complete(json!({ "Responses": {}, "UnprocessedKeys": {} })),
            json!({
                "Responses": {},
                "UnprocessedKeys": { "t": { "ConsistentRead": true, "Keys": [{ "pk": { "S": "b" } }] } },
            })
        );
    }

    #[test]
    fn the_first_key_can_be_left_over() {
        let request =
            json!({ "RequestItems": { "t": { "Keys": [{ "pk": { "S": "a" } }, { "pk": { "S": "b" } }] } } });
        let split = split(&Operation::BatchGetItem, &request, End::First).unwrap();
        assert_eq!(split.request, json!({ "RequestItems": { "t": { "Keys": [{ "pk": { "S": "b" } }] } } }));
        let left_over = json!({ "t": { "Keys": [{ "pk": { "S": "a" } }] } });
        assert_eq!(split.complete(json!({})), json!({ "UnprocessedKeys": left_over }));
    }

    #[test]
    fn a_table_left_without_entries_is_not_asked_for() {
        let write = |id: &str| json!({ "PutRequest": { "Item": { "pk": { "S": id } } } });
        let request = json!({ "RequestItems": { "a": [write("1")], "b": [write("2")] } });
        let split = split(&Operation::BatchWriteItem, &request, End::Last).unwrap();
        assert_eq!(split.request, json!({ "RequestItems": { "a": [write("1")] } }));
        assert_eq!(split.complete(json!({})), json!({ "UnprocessedItems": { "b": [write("2")] } }));
    }

    #[test]
    fn a_single_entry_and_other_operations_are_not_split() {
        let one = json!({ "RequestItems": { "t": { "Keys": [{ "pk": { "S": "a" } }] } } });
        assert!(split(&Operation::BatchGetItem, &one, End::Last).is_none());
        assert!(split(&Operation::Query, &one, End::Last).is_none());
        assert!(split(&Operation::BatchGetItem, &json!({}), End::Last).is_none());
        assert!(split(&Operation::BatchGetItem, &Value::Null, End::Last).is_none());
    }
}
