//! Nobody hands out more than they hold (ofm §1): also not by what comes alive once something else ends.

use serde_json::{Map, Value, json};
use testkit::{Caller, Reply, World};

use crate::{
    membership::set,
    places::{Places, post, post_as, with},
    profile::{assign, assign_as, create},
};

/// A member who administers members, a cashier, and a facility.
struct Shop {
    logical: Value,
    admin: Caller,
    cashier: Caller,
}

impl Shop {
    async fn new(world: &World) -> Self {
        let logical = Places::new(world).await.guid();
        let (admin, cashier) = (world.member(&["ofm_member_admin"]).await, world.member(&[]).await);
        Self { logical, admin, cashier }
    }

    fn slot(&self, person: &Caller) -> Value {
        json!({"user_guid": person.user_guid, "logical_guid": self.logical})
    }

    fn facility(&self) -> Value {
        json!({"logical_guid": self.logical})
    }

    /// Empties the cashier's slot, as somebody.
    async fn unassign(&self, world: &World, caller: &Caller) -> Reply {
        let fields = with(self.slot(&self.cashier), json!({"level": "member"}));
        post_as(world, caller, "/profile/unassign", fields).await
    }
}

/// What is missing for a request, as it was refused.
fn missing(reply: &Reply) -> &Value {
    &reply.refused("forbidden")["details"]["missing"]
}

#[tokio::test]
async fn a_slot_is_emptied_by_whoever_could_give_what_holds_then() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let narrow = create(&world, "NARROW", json!({"refund.max_per_refund_amount": 1})).await;
    let middle = create(&world, "MIDDLE", json!({"refund.max_per_refund_amount": 5_000})).await;
    let wide = json!({"refund.max_per_refund_amount": 1_000_000_000, "cash.z_report_allowed": true});
    let wide = create(&world, "WIDE", wide).await;
    assign(&world, &narrow, "member", shop.slot(&shop.cashier)).await.data();
    assign(&world, &middle, "member", shop.slot(&shop.admin)).await.data();
    let facility = assign(&world, &wide, "facility", shop.facility()).await.data().clone();
    let refused = shop.unassign(&world, &shop.admin).await;
    assert_eq!(missing(&refused), &json!(["refund.max_per_refund_amount", "cash.z_report_allowed"]));
    assert_eq!(world.last_log()["writes"], 0);
    // The same profile is refused where it is assigned; and neither is the default of the org let through.
    let revision =
        post(&world, "/profile/resolve", shop.slot(&shop.cashier)).await.data()["cascade"][0]["revision"]
            .clone();
    let replacing = with(shop.slot(&shop.cashier), json!({"expected_revision": revision}));
    assert_eq!(missing(&assign_as(&world, &shop.admin, &wide, "member", replacing).await), missing(&refused));
    assign(&world, &wide, "org", json!({})).await.data();
    let emptied =
        with(shop.facility(), json!({"level": "facility", "expected_revision": facility["revision"]}));
    post(&world, "/profile/unassign", emptied).await.data();
    assert_eq!(missing(&shop.unassign(&world, &shop.admin).await), missing(&refused));

    // A default within their own takes effect.
    assign(&world, &middle, "facility", shop.facility()).await.data();
    assert_eq!(shop.unassign(&world, &shop.admin).await.data()["unassigned"], true);
    // An empty slot is empty whoever asks.
    assert_eq!(shop.unassign(&world, &shop.admin).await.data()["unassigned"], false);
    assign(&world, &narrow, "member", shop.slot(&shop.cashier)).await.data();
    shop.unassign(&world, &world.owner).await.data();
}

#[tokio::test]
async fn a_giver_without_a_profile_of_their_own_gives_the_default() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let key = world.key(&["ofm_member_admin"]).await;
    let narrow = create(&world, "NARROW", json!({"discount.line_max_bp": 1})).await;
    let wide = create(&world, "WIDE", json!({"discount.line_max_bp": 10_000})).await;
    assign(&world, &wide, "facility", shop.facility()).await.data();
    for caller in [&shop.admin, &key] {
        assign(&world, &narrow, "member", shop.slot(&shop.cashier)).await.data();
        shop.unassign(&world, caller).await.data();
    }
}

#[tokio::test]
async fn money_is_compared_in_one_currency() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    // Of an org without a currency, the defaults of all controls have none.
    let euros = create(&world, "EUR", json!({})).await;
    let dollars = json!({"code": "USD", "caption": "Till", "currency": "USD", "controls": {}});
    let dollars = post(&world, "/profile/create", dollars).await.data().clone();
    let give = async |profile: &Value| {
        assign_as(&world, &shop.admin, profile, "member", shop.slot(&shop.cashier)).await
    };
    let currencies = |reply: &Reply| reply.refused("forbidden")["details"]["currency"].clone();
    let refused = give(&euros).await;
    assert_eq!(currencies(&refused), json!({"own": null, "given": "EUR"}));
    assert!(missing(&refused).as_array().unwrap().contains(&json!("discount.line_max_amount")));
    assign(&world, &euros, "member", shop.slot(&shop.admin)).await.data();
    assert_eq!(currencies(&give(&dollars).await), json!({"own": "EUR", "given": "USD"}));
    // Also where it takes effect because something else ends.
    let slot = give(&euros).await.data().clone();
    assert_eq!(currencies(&shop.unassign(&world, &shop.admin).await), json!({"own": "EUR", "given": null}));
    assign(&world, &dollars, "org", json!({})).await.data();
    assert_eq!(currencies(&shop.unassign(&world, &shop.admin).await), json!({"own": "EUR", "given": "USD"}));
    // In one currency there is nothing to say of it, and neither where no amount is meant.
    let wide = create(&world, "WIDE", json!({"discount.line_max_amount": null})).await;
    let replacing = with(shop.slot(&shop.cashier), json!({"expected_revision": slot["revision"]}));
    let refused = assign_as(&world, &shop.admin, &wide, "member", replacing.clone()).await;
    assert_eq!(missing(&refused), &json!(["discount.line_max_amount"]));
    assert_eq!(currencies(&refused), Value::Null);
    let names = dollars["controls"].as_object().unwrap().keys().filter(|name| name.contains("amount"));
    let mut controls: Value = names.map(|name| (name.clone(), json!(0))).collect::<Map<_, _>>().into();
    controls["discount.line_max_bp"] = json!(9_999);
    let fields = json!({"code": "BARE", "caption": "Till", "currency": "USD", "controls": controls});
    let bare = post(&world, "/profile/create", fields).await.data().clone();
    let refused = assign_as(&world, &shop.admin, &bare, "member", replacing).await;
    assert_eq!(missing(&refused), &json!(["discount.line_max_bp"]));
    assert_eq!(currencies(&refused), Value::Null);
}

/// What each control is where it lets do the least, or the most.
fn extremes(controls: &Value) -> [Value; 2] {
    let mut narrow = controls.clone();
    let mut wide = controls.clone();
    let names: Vec<String> = controls.as_object().expect("controls").keys().cloned().collect();
    for name in names {
        let (least, most) = match (&controls[&name], &*name) {
            (Value::Bool(_), "txn.reason_required" | "cash.blind_close_required") => {
                (json!(true), json!(false))
            }
            (Value::Bool(_), _) => (json!(false), json!(true)),
            (Value::Array(_), "tender.allowed") => (json!([]), json!(["cash", "voucher"])),
            (Value::Array(_), "override.issue_types") => (json!([]), json!(["refund"])),
            (Value::Array(_), _) => (json!(["A"]), json!(["A"])),
            (Value::String(_), _) => (json!("allow"), json!("all")),
            _ => (json!(0), Value::Null),
        };
        (narrow[&name], wide[&name]) = (least, most);
    }
    [narrow, wide]
}

#[tokio::test]
async fn no_control_is_widened_by_giving_or_by_taking_away() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let usual = create(&world, "USUAL", json!({})).await;
    let [narrow, wide] = extremes(&usual["controls"]);
    let (narrow, wide) = (create(&world, "NARROW", narrow).await, create(&world, "WIDE", wide).await);
    assign(&world, &narrow, "member", shop.slot(&shop.admin)).await.data();
    // All controls but the one that says how another is read.
    let mut all: Vec<_> = usual["controls"].as_object().unwrap().keys().cloned().collect();
    all.retain(|name| name != "department.codes");
    all.sort();
    let judged = |reply: &Reply| {
        let mut names: Vec<String> = serde_json::from_value(missing(reply).clone()).unwrap();
        names.sort();
        names
    };
    assert_eq!(judged(&assign_as(&world, &shop.admin, &wide, "member", shop.slot(&shop.cashier)).await), all);
    assign(&world, &narrow, "member", shop.slot(&shop.cashier)).await.data();
    assign(&world, &wide, "facility", shop.facility()).await.data();
    assert_eq!(judged(&shop.unassign(&world, &shop.admin).await), all);
}

#[tokio::test]
async fn all_roles_of_a_member_who_comes_back_into_force_are_judged() {
    let world = World::new().await;
    let admin = world.member(&["ofm_member_admin", "crm_view", "ppm_view"]).await;
    let user = world.member(&["inf_view"]).await.user_guid;
    let by_admin = |fields: Value| set(&world, &admin, user, fields);
    let by_owner = |fields: Value| set(&world, &world.owner, user, fields);
    by_owner(json!({"role_profile_id": "org_admin"})).await.data();
    by_admin(json!({"state": "suspended"})).await.data();
    let refused = by_admin(json!({"state": "active"})).await;
    let lacks: Vec<String> = serde_json::from_value(missing(&refused).clone()).unwrap();
    assert!(["inf_view", "service_account_admin"].iter().all(|role| lacks.contains(&(*role).to_owned())));
    by_admin(json!({"state": "active", "valid_until": null})).await.refused("forbidden");
    // Of what they hold themselves, they bring anybody back.
    by_admin(json!({"state": "active", "role_profile_id": "cashier", "roles": []})).await.data();
    by_admin(json!({"state": "suspended"})).await.data();
    by_admin(json!({"state": "active"})).await.data();

    let (soon, later) = (world.now().plus_seconds(60), world.now().plus_days(1));
    by_owner(json!({"roles": ["inf_view"], "valid_until": soon})).await.data();
    // It ends earlier by anybody's word, and later only by the word of who could give it.
    for longer in [json!({"valid_until": later}), json!({"valid_until": null})] {
        assert_eq!(missing(&by_admin(longer).await), &json!(["inf_view"]));
    }
    by_admin(json!({"valid_until": world.now().plus_seconds(30)})).await.data();
    world.advance_seconds(30);
    for back in [json!({"valid_until": later}), json!({"valid_until": null})] {
        assert_eq!(missing(&by_admin(back).await), &json!(["inf_view"]));
    }
    by_admin(json!({"title": "Late"})).await.data();
    by_owner(json!({"valid_from": later, "valid_until": null})).await.data();
    assert_eq!(missing(&by_admin(json!({"valid_from": null})).await), &json!(["inf_view"]));
    by_admin(json!({"valid_from": null, "roles": []})).await.data();
}
