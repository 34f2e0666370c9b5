//! Invocations of `operator`.

use identity::keys;
use operator::SERVICE;
use serde_json::{Value, json};
use testkit::{Caller, World};

use super::{by, ofm, people, referral};
use crate::request::Sample;

async fn user(world: &World) -> Value {
    let email = format!("{}@people.example", world.change().uuid());
    let fields = json!({"email": email, "display_name": "Una User", "passcode": people::PASSCODE});
    world.act(&SERVICE, "user-create", fields).await.data().clone()
}

async fn invitation(world: &World) -> Value {
    let user = world.stranger().await.user_guid;
    world.act(&SERVICE, "invitation-create", json!({"user_guid": user})).await.data().clone()
}

/// A user whose erasure is to be looked at again.
async fn erased(world: &World) -> Value {
    let user = user(world).await;
    let fields = json!({"user_guid": user["user_guid"], "status": "doomed", "erase": true,
        "expected_revision": user["revision"]});
    world.act(&SERVICE, "user-status-set", fields).await.data();
    world.advance_seconds(60);
    user["user_guid"].clone()
}

/// The revision of a record, as an action wants it.
async fn revision<E: store::Entity>(world: &World, key: &store::Key<E>) -> Value {
    json!(world.stored(key).await.expect("a record").revision)
}

pub(super) async fn sample(world: &World, action: &str) -> Option<Sample> {
    let fields = match action {
        "user-create" => json!({
            "email": format!("{}@people.example", world.change().uuid()),
            "display_name": "Una User",
            "passcode": people::PASSCODE,
            "locale": "de-DE",
        }),
        "user-get" => json!({"user_guid": world.owner.user_guid}),
        "email-confirm" => {
            let made = user(world).await;
            json!({"user_guid": made["user_guid"], "email": made["email"]})
        }
        "user-passcode-set" => {
            json!({"user_guid": user(world).await["user_guid"], "passcode": "Another-horse-8"})
        }
        "user-status-set" => {
            let user = world.stranger().await.user_guid;
            let revision = revision(world, &keys::user(user)).await;
            json!({"user_guid": user, "expected_revision": revision, "status": "suspended"})
        }
        "invitation-create" => json!({"user_guid": world.stranger().await.user_guid, "caption": "Welcome"}),
        "invitation-get" => json!({"invitation_id": invitation(world).await["invitation_id"]}),
        "invitation-list" => {
            invitation(world).await;
            json!({"status": "open", "limit": 1})
        }
        "invitation-resolve" => json!({"code": invitation(world).await["code"]}),
        "invitation-reject" | "invitation-doom" => {
            let made = invitation(world).await;
            json!({"invitation_id": made["invitation_id"], "expected_revision": made["revision"]})
        }
        "org-status-set" => {
            let revision = revision(world, &keys::org(&world.org)).await;
            json!({"expected_revision": revision, "status": "suspended"})
        }
        "owner-primary-set" => json!({"user_guid": world.member(&[]).await.user_guid}),
        "owner-state-set" => {
            let user = people::second_owner(world).await.user_guid;
            let revision = revision(world, &keys::owner(&world.org, user)).await;
            json!({"user_guid": user, "expected_revision": revision, "state": "suspended"})
        }
        "member-state-set" => {
            let user = world.member(&[]).await.user_guid;
            let revision = revision(world, &keys::member(&world.org, user)).await;
            json!({"user_guid": user, "expected_revision": revision, "state": "suspended"})
        }
        "journal-verify" | "event-replay" => json!({
            "service": "ofm",
            "org_guid": world.org.guid(),
            "aggregate_type": "org",
            "aggregate_id": world.org.guid(),
        }),
        "clock-set" => json!({"advance_seconds": 1}),
        "heartbeat" => json!({}),
        "upload-sweep" => {
            let uploaded = ofm::sample(world, "/sales-channel/config/complete").await?;
            json!({"channel_guid": uploaded.fields["channel_guid"]})
        }
        "erasure-finish" => json!({"user_guid": erased(world).await}),
        _ => referral::action(world, action).await?,
    };
    Some(by(Caller::anonymous(), fields))
}
