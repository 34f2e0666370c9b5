//! Who an override code rests on, and who may use it (ofm §2, §14).

use identity::{keys, owner::OwnerState, user::UserStatus};
use ofm::SERVICE;
use serde_json::{Value, json};
use store::System;
use testkit::{Caller, Reply, World, race};

use crate::{
    assignment::{assign as assign_logical, assign_key},
    membership::set,
    override_code::{Till, list, wrong},
    owner::{move_to, secondary},
    places::{logical as another_facility, post, post_as, with},
    profile,
    races::{insist, race},
};

/// Somebody who may give out codes of two types at the till, with their profile and its slot.
struct Supervisor {
    person: Caller,
    profile: Value,
}

impl Supervisor {
    async fn new(world: &World, till: &Till) -> Self {
        let person = world.member(&[]).await;
        assign_logical(world, &person, &till.logical, &["facility:write"]).await;
        let controls = json!({
            "override.issue_allowed": true, "override.issue_types": ["discount_line", "no_sale"],
            "override.issue_max_uses": 9, "override.issue_max_minutes": 480, "cash.no_sale_max_per_shift": 1,
        });
        let code = format!("S{}", &person.user_guid.to_string()[24..]);
        let profile = profile::create(world, &code, controls).await;
        let named = json!({"user_guid": person.user_guid, "logical_guid": till.logical});
        profile::assign(world, &profile, "member", named).await.data();
        Self { person, profile }
    }

    async fn generate(&self, world: &World, till: &Till, fields: Value) -> Value {
        let fields = till.discount(with(json!({"max_uses": 9, "expires_in_minutes": 480}), fields));
        post_as(world, &self.person, "/override-code/generate", fields).await.data().clone()
    }

    /// Changes the profile.
    async fn allow(&mut self, world: &World, controls: Value) {
        let fields = json!({
            "profile_id": self.profile["profile_id"], "expected_revision": self.profile["revision"],
            "controls": controls,
        });
        self.profile = post(world, "/profile/update", fields).await.data().clone();
    }
}

async fn status(world: &World, code: &Value) -> Value {
    let all = list(world, &world.owner, json!({"status": "all", "limit": 256})).await;
    let same = |listed: &&Value| listed["override_id"] == code["override_id"];
    all.iter().find(same).expect("the code")["status"].clone()
}

#[tokio::test]
async fn a_code_ends_with_the_member_who_gave_it_out() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    for state in ["suspended", "removed"] {
        let supervisor = Supervisor::new(&world, &till).await;
        let user = supervisor.person.user_guid;
        let (code, spent) = (
            supervisor.generate(&world, &till, json!({})).await,
            supervisor.generate(&world, &till, json!({"max_uses": 1})).await,
        );
        till.validate(&world, &spent, json!({"use_ref": "sale-1"})).await.data();
        till.validate(&world, &code, json!({"use_ref": "sale-2"})).await.data();
        set(&world, &world.owner, user, json!({"state": state})).await.data();
        till.validate(&world, &code, json!({})).await.refused("override-not-active");
        till.validate(&world, &code, json!({"dry_run": true})).await.refused("override-not-active");
        // A use that was made before is told again, and what is over stays as it ended.
        assert_eq!(till.validate(&world, &code, json!({"use_ref": "sale-2"})).await.data()["replayed"], true);
        assert_eq!([status(&world, &code).await, status(&world, &spent).await], ["revoked", "exhausted"]);
        let ids = async |wanted: &str| {
            let fields = json!({"status": wanted, "issued_by": user});
            list(&world, &world.owner, fields)
                .await
                .iter()
                .map(|code| code["override_id"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids("active").await, Vec::<Value>::new());
        assert_eq!(ids("revoked").await, [code["override_id"].clone()]);
        if state == "suspended" {
            set(&world, &world.owner, user, json!({"state": "active"})).await.data();
        } else {
            let revision = world.stored(&keys::member(&world.org, user)).await.unwrap().revision;
            post(&world, "/member/add", json!({"user_guid": user, "expected_revision": revision}))
                .await
                .data();
        }
        till.validate(&world, &code, json!({})).await.refused("override-not-active");
        assert_eq!(status(&world, &code).await, "revoked");
        // Failures count.
        world.advance_seconds(15 * 60);
    }
}

#[tokio::test]
async fn a_code_ends_with_the_owner_who_gave_it_out() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    for state in [OwnerState::Suspended, OwnerState::Removed] {
        let owner = secondary(&world).await;
        let code = post_as(&world, &owner, "/override-code/generate", till.discount(json!({}))).await;
        let code = code.data().clone();
        move_to(&world, &world.owner, owner.user_guid, state).await.data();
        till.validate(&world, &code, json!({})).await.refused("override-not-active");
        assert_eq!(status(&world, &code).await, "revoked");
    }
}

#[tokio::test]
async fn a_code_counts_while_its_issuer_is_in_force() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let supervisor = Supervisor::new(&world, &till).await;
    let user = supervisor.person.user_guid;
    let code = supervisor.generate(&world, &till, json!({})).await;
    set(&world, &world.owner, user, json!({"valid_until": world.now().plus_seconds(60)})).await.data();
    till.validate(&world, &code, json!({})).await.data();
    world.advance_seconds(60);
    till.validate(&world, &code, json!({})).await.refused("override-not-active");
    set(&world, &world.owner, user, json!({"valid_until": null})).await.data();
    till.validate(&world, &code, json!({})).await.data();
    world.meddle(&System, &keys::user(user), |user| user.status = UserStatus::Suspended).await;
    till.validate(&world, &code, json!({})).await.refused("override-not-active");
    assert_eq!(status(&world, &code).await, "revoked");
}

#[tokio::test]
async fn a_code_allows_no_more_than_its_issuer_could_give_out_now() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let mut supervisor = Supervisor::new(&world, &till).await;
    let code = supervisor.generate(&world, &till, json!({"max_value": {"bp": 500}})).await;
    let no_sale = supervisor.generate(&world, &till, json!({"type": "no_sale", "max_value": null})).await;
    let value = async |bp: i64| till.validate(&world, &code, json!({"value": {"bp": bp}})).await;
    // The lower wins, either way.
    supervisor.allow(&world, json!({"discount.line_max_bp": 300})).await;
    value(301).await.refused("override-limit-exceeded");
    value(300).await.data();
    supervisor.allow(&world, json!({"discount.line_max_bp": 10_000})).await;
    value(501).await.refused("override-limit-exceeded");
    value(500).await.data();
    // How often and how long is the code's own.
    supervisor.allow(&world, json!({"override.issue_max_uses": 1, "override.issue_max_minutes": 1})).await;
    value(500).await.data();
    let open = json!({"type": "no_sale", "value": null});
    till.validate(&world, &no_sale, open.clone()).await.data();
    for narrower in [
        json!({"override.issue_types": ["discount_line"]}),
        json!({"override.issue_types": ["no_sale"], "cash.no_sale_max_per_shift": 0}),
        json!({"cash.no_sale_max_per_shift": 1, "override.issue_allowed": false}),
    ] {
        supervisor.allow(&world, narrower).await;
        till.validate(&world, &no_sale, open.clone()).await.refused("override-limit-exceeded");
    }
    // A station has a count of its own.
    let station = till.station(&world, 1).await;
    till.validate(&world, &code, json!({"station_guid": station})).await.refused("override-limit-exceeded");
    supervisor
        .allow(&world, json!({"override.issue_allowed": true, "override.issue_types": ["discount_line"]}))
        .await;
    till.validate(&world, &code, json!({"station_guid": station})).await.data();
    // An uncapped owner gives what the code says.
    let owners = till.generate(&world, json!({"max_uses": 2, "max_value": {"bp": 9_000}})).await;
    let used = json!({"value": {"bp": 9_000}, "station_guid": station});
    till.validate(&world, &owners, used.clone()).await.data();
    let named = json!({"user_guid": world.owner.user_guid, "logical_guid": till.logical});
    profile::assign(&world, &supervisor.profile, "member", named).await.data();
    supervisor.allow(&world, json!({"discount.line_max_bp": 8_999})).await;
    till.validate(&world, &owners, used).await.refused("override-limit-exceeded");
}

#[tokio::test]
async fn whoever_names_another_cashier_runs_the_facility() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let code = till.generate(&world, json!({"max_uses": 9})).await;
    let (reader, writer) = (world.member(&[]).await, world.member(&[]).await);
    assign_logical(&world, &reader, &till.logical, &["facility:read", "station:write"]).await;
    assign_logical(&world, &writer, &till.logical, &["facility:write"]).await;
    let key = world.key(&["crm_view"]).await;
    assign_key(&world, &key, &till.logical, &["facility:read"]).await;
    let naming = |user: &Caller| till.use_of(&code, json!({"operator_user_guid": user.user_guid}));
    let ask = async |caller: &Caller, fields: Value| -> Reply {
        post_as(&world, caller, "/override-code/validate", fields).await
    };
    for _ in 0..6 {
        // It is no guess, and does not count as one.
        let refused = ask(&reader, naming(&till.cashier)).await;
        assert_eq!(refused.refused("facility-grant-required")["details"]["grant"], "facility:write");
    }
    ask(&reader, naming(&reader)).await.data();
    for caller in [&writer, &world.owner, &key] {
        ask(caller, naming(&till.cashier)).await.data();
    }
}

#[tokio::test]
async fn an_issuer_uses_no_code_of_their_own_by_naming_somebody_else() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let supervisor = Supervisor::new(&world, &till).await;
    let code = supervisor.generate(&world, &till, json!({})).await;
    let ask = async |caller: &Caller, code: &Value, user: &Caller| -> Reply {
        let fields = till.use_of(code, json!({"operator_user_guid": user.user_guid}));
        post_as(&world, caller, "/override-code/validate", fields).await
    };
    ask(&supervisor.person, &code, &till.cashier).await.refused("override-self-use");
    ask(&supervisor.person, &code, &supervisor.person).await.refused("override-self-use");
    let other = world.member(&[]).await;
    assign_logical(&world, &other, &till.logical, &["facility:write"]).await;
    ask(&other, &code, &supervisor.person).await.refused("override-self-use");
    ask(&other, &code, &till.cashier).await.data();
    // What is bound to somebody is theirs, whoever they are named by.
    let bound =
        supervisor.generate(&world, &till, json!({"bind": {"user_guid": till.cashier.user_guid}})).await;
    ask(&other, &bound, &till.cashier).await.refused("override-binding-mismatch");
    ask(&other, &bound, &other).await.refused("override-binding-mismatch");
    ask(&till.cashier, &bound, &till.cashier).await.data();
    // A program is nobody, and says for whom it asks.
    let key = world.key(&["crm_view"]).await;
    assign_key(&world, &key, &till.logical, &["facility:read"]).await;
    ask(&key, &bound, &till.cashier).await.data();
    ask(&key, &bound, &other).await.refused("override-binding-mismatch");
}

#[tokio::test]
async fn a_lock_out_holds_at_the_facility_where_it_was_earned() {
    let world = World::new().await;
    let till = Till::new(&world).await;
    let there = another_facility(&world, "THERE", &till.places.physical, &till.places.legal).await;
    let there = json!({"logical_guid": there["logical_guid"]});
    assign_logical(&world, &till.cashier, &there["logical_guid"], &["facility:read"]).await;
    let code = till.generate(&world, json!({})).await;
    let elsewhere = till.generate(&world, there.clone()).await;
    let station = till.station(&world, 1).await;
    for n in 1..=5 {
        till.validate(&world, &code, wrong(&code, n)).await.refused("override-not-found");
    }
    till.validate(&world, &code, json!({})).await.refused("rate-limited");
    till.validate(&world, &elsewhere, there).await.data();
    till.validate(&world, &code, json!({"station_guid": station})).await.data();
}

#[tokio::test]
async fn no_code_is_used_once_the_end_of_its_issuer_was_answered() {
    race(async |calm, world| {
        let till = Till::new(calm).await;
        let supervisor = Supervisor::new(calm, &till).await;
        let code = supervisor.generate(calm, &till, json!({})).await;
        let member = keys::member(&calm.org, supervisor.person.user_guid);
        let revision = calm.stored(&member).await.unwrap().revision;
        let end = json!({
            "user_guid": supervisor.person.user_guid, "state": "suspended", "expected_revision": revision,
        });
        let used = till.use_of(&code, json!({"use_ref": "sale-1"}));
        let (used, ended) = futures::join!(
            race::insist(world, &SERVICE, &till.cashier, "/override-code/validate", used),
            insist(world, "/member/state/set", end),
        );
        ended.data();
        if !used.is_success() {
            used.refused("override-not-active");
        }
        let late = till.validate(calm, &code, json!({"use_ref": "sale-2"})).await;
        late.refused("override-not-active");
        let journal = calm.journal("ofm", "override-code", code["override_id"].as_str().unwrap()).await;
        assert_eq!(journal.len(), 1 + usize::from(used.is_success()));
    })
    .await;
}
