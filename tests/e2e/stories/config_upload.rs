//! The configuration of a sales channel: uploaded by a presigned request, past the services.

use contract::checksum::Checksum;
use e2e::{Deployment, upload};
use serde_json::{Value, json};
use testkit::Reply;

use crate::provoked;

pub(crate) async fn a_configuration_is_uploaded_by_its_maker_and_taken_over(deployment: &Deployment) {
    let tenant = deployment.tenant().await;
    let channel = provoked::sales_channel(&tenant).await;
    let post = async |path: &str, mut fields: Value| -> Reply {
        fields["org_guid"] = json!(tenant.org_guid);
        fields["channel_guid"] = channel["channel_guid"].clone();
        tenant.client.post(path, fields).await
    };
    let content = br#"{"theme": "dark"}"#;
    let announce = json!({
        "expected_revision": channel["revision"], "size_bytes": content.len(),
        "checksum_sha256": Checksum::of(content).as_str(),
    });
    let announced = post("/ofm/sales-channel/config/presign", announce).await.data().clone();
    let take_over = json!({
        "config_s3_key": announced["config_s3_key"], "expected_revision": announced["expected_revision"],
    });
    let path = "/ofm/sales-channel/config/complete";
    post(path, take_over.clone()).await.refused("config-missing");
    assert_eq!(upload(&announced["presign"], content).await, 200);
    let config = post(path, take_over.clone()).await.data()["config"].clone();
    assert_eq!(config["config_sha256"], Checksum::of(content).as_str());
    assert!(config["config_s3_version_id"].as_str().is_some_and(|version| !version.is_empty()), "{config}");
    let got = post("/ofm/sales-channel/get", json!({})).await.data().clone();
    assert_eq!(got["config"], config);
    let again = post(path, take_over).await.data().clone();
    assert_eq!((&again["config"], &again["replayed"]), (&config, &json!(true)));
}
