//! The database of a test run: embedded, or the one that `G3N_TEST_DYNAMODB` names. One table for all tests of a
//! process, made from the template; every test works in an org of its own.

use std::{sync::OnceLock, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Region, timeout::TimeoutConfig},
    types::StreamSpecification,
};
use store::{Credentials, Endpoint};
use tokio::sync::OnceCell;

use crate::iam::Guard;

struct Database {
    endpoint: String,
    table: String,
    // Stops with the process.
    _embedded: Option<stack::embedded::Embedded>,
}

static DATABASE: OnceLock<Database> = OnceLock::new();

fn database() -> &'static Database {
    DATABASE.get_or_init(|| {
        // A thread of its own, for the caller's runtime must not wait for itself.
        std::thread::spawn(start).join().expect("the database of the tests starts")
    })
}

#[expect(clippy::disallowed_methods, reason = "tests are told their database by the environment")]
fn start() -> Database {
    let (endpoint, embedded) = if let Ok(endpoint) = std::env::var("G3N_TEST_DYNAMODB") {
        (endpoint, None)
    } else {
        let embedded = stack::embedded::start().expect("the embedded database starts");
        (embedded.endpoint.clone(), Some(embedded))
    };
    let table = format!("g3n-test-{}-{:08x}", std::process::id(), fastrand::u32(..));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime
        .block_on(stack::table::create(&client(&endpoint), &table))
        .expect("the table is made from the template");
    Database { endpoint, table, _embedded: embedded }
}

/// Where the database answers.
pub fn endpoint() -> &'static str {
    &database().endpoint
}

/// The table of this process.
pub fn table() -> &'static str {
    &database().table
}

/// A client as functions have it, for any endpoint, but with no function's role. Each test makes its own: connections
/// belong to its runtime.
pub fn client(endpoint: &str) -> Client {
    store::client(&at(endpoint, "local"))
}

/// The same client for a function of the template: what the function's policy does not allow ends the test.
pub fn guarded(function: &'static str, client: &Client) -> Client {
    Client::from_conf(client.config().to_builder().interceptor(Guard { function }).build())
}

/// A client as functions have it that says by its access key id whose it is. Its policy is up to what it calls:
/// [`Proxy::enforcing`](crate::proxy::Proxy::enforcing).
pub fn client_as(function: &str, endpoint: &str) -> Client {
    store::client(&at(endpoint, function))
}

fn at(endpoint: &str, access_key_id: &str) -> Endpoint {
    Endpoint {
        region: "us-east-1".to_owned(),
        url: Some(endpoint.to_owned()),
        credentials: Credentials::new(access_key_id, "local", None, None, "test"),
    }
}

/// A client that waits, for tests of anything but slowness: a busy machine must not be taken for a failure.
pub fn patient(endpoint: &str) -> Client {
    let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_mins(1)).build();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .timeout_config(timeouts)
        .retry_config(store::retries());
    Client::from_conf(config.build())
}

/// Ends the stream of the table, for processes that write much and follow nothing: with each write the embedded
/// database looks at all that is in the stream.
pub async fn end_stream() {
    static ENDED: OnceCell<()> = OnceCell::const_new();
    let end = async || {
        let none = StreamSpecification::builder().stream_enabled(false).build().expect("a specification");
        let update = client(endpoint()).update_table().table_name(table()).stream_specification(none);
        update.send().await.expect("the stream ends");
    };
    ENDED.get_or_init(end).await;
}
