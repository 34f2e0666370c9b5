//! The database of a test run: embedded, or the one that `G3N_TEST_DYNAMODB` names. One table for all tests of a
//! process, made from the template, without a stream unless a test follows it; every test works in an org of its own.

use std::{sync::OnceLock, time::Duration};

use aws_sdk_dynamodb::{Client, config::timeout::TimeoutConfig};
use store::{Authorities, Credentials, Endpoint};
use tokio::sync::OnceCell;

use crate::iam::Guard;

struct Database {
    endpoint: String,
    table: String,
    // Stops with the process.
    embedded: Option<stack::embedded::Embedded>,
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
    let made = async {
        let client = client(&endpoint);
        stack::table::create(&client, &table).await.expect("the table is made from the template");
        stack::table::end_stream(&client, &table).await.expect("the stream ends");
    };
    runtime.block_on(made);
    Database { endpoint, table, embedded }
}

/// Where the database answers.
pub fn endpoint() -> &'static str {
    &database().endpoint
}

/// Whether the database counts read and write units as AWS does. DynamoDB Local counts by rules of its own: it takes
/// nothing for an item that is not there.
pub fn counts_units() -> bool {
    database().embedded.is_some()
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
        authorities: Authorities::Machine,
        credentials: Credentials::new(access_key_id, "local", None, None, "test"),
    }
}

/// A client that waits, for tests of anything but slowness: a busy machine must not be taken for a failure.
pub fn patient(endpoint: &str) -> Client {
    let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_mins(1)).build();
    Client::new(&at(endpoint, "local").config().into_builder().timeout_config(timeouts).build())
}

/// Gives the table of this process a stream, for tests that follow what they write from now on.
pub async fn with_stream() {
    static BEGUN: OnceCell<()> = OnceCell::const_new();
    let begin = async || {
        let begun = stack::table::begin_stream(&client(endpoint()), table()).await;
        begun.expect("a stream");
    };
    BEGUN.get_or_init(begin).await;
}
