//! The faults, and the calls that each can befall.

use std::time::Duration;

use serde_json::Value;

use super::{Operation, batch};

/// What can be done to a call. "Before" and "after" are seen from the upstream: before it hears of the call,
/// after it has carried it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed without an answer, and the call is never carried out.
    RefuseBefore,
    /// The call is carried out, then the connection is closed without an answer.
    LoseReply,
    /// 500 `InternalServerError`; the call is not carried out.
    ServerError,
    /// 400 `ProvisionedThroughputExceededException`, how DynamoDB throttles reads and writes; the call is not
    /// carried out.
    ThroughputExceeded,
    /// 400 `ThrottlingException`, its other word for the same; the call is not carried out.
    Throttling,
    /// The item at this index of a transaction, counted from 0, is in another transaction: 400
    /// `TransactionCanceledException` with the reason `TransactionConflict`. A single `PutItem`, `UpdateItem` or
    /// `DeleteItem` is its own item 0: 400 `TransactionConflictException`. Nothing is carried out.
    TransactionConflict {
        /// Index of the item in `TransactItems`.
        item: usize,
    },
    /// The partition of the item at this index of a transaction is throttled: 400 `TransactionCanceledException`
    /// with the reason `ThrottlingError`. Nothing is carried out.
    TransactionThrottled {
        /// Index of the item in `TransactItems`.
        item: usize,
    },
    /// A `BatchGetItem` or `BatchWriteItem` of two entries or more is carried out but for one, which the reply
    /// names in `UnprocessedKeys` or `UnprocessedItems`: how DynamoDB throttles a part of a batch.
    Unprocessed,
    /// The same, but the first entry is left over: what the others were read beside is read later.
    UnprocessedFirst,
    /// The call is carried out this much later, even if the client has given up by then.
    DelayBefore(Duration),
    /// The call is carried out at once, the reply held back for this long.
    DelayAfter(Duration),
    /// The call is carried out when [`Proxy::release`](super::Proxy::release) is called, even if the client has
    /// given up by then: the write that arrives late.
    HoldBefore,
    /// The call is carried out at once, the reply held back until [`Proxy::release`](super::Proxy::release).
    HoldAfter,
}

impl Fault {
    /// Whether DynamoDB could do this to the call.
    pub(super) fn can_befall(self, operation: &Operation, request: &Value) -> bool {
        match self {
            Self::TransactionConflict { item } => match operation {
                Operation::PutItem | Operation::UpdateItem | Operation::DeleteItem => item == 0,
                _ => item < transaction_len(operation, request),
            },
            Self::TransactionThrottled { item } => item < transaction_len(operation, request),
            Self::Unprocessed | Self::UnprocessedFirst => {
                batch::split(operation, request, batch::End::Last).is_some()
            }
            _ => true,
        }
    }
}

/// The number of items in a transaction, 0 for any other operation.
pub(super) fn transaction_len(operation: &Operation, request: &Value) -> usize {
    match operation {
        Operation::TransactWriteItems | Operation::TransactGetItems => {
            request["TransactItems"].as_array().map_or(0, Vec::len)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_conflict_befalls_writes_and_the_items_that_a_transaction_has() {
        let conflict = |item| Fault::TransactionConflict { item };
        let two = json!({ "TransactItems": [{ "Put": {} }, { "Delete": {} }] });
        assert!(conflict(1).can_befall(&Operation::TransactWriteItems, &two));
        assert!(!conflict(2).can_befall(&Operation::TransactWriteItems, &two));
        assert!(conflict(0).can_befall(&Operation::TransactGetItems, &two));
        assert!(conflict(0).can_befall(&Operation::PutItem, &json!({})));
        assert!(!conflict(1).can_befall(&Operation::PutItem, &json!({})));
        for read in [Operation::GetItem, Operation::Query, Operation::BatchGetItem] {
            assert!(!conflict(0).can_befall(&read, &json!({})), "{read:?}");
        }
    }

    #[test]
    fn a_throttled_transaction_item_befalls_transactions_alone() {
        let two = json!({ "TransactItems": [{ "Put": {} }, { "Delete": {} }] });
        let throttled = Fault::TransactionThrottled { item: 1 };
        assert!(throttled.can_befall(&Operation::TransactWriteItems, &two));
        assert!(!throttled.can_befall(&Operation::PutItem, &json!({})));
    }
}
