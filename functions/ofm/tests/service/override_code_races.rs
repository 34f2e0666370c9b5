//! Override codes under commands that meet, through a database that conflicts and loses replies.

use futures::future::join_all;
use serde_json::json;
use testkit::{
    World,
    journal::verify,
    race::{CALLERS, rounds},
};

use crate::{
    override_code::{Till, wrong},
    places::post_as,
    races::{insist, race},
};

#[tokio::test]
async fn a_code_for_one_use_is_used_once() {
    race(async |calm, world| {
        let till = Till::new(calm).await;
        let code = till.generate(calm, json!({})).await;
        // Those who come too late fail, and those who fail too often are locked out: each is at a station of their own.
        let stations = join_all((0..CALLERS).map(|n| till.station(calm, n))).await;
        let uses = stations.iter().enumerate().map(|(n, station)| {
            let used = json!({"use_ref": format!("sale-{n}"), "station_guid": station});
            insist(world, "/override-code/validate", till.use_of(&code, used))
        });
        let replies = join_all(uses).await;
        let used: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
        assert_eq!(used.len(), 1, "{} uses", used.len());
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            assert!(matches!(reply.tag(), Some("override-exhausted" | "rate-limited")), "{}", reply.text);
        }
        let id = code["override_id"].as_str().unwrap();
        let entries = calm.journal("ofm", "override-code", id).await;
        verify(&entries);
        assert_eq!(entries.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn of_many_guesses_at_once_no_more_are_answered_than_of_as_many_in_turn() {
    race(async |calm, world| {
        let till = Till::new(calm).await;
        let code = till.generate(calm, json!({"max_uses": 20})).await;
        let guesses = (0..CALLERS).map(|n| {
            let digits = wrong(&code, u32::try_from(n).unwrap() + 1);
            let fields = till.use_of(&code, digits);
            let cashier = &till.cashier;
            async move { post_as(world, cashier, "/override-code/validate", fields).await }
        });
        let replies = join_all(guesses).await;
        let answered = replies.iter().filter(|reply| reply.tag() == Some("override-not-found")).count();
        assert!(answered <= 5, "{answered} guesses were answered");
        for reply in &replies {
            let tags = ["override-not-found", "rate-limited", "unavailable"];
            assert!(reply.tag().is_some_and(|tag| tags.contains(&tag)), "{}", reply.text);
        }
        // A lost answer was counted: whoever goes on is locked out sooner, never later.
        for n in answered..5 {
            let n = u32::try_from(n).unwrap();
            till.validate(calm, &code, wrong(&code, n + 100)).await;
        }
        till.validate(calm, &code, json!({})).await.refused("rate-limited");
    })
    .await;
}

#[tokio::test]
async fn a_code_for_many_uses_is_used_by_as_many_at_once() {
    for _ in 0..rounds() {
        let world = World::new().await;
        let till = Till::new(&world).await;
        let code = till.generate(&world, json!({"max_uses": CALLERS})).await;
        // Once each: whoever asks twice would not notice a 503.
        let uses =
            (0..CALLERS).map(|n| till.validate(&world, &code, json!({"use_ref": format!("sale-{n}")})));
        let mut counts: Vec<_> =
            join_all(uses).await.iter().map(|reply| reply.data()["used_count"].clone()).collect();
        counts.sort_by_key(serde_json::Value::as_u64);
        assert_eq!(json!(counts), json!((1..=CALLERS).collect::<Vec<_>>()));
        till.validate(&world, &code, json!({})).await.refused("override-exhausted");
        let entries = world.journal("ofm", "override-code", code["override_id"].as_str().unwrap()).await;
        verify(&entries);
        assert_eq!(entries.len(), 1 + CALLERS);
    }
}
