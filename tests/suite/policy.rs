//! What is left when a service checks nobody: the policy of its function, as `template.yaml` has it.
//!
//! Every request of a function under test is judged by that policy (see `testkit::iam`). Here the checks are switched
//! off as a mistake or an attacker would: services of the same names answer anybody, take any tenant for checked, and
//! ask the table for whatever they are told to.

use std::fmt::{self, Display};

use contract::{error::Tag, revision::Revision};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::IgnoredAny};
use serde_json::{Map, Value, json};
use service::{Access, Answer, Class, Ctx, OrgFrom, Route, Service, Style, Written, post, read, write};
use store::{Batch, Classified, Entity, Index, Key, Listing, Order, Org, Partition, System};
use testkit::{Caller, Reply, World, database, iam, items::Items, proxy::Proxy};
use uuid::Uuid;

static ROUTES: &[Route] = &[
    Route {
        call: post("/rob"),
        summary: "Read anything",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Public,
        errors: &[],
        handler: &read(rob),
    },
    Route {
        call: post("/vandalise"),
        summary: "Write anything",
        class: Class::A,
        org: OrgFrom::Nowhere,
        access: Access::Public,
        errors: &[Tag::InUse],
        handler: &write(vandalise),
    },
];

static AREAS: &[&[Route]] = &[ROUTES];

/// Services that check nobody, under the names of those that do: it is the function that has the role.
static ROBBERS: [Service; 4] = [robber("crm"), robber("ofm"), robber("referral"), robber("usm")];

const fn robber(name: &'static str) -> Service {
    let summary = "A service that checks nobody";
    Service { name, summary, style: Style::Enveloped, figures: &[], code_keys: None, areas: AREAS }
}

/// Something in the table, whosever it is.
#[derive(Clone, Default, Deserialize, JsonSchema)]
struct Target {
    /// What is done to it.
    how: How,
    /// Its partition, part by part: the first is a service, the second an org or `-`.
    partition: Vec<String>,
    /// Its sort key.
    sort: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum How {
    #[default]
    Get,
    Batch,
    List,
    ListByFirst,
    ListBySecond,
    Probe,
    Forge,
    Delete,
}

impl Target {
    fn partition(&self) -> Partition {
        let (service, tenant) = (&self.partition[0], &self.partition[1]);
        let start = match tenant.parse::<Uuid>() {
            // The check that is switched off.
            Ok(org) => Partition::of(service, &Org::checked(contract::ids::OrgGuid::from_uuid(org))),
            Err(_) => Partition::of_system(service),
        };
        self.partition[2..].iter().fold(start, Partition::part)
    }

    fn key(&self) -> Key<Loot> {
        Key::new(&self.partition(), &[&self.sort])
    }
}

/// Whatever a record holds.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
struct Loot {
    all: Map<String, Value>,
    #[serde(skip)]
    target: Target,
}

impl Classified for Loot {
    const CLASSES: &'static [(&'static str, store::Class)] = &[];
}

impl Entity for Loot {
    const SERVICE: &'static str = "any";
    const TYPE: &'static str = "any";
    type Scope = System;
    type Revision = AnyRevision;

    fn key(&self, _: &System) -> Key<Self> {
        self.target.key()
    }

    fn id(&self) -> String {
        "any".to_owned()
    }
}

/// The revision of any record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
struct AnyRevision;

impl Revision for AnyRevision {
    fn first(_: Uuid) -> Self {
        Self
    }

    fn next(self, _: Uuid) -> Self {
        Self
    }
}

impl Display for AnyRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any")
    }
}

impl Serialize for AnyRevision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("any")
    }
}

impl<'de> Deserialize<'de> for AnyRevision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

#[derive(Serialize, JsonSchema)]
struct Haul {
    loot: Vec<Map<String, Value>>,
}

async fn rob(ctx: Ctx, target: Target) -> contract::error::Result<Answer<Haul>> {
    let list = |index| Listing::new(index, [target.partition()], Order::Ascending);
    let loot = match target.how {
        How::Batch => {
            let mut batch = Batch::default();
            batch.want(&target.key());
            ctx.read(batch).await?.get(&target.key())?.into_iter().collect()
        }
        How::List => ctx.some(&list(Index::Main), 1).await?,
        How::ListByFirst => ctx.some(&list(Index::First), 1).await?,
        How::ListBySecond => ctx.some(&list(Index::Second), 1).await?,
        _ => ctx.get(&target.key()).await?.into_iter().collect(),
    };
    Ok(Answer::new(Haul { loot: loot.into_iter().map(|stored| stored.record.all).collect() }))
}

async fn vandalise(ctx: Ctx, target: Target) -> contract::error::Result<Written<Haul>> {
    let mut change = ctx.change();
    match target.how {
        How::Delete => change.release(&target.key()),
        How::Forge => change.keep(&System, None, Loot { all: Map::new(), target })?,
        _ => change.require_absent(&target.key(), || Tag::InUse.into()),
    }
    Ok(change.answer(Answer::new(Haul { loot: Vec::new() })))
}

async fn attack(robber: &'static Service, world: &World, how: How, partition: &str, sort: &str) -> Reply {
    let path = match how {
        How::Probe | How::Forge | How::Delete => "/vandalise",
        _ => "/rob",
    };
    let partition: Vec<_> = partition.split('|').collect();
    let target = json!({ "how": how, "partition": partition, "sort": sort });
    world.post(robber, &Caller::anonymous(), path, target).await
}

/// An org with something of every service in it, and what is stored of it: records, not their journal.
async fn victim() -> (World, Items) {
    let world = World::new().await;
    let customer = json!({ "customer": { "given_name": "Vera", "emails": [{ "email": "vera@example.com" }] }, "reason": "test" });
    world.post(&crm::SERVICE, &world.owner, "/customer/create", customer).await.data();
    let centre = json!({ "caption": "Secret project" });
    world.post(&ofm::SERVICE, &world.owner, "/cost-centre/create", centre).await.data();
    let account = json!({ "code": "TILL-1", "caption": "Till", "roles": ["ofm_view"] });
    let account = world.post(&usm::SERVICE, &world.owner, "/service_account/create", account).await;
    let key = json!({ "service_account_guid": account.data()["service_account_guid"] });
    world.post(&usm::SERVICE, &world.owner, "/api_key/create", key).await.data();
    let code = json!({ "orgcode": world.orgcode, "mentor_id": "usr_4491" });
    let code = world.act(&operator::SERVICE, "referral-code-create", code).await;
    let click = json!({ "code": code.data()["referral_code"]["code"], "ip_address": "192.0.2.1" });
    let click = click.to_string();
    world.send(&referral::SERVICE, &Caller::anonymous(), "POST", "/", click).await.data();
    let mut items = world.items().await;
    items.retain(|_, item| item.contains_key("revision"));
    for service in ["crm", "ofm", "referral", "usm"] {
        assert!(items.keys().any(|(pk, _)| pk.starts_with(service)), "nothing of {service}");
    }
    (world, items)
}

/// Everything that can be done to an item, and where: for lists the partition of the list.
fn attacks(items: &Items, key: &(String, String)) -> Vec<(How, String, String)> {
    let text = |name: &str| items[key].get(name)?.as_s().ok().cloned();
    let (pk, sk) = key.clone();
    let mut attacks: Vec<_> = [How::Get, How::Batch, How::List, How::Probe]
        .into_iter()
        .map(|how| (how, pk.clone(), sk.clone()))
        .collect();
    for (how, name) in [(How::ListByFirst, "gsi1pk"), (How::ListBySecond, "gsi2pk")] {
        attacks.extend(text(name).map(|list| (how, list, String::new())));
    }
    attacks.push((How::Forge, pk.clone(), format!("{sk}-forged")));
    attacks.push((How::Delete, pk, sk));
    attacks
}

/// What every function may read by its key, because a caller is checked against it.
fn is_checked_against(how: How, partition: &str) -> bool {
    let by_key = matches!(how, How::Get | How::Batch | How::Probe);
    let parts: Vec<_> = partition.split('|').collect();
    by_key
        && matches!(
            parts[..],
            ["ofm", _, "org"]
                | ["ofm", _, "member", _]
                | ["ofm", "-", "orgcode", _]
                | ["usm", _, "service-account", _]
                | ["usm", _, "key-policy"]
                | ["usm", "-", "user", _]
        )
}

/// What `ofm` may read beside that: the keys that an owner made, whom it removes (ofm §8).
fn is_of_removal(robber: &Service, how: How, partition: &str) -> bool {
    let parts: Vec<_> = partition.split('|').collect();
    robber.name == "ofm"
        && match parts[..] {
            ["usm", _, "key-ring", _] => matches!(how, How::Get | How::Batch | How::Probe),
            ["usm", _, "made-keys", _] => {
                matches!(how, How::Get | How::Batch | How::Probe | How::List)
            }
            _ => false,
        }
}

#[tokio::test]
async fn without_a_policy_an_unchecked_service_reaches_everything() {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let robbers = World::behind(&proxy).await;
    let (ours, before) = victim().await;
    // Nothing tells one of them from another: they take turns.
    for (key, robber) in before.keys().zip(ROBBERS.iter().cycle()) {
        for (how, partition, sort) in attacks(&before, key) {
            let reply = attack(robber, &robbers, how, &partition, &sort).await;
            let place = format!("{} {how:?} {partition} {sort}: {}", robber.name, reply.text);
            match how {
                How::Probe => drop(reply.refused("in-use")),
                How::Forge | How::Delete => assert_eq!(reply.status, 200, "{place}"),
                _ => assert_eq!(reply.data()["loot"].as_array().map(Vec::len), Some(1), "{place}"),
            }
        }
    }
    let after = ours.items().await;
    assert!(before.keys().all(|key| !after.contains_key(key)), "everything was deleted");
}

#[tokio::test]
async fn the_policy_alone_stops_an_unchecked_service_from_what_is_not_its_own() {
    let roles = iam::of_table(database::table());
    let proxy = Proxy::enforcing(database::endpoint(), roles).expect("a proxy");
    let robbers = World::behind(&proxy).await;
    let (ours, records) = victim().await;
    let before = ours.items().await;
    let mut denied = 0;
    for key in records.keys() {
        for robber in &ROBBERS {
            for (how, partition, sort) in attacks(&records, key) {
                let is_own = partition.split('|').next() == Some(robber.name);
                if is_own && matches!(how, How::Forge | How::Delete) {
                    continue;
                }
                let reply = attack(robber, &robbers, how, &partition, &sort).await;
                let place = format!("{} {how:?} {partition} {sort}: {}", robber.name, reply.text);
                let is_allowed =
                    is_checked_against(how, &partition) || is_of_removal(robber, how, &partition);
                if is_own || is_allowed {
                    assert_ne!(reply.status, 500, "{place}");
                    continue;
                }
                denied += 1;
                assert_eq!(reply.status, 500, "{place}");
                reply.refused("internal");
                assert!(!reply.text.contains(&ours.org.guid().to_string()), "{place}");
                let why = proxy.denials().pop().expect("it was denied");
                assert!(why.starts_with(&format!("{} may not dynamodb:", robber.name)), "{why}");
                assert!(why.contains(&partition), "{place}: {why}");
            }
        }
    }
    assert_eq!(proxy.denials().len(), denied);
    assert!(denied > records.len() * 4, "{denied} attacks were denied");
    assert_eq!(ours.items().await, before);
}

#[tokio::test]
#[should_panic(expected = "crm may not dynamodb:Query")]
async fn a_test_in_which_a_function_leaves_its_policy_fails() {
    let world = World::new().await;
    let partition = format!("ofm|{}|cost-centres|active", world.org.guid());
    attack(&ROBBERS[0], &world, How::ListByFirst, &partition, "").await;
}

#[tokio::test]
async fn the_requests_of_every_function_are_judged() {
    let world = World::new().await;
    let before = iam::judged("crm", "BatchGetItem");
    world.post(&crm::SERVICE, &world.owner, "/customer/list", json!({})).await.data();
    assert!(iam::judged("crm", "BatchGetItem") > before);
    for function in ["crm", "ofm", "operator", "referral", "usm"] {
        // That there is one is all that is asked: without a role nothing of the function could be judged.
        let _ = iam::role(function);
    }
}
