//! The connection to the table.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, SharedCredentialsProvider, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
};
use aws_types::SdkConfig;

use crate::{
    deadline::Deadline,
    https::{Authorities, http_client},
    meter::Meter,
};

/// What `main` knows of where a service of AWS is, and how a function calls it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ENDPOINT_URL_<service>` or `AWS_ENDPOINT_URL`, where it is not AWS's own.
    pub url: Option<String>,
    /// Whose certificates it may show, where it speaks HTTPS.
    pub authorities: Authorities,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`: Lambda always sets them.
    pub credentials: Credentials,
}

impl Endpoint {
    /// What a client of the service is made from: a call takes 5 s at most in its three attempts. Built by hand from
    /// what Lambda sets in the environment: loading the default chain costs 0.6 ms and 1 MB for sources that a function
    /// never has.
    pub fn config(&self) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(2))
            .operation_timeout(Duration::from_secs(5));
        let retries = RetryConfig::standard().with_max_attempts(3);
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(self.credentials.clone()))
            .http_client(http_client(self))
            .timeout_config(timeouts.build())
            .retry_config(retries.with_initial_backoff(Duration::from_millis(50)));
        config.set_endpoint_url(self.url.clone());
        config.build()
    }
}

/// A client of DynamoDB, as every function has it.
pub fn client(endpoint: &Endpoint) -> Client {
    Client::new(&endpoint.config())
}

/// The table, and the meter and the time of the request that uses it.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) table: Arc<str>,
    pub(crate) meter: Meter,
    /// When the request ends that uses it; none where it is no request's.
    pub(crate) deadline: Option<Deadline>,
}

impl Store {
    /// The table of this name.
    pub fn new(client: Client, table: &str) -> Self {
        Self { client, table: table.into(), meter: Meter::default(), deadline: None }
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
