//! Sessions: their life, and what their holder can do (usm §3).

use identity::user::UserStatus;
use serde_json::{Value, json};
use testkit::{Caller, World};

use crate::people::{Person, call, create, holder, trips, validate};

#[tokio::test]
async fn use_prolongs_a_session_once_a_minute() {
    let world = World::new().await;
    let session = Person::new(&world).await.session(&world).await;
    world.advance_seconds(59);
    assert_eq!(validate(&world, &session).await.data()["touched"], false);
    world.advance_seconds(1);
    let touched = validate(&world, &session).await;
    assert_eq!(touched.data()["touched"], true);
    assert_eq!(touched.data()["last_seen_at"], json!(world.now()));
    assert_eq!(touched.data()["expires_at_utc"], json!(world.now().plus_hours(1)));
    assert_eq!(validate(&world, &session).await.data()["touched"], false);
    world.advance_seconds(3599);
    validate(&world, &session).await.data();
}

#[tokio::test]
async fn a_session_that_is_not_used_for_an_hour_expires() {
    let world = World::new().await;
    let session = Person::new(&world).await.session(&world).await;
    world.advance_seconds(3600);
    let expired = validate(&world, &session).await;
    assert_eq!(expired.refused("session-expired")["minor"]["tag"], "ttl-expired");
}

#[tokio::test]
async fn no_session_outlives_twelve_hours() {
    let world = World::new().await;
    let session = Person::new(&world).await.session(&world).await;
    for _ in 0..23 {
        world.advance_seconds(1800);
        validate(&world, &session).await.data();
    }
    world.advance_seconds(1800);
    validate(&world, &session).await.refused("session-expired");
}

#[tokio::test]
async fn a_session_without_refresh_ends_after_an_hour_of_use() {
    let world = World::new().await;
    let mut fields = Person::new(&world).await.credentials();
    fields["ttl_refresh_enabled"] = json!(false);
    let session = holder(&create(&world, fields).await);
    world.advance_seconds(3599);
    assert_eq!(validate(&world, &session).await.data()["touched"], false);
    world.advance_seconds(1);
    validate(&world, &session).await.refused("session-expired");
}

#[tokio::test]
async fn a_session_counts_only_while_its_user_may_act() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let session = ada.session(&world).await;
    ada.meddle(&world, |user| user.status = UserStatus::Suspended).await;
    validate(&world, &session).await.refused("session-invalid");
    let foreign = Caller::anonymous().with("x-session-guid", "s1_nothing");
    assert_eq!(validate(&world, &foreign).await.refused("session-invalid")["minor"], Value::Null);
    let key = world.key(&["owner"]).await;
    validate(&world, &key).await.refused("forbidden");
}

#[tokio::test]
async fn the_header_wins_over_the_body() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let (one, two) = (ada.session(&world).await, ada.session(&world).await);
    let body = json!({"session_guid": two.credential()});
    let by_body = call(&world, &Caller::anonymous(), "/session/validate", body.clone()).await;
    let by_header = call(&world, &one, "/session/validate", body).await;
    assert_ne!(by_body.data()["session_id"], by_header.data()["session_id"]);
    assert_eq!(by_header.data()["session_id"], validate(&world, &one).await.data()["session_id"]);
}

#[tokio::test]
async fn one_gets_and_closes_ones_own_sessions_only() {
    let world = World::new().await;
    let (ada, eve) = (Person::new(&world).await, Person::new(&world).await);
    let (here, there) = (ada.session(&world).await, ada.log_in(&world).await);
    let id = json!({"session_id": there.data()["session_id"]});
    assert_eq!(call(&world, &here, "/session/get", id.clone()).await.data()["status"], "active");
    let evil = eve.session(&world).await;
    call(&world, &evil, "/session/get", id.clone()).await.refused("not-found");
    call(&world, &evil, "/session/close", id.clone()).await.refused("not-found");
    call(&world, &here, "/session/get", json!({"session_id": "x"})).await.refused("not-found");

    let closed = call(&world, &here, "/session/close", id.clone()).await;
    assert_eq!((&closed.data()["closed"], &closed.data()["doomed_reason"]), (&json!(true), &json!("closed")));
    let refused = validate(&world, &holder(&there)).await;
    assert_eq!(refused.refused("session-invalid")["minor"]["tag"], "session-doomed");
    let again = call(&world, &here, "/session/close", id).await;
    assert_eq!((&again.data()["closed"], &again.data()["status"]), (&json!(false), &json!("doomed")));

    let this = call(&world, &here, "/session/get", json!({})).await;
    assert_eq!(trips(&world), (Some(1), Some(0)));
    let logout = call(&world, &here, "/session/close", json!({})).await;
    assert_eq!(trips(&world), (Some(2), Some(1)));
    assert_eq!(logout.data()["session_id"], this.data()["session_id"]);
    assert_eq!(logout.data()["doomed_reason"], "logout");
    validate(&world, &here).await.refused("session-invalid");
}

#[tokio::test]
async fn logging_out_other_devices_leaves_this_one() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let (here, there) = (ada.session(&world).await, ada.session(&world).await);
    ada.log_in(&world).await.data();
    let done = call(&world, &here, "/session/logout_other_devices", json!({"reason": "lost"})).await;
    assert_eq!(done.data()["closed_count"], 2);
    validate(&world, &here).await.data();
    validate(&world, &there).await.refused("session-invalid");
    let none = call(&world, &here, "/session/logout_other_devices", json!({})).await;
    assert_eq!(none.data()["closed_count"], 0);
}

#[tokio::test]
async fn logging_out_everywhere_ends_all_at_once_and_one_can_log_in_again() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let mut sessions = Vec::new();
    for _ in 0..10 {
        sessions.push(ada.session(&world).await);
    }
    let done = call(&world, &sessions[0], "/session/logout_everywhere", json!({"reason": "lost"})).await;
    assert_eq!(trips(&world), (Some(1), Some(1)));
    assert_eq!(done.data(), &json!({"revoked": true, "sessions_valid_from": world.now()}));
    for session in &sessions {
        let refused = validate(&world, session).await;
        assert_eq!(refused.refused("session-invalid")["minor"]["tag"], "session-doomed");
    }
    let again = ada.session(&world).await;
    validate(&world, &again).await.data();
    let entries = world.system_journal("usm", "user", &ada.user_guid.to_string()).await;
    assert_eq!(entries.last().unwrap().entry.action, "sessions-revoked");
}

async fn listed(world: &World, caller: &Caller, fields: Value) -> Vec<(String, Value)> {
    let mut fields = fields;
    fields["limit"] = json!(2);
    let mut found = Vec::new();
    loop {
        let page = call(world, caller, "/session/list", fields.clone()).await;
        let sessions = page.data()["sessions"].as_array().expect("a list");
        let shown = sessions
            .iter()
            .map(|s| (s["status"].as_str().expect("a status").to_owned(), s["session_id"].clone()));
        found.extend(shown);
        let Some(token) = page.data()["next_token"].as_str() else { return found };
        assert_eq!(sessions.len(), 2, "a page is full unless it is the last");
        fields["next_token"] = json!(token);
    }
}

#[tokio::test]
async fn the_list_shows_what_stands_how_under_one_cursor() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        world.advance_seconds(1);
        ids.push(ada.log_in(&world).await.data()["session_id"].clone());
    }
    world.advance_seconds(12 * 3600);
    let closing = ada.log_in(&world).await;
    ids.push(closing.data()["session_id"].clone());
    call(&world, &holder(&closing), "/session/close", json!({})).await.data();
    world.advance_seconds(1);
    let expiring = ada.log_in(&world).await;
    ids.push(expiring.data()["session_id"].clone());
    world.advance_seconds(3600);
    let current = ada.log_in(&world).await;
    ids.push(current.data()["session_id"].clone());
    let caller = holder(&current);

    let with = |statuses: [&str; 6]| -> Vec<_> {
        statuses.iter().map(|status| (*status).to_owned()).zip(ids.iter().cloned()).collect()
    };
    let all = with(["archived", "archived", "archived", "doomed", "doomed", "active"]);
    assert_eq!(listed(&world, &caller, json!({"status": "all"})).await, all);
    assert_eq!(listed(&world, &caller, json!({"include_doomed": true})).await, all);
    assert_eq!(listed(&world, &caller, json!({"status": "archived"})).await, all[..3]);
    assert_eq!(listed(&world, &caller, json!({"status": "doomed"})).await, all[3..5]);
    assert_eq!(listed(&world, &caller, json!({})).await, all[5..]);
    let page = call(&world, &caller, "/session/list", json!({})).await;
    assert_eq!(page.data()["current_session_id"], ids[5]);
    assert_eq!(page.data()["sessions"][0]["doomed_reason"], Value::Null);

    let archived = json!({"session_id": ids[0]});
    call(&world, &caller, "/session/get", archived).await.refused("not-found");
    let archived = json!({"session_id": ids[0], "include_archived": true});
    assert_eq!(call(&world, &caller, "/session/get", archived).await.data()["doomed_reason"], "expired");
}

#[tokio::test]
async fn a_cursor_is_its_holders_and_its_lists_alone() {
    let world = World::new().await;
    let (ada, eve) = (Person::new(&world).await, Person::new(&world).await);
    let caller = ada.session(&world).await;
    ada.log_in(&world).await.data();
    let page = call(&world, &caller, "/session/list", json!({"limit": 1})).await;
    let token = &page.data()["next_token"];
    let next = json!({"limit": 1, "next_token": token});
    call(&world, &caller, "/session/list", next.clone()).await.data();
    let evil = eve.session(&world).await;
    call(&world, &evil, "/session/list", next).await.refused("invalid-token");
    let other = json!({"limit": 1, "next_token": token, "status": "all"});
    call(&world, &caller, "/session/list", other).await.refused("invalid-token");
}
