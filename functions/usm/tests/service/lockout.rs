//! Lock-outs after failed log-ins (usm §3).

use futures::future::join_all;
use serde_json::json;
use store::{Stored, System};
use testkit::{Reply, World, race};
use usm::{
    SERVICE, keys,
    lockout::{CountedBy, LoginFailures, Subject},
};

use crate::people::{PASSCODE, Person, create};

async fn fail(world: &World, email: &str) -> Reply {
    create(world, json!({"email": email, "passcode": "Wr0ng-horse"})).await
}

/// What counts the failures of a person's log-ins from the world's network.
fn subject(world: &World, ada: &Person, by: CountedBy) -> Subject {
    let lookup_key = &world.app(&SERVICE).settings.lookup_key;
    let network = world.source_ip().parse().ok();
    let subjects = Subject::of(&ada.email.parse().expect("an e-mail"), network, lookup_key);
    subjects.into_iter().find(|subject| subject.by == by).expect("a subject")
}

/// Counts so many failures just now, as if they had been made.
async fn counted(world: &World, subject: Subject, failures: usize) {
    let mut change = world.change();
    let failures = LoginFailures { subject, recent: vec![world.now(); failures], locked_until: None };
    change.keep(&System, None, failures).expect("an item");
    world.commit(change).await;
}

async fn count(world: &World, subject: &Subject) -> Option<Stored<LoginFailures>> {
    world.stored(&keys::session::failures(subject)).await
}

/// Logs a person in from another network.
async fn log_in_elsewhere(world: &World, ada: &Person) -> Reply {
    let elsewhere = world.another().await;
    create(&elsewhere, json!({"email": ada.email, "passcode": PASSCODE})).await
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
async fn a_strangers_network_keeps_no_owner_out_elsewhere() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    for _ in 0..10 {
        fail(&world, &ada.email).await.refused("invalid-passcode");
    }
    ada.log_in(&world).await.refused("rate-limited");
    log_in_elsewhere(&world, &ada).await.data();
    // Success elsewhere says nothing of who guesses here.
    ada.log_in(&world).await.refused("rate-limited");
    // Nor does a lock-out here of what else is tried from here.
    Person::new(&world).await.log_in(&world).await.data();
}

#[tokio::test]
async fn a_hundred_failures_lock_an_email_out_everywhere() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    counted(&world, subject(&world, &ada, CountedBy::Email), 99).await;
    fail(&world, &ada.email).await.refused("invalid-passcode");
    assert_eq!(log_in_elsewhere(&world, &ada).await.header("retry-after"), Some("900"));
    fail(&world, &ada.email).await.refused("rate-limited");
}

#[tokio::test]
async fn a_hundred_failures_lock_a_network_out() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    counted(&world, subject(&world, &ada, CountedBy::SourceNetwork), 99).await;

    ada.log_in(&world).await.data();
    fail(&world, &format!("x{}", ada.email)).await.refused("invalid-passcode");
    ada.log_in(&world).await.refused("rate-limited");
    log_in_elsewhere(&world, &ada).await.data();
}

#[tokio::test]
async fn success_clears_the_counts_of_the_email_there_and_alone() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    fail(&world, &ada.email).await.refused("invalid-passcode");
    fail(&world, &ada.email).await.refused("invalid-passcode");
    let counts = async || {
        let kinds = [CountedBy::EmailAndNetwork, CountedBy::Email, CountedBy::SourceNetwork];
        let counts = kinds.map(|by| subject(&world, &ada, by));
        let counts = join_all(counts.iter().map(|subject| count(&world, subject))).await;
        counts.into_iter().map(|count| count.unwrap().record.recent.len()).collect::<Vec<_>>()
    };
    assert_eq!(counts().await, [2, 2, 2]);
    ada.log_in(&world).await.data();
    assert_eq!(counts().await, [0, 0, 2]);
}

#[tokio::test]
async fn failures_made_at_once_are_all_counted() {
    let world = World::new().await;
    let ada = Person::new(&world).await;
    let emails = (0..16).map(|n| format!("x{n}.{}", ada.email));
    let guesses = join_all(emails.map(|email| {
        let world = &world;
        async move { fail(world, &email).await.status }
    }))
    .await;
    assert_eq!(guesses, [401; 16]);
    let network = subject(&world, &ada, CountedBy::SourceNetwork);
    assert_eq!(count(&world, &network).await.unwrap().record.recent.len(), 16);
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
