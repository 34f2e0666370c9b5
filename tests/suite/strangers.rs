//! Nothing is paid for before the caller is known: what a request without a valid credential costs, or one of a caller
//! foreign to the org, and how many are answered (contract §4 *Order of checks*, §11).

use std::collections::BTreeSet;

use identity::{
    keys,
    token::{ApiKeyToken, SessionToken},
};
use serde_json::{Map, Value, json};
use service::{Access, OrgFrom, Route, Service, UNKNOWN_CALLERS_PER_MINUTE};
use store::SeededChance;
use testkit::{
    Caller, Reply, World,
    copies::Original,
    database,
    proxy::{Call, Operation, Proxy},
};

use crate::{
    elsewhere,
    request::{Sample, deliver},
    samples::sample,
    services,
};

/// Of class B, about an org.
const LIST: &str = "/cost-centre/list";

fn route(service: &'static Service, path: &str) -> &'static Route {
    service.routes().find(|route| route.call.path == path).expect("a route")
}

/// Routes that ask for a credential.
fn routes() -> impl Iterator<Item = (&'static Service, &'static Route)> {
    services::routes().filter(|(_, route)| !matches!(route.access, Access::Public | Access::Operator))
}

/// Who sends a token of a session, about this org.
fn with_session(world: &World, token: &str) -> Caller {
    Caller::anonymous().with("x-session-guid", token).with("x-orgcode", &world.orgcode)
}

fn with_key(world: &World, token: &str) -> Caller {
    Caller::anonymous().with("x-api-key", token).with("x-orgcode", &world.orgcode)
}

/// A well-formed token that nobody was given, of somebody who is there.
fn unknown_session(world: &World) -> Caller {
    let token = SessionToken::mint(world.owner.user_guid, &SeededChance::new(7));
    with_session(world, token.secret.reveal())
}

/// The same of a key, of another org than the one that is asked for.
async fn unknown_key(world: &World, theirs: &World) -> Caller {
    let account = theirs.key(&["owner"]).await.service_account_guid;
    let token = ApiKeyToken::mint(theirs.org.guid(), account, &SeededChance::new(7));
    with_key(world, token.secret.reveal())
}

/// A stranger, and how many items the caller check reads for them where no org is asked for, and where one is.
struct Stranger {
    what: &'static str,
    caller: Caller,
    without_org: usize,
    with_org: usize,
    /// Whether the credential is good.
    is_somebody: bool,
}

async fn strangers(ours: &World, theirs: &World) -> Vec<Stranger> {
    let stranger = |what, caller, without_org, with_org| Stranger {
        what,
        caller,
        without_org,
        with_org,
        is_somebody: false,
    };
    let nobody = Caller::anonymous().with("x-orgcode", &ours.orgcode);
    let foreign_session = theirs.owner.clone().with("x-orgcode", &ours.orgcode);
    let foreign_key = theirs.key(&["owner"]).await.with("x-orgcode", &ours.orgcode);
    vec![
        stranger("nobody", nobody, 0, 0),
        stranger("a malformed session", with_session(ours, "s1_"), 0, 0),
        stranger("a malformed key", with_key(ours, "k1_AAAA"), 0, 0),
        stranger("an unknown session", unknown_session(ours), 2, 4),
        stranger("an unknown key", unknown_key(ours, theirs).await, 4, 5),
        Stranger { is_somebody: true, ..stranger("a foreign session", foreign_session, 2, 4) },
        Stranger { is_somebody: true, ..stranger("a foreign key", foreign_key, 4, 5) },
    ]
}

/// What a request took.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cost {
    reads: Value,
    writes: Value,
    rcu_tenths: Value,
    items: usize,
}

/// The items that some calls asked for by their keys. Anything else but a report of the strangers' limit is not to be
/// asked of the table for a stranger.
fn items(calls: &[Call], place: &str) -> BTreeSet<String> {
    let mut items = BTreeSet::new();
    for call in calls {
        match call.operation {
            Operation::GetItem => drop(items.insert(call.request["Key"].to_string())),
            Operation::BatchGetItem => {
                let tables = call.request["RequestItems"].as_object().expect("tables").values();
                let keys = tables.flat_map(|table| table["Keys"].as_array().expect("keys"));
                items.extend(keys.map(Value::to_string));
            }
            Operation::UpdateItem => {
                let key = call.request["Key"]["pk"].to_string();
                assert!(key.contains(UNKNOWN_CALLERS_PER_MINUTE.variable), "{place}: {key}");
            }
            _ => panic!("{place}: {call:?}"),
        }
    }
    items
}

/// One route, asked by strangers through a proxy that watches.
struct Asked<'a> {
    world: &'a World,
    proxy: &'a Proxy,
    service: &'static Service,
    route: &'static Route,
}

impl Asked<'_> {
    async fn cost(&self, caller: &Caller, orgcode: &str, fields: &Map<String, Value>, place: &str) -> Cost {
        let caller = caller.clone().with("x-orgcode", orgcode);
        let request = Sample { caller, fields: fields.clone() };
        let before = self.proxy.calls().len();
        let key = self.route.handler.traits().writes.then_some("once");
        let reply = deliver(self.world, self.service, self.route, &request, key).await;
        assert!(matches!(reply.status, 401 | 404), "{place}: {}", reply.text);
        let log = self.world.last_log();
        Cost {
            reads: log["reads"].clone(),
            writes: log["writes"].clone(),
            rcu_tenths: if database::counts_units() { log["rcu_tenths"].clone() } else { Value::Null },
            items: items(&self.proxy.calls()[before..], place).len(),
        }
    }

    /// What a stranger costs is the caller check, and tells nothing of whether there is such an org: whether the function
    /// knows the org's code already or not.
    async fn check(&self, stranger: &Stranger, fields: &Map<String, Value>, by_code: bool) {
        let place = format!("{} of {} {}", stranger.what, self.service.name, self.route.call.path);
        let mut nowhere = fields.clone();
        elsewhere::names_no_org(&mut nowhere);
        let (ours, none) = (&self.world.orgcode, elsewhere::another(&self.world.orgcode));
        let mut costs = Vec::new();
        for _ in 0..2 {
            costs.push(self.cost(&stranger.caller, ours, fields, &place).await);
            costs.push(self.cost(&stranger.caller, &none, &nowhere, &place).await);
        }
        let has_org = self.route.org != OrgFrom::Nowhere;
        let most = if has_org { stranger.with_org } else { stranger.without_org };
        for cost in &costs {
            assert_eq!(cost, &costs[0], "{place}: an org that is there, and one that is not");
            assert_eq!(cost.writes, 0, "{place}");
            // Where a session is no credential for the route, it is as if there were none.
            let code = usize::from(by_code && cost.items > 0);
            assert!(cost.items <= most + code, "{place}: {cost:?}");
            assert_eq!(cost.reads, usize::from(cost.items > 0) + code, "{place}: {cost:?}");
        }
    }
}

#[tokio::test]
async fn a_stranger_costs_the_caller_check_and_nothing_else() {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let world = World::at(proxy.endpoint()).await;
    let calm = world.through(database::endpoint());
    let strangers = strangers(&world, &calm.another().await).await;
    let mut refused = 0;
    for (service, route) in routes() {
        // Apart on the heap: a sample is large.
        let mut fields = Box::pin(sample(&calm, service, route)).await.fields;
        fields.retain(|name, _| !["session_guid", "api_key"].contains(&name.as_str()));
        let asked = Asked { world: &world, proxy: &proxy, service, route };
        let has_org = route.org != OrgFrom::Nowhere;
        for stranger in strangers.iter().filter(|stranger| has_org || !stranger.is_somebody) {
            let by_code = matches!(route.org, OrgFrom::Header | OrgFrom::BodyCode | OrgFrom::Deployment);
            asked.check(stranger, &fields, by_code).await;
            if route.org == OrgFrom::Body {
                let mut by_code = fields.clone();
                by_code.remove("org_guid");
                by_code.insert("orgcode".to_owned(), json!(world.orgcode));
                asked.check(stranger, &by_code, true).await;
            }
            refused += 1;
        }
    }
    assert!(refused > 500, "{refused}");
}

#[tokio::test]
async fn a_long_list_costs_a_stranger_no_more_than_a_short_one() {
    const CUSTOMERS: usize = 600;
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let watched = World::at(proxy.endpoint()).await;
    let world = &watched.through(database::endpoint());
    let list = route(&crm::SERVICE, "/customer/list");
    let mut sample = sample(world, &crm::SERVICE, list).await;
    let before = proxy.calls().len();
    deliver(&watched, &crm::SERVICE, list, &sample, None).await.data();
    Original::of(&proxy.calls()[before..]).await.copy(CUSTOMERS).await;
    sample.fields.insert("limit".to_owned(), json!(256));
    let units = async |caller: &Caller| {
        let request = Sample { caller: caller.clone(), fields: sample.fields.clone() };
        let reply = deliver(world, &crm::SERVICE, list, &request, None).await;
        (reply.status, world.last_log()["rcu_tenths"].as_u64().expect("a figure"))
    };
    let (status, for_the_owner) = units(&sample.caller).await;
    assert_eq!(status, 200);
    let foreigner = world.another().await.owner.with("x-orgcode", &world.orgcode);
    for (stranger, refusal) in [(&unknown_session(world), 401), (&foreigner, 404)] {
        let (status, units) = units(stranger).await;
        assert_eq!(status, refusal);
        // Org, session, user, member, and the look-up of the code; each is of one unit, whether it is there or not.
        assert!(units == 50 || !database::counts_units(), "{units} tenths of a unit");
        assert!(for_the_owner > 8 * units, "{for_the_owner} and {units} tenths of a unit");
    }
}

/// Asks for a list that is about an org.
async fn ask(world: &World, caller: &Caller) -> Reply {
    world.post(&ofm::SERVICE, caller, LIST, json!({})).await
}

async fn reads(world: &World, caller: &Caller) -> (u16, u64) {
    let status = ask(world, caller).await.status;
    (status, world.last_log()["reads"].as_u64().expect("a figure"))
}

#[tokio::test]
async fn a_page_is_read_beside_the_check_only_for_whom_the_instance_has_just_seen() {
    let world = World::new().await;
    let member = world.member(&["ofm_view"]).await;
    assert_eq!(reads(&world, &member).await, (200, 2));
    assert_eq!(reads(&world, &member).await, (200, 1));
    // Of each caller, each org and each instance by itself.
    assert_eq!(reads(&world, &world.owner).await, (200, 2));
    assert_eq!(reads(&world.through(database::endpoint()), &member).await, (200, 2));
    let other = world.another().await;
    assert_eq!(ask(&other, &member).await.status, 404);
    assert_eq!(reads(&world, &member).await, (200, 1));
    world.advance_millis(9_999);
    assert_eq!(reads(&world, &member).await, (200, 1), "each pass counts anew");
    world.advance_seconds(10);
    assert_eq!(reads(&world, &member).await, (200, 2));
    // That somebody passed answers nothing.
    let stored = world.stored(&keys::member(&world.org, member.user_guid)).await.expect("a member");
    let suspend = json!({
        "user_guid": member.user_guid, "state": "suspended", "expected_revision": stored.revision,
    });
    world.post(&ofm::SERVICE, &world.owner, "/member/state/set", suspend).await.data();
    assert_eq!(ask(&world, &member).await.status, 404);
    let first = world.last_log()["rcu_tenths"].as_u64();
    assert_eq!(ask(&world, &member).await.status, 404);
    let is_less = world.last_log()["rcu_tenths"].as_u64() < first;
    assert!(is_less || !database::counts_units(), "who was refused is forgotten");
}

#[tokio::test]
async fn strangers_are_limited_by_source_network_on_every_route_and_nobody_else_is() {
    const MOST: u32 = 4;
    let world = World::new().await.with_figure(&UNKNOWN_CALLERS_PER_MINUTE, MOST);
    let theirs = world.another().await;
    for (n, (service, route)) in routes().enumerate() {
        if route.handler.traits().per_address.is_some() {
            // It counts every request of an address.
            continue;
        }
        let own = world.another().await;
        let good = Box::pin(sample(&own, service, route)).await;
        let mut fields = good.fields.clone();
        fields.retain(|name, _| !["session_guid", "api_key"].contains(&name.as_str()));
        let mut strangers = strangers(&own, &theirs).await;
        strangers.retain(|stranger| route.org != OrgFrom::Nowhere || !stranger.is_somebody);
        let place = format!("{} {}", service.name, route.call.path);
        let send = async |caller: &Caller, source: &str| {
            let caller = caller.clone().calling_from(&format!("2001:db8:{n:x}:{source}"));
            let request = Sample { caller, fields: fields.clone() };
            deliver(&own, service, route, &request, None).await
        };
        for (_, stranger) in (0..MOST).zip(strangers.iter().cycle().skip(n)) {
            let reply = send(&stranger.caller, ":1").await;
            assert!(matches!(reply.status, 401 | 404), "{place}, {}: {}", stranger.what, reply.text);
        }
        for stranger in &strangers {
            for source in [":1", ":2"] {
                let reply = send(&stranger.caller, source).await;
                assert_eq!(reply.tag(), Some("rate-limited"), "{place}, {}: {}", stranger.what, reply.text);
                assert!(reply.header("retry-after").is_some(), "{place}");
            }
            // Who was refused a moment ago is refused before anything is read.
            assert_eq!(own.last_log()["reads"], 0, "{place}, {}", stranger.what);
        }
        let reply = send(&strangers[0].caller, "1::1").await;
        assert_eq!(reply.tag(), Some("auth-required"), "{place}: another network: {}", reply.text);
        let caller = good.caller.clone().calling_from(&format!("2001:db8:{n:x}::1"));
        let request = Sample { caller, fields: good.fields.clone() };
        let reply = deliver(&own, service, route, &request, None).await;
        assert!(reply.is_success(), "{place}: a good caller of the same network: {}", reply.text);
    }
}

#[tokio::test]
async fn a_network_is_answered_300_strangers_a_minute_by_all_instances_together() {
    let world =
        World::new().await.with_figure(&UNKNOWN_CALLERS_PER_MINUTE, UNKNOWN_CALLERS_PER_MINUTE.default);
    let instances = [world.clone(), world.through(database::endpoint())];
    let stranger = unknown_session(&world);
    let answered = async || {
        for answered in 0..1_000_usize {
            let reply = ask(&instances[answered % 2], &stranger).await;
            if reply.status == 429 {
                return answered;
            }
            reply.refused("session-invalid");
        }
        panic!("strangers are not limited");
    };
    // Each instance may not know yet of the last one that the other answered.
    let first = answered().await;
    assert!((300..=302).contains(&first), "{first}");
    world.advance_seconds(1);
    assert!(answered().await <= 6);
    world.advance_seconds(60);
    let then = answered().await;
    assert!((300..=302).contains(&then), "{then}");
}

#[tokio::test]
async fn a_log_in_that_fails_counts_and_one_that_does_not_never_waits() {
    let world = World::new().await.with_figure(&UNKNOWN_CALLERS_PER_MINUTE, 2);
    let create = route(&usm::SERVICE, "/session/create");
    let right = sample(&world, &usm::SERVICE, create).await;
    let mut wrong = right.fields.clone();
    wrong.insert("passcode".to_owned(), json!("Not-the-passcode-1"));
    let log_in = async |fields: &Map<String, Value>| {
        let request = Sample { caller: Caller::anonymous(), fields: fields.clone() };
        deliver(&world, &usm::SERVICE, create, &request, None).await
    };
    for tag in ["invalid-passcode", "invalid-passcode", "rate-limited"] {
        log_in(&wrong).await.refused(tag);
        log_in(&right.fields).await.data();
    }
}
