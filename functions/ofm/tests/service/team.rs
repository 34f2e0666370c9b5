//! Teams and who is in them (ofm §11).

use contract::ids::UserGuid;
use futures::future::join_all;
use identity::{keys, member::MemberState};
use ofm::SERVICE;
use serde_json::{Value, json};
use testkit::{
    Caller, Reply, World,
    journal::{equals_effects, verify},
    race,
};

use crate::{
    owner::secondary,
    places::{self, Places},
};

async fn call(world: &World, caller: &Caller, path: &str, fields: Value) -> Reply {
    race::insist(world, &SERVICE, caller, path, fields).await
}

async fn post(world: &World, path: &str, fields: Value) -> Reply {
    call(world, &world.owner, path, fields).await
}

/// A team of the whole org.
pub(crate) async fn create(world: &World, code: &str) -> Value {
    post(world, "/team/create", json!({"code": code, "caption": code})).await.data().clone()
}

async fn at(world: &World, code: &str, places: &Places) -> Value {
    let fields = json!({"code": code, "caption": code, "logical_guid": places.guid()});
    post(world, "/team/create", fields).await.data().clone()
}

async fn get(world: &World, team: &Value) -> Value {
    post(world, "/team/get", json!({"team_guid": team["team_guid"]})).await.data().clone()
}

async fn set_status(world: &World, team: &Value, status: &str) -> Reply {
    let revision = get(world, team).await["revision"].clone();
    let fields = json!({"team_guid": team["team_guid"], "status": status, "expected_revision": revision});
    post(world, "/team/status", fields).await
}

async fn add(world: &World, team: &Value, user: UserGuid) -> Reply {
    post(world, "/team/member/add", json!({"team_guid": team["team_guid"], "user_guid": user})).await
}

async fn remove(world: &World, caller: &Caller, team: &Value, user: UserGuid, revision: &Value) -> Reply {
    let fields = json!({"team_guid": team["team_guid"], "user_guid": user, "expected_revision": revision});
    call(world, caller, "/team/member/remove", fields).await
}

async fn members(world: &World, team: &Value, fields: Value) -> Vec<Value> {
    let mut fields = fields;
    fields["team_guid"] = team["team_guid"].clone();
    post(world, "/team/members", fields).await.data()["members"].as_array().expect("members").clone()
}

#[tokio::test]
async fn a_team_is_made_read_and_changed() {
    let world = World::new().await;
    let admin = world.member(&["ofm_team_admin"]).await;
    let fields = json!({"code": " night-1 ", "caption": "Night", "description": "from ten to six"});
    let made = call(&world, &admin, "/team/create", fields.clone()).await.data().clone();
    let told = ["code", "caption", "description", "status"].map(|field| &made[field]);
    assert_eq!(told, ["NIGHT-1", "Night", "from ten to six", "active"]);
    assert_eq!((&made["logical_guid"], &made["member_count"]), (&Value::Null, &json!(0)));
    let taken = call(&world, &admin, "/team/create", fields).await;
    assert_eq!(taken.refused("duplicate-code")["details"]["field"], "code");
    let reader = world.member(&[]).await;
    world.introduce(&SERVICE, &reader).await;
    let shown = call(&world, &reader, "/team/get", json!({"team_guid": made["team_guid"]})).await;
    assert_eq!(shown.data(), &made);
    assert_eq!(world.last_log()["reads"], 1);

    let update =
        json!({"team_guid": made["team_guid"], "description": null, "expected_revision": made["revision"]});
    let changed = call(&world, &admin, "/team/update", update.clone()).await.data().clone();
    assert_eq!((&changed["caption"], &changed["description"]), (&json!("Night"), &Value::Null));
    call(&world, &admin, "/team/update", update).await.refused("conflict");
    let bare = json!({"team_guid": made["team_guid"], "caption": "x"});
    call(&world, &admin, "/team/update", bare).await.refused("expected-revision-required");
    let fixed = json!({"team_guid": made["team_guid"], "code": "X", "logical_guid": world.org.guid()});
    let fixed = call(&world, &admin, "/team/update", fixed).await;
    assert_eq!(fixed.refused_fields(), ["code", "logical_guid"]);
    let blind = world.member(&["ofm_member_admin"]).await;
    let mine = json!({"code": "MINE", "caption": "Mine"});
    call(&world, &blind, "/team/create", mine.clone()).await.refused("forbidden");
    call(&world, &world.stranger().await, "/team/create", mine).await.refused("not-found");
}

#[tokio::test]
async fn a_team_lives_plainly() {
    let world = World::new().await;
    let team = create(&world, "TEAM").await;
    let refused = set_status(&world, &team, "active").await;
    assert_eq!(refused.refused("invalid-transition")["details"]["allowed"], json!(["inactive", "doomed"]));
    set_status(&world, &team, "inactive").await.data();
    let member = world.member(&[]).await.user_guid;
    let refused = add(&world, &team, member).await;
    assert_eq!(refused.refused("invalid-state")["details"], json!({"status": "inactive"}));
    set_status(&world, &team, "active").await.data();
    add(&world, &team, member).await.data();
    set_status(&world, &team, "doomed").await.data();
    set_status(&world, &team, "active").await.refused("invalid-transition");
    let doomed = get(&world, &team).await;
    let update =
        json!({"team_guid": team["team_guid"], "caption": "x", "expected_revision": doomed["revision"]});
    post(&world, "/team/update", update).await.refused("invalid-state");
    // Nobody is in a team that is no more, and nothing had to be written for that.
    assert_eq!(members(&world, &team, json!({})).await, Vec::<Value>::new());
    assert_eq!(members(&world, &team, json!({"state": "removed"})).await.len(), 1);
    let gone = remove(&world, &world.owner, &team, member, &Value::Null).await;
    assert_eq!(gone.data()["removed"], false);

    let journal = world.journal("ofm", "team", team["team_guid"].as_str().unwrap()).await;
    verify(&journal);
    let actions: Vec<_> = journal.iter().map(|chained| chained.entry.action.as_str()).collect();
    let set = "team-status-set";
    assert_eq!(actions, ["team-created", set, set, "team-updated", set]);
}

#[tokio::test]
async fn teams_are_listed_by_code_and_place() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    for code in ["B", "A-1", "A"] {
        create(&world, code).await;
    }
    at(&world, "C", &places).await;
    let gone = create(&world, "D").await;
    set_status(&world, &gone, "doomed").await.data();
    let codes = async |fields: Value| -> String {
        let reply = post(&world, "/team/list", fields).await;
        let teams = reply.data()["teams"].as_array().unwrap().clone();
        teams.iter().map(|team| team["code"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(codes(json!({})).await, "A A-1 B C");
    assert_eq!(codes(json!({"status": "all"})).await, "A A-1 B C D");
    assert_eq!(codes(json!({"status": "doomed"})).await, "D");
    assert_eq!(codes(json!({"org_wide": true})).await, "A A-1 B");
    assert_eq!(codes(json!({"logical_guid": places.guid()})).await, "C");
    let both = json!({"org_wide": true, "logical_guid": places.guid()});
    assert_eq!(post(&world, "/team/list", both).await.refused_fields(), ["org_wide"]);
    for nowhere in [json!("MAIN"), json!(world.cost_centre)] {
        let nowhere = post(&world, "/team/list", json!({"logical_guid": nowhere})).await;
        assert_eq!(nowhere.refused("not-found")["details"]["field"], "logical_guid");
    }
    let first = post(&world, "/team/list", json!({"limit": 3})).await.data().clone();
    assert_eq!(codes(json!({"limit": 3, "next_token": first["next_token"]})).await, "C");
}

#[tokio::test]
async fn people_join_and_leave() {
    let world = World::new().await;
    let team = create(&world, "TEAM").await;
    let person = world.member(&[]).await;
    let added = add(&world, &team, person.user_guid).await;
    assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(1), &json!(1)));
    let data = added.data();
    let told = ["display_name", "position", "state"].map(|field| &data[field]);
    assert_eq!(told, ["Mia Member", "member", "active"]);
    assert_eq!(added.body["revision"], data["revision"]);
    assert_eq!(get(&world, &team).await["member_count"], 1);
    // Who is in it is not added unseen; the position is changed at the revision.
    add(&world, &team, person.user_guid).await.refused("expected-revision-required");
    let lead = |revision: &Value| {
        json!({"team_guid": team["team_guid"], "user_guid": person.user_guid, "position": "lead",
            "expected_revision": revision})
    };
    post(&world, "/team/member/add", lead(&json!(world.org.guid()))).await.refused("conflict");
    let leads = post(&world, "/team/member/add", lead(&data["revision"])).await.data().clone();
    assert_eq!(leads["position"], "lead");
    assert_eq!(get(&world, &team).await["member_count"], 1);

    remove(&world, &world.owner, &team, person.user_guid, &Value::Null)
        .await
        .refused("expected-revision-required");
    remove(&world, &world.owner, &team, person.user_guid, &data["revision"]).await.refused("conflict");
    let gone = remove(&world, &world.owner, &team, person.user_guid, &leads["revision"]).await.data().clone();
    assert_eq!((&gone["removed"], &gone["state"]), (&json!(true), &json!("removed")));
    let again = remove(&world, &world.owner, &team, person.user_guid, &Value::Null).await.data().clone();
    assert_eq!((&again["removed"], &again["revision"]), (&json!(false), &gone["revision"]));
    assert_eq!(world.last_log()["writes"], 0);
    assert_eq!(get(&world, &team).await["member_count"], 0);
    let never = remove(
        &world,
        &world.owner,
        &team,
        world.org.guid().uuid().to_string().parse().unwrap(),
        &Value::Null,
    )
    .await;
    assert_eq!((&never.data()["removed"], &never.data()["revision"]), (&json!(false), &Value::Null));
    // And back.
    let mut back = lead(&gone["revision"]);
    back["position"] = json!("member");
    assert_eq!(post(&world, "/team/member/add", back).await.data()["state"], "active");
    let nowhere = json!({"team_guid": world.org.guid(), "user_guid": person.user_guid});
    for path in ["/team/member/add", "/team/member/remove"] {
        post(&world, path, nowhere.clone()).await.refused("not-found");
    }
    let id = format!("{}:{}", team["team_guid"].as_str().unwrap(), person.user_guid);
    let journal = world.journal("ofm", "team-member", &id).await;
    verify(&journal);
    let actions: Vec<_> = journal.iter().map(|chained| chained.entry.action.as_str()).collect();
    assert_eq!(
        actions,
        ["team-member-added", "team-member-added", "team-member-removed", "team-member-added"]
    );
}

#[tokio::test]
async fn who_joins_is_an_active_member_and_belongs_to_the_place() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let (wide, local) = (create(&world, "WIDE").await, at(&world, "LOCAL", &places).await);
    let stranger = world.stranger().await.user_guid;
    let refused = add(&world, &wide, stranger).await;
    assert_eq!(refused.refused("not-found")["details"]["field"], "user_guid");
    let person = world.member(&[]).await.user_guid;
    let refused = add(&world, &local, person).await;
    assert_eq!(refused.refused("invalid-state")["details"]["field"], "user_guid");
    let assign = json!({"user_guid": person, "logical_guid": places.guid(), "grants": ["facility:read"]});
    post(&world, "/member/assign-logical", assign).await.data();
    add(&world, &local, person).await.data();
    add(&world, &local, secondary(&world).await.user_guid).await.data();
    let paused = world.member(&[]).await.user_guid;
    let key = keys::member(&world.org, paused);
    world.meddle(&world.org, &key, |member| member.state = MemberState::Suspended).await;
    add(&world, &wide, paused).await.refused("invalid-state");
}

#[tokio::test]
async fn a_team_hangs_on_its_facility() {
    let world = World::new().await;
    let places = Places::new(&world).await;
    let team = at(&world, "LOCAL", &places).await;
    let inside = add(&world, &team, world.owner.user_guid).await.data().clone();
    let blocked = places::set_status(&world, "facility/logical", &places.logical, "doomed").await;
    let blocking = json!([{"kind": "team", "count": 1, "sample_id": team["team_guid"]}]);
    assert_eq!(blocked.refused("in-use")["details"]["blocking"], blocking);
    // While the facility is closed, a team there is wound down, and no more.
    let closed = places::set_status(&world, "facility/logical", &places.logical, "inactive").await;
    let update = json!({"team_guid": team["team_guid"], "caption": "x",
        "expected_revision": get(&world, &team).await["revision"]});
    let update = post(&world, "/team/update", update).await;
    let joins = add(&world, &team, secondary(&world).await.user_guid).await;
    remove(&world, &world.owner, &team, world.owner.user_guid, &inside["revision"]).await.data();
    set_status(&world, &team, "inactive").await.data();
    for refused in [update, joins, set_status(&world, &team, "active").await] {
        let details = json!({"field": "logical_guid", "status": "inactive"});
        assert_eq!(refused.refused("invalid-state")["details"], details);
    }
    let new = json!({"code": "NEW", "caption": "New", "logical_guid": places.guid()});
    post(&world, "/team/create", new).await.refused("invalid-state");
    let missing = json!({"code": "NEW", "caption": "New", "logical_guid": world.org.guid()});
    let missing = post(&world, "/team/create", missing).await;
    assert_eq!(missing.refused("not-found")["details"]["field"], "logical_guid");
    set_status(&world, &team, "doomed").await.data();
    places::set_status(&world, "facility/logical", closed.data(), "doomed").await.data();
}

#[tokio::test]
async fn one_leaves_oneself_and_admins_remove_others() {
    let world = World::new().await;
    let team = create(&world, "TEAM").await;
    let (one, two) = (world.member(&[]).await, world.member(&["ofm_member_admin"]).await);
    let first = add(&world, &team, one.user_guid).await.data().clone();
    let refused = remove(&world, &two, &team, one.user_guid, &first["revision"]).await;
    assert_eq!(refused.refused("forbidden")["details"]["roles"], json!(["ofm_team_admin"]));
    remove(&world, &one, &team, one.user_guid, &first["revision"]).await.data();
    let second = add(&world, &team, two.user_guid).await.data().clone();
    let admin = world.key(&["ofm_team_admin"]).await;
    assert_eq!(
        remove(&world, &admin, &team, two.user_guid, &second["revision"]).await.data()["removed"],
        true
    );
    remove(&world, &world.stranger().await, &team, one.user_guid, &Value::Null).await.refused("not-found");
}

#[tokio::test]
async fn who_left_the_org_is_in_no_team_and_comes_back_to_none() {
    let world = World::new().await;
    let team = create(&world, "TEAM").await;
    let (stays, leaves) = (world.member(&[]).await, world.member(&[]).await);
    for person in [&stays, &leaves] {
        add(&world, &team, person.user_guid).await.data();
    }
    let key = keys::member(&world.org, leaves.user_guid);
    let member = world.stored(&key).await.unwrap();
    let end =
        json!({"user_guid": leaves.user_guid, "state": "removed", "expected_revision": member.revision});
    post(&world, "/member/state/set", end).await.data();
    let names = async |fields: Value| -> Vec<Value> {
        members(&world, &team, fields).await.iter().map(|member| member["user_guid"].clone()).collect()
    };
    assert_eq!(names(json!({})).await, [json!(stays.user_guid)]);
    assert_eq!(names(json!({"state": "removed"})).await, [json!(leaves.user_guid)]);
    post(&world, "/member/add", json!({"user_guid": leaves.user_guid})).await.data();
    assert_eq!(names(json!({})).await, [json!(stays.user_guid)]);
    let own = call(&world, &leaves, "/team/by-member", json!({})).await;
    assert_eq!(own.data()["teams"], json!([]));
    let own = call(&world, &leaves, "/team/by-member", json!({"state": "all"})).await;
    assert_eq!(own.data()["teams"][0]["state"], "removed");
    let all = members(&world, &team, json!({"state": "all"})).await;
    let revision = all.iter().find(|member| member["user_guid"] == json!(leaves.user_guid)).unwrap();
    // What is left of them is gone already; only its revision takes them off the count.
    let gone = remove(&world, &world.owner, &team, leaves.user_guid, &Value::Null).await;
    assert_eq!((&gone.data()["removed"], &world.last_log()["writes"]), (&json!(false), &json!(0)));
    assert_eq!(get(&world, &team).await["member_count"], 2);
    let gone = remove(&world, &world.owner, &team, leaves.user_guid, &revision["revision"]).await;
    let revision = gone.data();
    assert_eq!(get(&world, &team).await["member_count"], 1);
    let back = json!({"team_guid": team["team_guid"], "user_guid": leaves.user_guid,
        "expected_revision": revision["revision"]});
    post(&world, "/team/member/add", back).await.data();
    assert_eq!(names(json!({})).await.len(), 2);
    assert_eq!(get(&world, &team).await["member_count"], 2);
}

#[tokio::test]
async fn members_and_teams_come_in_full_pages() {
    let world = World::new().await;
    let teams = [create(&world, "B").await, create(&world, "A").await, create(&world, "C").await];
    let mut people = Vec::new();
    for n in 0..9 {
        let person = world.member(&[]).await;
        add(&world, &teams[0], person.user_guid).await.data();
        world.advance_seconds(1);
        if n % 2 == 0 {
            let key = keys::member(&world.org, person.user_guid);
            world.meddle(&world.org, &key, |member| member.epoch += 1).await;
        } else {
            people.push(json!(person.user_guid));
        }
    }
    let mut seen = Vec::new();
    let mut token = Value::Null;
    loop {
        let fields = json!({"team_guid": teams[0]["team_guid"], "limit": 2, "next_token": token});
        let page = post(&world, "/team/members", fields).await.data().clone();
        let members = page["members"].as_array().unwrap();
        assert_eq!(members.len(), 2);
        seen.extend(members.iter().map(|member| member["user_guid"].clone()));
        token = page["next_token"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen, people);

    let person = world.member(&[]).await;
    for team in &teams {
        add(&world, team, person.user_guid).await.data();
    }
    let own = call(&world, &person, "/team/by-member", json!({"limit": 2})).await.data().clone();
    let codes: Vec<_> = own["teams"].as_array().unwrap().iter().map(|team| team["code"].clone()).collect();
    assert_eq!(codes, ["A", "B"]);
    let told = ["caption", "position", "state", "status"].map(|field| own["teams"][0][field].clone());
    assert_eq!(told, ["A", "member", "active", "active"]);
    let rest = json!({"limit": 2, "next_token": own["next_token"]});
    let rest = call(&world, &person, "/team/by-member", rest).await.data().clone();
    assert_eq!((rest["teams"][0]["code"].as_str(), rest.get("next_token")), (Some("C"), None));
    let key = world.key(&["ofm_view"]).await;
    assert_eq!(call(&world, &key, "/team/by-member", json!({})).await.refused_fields(), ["user_guid"]);
    let other = json!({"user_guid": person.user_guid});
    assert_eq!(
        call(&world, &key, "/team/by-member", other).await.data()["teams"].as_array().unwrap().len(),
        3
    );
    let nobody = call(&world, &key, "/team/by-member", json!({"user_guid": world.org.guid()})).await;
    assert_eq!(nobody.refused("not-found")["details"]["field"], "user_guid");
}

#[tokio::test]
async fn a_team_holds_two_thousand_and_counts_exactly() {
    let proxy = race::in_bad_mood(71);
    let world = World::at(proxy.endpoint()).await;
    let team = create(&world, "TEAM").await;
    let key = ofm::keys::team::by_guid(&world.org, team["team_guid"].as_str().unwrap().parse().unwrap());
    for _ in 0..race::rounds() {
        world.meddle(&world.org, &key, |team| team.member_count = 1_999).await;
        let (one, two) = (world.member(&[]).await.user_guid, world.member(&[]).await.user_guid);
        let replies = join_all([add(&world, &team, one), add(&world, &team, two)]).await;
        race::one_winner(&replies, &["limit-exceeded"]);
        assert_eq!(get(&world, &team).await["member_count"], 2_000);
    }
    // One person joins once, however many add them.
    for _ in 0..race::rounds() {
        world.meddle(&world.org, &key, |team| team.member_count = 0).await;
        let person = world.member(&[]).await.user_guid;
        let adding = (0..race::CALLERS).map(|_| add(&world, &team, person));
        race::one_winner(&join_all(adding).await, &["expected-revision-required"]);
        assert_eq!(get(&world, &team).await["member_count"], 1);
    }
    equals_effects(&proxy).await;
}

#[tokio::test]
async fn of_many_people_who_join_and_leave_at_once_all_do_and_all_count() {
    let world = World::new().await;
    for round in 0..race::rounds() {
        let team = create(&world, &format!("TEAM-{round}")).await;
        let people = join_all((0..race::CALLERS).map(|_| world.member(&[]))).await;
        // Once each: whoever asks twice would not notice a 503.
        let adding = people.iter().map(|person| {
            let fields = json!({"team_guid": team["team_guid"], "user_guid": person.user_guid});
            places::post(&world, "/team/member/add", fields)
        });
        let added = join_all(adding).await;
        let added: Vec<_> = added.iter().map(Reply::data).collect();
        let joined = get(&world, &team).await;
        assert_eq!(joined["member_count"], race::CALLERS);
        let leaving = added.iter().map(|added| {
            let fields = json!({
                "team_guid": team["team_guid"],
                "user_guid": added["user_guid"],
                "expected_revision": added["revision"],
            });
            places::post(&world, "/team/member/remove", fields)
        });
        for reply in join_all(leaving).await {
            assert_eq!(reply.data()["removed"], true);
        }
        let left = get(&world, &team).await;
        assert_eq!(left["member_count"], 0);
        assert_ne!(left["revision"], joined["revision"]);
        let entries = world.journal("ofm", "team", team["team_guid"].as_str().unwrap()).await;
        verify(&entries);
        assert_eq!(entries.len(), 1 + 2 * race::CALLERS);
    }
}
