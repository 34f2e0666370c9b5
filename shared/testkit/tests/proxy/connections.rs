//! Faults of the connection.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use testkit::proxy::{Fault, Operation, Proxy, When};

use crate::fixture::{Fixture, get, put};

#[tokio::test]
async fn a_refused_call_is_not_carried_out() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::RefuseBefore, When::nth(1));

    let error = put(&fixture.client(), "a").await.unwrap_err();

    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    assert!(!fixture.stored("a").await);
    let calls = fixture.proxy.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].fault, Some(Fault::RefuseBefore));
    assert_eq!((calls[0].upstream, calls[0].answered), (None, None));
}

#[tokio::test]
async fn a_call_whose_reply_is_lost_is_carried_out() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::LoseReply, When::nth(1));

    let error = put(&fixture.client(), "a").await.unwrap_err();

    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    assert!(fixture.stored("a").await);
    let calls = fixture.proxy.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].fault, Some(Fault::LoseReply));
    assert_eq!((calls[0].upstream, calls[0].answered), (Some(200), None));
}

#[tokio::test]
async fn the_client_goes_on_after_a_broken_connection() {
    let fixture = Fixture::start().await;
    let client = fixture.client();
    put(&client, "a").await.unwrap();
    for fault in [Fault::RefuseBefore, Fault::LoseReply] {
        fixture.proxy.inject(fault, When::nth(1));
        get(&client, "a").await.unwrap_err();
        assert!(get(&client, "a").await.unwrap());
    }
    assert_eq!(
        fixture.proxy.count(&Operation::GetItem),
        4,
        "a call on a kept connection fails once, unrepeated"
    );
}

#[tokio::test]
async fn standard_retries_take_a_broken_connection_for_passing() {
    let fixture = Fixture::start().await;
    for (fault, id) in [(Fault::RefuseBefore, "a"), (Fault::LoseReply, "b")] {
        fixture.proxy.inject(fault, When::nth(1));
        put(&fixture.retrying(2), id).await.unwrap();
        assert!(fixture.stored(id).await);
    }
    assert_eq!(fixture.proxy.count(&Operation::PutItem), 4);
}

/// Sends one raw request and reads until the proxy closes the connection.
fn exchange(proxy: &Proxy) -> Vec<u8> {
    let mut stream = TcpStream::connect(proxy.endpoint().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let body = r#"{"TableName":"table"}"#;
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\n\
         X-Amz-Target: DynamoDB_20120810.Scan\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn a_dropped_connection_ends_without_a_byte_of_answer() {
    let fixture = Fixture::start().await;
    for fault in [Fault::RefuseBefore, Fault::LoseReply] {
        fixture.proxy.inject(fault, When::nth(1));
        assert_eq!(exchange(&fixture.proxy), b"", "{fault:?}");
    }
}

#[tokio::test]
async fn an_injected_error_has_the_headers_of_dynamodb() {
    let fixture = Fixture::start().await;
    fixture.proxy.inject(Fault::Throttling, When::nth(1));

    let answer = String::from_utf8(exchange(&fixture.proxy)).unwrap();

    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    assert!(head.contains("content-type: application/x-amz-json-1.0"), "{head}");
    assert!(head.contains(&format!("x-amz-crc32: {}", crc32fast::hash(body.as_bytes()))), "{head}");
}

#[tokio::test]
async fn a_dropped_proxy_closes_its_connections() {
    let fixture = Fixture::start().await;
    let address = fixture.proxy.endpoint().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();

    drop(fixture.proxy);

    let read = stream.read(&mut [0]).map_err(|error| error.kind());
    assert!(matches!(read, Ok(0) | Err(ErrorKind::ConnectionReset)), "{read:?}");
}

#[test]
fn a_proxy_outlives_the_runtime_that_started_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let fixture = runtime().block_on(Fixture::start());
    runtime().block_on(async {
        put(&fixture.client(), "a").await.unwrap();
    });
    assert_eq!(fixture.proxy.count(&Operation::PutItem), 1);
}

#[test]
fn an_upstream_that_is_no_plain_http_address_is_refused() {
    for upstream in ["https://127.0.0.1:8000", "127.0.0.1:8000", "/path", "not an address"] {
        Proxy::start(upstream).unwrap_err();
    }
}
