//! Who may call, in a private deployment and in one that is open to the public (referral §2).

use identity::org::OrgStatus;
use serde_json::{Value, json};
use testkit::{Caller, World};

use crate::people::{call, click, code, counted, total, world};

/// A request for every route but the click.
fn calls(id: &str, code: &str) -> [(&'static str, String, Option<Value>); 6] {
    [
        ("GET", "/".to_owned(), None),
        ("GET", format!("/{id}"), None),
        ("GET", "/mentor/usr_1".to_owned(), None),
        ("GET", "/mentor/usr_1/total".to_owned(), None),
        ("PUT", format!("/{id}"), Some(json!({"code": code, "new_member_id": "m1"}))),
        ("DELETE", format!("/{id}"), None),
    ]
}

#[tokio::test]
async fn a_private_deployment_asks_who_calls() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let id = counted(&world, &code, 1).await;
    let nobody = Caller::anonymous().with("x-orgcode", world.orgcode.clone());
    let plain = world.member(&["crm_view"]).await;
    for (method, path, body) in calls(&id, &code) {
        call(&world, &nobody, method, &path, body.clone()).await.refused("auth-required");
        call(&world, &plain, method, &path, body).await.refused("forbidden");
    }
    for role in ["inf_view", "inf_campaign_admin", "inf_finance", "inf_manage"] {
        for caller in [world.member(&[role]).await, world.key(&[role]).await] {
            for (method, path, body) in calls(&id, &code).into_iter().take(4) {
                call(&world, &caller, method, &path, body).await.data();
            }
            if role != "inf_manage" {
                for (method, path, body) in calls(&id, &code).into_iter().skip(4) {
                    call(&world, &caller, method, &path, body).await.refused("forbidden");
                }
            }
        }
    }
    let manager = world.key(&["inf_manage"]).await;
    for (method, path, body) in calls(&id, &code) {
        call(&world, &manager, method, &path, body).await.data();
    }
    let mut unnamed = world.owner.clone();
    unnamed.headers.retain(|(name, _)| *name != "x-orgcode");
    let reply = call(&world, &unnamed, "GET", "/", None).await;
    assert_eq!(reply.refused_fields(), ["x-orgcode"]);
}

#[tokio::test]
async fn nothing_of_another_org_is_readable_or_changeable() {
    let ours = world().await;
    let theirs = ours.another().await;
    let code = code(&ours, "usr_1").await;
    let id = counted(&ours, &code, 1).await;
    let before = ours.items().await;
    let foreigners = [theirs.owner.clone(), theirs.key(&["inf_manage"]).await, ours.stranger().await];
    for foreigner in foreigners {
        let in_ours = foreigner.clone().with("x-orgcode", ours.orgcode.clone());
        let in_none = foreigner.clone().with("x-orgcode", "NOSUCHORG");
        for (method, path, body) in calls(&id, &code) {
            let of_ours = call(&ours, &in_ours, method, &path, body.clone()).await;
            let of_none = call(&ours, &in_none, method, &path, body).await;
            of_ours.refused("not-found");
            assert_eq!(of_ours.text, of_none.text);
        }
    }
    // In their own org our ids name nothing, and our mentor has nothing.
    for (method, path, body) in calls(&id, &code) {
        let reply = call(&ours, &theirs.owner, method, &path, body).await;
        if path == "/" || path.starts_with("/mentor") {
            assert!(!reply.text.contains(&id) && !reply.text.contains(&code), "{}", reply.text);
        } else {
            reply.refused("not-found");
        }
    }
    assert_eq!(total(&theirs, "usr_1", "all_time").await, json!([0, 0, 0]));
    assert_eq!(ours.items().await, before);
}

#[tokio::test]
async fn a_public_deployment_is_one_orgs_and_everybodys() {
    let other = world().await;
    let foreign = code(&other, "usr_1").await;
    let world = other.another().await.open_to_the_public();
    let code = code(&world, "usr_1").await;
    let id = counted(&world, &code, 1).await;
    let unknown = json!({"code": foreign, "ip_address": "192.0.2.1"});
    click(&world, unknown).await.refused("code-not-found");
    for caller in [Caller::anonymous(), Caller::anonymous().with("x-orgcode", world.orgcode.clone())] {
        for (method, path, body) in calls(&id, &code).into_iter().take(5) {
            call(&world, &caller, method, &path, body).await.data();
        }
    }
    // There is no other org, and a credential is not looked at.
    let elsewhere = Caller::anonymous().with("x-orgcode", other.orgcode.clone());
    for (method, path, body) in calls(&id, &code) {
        call(&world, &elsewhere, method, &path, body).await.refused("not-found");
    }
    let nonsense = Caller::anonymous().with("x-session-guid", "nonsense");
    call(&world, &nonsense, "DELETE", &format!("/{id}"), None).await.data();
}

#[tokio::test]
async fn a_repeat_shows_the_first_record_to_the_public() {
    let world = world().await.open_to_the_public();
    let code = code(&world, "usr_1").await;
    let body = json!({"code": code, "ip_address": "192.0.2.1", "referrer_url": "https://instagram.com"});
    let first = click(&world, body.clone()).await;
    let again = click(&world, json!({"code": code, "ip_address": "192.0.2.1"})).await;
    assert_eq!((again.status, &again.text), (200, &first.text));
}

#[tokio::test]
async fn an_org_that_may_not_change_anything_takes_no_clicks_and_says_no_more() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    let id = counted(&world, &code, 1).await;
    let body = json!({"code": code, "ip_address": "192.0.2.9"});
    let manager = world.member(&["inf_manage"]).await;
    world.set_org_status(OrgStatus::Suspended).await;
    let refused = click(&world, body.clone()).await;
    refused.refused("code-inactive");
    assert!(!refused.text.contains("suspended"));
    let [.., (method, path, confirmation), (_, _, none)] = calls(&id, &code);
    call(&world, &manager, method, &path, confirmation).await.refused("org-write-blocked");
    call(&world, &manager, "DELETE", &path, none).await.refused("org-write-blocked");
    call(&world, &manager, "GET", "/", None).await.data();
    world.set_org_status(OrgStatus::Doomed).await;
    click(&world, body).await.refused("code-not-found");
    call(&world, &manager, "GET", "/", None).await.refused("not-found");
}

#[tokio::test]
async fn a_public_deployment_of_an_org_that_is_gone_answers_404() {
    let world = World::new().await.open_to_the_public();
    world.set_org_status(OrgStatus::Doomed).await;
    for (method, path, body) in calls("attr_000000", "AAAA") {
        call(&world, &Caller::anonymous(), method, &path, body).await.refused("not-found");
    }
}
