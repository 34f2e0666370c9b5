//! Invitations (ofm §4.1).

use contract::{codes::InvitationCode, states::States};
use identity::invitation::{ARCS, Invitation, InvitationStatus};
use serde_json::{Value, json};
use store::System;
use testkit::World;

use crate::people::{act, created, email, verified};

async fn invite(world: &World, fields: Value) -> Value {
    act(world, "invitation-create", fields).await.data().clone()
}

/// A page of the invitations of one e-mail: tests share their table.
async fn listed(world: &World, address: &str, mut fields: Value) -> Vec<Value> {
    fields["email"] = json!(address);
    let page = act(world, "invitation-list", fields).await;
    page.data()["invitations"].as_array().unwrap().iter().map(|i| i["invitation_id"].clone()).collect()
}

#[tokio::test]
async fn an_invitation_is_made_and_found_by_id_and_by_code() {
    let world = World::new().await;
    let user = verified(&world, "ada").await;
    let fields = json!({"user_guid": user["user_guid"], "orgcode": "acme", "caption": "For Ada"});
    let made = invite(&world, fields).await;
    assert_eq!((&made["status"], &made["orgcode"]), (&json!("open"), &json!("ACME")));
    assert_eq!(made["expires_at"], json!(world.now().plus_days(14)));
    made["code"].as_str().unwrap().parse::<InvitationCode>().unwrap();
    let got = act(&world, "invitation-get", json!({"invitation_id": made["invitation_id"]})).await;
    assert_eq!(got.data(), &made);
    assert_eq!(world.last_log()["reads"], 1);
    let code = made["code"].as_str().unwrap().to_lowercase();
    let resolved = act(&world, "invitation-resolve", json!({"code": code})).await;
    let expected = json!({"invitation_id": made["invitation_id"], "code": made["code"], "status": "open"});
    assert_eq!(resolved.data(), &expected);
    act(&world, "invitation-resolve", json!({"code": "INV2345ABCDEF"})).await.refused("not-found");
    act(&world, "invitation-get", json!({"invitation_id": world.org.guid()})).await.refused("not-found");
}

#[tokio::test]
async fn it_names_one_person_who_may_be_named() {
    let world = World::new().await;
    let user = created(&world, "ada").await;
    let both = json!({"user_guid": user["user_guid"], "email": user["email"]});
    assert_eq!(act(&world, "invitation-create", both).await.refused_fields(), ["email"]);
    assert_eq!(act(&world, "invitation-create", json!({})).await.refused_fields(), ["user_guid"]);
    for nobody in [&user["user_guid"], &json!(world.org.guid()), &json!("ada")] {
        let refused = act(&world, "invitation-create", json!({"user_guid": nobody})).await;
        assert_eq!(refused.refused("not-found")["details"], json!({"field": "user_guid"}));
    }
}

#[tokio::test]
async fn it_lasts_an_hour_to_ninety_days() {
    let world = World::new().await;
    let now = world.now();
    for (end, good) in [
        (now.plus_hours(1).plus_seconds(-1), false),
        (now.plus_hours(1), true),
        (now.plus_days(90), true),
        (now.plus_days(90).plus_seconds(1), false),
    ] {
        let fields = json!({"email": email(&world, "ada"), "expires_at": end});
        let reply = act(&world, "invitation-create", fields).await;
        if good {
            assert_eq!(reply.data()["expires_at"], json!(end));
        } else {
            assert_eq!(reply.refused_fields(), ["expires_at"], "{end}");
        }
    }
}

#[tokio::test]
async fn an_orgcode_that_is_taken_is_promised_to_nobody() {
    let world = World::new().await;
    let fields = json!({"email": email(&world, "ada"), "orgcode": world.orgcode});
    let refused = act(&world, "invitation-create", fields).await;
    assert_eq!(refused.refused("duplicate-code")["details"]["field"], "orgcode");
}

#[tokio::test]
async fn every_move_is_allowed_or_refused_as_the_table_says() {
    let world = World::new().await;
    let moves =
        [("invitation-reject", InvitationStatus::Rejected), ("invitation-doom", InvitationStatus::Doomed)];
    for from in InvitationStatus::ALL {
        for (action, to) in moves {
            let made = invite(&world, json!({"email": email(&world, "ada")})).await;
            let revision = put(&world, &made, *from).await;
            let fields = json!({"invitation_id": made["invitation_id"], "expected_revision": revision});
            let reply = act(&world, action, fields).await;
            if ARCS.contains(&(*from, to)) {
                assert_eq!(reply.data()["status"], json!(to));
            } else {
                assert_eq!(reply.refused("invalid-transition")["details"]["from"], json!(from));
            }
        }
    }
}

/// Puts an invitation into a status, past every rule; the new revision.
async fn put(world: &World, made: &Value, status: InvitationStatus) -> String {
    let id = made["invitation_id"].as_str().unwrap().parse().unwrap();
    let before = world.stored(&identity::keys::invitation(id)).await.unwrap();
    let record = match status {
        InvitationStatus::Expired => Invitation { expires_at: world.now(), ..before.record.clone() },
        status => Invitation { status, ..before.record.clone() },
    };
    let mut change = world.change();
    let after = change.adjust(&System, &before, record, "invitation-updated").unwrap();
    world.commit(change).await;
    after.revision.to_string()
}

#[tokio::test]
async fn a_move_needs_the_revision_that_stands() {
    let world = World::new().await;
    let made = invite(&world, json!({"email": email(&world, "ada")})).await;
    let bare = json!({"invitation_id": made["invitation_id"]});
    act(&world, "invitation-doom", bare).await.refused("expected-revision-required");
    let fields = json!({"invitation_id": made["invitation_id"], "expected_revision": made["revision"]});
    let rejected = act(&world, "invitation-reject", fields.clone()).await;
    let stale = act(&world, "invitation-doom", fields).await;
    assert_eq!(&stale.refused("conflict")["details"]["current"], rejected.data());
}

#[tokio::test]
async fn lists_show_what_is_open_unless_asked_and_time_moves_what_was_not_used() {
    let world = World::new().await;
    let address = email(&world, "ada");
    let late = invite(&world, json!({"email": address, "expires_at": world.now().plus_days(2)})).await;
    let soon = invite(&world, json!({"email": address, "expires_at": world.now().plus_hours(1)})).await;
    let gone = invite(&world, json!({"email": address})).await;
    let fields = json!({"invitation_id": gone["invitation_id"], "expected_revision": gone["revision"]});
    act(&world, "invitation-doom", fields).await.data();
    let ids = |of: &[&Value]| of.iter().map(|i| i["invitation_id"].clone()).collect::<Vec<_>>();
    assert_eq!(listed(&world, &address, json!({})).await, ids(&[&soon, &late]));
    assert_eq!(listed(&world, &address, json!({"status": "expired"})).await, ids(&[]));
    world.advance_seconds(3600);
    assert_eq!(listed(&world, &address, json!({})).await, ids(&[&late]));
    assert_eq!(listed(&world, &address, json!({"status": "open"})).await, ids(&[&late]));
    assert_eq!(listed(&world, &address, json!({"status": "expired"})).await, ids(&[&soon]));
    assert_eq!(listed(&world, &address, json!({"status": "doomed"})).await, ids(&[&gone]));
    for all in [json!({"status": "all"}), json!({"include_doomed": true})] {
        assert_eq!(listed(&world, &address, all).await, ids(&[&soon, &late, &gone]));
    }
    let got = act(&world, "invitation-get", json!({"invitation_id": soon["invitation_id"]})).await;
    assert_eq!(got.data()["status"], "expired");
}

#[tokio::test]
async fn lists_are_filtered_by_person_and_go_on_where_they_stopped() {
    let world = World::new().await;
    let user = verified(&world, "ada").await;
    let mut made = Vec::new();
    for _ in 0..5 {
        world.advance_seconds(1);
        made.push(invite(&world, json!({"user_guid": user["user_guid"]})).await["invitation_id"].clone());
    }
    let mut fields = json!({"user_guid": user["user_guid"], "limit": 2});
    let mut seen = Vec::new();
    loop {
        let page = act(&world, "invitation-list", fields.clone()).await;
        let ids = page.data()["invitations"].as_array().unwrap();
        seen.extend(ids.iter().map(|invitation| invitation["invitation_id"].clone()));
        match page.data()["next_token"].as_str() {
            Some(token) => fields["next_token"] = json!(token),
            None => break,
        }
        assert_eq!(ids.len(), 2);
    }
    assert_eq!(seen, made);
    fields["user_guid"] = json!(world.owner.user_guid);
    act(&world, "invitation-list", fields).await.refused("invalid-token");
    let both = json!({"user_guid": user["user_guid"], "email": user["email"]});
    assert_eq!(act(&world, "invitation-list", both).await.refused_fields(), ["email"]);
    act(&world, "invitation-list", json!({"user_guid": "ada"})).await.refused("not-found");
    let everybody = act(&world, "invitation-list", json!({"limit": 256, "status": "open"})).await;
    assert!(everybody.data()["invitations"].as_array().unwrap().len() >= 5);
}
