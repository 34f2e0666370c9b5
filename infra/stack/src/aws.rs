//! Clients for what stands in for AWS on this machine.

use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, SharedHttpClient,
};
use aws_smithy_http_client::Builder;
use aws_types::SdkConfig;

/// The region that everything local claims to be in.
pub const REGION: &str = "us-east-1";
/// The account that everything local claims to be in.
pub const ACCOUNT: &str = "123456789012";
/// Access key id and secret alike; nothing local checks them.
pub const CREDENTIAL: &str = "local";

/// What a client of any service at `endpoint` is made from: `Client::new(&local(endpoint))`.
pub fn local(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new(CREDENTIAL, CREDENTIAL, None, None, "local stack");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http())
        .endpoint_url(endpoint)
        .build()
}

/// What calls are sent with: nothing local speaks TLS.
pub fn http() -> SharedHttpClient {
    Builder::new().build_http()
}
