//! Errors that DynamoDB answers with.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use testkit::proxy::{Fault, Operation, Proxy, When};

use crate::fixture::{Fixture, get, put};

#[tokio::test]
async fn a_server_error() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::ServerError, When::nth(1));

    let error = put(&fixture.client(), "a").await.unwrap_err();

    assert_eq!(error.raw_response().unwrap().status().as_u16(), 500);
    assert!(matches!(error.into_service_error(), PutItemError::InternalServerError(_)));
    assert!(!fixture.stored("a").await);
    let calls = fixture.proxy.calls();
    assert_eq!((calls[0].upstream, calls[0].answered), (None, Some(500)));
}

#[tokio::test]
async fn throttling_under_either_name() {
    let fixture = Fixture::start().await;
    let client = fixture.client();

    fixture.proxy.inject(Fault::ThroughputExceeded, When::nth(1));
    let error = put(&client, "a").await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    assert!(error.message().unwrap().starts_with("The level of configured provisioned throughput"));
    assert!(matches!(error.into_service_error(), PutItemError::ProvisionedThroughputExceededException(_)));

    fixture.proxy.inject(Fault::Throttling, When::nth(1));
    let error = put(&client, "a").await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    assert!(error.message().unwrap().starts_with("Throughput exceeds the current capacity"));
    assert!(matches!(error.into_service_error(), PutItemError::ThrottlingException(_)));

    assert!(!fixture.stored("a").await);
}

#[tokio::test]
async fn standard_retries_take_server_errors_and_throttling_for_passing() {
    let fixture = Fixture::start().await;
    let client = fixture.retrying(2);
    let faults = [Fault::ServerError, Fault::ThroughputExceeded, Fault::Throttling];
    for (at, fault) in faults.into_iter().enumerate() {
        fixture.proxy.inject(fault, When::nth(1));
        put(&client, &at.to_string()).await.unwrap();
        assert_eq!(fixture.proxy.count(&Operation::PutItem), 2 * (at + 1), "{fault:?}");
    }
}

#[tokio::test]
async fn retries_end_while_the_table_stays_throttled() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::ThroughputExceeded, When::always().of(Operation::PutItem));

    let error = put(&fixture.retrying(3), "a").await.unwrap_err();

    assert!(matches!(error.into_service_error(), PutItemError::ProvisionedThroughputExceededException(_)));
    assert_eq!(fixture.proxy.count(&Operation::PutItem), 3);
    assert!(!get(&fixture.client(), "a").await.unwrap(), "reads are not throttled");
}

#[tokio::test]
async fn an_upstream_that_is_gone_is_told_from_every_fault() {
    // Nothing listens on the first port.
    let proxy = Proxy::start("http://127.0.0.1:1").unwrap();
    let fixture = Fixture { proxy, ..Fixture::start().await };

    let error = put(&fixture.client(), "a").await.unwrap_err();

    assert!(matches!(error, SdkError::ServiceError(_)), "{error:?}");
    assert_eq!(error.code(), Some("UpstreamUnreachable"));
    assert!(error.message().unwrap().contains("refused"), "{error:?}");
    let calls = fixture.proxy.calls();
    assert_eq!((calls[0].upstream, calls[0].answered), (None, Some(502)));
}
