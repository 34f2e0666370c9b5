//! An address is one in every spelling (contract §8).

use serde_json::json;
use testkit::World;

use crate::people::{PASSCODE, Person, create};

/// A browser's e-mail field sends the domain as the domain name system knows it.
#[tokio::test]
async fn whoever_is_known_by_letters_logs_in_by_labels() {
    let world = World::new().await;
    let ada = Person::at(&world, "b\u{fc}cher.example").await;
    let spelled = [
        ada.email.replace("b\u{fc}cher", "xn--bcher-kva"),
        ada.email.replace("b\u{fc}cher", "XN--BCHER-KVA"),
        ada.email.replace("b\u{fc}cher", "Bu\u{308}cher").to_uppercase(),
    ];
    for email in &spelled {
        let opened = create(&world, json!({"email": email, "passcode": PASSCODE})).await;
        assert_eq!(opened.data()["user_guid"], json!(ada.user_guid), "{email}");
    }
    // So wrong guesses count together, however the address is spelled.
    for n in 0..10 {
        let wrong = json!({"email": spelled[n % 3], "passcode": "Wr0ng-horse"});
        create(&world, wrong).await.refused("invalid-passcode");
    }
    create(&world, json!({"email": ada.email, "passcode": PASSCODE})).await.refused("rate-limited");
}
