//! Requests about sales channels and stations.

use contract::checksum::Checksum;
use serde_json::{Value, json};
use testkit::World;

use super::places::post;

async fn channel(world: &World, logical: &Value) -> Value {
    let fields = json!({
        "logical_guid": logical["logical_guid"], "channel_code": "shopify", "caption": "Shop",
        "locale_codes": ["de-DE", "en"], "default_locale_code": "en",
        "external_ids": [{"kind": "shop_id", "id": logical["code"]}],
    });
    post(world, "/sales-channel/create", fields).await
}

const CONFIG: &[u8] = b"{\"theme\": \"dark\"}";

/// What announces a configuration of a channel.
fn announcement(channel: &Value) -> Value {
    json!({
        "channel_guid": channel["channel_guid"], "expected_revision": channel["revision"],
        "checksum_sha256": Checksum::of(CONFIG).as_str(), "size_bytes": CONFIG.len(),
    })
}

/// What takes over a configuration that is uploaded.
async fn completion(world: &World, channel: &Value) -> Value {
    let announced = post(world, "/sales-channel/config/presign", announcement(channel)).await;
    world.upload(&announced["presign"], CONFIG).expect("an upload");
    json!({
        "channel_guid": channel["channel_guid"], "expected_revision": channel["revision"],
        "config_s3_key": announced["config_s3_key"], "config_s3_bucket": announced["config_s3_bucket"],
    })
}

async fn station(world: &World, logical: &Value, code: &str) -> Value {
    let fields = json!({
        "logical_guid": logical["logical_guid"], "station_code": code, "station_type": "checkout",
    });
    post(world, "/station/create", fields).await
}

pub(super) async fn sample(world: &World, path: &str, facility: &Value) -> Option<Value> {
    if path.starts_with("/station/") {
        return stations(world, path, facility).await;
    }
    let logical_guid = &facility["logical_guid"];
    let made = channel(world, facility).await;
    let (guid, revision) = (&made["channel_guid"], &made["revision"]);
    Some(match path {
        "/sales-channel/create" => json!({
            "logical_guid": logical_guid, "channel_code": "g3npos", "caption": "Tills", "locale_codes": ["de"],
            "market_code": "DE", "currency": "EUR",
        }),
        "/sales-channel/config/presign" => announcement(&made),
        "/sales-channel/config/complete" => completion(world, &made).await,
        "/sales-channel/get" | "/sales-channel/inventory-sources/get" => json!({"channel_guid": guid}),
        "/sales-channel/list" => {
            channel(world, facility).await;
            json!({"logical_guid": logical_guid, "status": "draft"})
        }
        "/sales-channel/resolve" => json!({"external_id": made["external_ids"][0]}),
        "/sales-channel/status" => {
            json!({"channel_guid": guid, "expected_revision": revision, "status": "active"})
        }
        "/sales-channel/update" => json!({
            "channel_guid": guid, "expected_revision": revision, "caption": "New", "market_code": "GLOBAL",
        }),
        "/sales-channel/inventory-sources/set" => json!({
            "channel_guid": guid, "expected_revision": revision,
            "sources": [{"logical_guid": logical_guid, "priority": 1, "enabled": false}],
        }),
        _ => return None,
    })
}

async fn stations(world: &World, path: &str, facility: &Value) -> Option<Value> {
    let logical_guid = &facility["logical_guid"];
    if path == "/station/create" {
        return Some(json!({
            "logical_guid": logical_guid, "station_code": "TILL-1", "station_type": "self_checkout",
            "caption": "Till", "channel_guid": channel(world, facility).await["channel_guid"],
            "hardware_profile": {"printer": {"model": "P1", "connection": "usb"}, "os": "Linux"},
        }));
    }
    let made = station(world, facility, "TILL-1").await;
    let (guid, revision) = (&made["station_guid"], &made["revision"]);
    Some(match path {
        "/station/get" => json!({"station_guid": guid}),
        "/station/list" => {
            station(world, facility, "TILL-2").await;
            json!({"logical_guid": logical_guid, "station_type": "checkout"})
        }
        "/station/status" => {
            json!({"station_guid": guid, "expected_revision": revision, "status": "maintenance"})
        }
        "/station/update" => json!({"station_guid": guid, "expected_revision": revision, "caption": "New"}),
        _ => return None,
    })
}
