//! Lock-outs after failed log-ins (usm §3).

use futures::future::join_all;
use serde_json::json;
use store::System;
use testkit::{Reply, World, race};
use usm::{
    SERVICE,
    lockout::{CountedBy, LoginFailures, Subject},
};

use crate::people::{PASSCODE, Person, create};

async fn fail(world: &World, email: &str) -> Reply {
    create(world, json!({"email": email, "passcode": "Wr0ng-horse"})).await
}

#[tokio::test]
async fn ten_failures_lock_an_email_out_even_with_the_right_passcode() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    for _ in 0..10 {
        world.advance_seconds(1);
        fail(&world, &ada.email).await.refused("invalid-passcode");
    }
    let locked = ada.log_in(&world).await;
    assert_eq!(locked.refused("rate-limited")["retryable"], true);
    assert_eq!((locked.status, locked.header("retry-after")), (429, Some("900")));
    world.advance_seconds(899);
    assert_eq!(fail(&world, &ada.email).await.header("retry-after"), Some("1"));
    world.advance_seconds(1);
    ada.log_in(&world).await.data();
}

#[tokio::test]
async fn an_email_that_nobody_has_is_locked_out_just_so() {
    let world = World::new().await;
    let email = format!("nobody.{}@example.org", world.orgcode);
    for _ in 0..10 {
        fail(&world, &email).await.refused("invalid-passcode");
    }
    fail(&world, &email).await.refused("rate-limited");
}

#[tokio::test]
async fn failures_count_for_fifteen_minutes_and_success_clears_them() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    for _ in 0..9 {
        fail(&world, &ada.email).await.refused("invalid-passcode");
    }
    ada.log_in(&world).await.data();
    for _ in 0..9 {
        fail(&world, &ada.email).await.refused("invalid-passcode");
    }
    world.advance_seconds(900);
    fail(&world, &ada.email).await.refused("invalid-passcode");
    ada.log_in(&world).await.data();
}

#[tokio::test]
async fn a_hundred_failures_lock_an_address_out() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let lookup_key = &world.app(&SERVICE).settings.lookup_key;
    let mut subjects = Subject::of(&ada.email.parse().unwrap(), Some(&world.source_ip()), lookup_key);
    let subject = subjects.pop().unwrap();
    assert_eq!(subject.by, CountedBy::SourceAddress);
    let mut change = world.change();
    let failures = LoginFailures { subject, recent: vec![world.now(); 99], locked_until: None };
    change.keep(&System, None, failures).unwrap();
    world.commit(change).await;

    ada.log_in(&world).await.data();
    fail(&world, &format!("x{}", ada.email)).await.refused("invalid-passcode");
    ada.log_in(&world).await.refused("rate-limited");
    // From elsewhere it goes on.
    let elsewhere = world.another().await;
    create(&elsewhere, json!({"email": ada.email, "passcode": PASSCODE})).await.data();
}

#[tokio::test]
async fn guesses_made_at_once_are_answered_no_more_often_than_those_made_in_turn() {
    for _ in 0..race::rounds() {
        let world = World::new().await;
        let ada = Person::new(&world).await;
        let guesses = join_all((0..race::CALLERS).map(|_| fail(&world, &ada.email))).await;
        let told = guesses.iter().filter(|guess| guess.status == 401).count();
        let locked = guesses.iter().filter(|guess| guess.status == 429).count();
        assert_eq!((told, locked), (10, 6));
        ada.log_in(&world).await.refused("rate-limited");
    }
}
