//! Configurations of sales channels (ofm §12.1), through a stand-in for S3 that checks signatures by itself.

use contract::checksum::Checksum;
use futures::future::join_all;
use serde_json::{Map, Value, json};
use testkit::{
    Caller, Reply, World,
    journal::{equals_effects, verify},
    presigned,
    race::{CALLERS, in_bad_mood, insist, rounds},
    s3,
    sigv4::Arrived,
};

use crate::{
    assignment::assign,
    places::{Places, get, post, post_as, set_status, update, with},
    sales_channel::create,
};

const CONTENT: &[u8] = br#"{"theme": "dark", "routes": [1, 2]}"#;

/// What announces these bytes for a channel as it was answered.
fn announcement(channel: &Value, content: &[u8]) -> Value {
    json!({
        "channel_guid": channel["channel_guid"], "expected_revision": channel["revision"],
        "checksum_sha256": Checksum::of(content).as_str(), "size_bytes": content.len(),
    })
}

async fn presign_as(world: &World, caller: &Caller, channel: &Value, content: &[u8]) -> Reply {
    post_as(world, caller, "/sales-channel/config/presign", announcement(channel, content)).await
}

async fn presign(world: &World, channel: &Value, content: &[u8]) -> Value {
    presign_as(world, &world.owner, channel, content).await.data().clone()
}

/// What takes an upload over that was announced.
fn completion(announced: &Value) -> Value {
    json!({
        "channel_guid": announced["channel_guid"], "expected_revision": announced["expected_revision"],
        "config_s3_key": announced["config_s3_key"],
    })
}

async fn complete_with(world: &World, announced: &Value, changes: Value) -> Reply {
    post(world, "/sales-channel/config/complete", with(completion(announced), changes)).await
}

async fn complete(world: &World, announced: &Value) -> Reply {
    complete_with(world, announced, json!({})).await
}

/// Announces and uploads.
async fn uploaded(world: &World, channel: &Value, content: &[u8]) -> Value {
    let announced = presign(world, channel, content).await;
    assert_eq!(world.upload(&announced["presign"], content), Ok(()));
    announced
}

fn key(announced: &Value) -> &str {
    announced["config_s3_key"].as_str().expect("a key")
}

#[tokio::test]
async fn what_was_uploaded_as_announced_becomes_the_configuration() {
    let world = World::new().await;
    let guid = Places::new(&world).await.guid();
    let channel = create(&world, &guid, json!({})).await;
    let announced = presign(&world, &channel, CONTENT).await;
    assert_eq!(announced["expected_revision"], channel["revision"]);
    assert_eq!(announced["config_s3_bucket"], s3::BUCKET);
    let folder = format!(
        "sales-channel-config/orgcode={}/channel_guid={}/config/{}-",
        world.orgcode,
        channel["channel_guid"].as_str().unwrap(),
        world.now().millis(),
    );
    let name = key(&announced).strip_prefix(&folder).and_then(|file| file.strip_suffix(".json"));
    assert_eq!(name.expect("a file of the channel").len(), 36, "{announced}");
    let presign = &announced["presign"];
    assert_eq!(presign["method"], "PUT");
    let headers = json!({
        "Content-Type": "application/json", "Content-Length": CONTENT.len().to_string(),
        "x-amz-checksum-sha256": Checksum::of(CONTENT).as_str(),
    });
    assert_eq!(presign["headers"], headers);
    assert_eq!(presign["expires_at"], json!(world.now().plus_minutes(15)));

    complete(&world, &announced).await.refused("config-missing");
    assert_eq!(world.upload(presign, CONTENT), Ok(()));
    let done = complete(&world, &announced).await.data().clone();
    let config = &done["config"];
    let expected = json!({
        "config_s3_bucket": s3::BUCKET, "config_s3_key": key(&announced), "config_s3_version_id": "version-1",
        "config_etag": config["config_etag"], "config_size_bytes": CONTENT.len(),
        "config_sha256": Checksum::of(CONTENT).as_str(), "completed_at": world.now(),
    });
    assert_eq!((config, &done["replayed"]), (&expected, &json!(false)));
    assert!(!config["config_etag"].as_str().unwrap().contains('"'));
    let got = get(&world, "sales-channel", &channel).await.data().clone();
    assert_eq!((&got["config"], &got["revision"]), (config, &done["revision"]));

    // Again, whatever the revision and also without one: the same, and nothing is written.
    world.advance_seconds(60);
    for revision in [Value::Null, channel["revision"].clone(), done["revision"].clone()] {
        let again = complete_with(&world, &announced, json!({"expected_revision": revision})).await;
        assert_eq!(world.last_log()["writes"], 0);
        let again = again.data();
        assert_eq!((&again["config"], &again["revision"]), (config, &done["revision"]));
        assert_eq!(again["replayed"], true);
    }
    let second = uploaded(&world, &got, b"{}").await;
    complete(&world, &second).await.data();
    complete(&world, &announced).await.refused("config-superseded");
    let entries = world.journal("ofm", "sales-channel", channel["channel_guid"].as_str().unwrap()).await;
    verify(&entries);
    let actions: Vec<_> = entries.iter().map(|entry| entry.entry.action.as_str()).collect();
    let completed = "sales-channel-config-completed";
    assert_eq!(actions, ["sales-channel-created", completed, completed]);
}

#[tokio::test]
async fn what_is_not_as_announced_is_not_taken_over() {
    let world = World::new().await;
    let guid = Places::new(&world).await.guid();
    let channel = create(&world, &guid, json!({})).await;
    let announced = uploaded(&world, &channel, CONTENT).await;
    let mismatch = async |field: &str, changes: Value| {
        let refused = complete_with(&world, &announced, changes).await;
        assert_eq!(refused.refused("config-mismatch")["details"], json!({"field": field}));
    };
    mismatch("config_s3_bucket", json!({"config_s3_bucket": "another"})).await;
    let swapped = vec![b' '; CONTENT.len()];
    for (field, content_type, content) in [
        ("checksum_sha256", "application/json", &swapped[..]),
        ("content_type", "text/html", CONTENT),
        ("size_bytes", "application/json", &CONTENT[1..]),
        ("size_bytes", "application/json", &[CONTENT, b" "].concat()),
        ("size_bytes", "application/json", &vec![b' '; 3_000_000]),
    ] {
        s3::put(key(&announced), content_type, content);
        mismatch(field, json!({})).await;
    }
    // What was announced may be no configuration at all.
    for (content, told) in
        [(&b"[1]"[..], "is not an object"), (b"{\"a\": \xff}", "is not UTF-8"), (b"{]", "key")]
    {
        let announced = uploaded(&world, &channel, content).await;
        let refused = complete(&world, &announced).await;
        let problem = refused.refused("config-invalid")["details"]["problem"].to_string();
        assert!(problem.contains(told), "{problem}");
    }
    // The revision comes last, for who has the configuration needs none.
    let announced = uploaded(&world, &channel, CONTENT).await;
    let none = json!({"expected_revision": null});
    complete_with(&world, &announced, none).await.refused("expected-revision-required");
    let renamed = update(&world, "sales-channel", &channel, json!({"caption": "New"})).await.data().clone();
    complete(&world, &announced).await.refused("conflict");
    complete_with(&world, &announced, json!({"expected_revision": renamed["revision"]})).await.data();
    for (field, value) in [
        ("size_bytes", json!(1)),
        ("size_bytes", json!(1_048_577)),
        ("checksum_sha256", json!("AAAA")),
        ("checksum_sha256", json!("00".repeat(32))),
    ] {
        let mut fields = announcement(&renamed, CONTENT);
        fields[field] = value;
        let refused = post(&world, "/sales-channel/config/presign", fields).await;
        assert_eq!(refused.refused_fields(), [field]);
    }
}

#[tokio::test]
async fn five_uploads_of_a_channel_are_open_at_once() {
    let world = World::new().await;
    let guid = Places::new(&world).await.guid();
    let channel = create(&world, &guid, json!({})).await;
    let begun = world.now();
    let first = uploaded(&world, &channel, CONTENT).await;
    world.advance_seconds(1800);
    let (path, fields) = ("/sales-channel/config/presign", announcement(&channel, CONTENT));
    let calls = (0..CALLERS).map(|_| insist(&world, &ofm::SERVICE, &world.owner, path, fields.clone()));
    let replies = join_all(calls).await;
    let (announced, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!(announced.len(), 4);
    for reply in refused {
        let details = &reply.refused("limit-exceeded")["details"];
        assert_eq!(*details, json!({"most": 5, "allowed_at": begun.plus_hours(24)}));
    }
    // Another channel has its own; taking one over makes room for one, and so does the end of another.
    presign(&world, &create(&world, &guid, json!({})).await, CONTENT).await;
    let done = complete(&world, &first).await.data().clone();
    let channel = with(channel, json!({"revision": done["revision"]}));
    presign(&world, &channel, CONTENT).await;
    presign_as(&world, &world.owner, &channel, CONTENT).await.refused("limit-exceeded");
    world.advance_seconds(24 * 3600);
    let owner = world.key(&["owner"]).await;
    for _ in 0..5 {
        presign_as(&world, &owner, &channel, CONTENT).await.data();
    }
    presign_as(&world, &owner, &channel, CONTENT).await.refused("limit-exceeded");
}

#[tokio::test]
async fn an_upload_is_named_by_its_key_alone_and_for_a_day() {
    let world = World::new().await;
    let guid = Places::new(&world).await.guid();
    let channel = create(&world, &guid, json!({})).await;
    let other = uploaded(&world, &create(&world, &guid, json!({})).await, CONTENT).await;
    let announced = uploaded(&world, &channel, CONTENT).await;
    let (ours, elsewhere) = (key(&announced), world.another().await);
    let place = Places::new(&elsewhere).await.guid();
    let foreign = uploaded(&elsewhere, &create(&elsewhere, &place, json!({})).await, CONTENT).await;
    let folder = &ours[..=ours.rfind('/').unwrap()];
    let file = &ours[folder.len()..];
    let tricks = [
        key(&other).to_owned(),
        key(&foreign).to_owned(),
        format!("{folder}../../channel_guid={}/config/{file}", channel["channel_guid"].as_str().unwrap()),
        format!("{folder}./{file}"),
        format!("{folder}/{file}"),
        format!("/{ours}"),
        format!("{folder}%2e%2e/{file}"),
        format!("{folder}{}", file.replace(".json", "|guard.json")),
        ours.replace("orgcode=T", "orgcode=t"),
        ours.replace(".json", ""),
        ours.to_uppercase(),
        format!("{ours}?versionId=1"),
        format!("{ours} "),
        file.to_owned(),
        format!("{folder}.json"),
        folder.to_owned(),
        String::new(),
    ];
    for trick in tricks {
        let refused = complete_with(&world, &announced, json!({"config_s3_key": trick})).await;
        assert_eq!(refused.refused("not-found")["details"], json!({"field": "config_s3_key"}), "{trick}");
    }
    // A session does not last so long.
    let program = world.key(&["owner"]).await;
    let complete = async |announced: &Value| {
        post_as(&world, &program, "/sales-channel/config/complete", completion(announced)).await
    };
    world.advance_seconds(24 * 3600 - 1);
    complete(&announced).await.data();
    world.advance_seconds(1);
    let refused = complete(&other).await;
    assert_eq!(refused.refused("not-found")["details"], json!({"field": "config_s3_key"}));
    // An org's code cannot be what would lead out of its folder: it is letters and digits.
    "A/../B".parse::<contract::codes::OrgCode>().expect_err("no code");
}

/// Every way in which a request that was presigned can be another.
fn altered(request: &Arrived) -> Vec<(String, Arrived)> {
    let mut all = Vec::new();
    let mut add = |what: String, change: &dyn Fn(&mut Arrived)| {
        let mut other = request.clone();
        change(&mut other);
        all.push((what, other));
    };
    for n in 0..request.headers.len() {
        let name = &request.headers[n].0;
        add(format!("{name} is another"), &|r| r.headers[n].1.push('0'));
        add(format!("{name} is left out"), &|r| drop(r.headers.remove(n)));
    }
    let (path, query) = request.target.split_once('?').expect("a query");
    let pairs: Vec<_> = query.split('&').collect();
    for (n, pair) in pairs.iter().enumerate() {
        let with = |changed: Option<String>| {
            let mut pairs: Vec<_> = pairs.iter().map(ToString::to_string).collect();
            pairs.splice(n..=n, changed);
            format!("{path}?{}", pairs.join("&"))
        };
        // The last digit another: the value stays one of its kind.
        let last = if pair.ends_with('0') { '1' } else { '0' };
        let changed = format!("{}{last}", &pair[..pair.len() - 1]);
        add(format!("{pair} is {changed}"), &|r| r.target = with(Some(changed.clone())));
        add(format!("{pair} is left out"), &|r| r.target = with(None));
        add(format!("{pair} stands twice"), &|r| r.target = with(Some(format!("{pair}&{pair}"))));
    }
    add("one parameter more".to_owned(), &|r| r.target.push_str("&versionId=1"));
    add("another method".to_owned(), &|r| "DELETE".clone_into(&mut r.method));
    add("another host".to_owned(), &|r| r.host.push('0'));
    let acl = || ("x-amz-acl".to_owned(), "public-read".to_owned());
    add("one header more".to_owned(), &|r| r.headers.push(acl()));
    let leaves = [("config/", "config/../"), ("orgcode%3DT", "orgcode%3DU"), (".json", ".jsom")];
    for (from, to) in leaves {
        assert!(path.contains(from), "{path}");
        add(format!("{to} in the path"), &|r| r.target = r.target.replacen(from, to, 1));
    }
    all
}

#[tokio::test]
async fn nothing_else_can_be_sent_than_what_was_signed() {
    let world = World::new().await;
    let guid = Places::new(&world).await.guid();
    let channel = create(&world, &guid, json!({})).await;
    let announced = presign(&world, &channel, CONTENT).await;
    let request = presigned(&announced["presign"]);
    let signed = request.parameters().into_iter().find(|(name, _)| name == "X-Amz-SignedHeaders").unwrap().1;
    assert_eq!(signed, "content-length;content-type;host;x-amz-checksum-sha256");
    let refused = Err((403, "SignatureDoesNotMatch"));
    let altered = altered(&request);
    assert!(altered.len() > 30, "{}", altered.len());
    for (what, other) in altered {
        assert_eq!(s3::send(&other, CONTENT, world.now()), refused, "{what}: {other:?}");
    }
    let (first, last) = (world.now(), world.now().plus_seconds(15 * 60 - 1));
    assert_eq!(s3::send(&request, CONTENT, last.plus_seconds(1)), refused);
    assert_eq!(s3::send(&request, CONTENT, first.plus_seconds(-1)), refused);
    let swapped = vec![b' '; CONTENT.len()];
    assert_eq!(s3::send(&request, &swapped, first), Err((400, "BadDigest")));
    assert_eq!(s3::send(&request, &CONTENT[1..], first), Err((400, "IncompleteBody")));
    assert_eq!(s3::versions(key(&announced)), 0);
    for now in [first, last] {
        assert_eq!(s3::send(&request, CONTENT, now), Ok(()));
    }
}

#[tokio::test]
async fn who_may_change_the_channel_uploads_its_configuration() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let guid = places.guid();
    let (admin, editor) = (world.member(&["ofm_channel_admin"]).await, world.member(&[]).await);
    assign(&world, &editor, &guid, &["channel:write"]).await;
    let channel = create(&world, &guid, json!({})).await;
    let reader = world.member(&["ofm_view"]).await;
    presign_as(&world, &reader, &channel, CONTENT).await.refused("facility-grant-required");
    let announced = presign_as(&world, &editor, &channel, CONTENT).await.data().clone();
    world.upload(&announced["presign"], CONTENT).unwrap();
    let path = "/sales-channel/config/complete";
    post_as(&world, &editor, path, completion(&announced)).await.data();
    let draft = get(&world, "sales-channel", &channel).await.data().clone();
    let active = set_status(&world, "sales-channel", &draft, "active").await.data().clone();
    // The right is judged before the revision.
    for stale in [&draft, &active] {
        presign_as(&world, &editor, stale, CONTENT).await.refused("forbidden");
    }
    post_as(&world, &editor, path, completion(&announced)).await.refused("forbidden");
    presign_as(&world, &admin, &draft, CONTENT).await.refused("conflict");
    let announced = presign_as(&world, &admin, &active, b"{}").await.data().clone();
    world.upload(&announced["presign"], b"{}").unwrap();
    // A closed facility is left as it is.
    let closed = set_status(&world, "facility/logical", &places.logical, "inactive").await.data().clone();
    presign_as(&world, &admin, &active, b"{}").await.refused("invalid-state");
    complete(&world, &announced).await.refused("invalid-state");
    set_status(&world, "facility/logical", &closed, "active").await.data();
    complete(&world, &announced).await.data();
    let active = get(&world, "sales-channel", &channel).await.data().clone();
    let inactive = set_status(&world, "sales-channel", &active, "inactive").await.data().clone();
    let doomed = set_status(&world, "sales-channel", &inactive, "doomed").await.data().clone();
    presign_as(&world, &world.owner, &doomed, CONTENT).await.refused("invalid-state");
}

#[tokio::test]
async fn while_the_bucket_does_not_answer_nothing_is_lost() {
    let world = World::new().await;
    let guid = Places::new(&world).await.guid();
    let channel = create(&world, &guid, json!({})).await;
    let announced = uploaded(&world, &channel, CONTENT).await;
    s3::set_failing(key(&announced), true);
    let fields = json!({"idempotency_key": "take-over"});
    let refused = complete_with(&world, &announced, fields.clone()).await;
    assert_eq!(refused.refused("unavailable")["retryable"], true);
    s3::set_failing(key(&announced), false);
    let first = complete_with(&world, &announced, fields.clone()).await.data().clone();
    assert_eq!(complete_with(&world, &announced, fields).await.data(), &first);
}

#[tokio::test]
async fn an_upload_that_many_complete_is_taken_over_once() {
    let world = World::new().await;
    for round in 0..rounds() {
        let proxy = in_bad_mood(round * 2);
        let calm = world.another().await;
        let behind = calm.with_functions_of(&world.through(proxy.endpoint()));
        let guid = Places::new(&calm).await.guid();
        let channel = create(&calm, &guid, json!({})).await;
        let announced = uploaded(&calm, &channel, CONTENT).await;
        let path = "/sales-channel/config/complete";
        let calls =
            (0..CALLERS).map(|_| insist(&behind, &ofm::SERVICE, &behind.owner, path, completion(&announced)));
        let replies = join_all(calls).await;
        let mut told: Vec<Map<_, _>> =
            replies.iter().map(|reply| reply.data().as_object().unwrap().clone()).collect();
        for data in &mut told {
            data.remove("replayed");
        }
        assert!(told.iter().all(|data| *data == told[0]));
        let entries = calm.journal("ofm", "sales-channel", channel["channel_guid"].as_str().unwrap()).await;
        verify(&entries);
        assert_eq!(entries.len(), 2);
        equals_effects(&proxy).await;
    }
}
