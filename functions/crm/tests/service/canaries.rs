//! What is known of a person appears where it is kept, and nowhere else (crm §1, *Field class*).

use serde_json::{Value, json};
use testkit::World;

use crate::people::{ask, call, delete, get, somebody};

const WORD: &str = "777888999";

fn request() -> Value {
    let mut customer = somebody(WORD);
    customer["customer_code"] = json!("K1");
    let reason = format!("asked by {WORD}@mail.example or +49{WORD}, ticket 5");
    json!({"customer": customer, "reason": reason, "idempotency_key": "k"})
}

fn assert_silent(what: &str, text: &str) {
    for canary in [WORD, "1777-08-09"] {
        assert!(!text.contains(canary), "{what} tells of a person: {text}");
    }
}

#[tokio::test]
async fn neither_log_nor_journal_nor_errors_tell_of_a_person() {
    let world = World::new().await;
    let created = call(&world, "/customer/create", request()).await.data()["customer"].clone();
    let refused = [
        ask(&world, json!({"emails": [{"email": format!("{WORD}.one@mail.example")}]})).await,
        ask(&world, json!({"external_refs": [{"system": "shop", "id": format!("ref-{WORD}")}]})).await,
        ask(&world, json!({"emails": [{"email": WORD}], "birthday": "x1777-08-09", "tags": [WORD, "!"]}))
            .await,
        get(&world, json!({"phone": format!("+1{WORD}")})).await,
    ];
    for reply in &refused {
        assert_ne!(reply.status, 200);
        assert_silent("a refusal", &reply.text);
    }
    get(&world, json!({"phone": format!("+4930{WORD}")})).await.data();
    call(&world, "/customer/list", json!({})).await.data();
    for ((pk, sk), item) in world.items().await {
        assert_silent("a key", &format!("{pk} {sk}"));
        if pk.contains("|journal|") {
            let entry = format!("{item:?}");
            assert_silent("the journal", &entry);
            assert!(!pk.contains("|customer|") || entry.contains("ticket 5"), "{entry}");
        }
    }
    delete(&world, &created["customer_guid"]).await.data();
    let items = format!("{:?}", world.items().await);
    assert_silent("what is left", &items);
    assert!(!items.contains("ticket 5"), "a reason is left");
    for line in world.log() {
        assert_silent("the log", &line);
    }
}
