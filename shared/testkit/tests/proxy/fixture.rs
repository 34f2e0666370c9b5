//! An emulator with one table, the proxy before it, and clients on either side.

use std::collections::HashMap;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Config, Credentials, Region};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put, ScalarAttributeType,
    TransactWriteItem,
};
use testkit::proxy::Proxy;

pub(crate) const TABLE: &str = "table";

pub(crate) struct Fixture {
    pub(crate) upstream: String,
    pub(crate) proxy: Proxy,
    /// Past the proxy, to see what truly is in the table.
    pub(crate) direct: Client,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        let upstream = start_emulator();
        let direct = Client::from_conf(config(&upstream).build());
        create_table(&direct).await;
        Self { proxy: Proxy::start(&upstream).unwrap(), direct, upstream }
    }

    /// A client of the proxy that tries once.
    pub(crate) fn client(&self) -> Client {
        Client::from_conf(config(self.proxy.endpoint()).retry_config(RetryConfig::disabled()).build())
    }

    /// A client of the proxy that tries as often as `attempts`, almost without a pause between.
    pub(crate) fn retrying(&self, attempts: u32) -> Client {
        let retries = RetryConfig::standard()
            .with_max_attempts(attempts)
            .with_initial_backoff(Duration::from_millis(1));
        Client::from_conf(config(self.proxy.endpoint()).retry_config(retries).build())
    }

    /// A client of the proxy that tries once and soon gives up.
    pub(crate) fn impatient(&self) -> Client {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(200)).build();
        let retries = RetryConfig::disabled();
        let config = config(self.proxy.endpoint()).retry_config(retries).timeout_config(timeouts).build();
        Client::from_conf(config)
    }

    pub(crate) async fn stored(&self, id: &str) -> bool {
        get(&self.direct, id).await.unwrap()
    }
}

pub(crate) fn key(id: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([("id".to_owned(), AttributeValue::S(id.to_owned()))])
}

pub(crate) async fn put(client: &Client, id: &str) -> Result<(), SdkError<PutItemError>> {
    client.put_item().table_name(TABLE).set_item(Some(key(id))).send().await.map(drop)
}

/// Whether the item is there.
pub(crate) async fn get(client: &Client, id: &str) -> Result<bool, SdkError<GetItemError>> {
    let found =
        client.get_item().table_name(TABLE).set_key(Some(key(id))).consistent_read(true).send().await?;
    Ok(found.item.is_some())
}

pub(crate) fn put_in_transaction(id: &str) -> TransactWriteItem {
    let put = Put::builder().table_name(TABLE).set_item(Some(key(id))).build().unwrap();
    TransactWriteItem::builder().put(put).build()
}

/// Starts an emulator with an empty database on a thread that lasts as long as the process.
fn start_emulator() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            dynoxide::server::serve_on(listener, dynoxide::Database::memory().unwrap()).await;
        });
    });
    endpoint
}

fn config(endpoint: &str) -> Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .http_client(stack::aws::http())
        .endpoint_url(endpoint)
}

async fn create_table(client: &Client) {
    let id =
        AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S).build();
    let hash = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build();
    client
        .create_table()
        .table_name(TABLE)
        .attribute_definitions(id.unwrap())
        .key_schema(hash.unwrap())
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
}
