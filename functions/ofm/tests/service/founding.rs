//! How an org begins (ofm §4, §4.1).

use std::collections::BTreeMap;

use futures::future::join_all;
use identity::{invitation::InvitationStatus, keys};
use ofm::SERVICE;
use serde_json::{Value, json};
use store::{Org, System};
use testkit::{
    Caller, Reply, World, database, journal,
    proxy::{Fault, Operation, Proxy, When},
    race,
};

use crate::people::{fresh_orgcode, invite};

async fn create(world: &World, caller: &Caller, fields: Value) -> Reply {
    world.post(&SERVICE, caller, "/org/create", fields).await
}

/// A new org: its founder, and what was answered.
pub(crate) async fn found(world: &World) -> (Caller, Value) {
    let founder = world.stranger().await;
    let invitation = invite(world, founder.user_guid, |_| {}).await;
    let fields = json!({
        "orgcode": fresh_orgcode(world), "invitation_code": invitation.code, "caption": "Acme",
    });
    let founded = create(world, &founder, fields).await.data().clone();
    (founder, founded)
}

fn org_of(founded: &Value) -> Org {
    Org::checked(serde_json::from_value(founded["org_guid"].clone()).expect("a guid"))
}

#[tokio::test]
async fn an_invited_person_founds_an_org_in_one_transaction() {
    let world = World::new().await;
    let founder = world.stranger().await;
    let invitation = invite(&world, founder.user_guid, |_| {}).await;
    let orgcode = fresh_orgcode(&world);
    let fields = json!({
        "orgcode": orgcode, "invitation_code": format!(" {} ", invitation.code.to_string().to_lowercase()),
        "caption": "Acme", "user_guid": founder.user_guid, "timezone": "Europe/Berlin",
        "default_currency": "EUR", "default_locale": "de-DE", "reason": "opening",
        "source_refs": [{"kind": "ticket", "id": "7"}],
    });
    world.send(&SERVICE, &founder, "GET", "/stat", String::new()).await.data();
    let reply = create(&world, &founder, fields).await;
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(2), &json!(1)));
    let data = reply.data();
    let told = ["orgcode", "status", "caption", "timezone", "default_currency"].map(|field| &data[field]);
    assert_eq!(told, [orgcode.as_str(), "unverified", "Acme", "Europe/Berlin", "EUR"]);
    assert_eq!(data["fiscal_calendar"]["code"], "gregorian");
    assert_eq!(data["primary_owner_user_guid"], json!(founder.user_guid));
    assert_eq!(reply.body["revision"], data["revision"]);
    let used = json!({
        "code": invitation.code, "invitation_id": invitation.invitation_id, "status": "accepted",
    });
    assert_eq!(data["invitation"], used);
    let owners = json!({
        "create_owner_user_guid": founder.user_guid, "primary_owner_user_guid": founder.user_guid,
    });
    assert_eq!(data["owners"], owners);
    assert_eq!(data["cost_centre"]["cc_guid"], data["cost_centre_guid"]);
    assert_eq!(data["cost_centre"]["caption"], "Master cost centre");

    // Everything is there, under the org's own roof.
    let org = json!({"org_guid": data["org_guid"]});
    let ask = async |path: &str| world.post(&SERVICE, &founder, path, org.clone()).await.data().clone();
    assert_eq!(ask("/owner/list").await["owners"][0]["primary_owner"], true);
    assert_eq!(ask("/member/list").await["members"][0]["state"], "active");
    let centres = ask("/cost-centre/list").await;
    assert_eq!(centres["cost_centres"][0]["is_master"], true);
    let stored = world.stored(&keys::invitation(invitation.invitation_id)).await.unwrap().record;
    assert_eq!(
        (stored.status, json!(stored.org_guid)),
        (InvitationStatus::Accepted, data["org_guid"].clone())
    );
}

#[tokio::test]
async fn every_part_of_a_founding_is_told_in_the_name_of_the_new_org() {
    let world = World::new().await;
    let (founder, founded) = found(&world).await;
    let org = org_of(&founded);
    let text = |field: &Value| field.as_str().expect("an id").to_owned();
    let own = [
        ("org", text(&founded["org_guid"]), "org-created"),
        ("owner", founder.user_guid.to_string(), "owner-created"),
        ("member", founder.user_guid.to_string(), "member-added"),
        ("cost-centre", text(&founded["cost_centre_guid"]), "cost-centre-created"),
    ];
    for (aggregate, id, action) in own {
        let entries = journal::of(&org, "ofm", aggregate, &id).await;
        journal::verify(&entries);
        let entry = &entries[0].entry;
        assert_eq!((entries.len(), entry.action.as_str()), (1, action));
        assert_eq!(json!(entry.request_context.orgcode), founded["orgcode"]);
        let written = serde_json::to_string(entry).unwrap();
        assert!(!written.contains("Stranger") && !written.contains('@'), "{written}");
    }
    let id = text(&founded["invitation"]["invitation_id"]);
    let entries = world.system_journal("ofm", "invitation", &id).await;
    journal::verify(&entries);
    assert_eq!(entries[1].entry.action, "invitation-accepted");
}

#[tokio::test]
async fn only_the_invited_person_may_use_an_invitation() {
    let world = World::new().await;
    let (founder, other) = (world.stranger().await, world.stranger().await);
    let invitation = invite(&world, founder.user_guid, |_| {}).await;
    let with = |code: &str| json!({"orgcode": "NOPE1", "invitation_code": code, "caption": "Acme"});
    let code = invitation.code.to_string();

    let refused = create(&world, &other, with(&code)).await;
    assert_eq!(refused.refused("not-found")["details"]["field"], "invitation_code");
    // Another's, an unknown and a malformed code are refused alike.
    for code in ["INV2345ABCDEF", "INV123456", "", "\u{1f511}"] {
        assert_eq!(create(&world, &other, with(code)).await.without_stats(), refused.without_stats());
    }
    create(&world, &world.key(&["owner"]).await, with(&code)).await.refused("forbidden");
    let mut for_other = with(&code);
    for_other["user_guid"] = json!(other.user_guid);
    create(&world, &founder, for_other).await.refused("forbidden");
    create(&world, &Caller::anonymous(), with(&code)).await.refused("auth-required");
    let wrong = create(&world, &founder, json!({"orgcode": "1", "invitation_code": 7})).await;
    assert_eq!(wrong.refused_fields(), ["orgcode", "invitation_code", "caption"]);
}

#[tokio::test]
async fn an_invitation_by_e_mail_is_for_whoever_has_it_confirmed() {
    let world = World::new().await;
    let (founder, other) = (world.stranger().await, world.stranger().await);
    let email = format!("{}@people.example", founder.user_guid).parse().expect("an address");
    let invitation = invite(&world, founder.user_guid, |invitation| {
        (invitation.user_guid, invitation.email) = (None, Some(email));
    })
    .await;
    let fields = json!({
        "orgcode": fresh_orgcode(&world), "invitation_code": invitation.code, "caption": "Acme",
    });
    create(&world, &other, fields.clone()).await.refused("not-found");
    create(&world, &founder, fields).await.data();
}

#[tokio::test]
async fn an_invitation_that_is_over_says_how() {
    let world = World::new().await;
    let founder = world.stranger().await;
    let use_it = async |status, until: i64, only: Option<&str>| {
        let invitation = invite(&world, founder.user_guid, |invitation| {
            invitation.status = status;
            invitation.expires_at = world.now().plus_seconds(until);
            invitation.orgcode = only.map(|code| code.parse().expect("an orgcode"));
        })
        .await;
        let fields = json!({"orgcode": "TAKEN1", "invitation_code": invitation.code, "caption": "Acme"});
        create(&world, &founder, fields).await
    };
    use_it(InvitationStatus::Accepted, 60, None).await.refused("invitation-accepted");
    use_it(InvitationStatus::Rejected, 60, None).await.refused("invitation-rejected");
    use_it(InvitationStatus::Doomed, 60, None).await.refused("invitation-doomed");
    use_it(InvitationStatus::Open, 0, None).await.refused("invitation-expired");
    use_it(InvitationStatus::Open, 60, Some("OTHER1")).await.refused("invitation-mismatch");
}

#[tokio::test]
async fn where_the_orgcode_is_taken_nothing_happens() {
    let world = World::new().await;
    let founder = world.stranger().await;
    let invitation = invite(&world, founder.user_guid, |_| {}).await;
    let fields = json!({"orgcode": world.orgcode, "invitation_code": invitation.code, "caption": "Acme"});
    let refused = create(&world, &founder, fields).await;
    assert_eq!(refused.refused("duplicate-code")["details"]["field"], "orgcode");
    let stored = world.stored(&keys::invitation(invitation.invitation_id)).await.unwrap().record;
    assert_eq!(stored.status, InvitationStatus::Open);
    let own = world.post(&SERVICE, &founder, "/org/list", json!({})).await;
    assert_eq!(own.data()["orgs"], json!([]));
}

#[tokio::test]
async fn ten_failed_tries_lock_the_person_out_for_a_quarter_of_an_hour() {
    let world = World::new().await;
    let (founder, other) = (world.stranger().await, world.stranger().await);
    let invitation = invite(&world, founder.user_guid, |_| {}).await;
    let orgcode = fresh_orgcode(&world);
    let try_with = async |caller: &Caller, code: &str| {
        create(&world, caller, json!({"orgcode": orgcode, "invitation_code": code, "caption": "Acme"})).await
    };
    for _ in 0..10 {
        try_with(&founder, "INV0000000000").await.refused("not-found");
        world.advance_seconds(60);
    }
    // Even with the right code; and no one else is locked out.
    let refused = try_with(&founder, invitation.code.as_str()).await;
    refused.refused("rate-limited");
    assert_eq!(refused.header("retry-after"), Some("300"));
    try_with(&other, "INV0000000000").await.refused("not-found");
    world.advance_seconds(300);
    try_with(&founder, invitation.code.as_str()).await.data();
}

#[tokio::test]
async fn guesses_made_at_once_are_counted_each() {
    let world = World::new().await;
    let guesser = world.stranger().await;
    let guess = |n: usize| {
        let code = format!("INV00000000{n:02}");
        let fields = json!({"orgcode": "NOPE1", "invitation_code": code, "caption": "Acme"});
        create(&world, &guesser, fields)
    };
    let mut answers = BTreeMap::new();
    for reply in join_all((0..16).map(guess)).await {
        *answers.entry(reply.status).or_insert(0) += 1;
    }
    assert_eq!(answers, BTreeMap::from([(404, 10), (429, 6)]));
}

#[tokio::test]
async fn a_repeat_answers_the_same_in_one_round_trip() {
    let world = World::new().await;
    let founder = world.stranger().await;
    let invitation = invite(&world, founder.user_guid, |_| {}).await;
    let fields = json!({
        "orgcode": fresh_orgcode(&world), "invitation_code": invitation.code, "caption": "Acme",
        "idempotency_key": "found",
    });
    let first = create(&world, &founder, fields.clone()).await;
    let again = create(&world, &founder, fields.clone()).await;
    assert_eq!((again.data(), again.header("idempotent-replay")), (first.data(), Some("true")));
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(1), &json!(0)));
    let mut other = fields.clone();
    other["caption"] = json!("Other");
    create(&world, &founder, other).await.refused("idempotency-mismatch");
    // The key is the person's own: another's is not met.
    create(&world, &world.stranger().await, fields).await.refused("not-found");
}

#[tokio::test]
async fn a_lost_answer_is_had_by_asking_again() {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let world = World::at(proxy.endpoint()).await;
    let founder = world.stranger().await;
    let invitation = invite(&world, founder.user_guid, |_| {}).await;
    let fields = json!({
        "orgcode": fresh_orgcode(&world), "invitation_code": invitation.code, "caption": "Acme",
        "idempotency_key": "found",
    });
    proxy.inject(Fault::LoseReply, When::always().of(Operation::TransactWriteItems));
    create(&world, &founder, fields.clone()).await.refused("unavailable");
    proxy.clear();
    let again = create(&world, &founder, fields).await;
    assert_eq!(again.header("idempotent-replay"), Some("true"));
    let org = org_of(again.data());
    assert_eq!(journal::of(&org, "ofm", "org", &org.guid().to_string()).await.len(), 1);
    let own = world.post(&SERVICE, &founder, "/org/list", json!({})).await;
    assert_eq!(own.data()["orgs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn of_many_who_want_an_orgcode_one_gets_it() {
    let proxy = race::in_bad_mood(5);
    let world = World::at(proxy.endpoint()).await;
    for _ in 0..race::rounds() {
        let orgcode = fresh_orgcode(&world);
        let mut wishes = Vec::new();
        for _ in 0..race::CALLERS {
            let founder = world.stranger().await;
            let invitation = invite(&world, founder.user_guid, |_| {}).await;
            wishes.push((founder, invitation));
        }
        let replies = join_all(wishes.iter().map(|(founder, invitation)| {
            let fields = json!({"orgcode": orgcode, "invitation_code": invitation.code, "caption": "Acme"});
            race::insist(&world, &SERVICE, founder, "/org/create", fields)
        }))
        .await;
        let winner = race::one_winner(&replies, &["duplicate-code"]);
        let claim = world.stored(&keys::orgcode(&orgcode)).await.unwrap();
        assert_eq!(json!(claim.record.org_guid), winner.data()["org_guid"]);
        let mut open = 0;
        for (_, invitation) in &wishes {
            let stored = world.stored(&keys::invitation(invitation.invitation_id)).await.unwrap();
            open += usize::from(stored.record.status == InvitationStatus::Open);
        }
        assert_eq!(open, race::CALLERS - 1);
    }
    journal::equals_effects(&proxy).await;
}

#[tokio::test]
async fn an_invitation_founds_one_org() {
    let proxy = race::in_bad_mood(7);
    let world = World::at(proxy.endpoint()).await;
    for _ in 0..race::rounds() {
        let founder = world.stranger().await;
        let invitation = invite(&world, founder.user_guid, |_| {}).await;
        let replies = join_all((0..race::CALLERS).map(|_| {
            let orgcode = fresh_orgcode(&world);
            let fields = json!({"orgcode": orgcode, "invitation_code": invitation.code, "caption": "Acme"});
            race::insist(&world, &SERVICE, &founder, "/org/create", fields)
        }))
        .await;
        race::one_winner(&replies, &["invitation-accepted"]);
        let own = world.post(&SERVICE, &founder, "/org/list", json!({})).await;
        assert_eq!(own.data()["orgs"].as_array().unwrap().len(), 1);
    }
    journal::equals_effects(&proxy).await;
}

#[tokio::test]
async fn an_invitation_withdrawn_meanwhile_is_not_used() {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let world = World::at(proxy.endpoint()).await;
    let founder = world.stranger().await;
    let invitation = invite(&world, founder.user_guid, |_| {}).await;
    let fields = json!({
        "orgcode": fresh_orgcode(&world), "invitation_code": invitation.code, "caption": "Acme",
    });
    proxy.inject(Fault::HoldBefore, When::nth(1).of(Operation::TransactWriteItems));
    let withdraw = async {
        proxy.until(|calls| calls.iter().any(|call| call.operation == Operation::TransactWriteItems)).await;
        let key = keys::invitation(invitation.invitation_id);
        world.meddle(&System, &key, |invitation| invitation.status = InvitationStatus::Doomed).await;
        proxy.release();
    };
    let (reply, ()) = tokio::join!(create(&world, &founder, fields), withdraw);
    reply.refused("invitation-doomed");
}

#[tokio::test]
async fn nothing_personal_and_no_code_is_logged() {
    let world = World::new().await;
    let (founder, founded) = found(&world).await;
    create(&world, &founder, json!({"orgcode": "NOPE1", "invitation_code": "INVCANARY1234"})).await;
    let log = world.log().join("\n");
    let code = founded["invitation"]["code"].as_str().unwrap();
    for secret in ["Stranger", "people.example", founder.credential(), code, "INVCANARY1234"] {
        assert!(!log.contains(secret), "{secret}");
    }
}
