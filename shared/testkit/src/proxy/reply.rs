//! The error replies, as DynamoDB writes them.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::Operation;
use super::fault::transaction_len;

pub(super) type Reply = Response<Full<Bytes>>;

const THROUGHPUT_EXCEEDED: &str = "The level of configured provisioned throughput for the table was exceeded. \
     Consider increasing your provisioning level with the UpdateTable API.";
const THROTTLED: &str = "Throughput exceeds the current capacity of your table or index. \
     DynamoDB is automatically scaling your table or index so please try again shortly.";
const CONFLICT: &str = "Transaction is ongoing for the item";

pub(super) fn internal_server_error() -> Reply {
    error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "Internal server error")
}

pub(super) fn throughput_exceeded() -> Reply {
    error(StatusCode::BAD_REQUEST, "ProvisionedThroughputExceededException", THROUGHPUT_EXCEEDED)
}

pub(super) fn throttling() -> Reply {
    error(StatusCode::BAD_REQUEST, "ThrottlingException", THROTTLED)
}

/// What a caller's role does not allow.
pub(super) fn access_denied(why: &str) -> Reply {
    error(StatusCode::BAD_REQUEST, "AccessDeniedException", why)
}

/// The conflict of one item: a reason in a transaction, an error of its own for a single write.
pub(super) fn conflict(operation: &Operation, request: &Value, item: usize) -> Reply {
    match transaction_len(operation, request) {
        0 => error(StatusCode::BAD_REQUEST, "TransactionConflictException", CONFLICT),
        items => canceled(items, item, "TransactionConflict", CONFLICT),
    }
}

/// The throttling of one item of a transaction.
pub(super) fn transaction_throttled(operation: &Operation, request: &Value, item: usize) -> Reply {
    canceled(transaction_len(operation, request), item, "ThrottlingError", THROTTLED)
}

/// The upstream itself failed: nothing of DynamoDB's, so that no test takes it for an injected fault.
pub(super) fn bad_gateway(cause: &dyn std::error::Error) -> Reply {
    let mut message = cause.to_string();
    let mut source = cause.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    json(StatusCode::BAD_GATEWAY, &json!({ "__type": "UpstreamUnreachable", "message": message }))
}

/// `TransactionCanceledException`: a reason for every item in order, `None` without a message where the item
/// was not the cause. It alone of DynamoDB's errors has a capital `Message`.
fn canceled(items: usize, cause: usize, code: &str, message: &str) -> Reply {
    let reasons: Vec<Value> = (0..items)
        .map(|item| {
            if item == cause {
                json!({ "Code": code, "Message": message })
            } else {
                json!({ "Code": "None" })
            }
        })
        .collect();
    let codes: Vec<&str> = (0..items).map(|item| if item == cause { code } else { "None" }).collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "CancellationReasons": reasons,
        "Message": message,
    });
    json(StatusCode::BAD_REQUEST, &body)
}

fn error(status: StatusCode, name: &str, message: &str) -> Reply {
    json(status, &json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": message }))
}

/// A reply with the headers that DynamoDB sends; some SDKs check the checksum.
pub(super) fn json(status: StatusCode, body: &Value) -> Reply {
    let body = body.to_string();
    let checksum = crc32fast::hash(body.as_bytes());
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    reply.headers_mut().insert("x-amz-crc32", HeaderValue::from(checksum));
    reply
}
