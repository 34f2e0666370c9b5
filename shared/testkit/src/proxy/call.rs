//! What the proxy records of a call.

use std::sync::Arc;

use serde_json::Value;

use super::Fault;

/// An operation of the DynamoDB API, by its name in `X-Amz-Target`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are DynamoDB's own")]
pub enum Operation {
    BatchGetItem,
    BatchWriteItem,
    DeleteItem,
    GetItem,
    PutItem,
    Query,
    Scan,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
    /// Any other operation, such as one of the control plane or of DynamoDB Streams.
    Other(String),
}

impl Operation {
    /// Reads the operation from a header such as `DynamoDB_20120810.GetItem`.
    pub(super) fn from_target(target: &str) -> Self {
        let name = target.rsplit_once('.').map_or(target, |(_, name)| name);
        match name {
            "BatchGetItem" => Self::BatchGetItem,
            "BatchWriteItem" => Self::BatchWriteItem,
            "DeleteItem" => Self::DeleteItem,
            "GetItem" => Self::GetItem,
            "PutItem" => Self::PutItem,
            "Query" => Self::Query,
            "Scan" => Self::Scan,
            "TransactGetItems" => Self::TransactGetItems,
            "TransactWriteItems" => Self::TransactWriteItems,
            "UpdateItem" => Self::UpdateItem,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// One HTTP request that reached the proxy: one attempt, where a client retries.
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation called.
    pub operation: Operation,
    /// The request body, `Null` where it is not JSON.
    pub request: Arc<Value>,
    /// Why the caller's role may not make the call, where it may not: then it is not carried out.
    pub denied: Option<String>,
    /// What was done to the call, if anything.
    pub fault: Option<Fault>,
    /// The status that the upstream answered; `None` while it has not been asked or has not answered. It runs to
    /// its end even where the client no longer waits.
    pub upstream: Option<u16>,
    /// The status that went back to the client; `None` while it waits, and for good where it got no answer or
    /// gave up before.
    pub answered: Option<u16>,
}
