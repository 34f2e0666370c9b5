//! Override codes: given out within the issuer's own, used by the table of checks, guessed by nobody (ofm §14).

use identity::keys;
use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::{Caller, Reply, World, journal::verify};

use crate::{
    assignment::{assign as assign_logical, assign_key},
    places::{Places, logical as another_facility, post, post_as, set_status, with},
    profile,
};

/// A facility, and a cashier who is assigned there.
pub(crate) struct Till {
    pub(crate) logical: Value,
    pub(crate) cashier: Caller,
    pub(crate) places: Places,
}

impl Till {
    pub(crate) async fn new(world: &World) -> Self {
        let places = Places::new(world).await;
        let cashier = world.member(&[]).await;
        let logical = places.guid();
        assign_logical(world, &cashier, &logical, &["facility:read"]).await;
        Self { logical, cashier, places }
    }

    /// The fields of a code for a discount of 5 % on a line, but for what `fields` says.
    pub(crate) fn discount(&self, fields: Value) -> Value {
        let usual = json!({"logical_guid": self.logical, "type": "discount_line", "max_value": {"bp": 500}});
        with(usual, fields)
    }

    /// Gives a code out, as the owner.
    pub(crate) async fn generate(&self, world: &World, fields: Value) -> Value {
        post(world, "/override-code/generate", self.discount(fields)).await.data().clone()
    }

    /// What uses a code.
    pub(crate) fn use_of(&self, code: &Value, fields: Value) -> Value {
        let usual = json!({
            "logical_guid": self.logical, "code": code["code"], "type": "discount_line", "value": {"bp": 500},
        });
        with(usual, fields)
    }

    /// A station of the facility.
    pub(crate) async fn station(&self, world: &World, n: usize) -> Value {
        let fields = json!({
            "logical_guid": self.logical, "station_code": format!("T{n}"), "station_type": "checkout",
        });
        post(world, "/station/create", fields).await.data()["station_guid"].clone()
    }

    /// Uses a code, as the cashier.
    pub(crate) async fn validate(&self, world: &World, code: &Value, fields: Value) -> Reply {
        post_as(world, &self.cashier, "/override-code/validate", self.use_of(code, fields)).await
    }
}

/// Digits that are none of this code's.
pub(crate) fn wrong(code: &Value, n: u32) -> Value {
    let digits: u32 = code["code"].as_str().expect("digits").parse().expect("a number");
    json!({"code": format!("{:06}", (digits + n) % 1_000_000)})
}

pub(crate) async fn list(world: &World, caller: &Caller, fields: Value) -> Vec<Value> {
    let reply = post_as(world, caller, "/override-code/list", fields).await;
    reply.data()["override_codes"].as_array().expect("codes").clone()
}

#[tokio::test]
async fn the_digits_are_told_once_and_kept_nowhere() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let fields = till.discount(json!({"reason": "damaged box", "idempotency_key": "one", "max_uses": 3}));
    let first = post(&world, "/override-code/generate", fields.clone()).await;
    let code = first.data().clone();
    let digits = code["code"].as_str().unwrap().to_owned();
    assert!(digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()));
    assert_eq!(
        (&code["uses_left"], &code["status"], &code["reason"]),
        (&json!(3), &json!("active"), &json!("damaged box"))
    );
    let again = post(&world, "/override-code/generate", fields).await;
    assert_eq!(again.header("idempotent-replay"), Some("true"));
    assert_eq!((&again.data()["code_withheld"], again.data().get("code")), (&json!(true), None));
    assert_eq!(again.data()["override_id"], code["override_id"]);

    let fields = json!({"idempotency_key": "two", "use_ref": "sale-1"});
    till.validate(&world, &code, fields.clone()).await.data();
    let again = till.validate(&world, &code, fields).await;
    assert_eq!(again.header("idempotent-replay"), Some("true"));
    let other = till.validate(&world, &code, json!({"idempotency_key": "two", "value": {"bp": 1}})).await;
    other.refused("idempotency-mismatch");
    till.validate(&world, &code, json!({"type": "discount_order"})).await.refused("override-type-mismatch");
    let listed = list(&world, &world.owner, json!({"status": "all"})).await;
    assert_eq!((listed.len(), listed[0].get("code")), (1, None));

    let journal = world.journal("ofm", "override-code", code["override_id"].as_str().unwrap()).await;
    verify(&journal);
    let actions: Vec<_> = journal.iter().map(|chained| chained.entry.action.as_str()).collect();
    assert_eq!(actions, ["override-code-generated", "override-code-used"]);
    // Ids hold any digits: what is looked for stands between what is no letter and no digit.
    let holds = |text: &str| {
        let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
        words.any(|word| word == digits)
    };
    assert!(holds(&first.text));
    let items = world.items().await;
    for item in items.values().map(|item| format!("{item:?}")).chain(world.log()) {
        assert!(!holds(&item), "{item}");
    }
}

#[tokio::test]
async fn a_code_is_used_as_often_and_as_long_as_it_says() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let code = till.generate(&world, json!({"max_uses": 2})).await;
    let asked = till.validate(&world, &code, json!({"dry_run": true})).await.data().clone();
    assert_eq!(
        (&asked["valid"], &asked["used_count"], &asked["uses_left"]),
        (&json!(true), &json!(0), &json!(2))
    );
    let used = till.validate(&world, &code, json!({"use_ref": "sale-1"})).await.data().clone();
    assert_eq!(
        (&used["used_count"], &used["uses_left"], &used["replayed"]),
        (&json!(1), &json!(1), &json!(false))
    );
    // Without ours in the middle: the caller with the facility, the grounds, the code.
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(3), &json!(1)));
    let again = till.validate(&world, &code, json!({"use_ref": "sale-1"})).await.data().clone();
    assert_eq!((&again["used_count"], &again["replayed"]), (&json!(1), &json!(true)));
    till.validate(&world, &code, json!({})).await.data();
    till.validate(&world, &code, json!({})).await.refused("override-exhausted");
    world.advance_seconds(16 * 60);
    // The retry of a use is answered although the code was used up and has ended since.
    assert_eq!(till.validate(&world, &code, json!({"use_ref": "sale-1"})).await.data()["replayed"], true);

    let short = till.generate(&world, json!({"expires_in_minutes": 1})).await;
    world.advance_seconds(60);
    till.validate(&world, &short, json!({})).await.refused("override-expired");
    world.advance_seconds(24 * 3600);
    let gone = post(&world, "/override-code/list", json!({"status": "all"})).await;
    gone.refused("session-expired");
}

#[tokio::test]
async fn each_check_answers_with_its_own_tag() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let other = another_facility(&world, "OTHER", &till.places.physical, &till.places.legal).await;
    assign_logical(&world, &till.cashier, &other["logical_guid"], &["facility:read"]).await;
    let bind = json!({"action": "discount", "record": {"kind": "sale", "id": "7"}, "user_guid": till.cashier.user_guid});
    let code = till.generate(&world, json!({"bind": bind})).await;
    let right = json!({"action": "discount", "record": {"kind": "sale", "id": "7"}});
    let with = |fields: Value| with(right.clone(), fields);
    for (fields, tag) in [
        (wrong(&code, 1), "override-not-found"),
        (json!({"logical_guid": other["logical_guid"]}), "override-facility-mismatch"),
        (json!({"type": "discount_order"}), "override-type-mismatch"),
        (json!({"record": {"kind": "sale", "id": "8"}}), "override-binding-mismatch"),
    ] {
        till.validate(&world, &code, with(fields)).await.refused(tag);
    }
    till.validate(&world, &code, with(json!({}))).await.data();
    // A right use forgets the failures.
    for fields in [json!({"value": {"bp": 501}}), json!({"value": {"currency": "EUR", "amount": 1}})] {
        let code = till.generate(&world, json!({})).await;
        till.validate(&world, &code, fields).await.refused("override-limit-exceeded");
    }
    let money = json!({"type": "refund", "max_value": {"currency": "EUR", "amount": 500}});
    let refund = till.generate(&world, money).await;
    let dollars = json!({"type": "refund", "value": {"currency": "USD", "amount": 1}});
    till.validate(&world, &refund, dollars).await.refused("currency-mismatch");
    let value = till.validate(&world, &refund, json!({"type": "refund"})).await;
    assert_eq!(value.refused_fields(), ["value"]);
    let value = till.validate(&world, &refund, json!({"type": "no_sale"})).await;
    assert_eq!(value.refused_fields(), ["value"]);
    assert_eq!(till.validate(&world, &refund, json!({"code": "12345"})).await.refused_fields(), ["code"]);
    let nobody = till.use_of(&refund, json!({"operator_user_guid": world.org.guid()}));
    let nobody = post(&world, "/override-code/validate", nobody).await;
    assert_eq!(nobody.refused("not-found")["details"]["field"], "operator_user_guid");
    let stranger = world.member(&[]).await;
    let refused = post_as(&world, &stranger, "/override-code/validate", till.use_of(&code, json!({}))).await;
    refused.refused("facility-grant-required");
    set_status(&world, "facility/logical", &till.places.logical, "inactive").await.data();
    let closed = till.validate(&world, &refund, json!({})).await;
    assert_eq!(closed.refused("invalid-state")["details"]["field"], "logical_guid");
}

#[tokio::test]
async fn nobody_gives_out_what_their_own_profile_does_not_allow() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let ask = async |caller: &Caller, fields: Value| {
        post_as(&world, caller, "/override-code/generate", till.discount(fields)).await
    };
    let refused = ask(&till.cashier, json!({})).await;
    let details = json!({"control": "override.issue_allowed", "own": false, "asked": true});
    assert_eq!(refused.refused("profile-limit-exceeded")["details"], details);
    // An owner without a profile is uncapped, but for what holds for everybody.
    ask(&world.owner, json!({"max_value": {"bp": 10_000}, "max_uses": 20, "expires_in_minutes": 480}))
        .await
        .data();
    let refused = ask(&world.owner, json!({"max_uses": 21, "expires_in_minutes": 481})).await;
    assert_eq!(refused.refused_fields(), ["max_uses", "expires_in_minutes"]);

    let controls = json!({
        "override.issue_allowed": true, "override.issue_types": ["discount_line", "refund"],
        "override.issue_max_uses": 2, "override.issue_max_per_hour": 2,
    });
    let supervisor = profile::create(&world, "SUPERVISOR", controls).await;
    profile::assign(&world, &supervisor, "facility", json!({"logical_guid": till.logical})).await.data();
    for caller in [&till.cashier, &world.owner] {
        for (fields, control, asked) in [
            (json!({"max_value": {"bp": 1001}}), "discount.line_max_bp", json!(1001)),
            (json!({"type": "discount_order"}), "override.issue_types", json!("discount_order")),
            (json!({"max_uses": 3}), "override.issue_max_uses", json!(3)),
            (json!({"expires_in_minutes": 16}), "override.issue_max_minutes", json!(16)),
        ] {
            let refused = ask(caller, fields).await;
            let details = &refused.refused("profile-limit-exceeded")["details"];
            assert_eq!((&details["control"], &details["asked"]), (&json!(control), &asked));
        }
    }
    let dollars = json!({"type": "refund", "max_value": {"currency": "USD", "amount": 1}});
    ask(&till.cashier, dollars).await.refused("currency-mismatch");
    for _ in 0..2 {
        ask(&till.cashier, json!({})).await.data();
        world.advance_seconds(60);
    }
    let late = ask(&till.cashier, json!({})).await;
    late.refused("rate-limited");
    assert_eq!(late.header("retry-after"), Some("3480"));
    world.advance_seconds(3479);
    ask(&till.cashier, json!({})).await.refused("rate-limited");
    world.advance_seconds(1);
    ask(&till.cashier, json!({})).await.data();
}

#[tokio::test]
async fn a_code_is_given_out_in_person_and_not_used_by_its_issuer() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let (key, idle) = (world.key(&["owner"]).await, world.key(&["crm_view"]).await);
    assign_key(&world, &idle, &till.logical, &["facility:read"]).await;
    for key in [&key, &idle] {
        post_as(&world, key, "/override-code/generate", till.discount(json!({}))).await.refused("forbidden");
    }
    let stranger = world.member(&[]).await;
    let refused = post_as(&world, &stranger, "/override-code/generate", till.discount(json!({}))).await;
    refused.refused("facility-grant-required");
    let nobody = till.discount(json!({"bind": {"user_guid": world.org.guid()}}));
    let nobody = post(&world, "/override-code/generate", nobody).await;
    assert_eq!(nobody.refused("not-found")["details"]["field"], "bind.user_guid");
    let bad = [
        (json!({"max_value": null}), "max_value"),
        (json!({"type": "no_sale"}), "max_value"),
        (json!({"max_value": {"bp": 500, "amount": 1}}), "max_value"),
        (json!({"bind": {"amount": {"bp": 501}}}), "bind.amount"),
    ];
    for (fields, field) in bad {
        let refused = post(&world, "/override-code/generate", till.discount(fields)).await;
        assert_eq!(refused.refused_fields(), [field]);
    }

    let controls = json!({"override.issue_allowed": true, "override.issue_types": ["discount_line"]});
    let supervisor = profile::create(&world, "SUPERVISOR", controls).await;
    let named = json!({"user_guid": till.cashier.user_guid, "logical_guid": till.logical});
    let slot = profile::assign(&world, &supervisor, "member", named.clone()).await.data().clone();
    let generated = post_as(&world, &till.cashier, "/override-code/generate", till.discount(json!({}))).await;
    let own = generated.data().clone();
    till.validate(&world, &own, json!({})).await.refused("override-self-use");
    // For somebody else it is right, also through a program, which has to say for whom.
    let uses = |fields: Value| till.use_of(&own, fields);
    let refused = post_as(&world, &idle, "/override-code/validate", uses(json!({}))).await;
    assert_eq!(refused.refused_fields(), ["operator_user_guid"]);
    let fields = json!({"operator_user_guid": world.owner.user_guid, "dry_run": true});
    post_as(&world, &idle, "/override-code/validate", uses(fields)).await.data();
    let fields = json!({"operator_user_guid": till.cashier.user_guid});
    post_as(&world, &idle, "/override-code/validate", uses(fields)).await.refused("override-self-use");
    let fields = json!({
        "profile_id": supervisor["profile_id"], "expected_revision": supervisor["revision"],
        "controls": {"override.self_use_allowed": true},
    });
    post(&world, "/profile/update", fields).await.data();
    till.validate(&world, &own, json!({})).await.data();
    // An uncapped owner too.
    let code = till.generate(&world, json!({})).await;
    post(&world, "/override-code/validate", till.use_of(&code, json!({}))).await.data();
    assert_eq!(slot["level"], "member");
}

#[tokio::test]
async fn whoever_guesses_is_locked_out() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let code = till.generate(&world, json!({"max_uses": 20, "expires_in_minutes": 60})).await;
    let guess = async |n: u32, fields: Value| {
        let mut fields = fields;
        fields["code"] = wrong(&code, n)["code"].clone();
        till.validate(&world, &code, fields).await
    };
    for n in 1..5 {
        guess(n, json!({})).await.refused("override-not-found");
    }
    // A right use forgets them, asking does not, and neither does a use that was made before.
    till.validate(&world, &code, json!({"use_ref": "sale-1"})).await.data();
    for n in 1..5 {
        guess(n, json!({"dry_run": true})).await.refused("override-not-found");
    }
    till.validate(&world, &code, json!({"dry_run": true})).await.data();
    till.validate(&world, &code, json!({"use_ref": "sale-1"})).await.data();
    guess(5, json!({})).await.refused("override-not-found");
    let locked = till.validate(&world, &code, json!({})).await;
    locked.refused("rate-limited");
    assert_eq!(locked.header("retry-after"), Some("900"));
    guess(6, json!({"dry_run": true})).await.refused("rate-limited");
    // Another caller is not.
    let other = json!({"operator_user_guid": till.cashier.user_guid});
    post(&world, "/override-code/validate", till.use_of(&code, other)).await.data();
    world.advance_seconds(899);
    till.validate(&world, &code, json!({})).await.refused("rate-limited");
    world.advance_seconds(1);
    till.validate(&world, &code, json!({})).await.data();

    // Twenty at a facility, whoever made them: nine so far have passed the window.
    let mut left = 20;
    while left > 0 {
        let caller = world.member(&[]).await;
        assign_logical(&world, &caller, &till.logical, &["facility:read"]).await;
        for n in 0..left.min(4) {
            let fields = till.use_of(&code, wrong(&code, n + 1));
            post_as(&world, &caller, "/override-code/validate", fields).await.refused("override-not-found");
        }
        left -= left.min(4);
    }
    till.validate(&world, &code, json!({})).await.refused("rate-limited");
    post(&world, "/override-code/validate", till.use_of(&code, json!({}))).await.refused("rate-limited");
    let events: Vec<_> = testkit::journal::all().await.into_iter().collect();
    let ours = events.iter().filter(|entry| entry.action == "override-code-locked-out");
    let org = world.org.guid().to_string();
    let ours = ours.filter(|entry| entry.request_context.org_guid.as_deref() == Some(&org));
    let counted: Vec<_> = ours.map(|entry| entry.data["counted"].clone()).collect();
    assert_eq!(counted.len(), 2, "{counted:?}");
    assert!(counted.iter().any(|counted| counted["facility"]["logical_guid"] == till.logical));
}

#[tokio::test]
async fn a_code_is_stopped_by_its_issuer_and_by_who_runs_the_facility() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let manager = world.member(&[]).await;
    assign_logical(&world, &manager, &till.logical, &["facility:write"]).await;
    let revoke = async |caller: &Caller, code: &Value| {
        let fields = json!({"override_id": code["override_id"], "expected_revision": world.org.guid()});
        post_as(&world, caller, "/override-code/revoke", fields).await
    };
    let (one, two) = (till.generate(&world, json!({})).await, till.generate(&world, json!({})).await);
    revoke(&till.cashier, &one).await.refused("facility-grant-required");
    let revoked = revoke(&manager, &one).await.data().clone();
    assert_eq!(revoked["status"], "revoked");
    assert_eq!(revoke(&world.owner, &one).await.data(), &revoked);
    assert_eq!(world.last_log()["writes"], 0);
    till.validate(&world, &one, json!({})).await.refused("override-not-active");
    // A closed facility is wound down.
    set_status(&world, "facility/logical", &till.places.logical, "inactive").await.data();
    revoke(&world.owner, &two).await.data();
    let missing = json!({"override_id": world.org.guid()});
    post(&world, "/override-code/revoke", missing).await.refused("not-found");
    let generate = post(&world, "/override-code/generate", till.discount(json!({}))).await;
    assert_eq!(generate.refused("invalid-state")["details"]["field"], "logical_guid");
}

#[tokio::test]
async fn codes_are_listed_by_how_they_stand() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let other = another_facility(&world, "OTHER", &till.places.physical, &till.places.legal).await;
    let start = world.now();
    let expired = till.generate(&world, json!({"expires_in_minutes": 1})).await;
    world.advance_seconds(60);
    let used = till.generate(&world, json!({})).await;
    till.validate(&world, &used, json!({})).await.data();
    let revoked = till.generate(&world, json!({})).await;
    let fields = json!({"override_id": revoked["override_id"]});
    post(&world, "/override-code/revoke", fields).await.data();
    let active = till.generate(&world, json!({"type": "no_sale", "max_value": null})).await;
    world.advance_seconds(1);
    let elsewhere = till.generate(&world, json!({"logical_guid": other["logical_guid"]})).await;
    let ids = async |caller: &Caller, fields: Value| {
        let codes = list(&world, caller, fields).await;
        codes.iter().map(|code| code["override_id"].clone()).collect::<Vec<_>>()
    };
    let id = |code: &Value| code["override_id"].clone();
    for (status, code) in [("expired", &expired), ("exhausted", &used), ("revoked", &revoked)] {
        assert_eq!(ids(&world.owner, json!({"status": status})).await, [id(code)], "{status}");
    }
    assert_eq!(ids(&world.owner, json!({})).await, [id(&active), id(&elsewhere)]);
    let here = json!({"logical_guid": till.logical});
    assert_eq!(ids(&till.cashier, here).await, [id(&active)]);
    let mut all = ids(&world.owner, json!({"include_doomed": true, "logical_guid": till.logical})).await;
    let mut expected = [&expired, &used, &revoked, &active].map(id).to_vec();
    assert_eq!(all[0], expected[0]);
    all.sort_by_key(Value::to_string);
    expected.sort_by_key(Value::to_string);
    assert_eq!(all, expected);
    assert_eq!(ids(&world.owner, json!({"status": "all", "to": start})).await, [id(&expired)]);
    assert_eq!(
        ids(&world.owner, json!({"status": "all", "from": start, "type": "no_sale"})).await,
        [id(&active)]
    );
    let nobody = json!({"status": "all", "issued_by": till.cashier.user_guid});
    assert_eq!(ids(&world.owner, nobody).await, Vec::<Value>::new());
    post_as(&world, &till.cashier, "/override-code/list", json!({})).await.refused("not-owner");
    let there = json!({"logical_guid": other["logical_guid"]});
    post_as(&world, &till.cashier, "/override-code/list", there).await.refused("facility-grant-required");
    // What ended while nobody looked is not listed among those that can be used.
    world.advance_seconds(15 * 60);
    assert_eq!(ids(&world.owner, json!({})).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_code_outlives_a_change_of_keys() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let code = till.generate(&world, json!({"max_uses": 3})).await;
    let (old, new) = ("3".repeat(64), "4".repeat(64));
    let both = world.with_code_keys(&format!("{new},{old}"));
    till.validate(&both, &code, json!({})).await.data();
    let younger = till.generate(&both, json!({"max_uses": 2})).await;
    let after = world.with_code_keys(&new);
    till.validate(&after, &younger, json!({})).await.data();
    till.validate(&after, &code, json!({})).await.refused("override-not-found");
    till.validate(&world, &younger, json!({})).await.refused("override-not-found");
    // Whoever left cannot be named.
    let key = keys::member(&world.org, till.cashier.user_guid);
    world.meddle(&world.org, &key, |member| member.state = identity::member::MemberState::Suspended).await;
    let fields = till.use_of(&code, json!({"operator_user_guid": till.cashier.user_guid}));
    let refused = world.post(&SERVICE, &world.owner, "/override-code/validate", fields).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "operator_user_guid");
}

#[tokio::test]
async fn a_station_is_one_of_the_facility() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let code = till.generate(&world, json!({})).await;
    let there = another_facility(&world, "THERE", &till.places.physical, &till.places.legal).await;
    let far = json!({
        "logical_guid": there["logical_guid"], "station_code": "T1", "station_type": "checkout",
    });
    let far = post(&world, "/station/create", far).await.data()["station_guid"].clone();
    for unknown in [far, json!(world.change().uuid())] {
        let reply = till.validate(&world, &code, json!({"station_guid": unknown})).await;
        assert_eq!(reply.refused("not-found")["details"]["field"], "station_guid");
    }
    let here = till.station(&world, 1).await;
    till.validate(&world, &code, json!({"station_guid": here})).await.data();
}
