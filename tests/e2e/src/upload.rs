//! Uploads that a service presigned, sent to what stands in for S3.

use serde_json::{Map, Value};

/// Sends a presigned request with this content, as its caller is told to: tells the status.
///
/// # Panics
/// Where nothing answers.
pub async fn upload(presign: &Value, content: &[u8]) -> u16 {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let method = text(&presign["method"]).parse().expect("a method");
    let mut request = reqwest::Client::new().request(method, text(&presign["upload_url"]));
    for (name, value) in presign["headers"].as_object().into_iter().flat_map(Map::iter) {
        request = request.header(name, text(value));
    }
    let sent = request.body(content.to_vec()).send().await;
    sent.expect("S3 answers").status().as_u16()
}
