//! The connection to the table.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig},
};

use crate::meter::Meter;

/// What `main` knows of where the table is.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL`, where the table is not AWS's.
    pub url: Option<String>,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`: Lambda always sets them.
    pub credentials: Credentials,
}

/// How long a call to AWS may take, from any function: 5 s in all its attempts.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(5))
        .build()
}

/// How often a call to AWS is tried, from any function.
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50))
}

/// A client with the timeouts and retries that every function uses. Built by hand from what Lambda sets in the
/// environment: loading the default chain costs 0.6 ms and 1 MB for sources that a function never has.
pub fn client(endpoint: &Endpoint) -> Client {
    let mut config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(endpoint.region.clone()))
        .credentials_provider(endpoint.credentials.clone())
        .timeout_config(timeouts())
        .retry_config(retries());
    config.set_endpoint_url(endpoint.url.clone());
    Client::from_conf(config.build())
}

/// The table, and the meter of the request that uses it.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) table: Arc<str>,
    pub(crate) meter: Meter,
}

impl Store {
    /// The table of this name.
    pub fn new(client: Client, table: &str) -> Self {
        Self { client, table: table.into(), meter: Meter::default() }
    }

    /// The same table with a meter of its own.
    #[must_use]
    pub fn metered(&self, meter: Meter) -> Self {
        Self { meter, ..self.clone() }
    }

    /// One harmless read, so that the connection stands before the first request comes.
    pub async fn warm_up(&self) {
        let key = |value: &str| aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned());
        // What fails here fails again, and is reported, with the first request.
        let _ = self
            .client
            .get_item()
            .table_name(&*self.table)
            .key("pk", key("sys|-|warm-up"))
            .key("sk", key("-"))
            .send()
            .await;
    }
}
