//! Uploads that no sales channel names go from the bucket, and what one names stays (ofm §12.1).

use contract::checksum::Checksum;
use futures::future::{join, join_all};
use serde_json::{Value, json};
use testkit::{
    Reply, World, database,
    proxy::{Fault, Operation, Proxy, When},
    race::{CALLERS, in_bad_mood, insist, rounds},
    s3,
};

use crate::people::act;

const DAY: i64 = 24 * 3600;
const COMPLETE: &str = "/sales-channel/config/complete";

async fn made(world: &World, path: &str, fields: Value) -> Value {
    world.post(&ofm::SERVICE, &world.owner, path, fields).await.data().clone()
}

/// A sales channel at a facility of its own.
async fn channel(world: &World) -> Value {
    let address = json!({"line1": "Main Street 1", "city": "Berlin", "country": "DE"});
    let fields = json!({"code": "MAIN", "caption": "Shop", "address": address, "timezone": "Europe/Berlin"});
    let physical = made(world, "/facility/physical/create", fields).await;
    let fields =
        json!({"code": "MAIN", "caption": "Trader", "legal_name": "Trader GmbH", "address": address});
    let legal = made(world, "/facility/legal/create", fields).await;
    let fields = json!({
        "code": "MAIN", "caption": "Store", "pf_guid": physical["pf_guid"], "legal_guid": legal["legal_guid"],
    });
    let logical = made(world, "/facility/logical/create", fields).await;
    let fields = json!({
        "logical_guid": logical["logical_guid"], "channel_code": "shopify", "caption": "Shop",
        "locale_codes": ["de-DE"],
    });
    made(world, "/sales-channel/create", fields).await
}

/// Announces an upload and sends it so often: each time makes a version.
async fn uploaded(world: &World, channel: &Value, content: &[u8], times: usize) -> Value {
    let fields = json!({
        "channel_guid": channel["channel_guid"], "checksum_sha256": Checksum::of(content).as_str(),
        "size_bytes": content.len(),
    });
    let announced =
        made(world, "/sales-channel/config/presign", with_revision(world, channel, fields).await).await;
    for _ in 0..times {
        world.upload(&announced["presign"], content).unwrap();
    }
    assert_eq!(s3::versions(key(&announced)), times);
    announced
}

async fn with_revision(world: &World, channel: &Value, mut fields: Value) -> Value {
    fields["expected_revision"] = stored(world, channel).await["revision"].clone();
    fields
}

async fn stored(world: &World, channel: &Value) -> Value {
    made(world, "/sales-channel/get", json!({"channel_guid": channel["channel_guid"]})).await
}

async fn completion(world: &World, channel: &Value, announced: &Value) -> Value {
    let fields = json!({
        "channel_guid": channel["channel_guid"], "config_s3_key": announced["config_s3_key"],
    });
    with_revision(world, channel, fields).await
}

async fn complete(world: &World, channel: &Value, announced: &Value) -> Reply {
    let fields = completion(world, channel, announced).await;
    world.post(&ofm::SERVICE, &world.owner, COMPLETE, fields).await
}

fn key(announced: &Value) -> &str {
    announced["config_s3_key"].as_str().unwrap()
}

/// What a channel names must be there, whatever else was deleted.
async fn named_version(world: &World, channel: &Value) -> Option<(String, String)> {
    let config = stored(world, channel).await["config"].clone();
    let text = |name: &str| config[name].as_str().map(str::to_owned);
    let (key, version) = text("config_s3_key").zip(text("config_s3_version_id"))?;
    assert!(s3::version_ids(&key).contains(&version), "{config} is named, and gone");
    Some((key, version))
}

async fn sweep(world: &World, channel: &Value) -> Value {
    // Other tests have their own.
    act(world, "upload-sweep", json!({"channel_guid": channel["channel_guid"]})).await.data().clone()
}

fn told(finished: u64, pending: u64, versions: u64) -> Value {
    json!({"finished": finished, "pending": pending, "versions": versions, "complete": true})
}

/// The same orgs at another time: what runs there does not agree about the time with what runs here.
async fn later(world: &World, seconds: i64) -> World {
    let later = World::new().await;
    later.advance_seconds(world.now().unix_seconds() - later.now().unix_seconds() + seconds);
    later
}

#[tokio::test]
async fn what_was_never_taken_over_goes_after_its_day() {
    let world = World::new().await;
    let channel = channel(&world).await;
    let unsent = uploaded(&world, &channel, b"{}", 0).await;
    // More than the bucket tells at once.
    let sent = uploaded(&world, &channel, b"{}", 25).await;
    // A key that begins like it is another.
    let longer = format!("{}~", key(&sent));
    s3::put(&longer, "application/json", b"{}");
    let clock = later(&world, DAY - 1).await;
    assert_eq!(sweep(&clock, &channel).await, told(0, 0, 0));
    clock.advance_seconds(1);
    assert_eq!(sweep(&clock, &channel).await, told(2, 0, 25));
    assert_eq!((s3::versions(key(&sent)), s3::versions(&longer)), (0, 1));
    // Also if that is asked for by a clock that is behind.
    for announced in [&unsent, &sent] {
        let refused = complete(&world, &channel, announced).await;
        assert_eq!(refused.refused("not-found")["details"], json!({"field": "config_s3_key"}));
    }
    assert_eq!(sweep(&clock, &channel).await, told(0, 0, 0), "it is over");
}

#[tokio::test]
async fn what_a_channel_names_stays_and_other_versions_of_it_go() {
    let world = World::new().await;
    let channel = channel(&world).await;
    let announced = uploaded(&world, &channel, b"{}", 2).await;
    complete(&world, &channel, &announced).await.data();
    // The signed request is good for longer than its upload takes.
    for _ in 0..11 {
        world.upload(&announced["presign"], b"{}").unwrap();
    }
    let named = named_version(&world, &channel).await.unwrap();
    assert_eq!(named.1, "version-2");
    let clock = later(&world, DAY).await;
    assert_eq!(sweep(&clock, &channel).await, told(1, 0, 12));
    assert_eq!(s3::version_ids(key(&announced)), [named.1.as_str()]);
    clock.advance_seconds(400 * DAY);
    assert_eq!(sweep(&clock, &channel).await, told(0, 0, 0));
    assert_eq!(named_version(&world, &channel).await, Some(named));
    assert_eq!(complete(&world, &channel, &announced).await.data()["replayed"], true);
}

#[tokio::test]
async fn what_was_replaced_goes_after_thirty_days() {
    let world = World::new().await;
    let channel = channel(&world).await;
    let first = uploaded(&world, &channel, b"{}", 2).await;
    complete(&world, &channel, &first).await.data();
    let second = uploaded(&world, &channel, b"{\"a\": 1}", 1).await;
    complete(&world, &channel, &second).await.data();
    let clock = later(&world, DAY).await;
    assert_eq!(sweep(&clock, &channel).await, told(1, 0, 0), "the second has no other versions");
    clock.advance_seconds(29 * DAY - 1);
    assert_eq!(sweep(&clock, &channel).await, told(0, 0, 0));
    assert_eq!(s3::versions(key(&first)), 2);
    clock.advance_seconds(1);
    assert_eq!(sweep(&clock, &channel).await, told(1, 0, 2));
    assert_eq!((s3::versions(key(&first)), s3::versions(key(&second))), (0, 1));
    complete(&world, &channel, &first).await.refused("config-superseded");
    // One that was looked after before it was replaced is looked after again.
    let third = uploaded(&world, &channel, b"{\"a\": 2}", 1).await;
    complete(&world, &channel, &third).await.data();
    assert_eq!(sweep(&clock, &channel).await, told(2, 0, 1));
    assert_eq!((s3::versions(key(&second)), s3::versions(key(&third))), (0, 1));
    named_version(&world, &channel).await.unwrap();
}

#[tokio::test]
async fn a_look_that_fails_is_made_again_and_holds_up_no_other() {
    let world = World::new().await;
    let channel = channel(&world).await;
    let failing = uploaded(&world, &channel, b"{}", 1).await;
    let other = uploaded(&world, &channel, b"{}", 1).await;
    let clock = later(&world, DAY).await;
    let fields = json!({"channel_guid": channel["channel_guid"]});
    s3::set_failing(key(&failing), true);
    act(&clock, "upload-sweep", fields.clone()).await.refused("unavailable");
    assert_eq!((s3::versions(key(&failing)), s3::versions(key(&other))), (1, 0));
    s3::set_failing(key(&failing), false);
    // It cannot be taken over any more, although its object is still there.
    complete(&world, &channel, &failing).await.refused("not-found");
    let proxy = Proxy::start(database::endpoint()).unwrap();
    proxy.inject(Fault::ServerError, When::always().of(Operation::TransactWriteItems));
    let behind = clock.through(proxy.endpoint());
    act(&behind, "upload-sweep", fields).await.refused("unavailable");
    proxy.clear();
    assert_eq!(sweep(&behind, &channel).await, told(1, 0, 0), "its object is gone, and now its record too");
    assert_eq!(s3::versions(key(&failing)), 0);
}

#[tokio::test]
async fn of_sweep_and_completion_one_succeeds_and_what_is_named_is_there() {
    for round in 0..rounds() {
        let proxy = in_bad_mood(round * 2);
        let world = World::new().await;
        let channel = channel(&world).await;
        // One is replaced while its other versions are due, by one that is due itself.
        let first = uploaded(&world, &channel, b"{}", 2).await;
        complete(&world, &channel, &first).await.data();
        let kept = named_version(&world, &channel).await.unwrap().1;
        let second = uploaded(&world, &channel, b"{\"a\": 1}", 3).await;
        let behind = world.through(proxy.endpoint());
        let clock = later(&world, DAY).await;
        let clock = clock.through(proxy.endpoint());
        let fields = completion(&world, &channel, &second).await;
        let complete_all = join_all(
            (0..CALLERS).map(|_| insist(&behind, &ofm::SERVICE, &behind.owner, COMPLETE, fields.clone())),
        );
        let only = json!({"channel_guid": channel["channel_guid"]});
        let sweep_all = join_all((0..4).map(|_| act(&clock, "upload-sweep", only.clone())));
        let (completed, swept) = join(complete_all, sweep_all).await;
        for reply in &swept {
            assert!([200, 503].contains(&reply.status), "{}", reply.body);
        }
        named_version(&world, &channel).await.unwrap();
        proxy.clear();
        // What was under way for a moment too long is done by the next run.
        while sweep(&clock, &channel).await["finished"] != 0 {}
        let (name, version) = named_version(&world, &channel).await.unwrap();
        assert_eq!(s3::version_ids(&name), [version], "round {round}");
        let is_second = name == key(&second);
        for reply in &completed {
            let tag = reply.tag();
            assert!(if is_second { tag.is_none() } else { tag == Some("not-found") }, "{}", reply.body);
        }
        if is_second {
            assert!(s3::version_ids(key(&first)).contains(&kept), "what was replaced is kept for its time");
        } else {
            assert_eq!(s3::versions(key(&second)), 0);
        }
    }
}
