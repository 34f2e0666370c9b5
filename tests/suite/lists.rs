//! A page of a long list costs what a page of a short one costs.
//!
//! Every list is made long by copies of a record that its sample has. Lists by page number are not among them: a page
//! of theirs costs by how deep it lies (`contract::pages`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use service::{Access, Route, Service};
use testkit::{Reply, World, copies::Original, database, proxy::Proxy};

use crate::{
    conform,
    request::{Sample, deliver},
    samples::sample,
    services,
};

/// So many records are copied for a short list: some pages.
const FEW: usize = 20;
/// How many records a page holds.
const PAGE: usize = 5;
/// The most records that a query asks for.
const MOST: usize = 256;

/// So many records are copied for a long list, unless `LIST_ITEMS` says otherwise.
#[expect(clippy::disallowed_methods, reason = "a test is told its length by the environment")]
fn many() -> usize {
    const MANY: usize = 100;
    let asked = std::env::var("LIST_ITEMS").ok().and_then(|count| count.parse().ok());
    asked.unwrap_or(MANY).max(MANY)
}

/// A list that is read on is read twice as far each time, from a page up to [`MOST`].
const FIRST_STEPS: u64 = 6;
/// The round trips of a step at most: one for the records, and the others for what is shown with them.
const A_STEP: u64 = 7;

/// Filters of one value of several for which a list has no key: a page is full whatever the filters (contract §6), so
/// whoever asks for what is rare has the others read past, up to [`MOST`] of them at a time.
const READ_PAST: &[(&str, &[&str])] = &[
    // An org has some hundreds of these at most: a key for each filter would cost every change more than reading past
    // the others costs the rare list.
    ("ofm/facility/legal/list", &["country"]),
    ("ofm/facility/logical/list", &["facility_type"]),
    ("ofm/facility/physical/list", &["country", "site_type"]),
    ("ofm/sales-channel/list", &["channel_code", "market_code"]),
    ("ofm/station/list", &["station_type"]),
    ("ofm/zone/list", &["zone_type"]),
    ("usm/service_account/list", &["role"]),
    // And some thousands of these.
    ("ofm/member/list", &["in_force", "role", "role_profile_id"]),
    // How they stand follows from another record or from the time, and so is told on reading; and codes of one
    // type lie among the others.
    ("ofm/member/assignments", &["state"]),
    ("ofm/org/list", &["status"]),
    ("ofm/override-code/list", &["status", "type"]),
    ("ofm/service-account/assignments", &["state"]),
    ("ofm/team/by-member", &["state"]),
    ("ofm/team/members", &["state"]),
    ("usm/api_key/list", &["status"]),
    ("usm/session/list", &["status"]),
    // Within the 62 days that a request may ask for.
    ("ofm/shift/list", &["published"]),
    ("ofm/timesheet/list", &["overdue"]),
];

/// What is asked again and again.
struct List<'w> {
    world: &'w World,
    service: &'static Service,
    route: &'static Route,
    sample: Sample,
}

/// What a page costs: sequential round trips, and tenths of read units.
#[derive(Clone, Copy, Debug)]
struct Cost {
    trips: u64,
    rcu_tenths: u64,
}

impl Cost {
    /// The same but for a read unit: records are not of one size, and DynamoDB rounds.
    fn is_like(self, other: Self) -> bool {
        self.trips == other.trips && self.rcu_tenths.abs_diff(other.rcu_tenths) <= 10
    }
}

impl List<'_> {
    async fn ask(&self, limit: usize, token: Option<&str>, filter: Option<(&str, &Value)>) -> Reply {
        let mut fields = self.sample.fields.clone();
        fields.insert("limit".to_owned(), json!(limit));
        fields.extend(token.map(|token| ("next_token".to_owned(), json!(token))));
        fields.extend(filter.map(|(name, value)| (name.to_owned(), value.clone())));
        let request = Sample { caller: self.sample.caller.clone(), fields };
        deliver(self.world, self.service, self.route, &request, None).await
    }

    fn name(&self) -> String {
        format!("{}{}", self.service.name, self.route.call.path)
    }

    fn cost(&self) -> Cost {
        let log = self.world.last_log();
        let figure = |name: &str| log[name].as_u64().expect("a figure");
        Cost { trips: figure("reads"), rcu_tenths: figure("rcu_tenths") }
    }

    /// All records, each as its text, and the token that leads to the middle of as many.
    async fn walk(&self, count: usize) -> (BTreeSet<String>, Option<String>) {
        let size = count.div_ceil(2).min(MOST);
        let (mut all, mut token, mut middle) = (BTreeSet::new(), None, None);
        loop {
            let page = self.ask(size, token.as_deref(), None).await;
            let records = records(page.data());
            token = page.data()["next_token"].as_str().map(str::to_owned);
            assert!(
                token.is_none() || records.len() == size,
                "{}: a page is full unless it is the last",
                self.name()
            );
            for record in records {
                assert!(all.insert(record.to_string()), "{}: {record} is met twice", self.name());
            }
            if token.is_none() {
                return (all, middle);
            }
            if all.len() * 2 >= count && middle.is_none() {
                middle.clone_from(&token);
            }
        }
    }

    /// What the first page costs, and one in the middle, of a list with so many records.
    async fn costs(&self, count: usize) -> [Cost; 2] {
        let (all, middle) = self.walk(count).await;
        assert_eq!(all.len(), count, "{}: all are listed", self.name());
        assert!(middle.is_some(), "{}: there is a page in the middle", self.name());
        let mut costs = Vec::new();
        for token in [None, middle.as_deref()] {
            let page = self.ask(PAGE, token, None).await;
            assert_eq!(records(page.data()).len(), PAGE);
            costs.push(self.cost());
        }
        [costs[0], costs[1]]
    }

    /// What the first page costs with a filter, by its name and value.
    async fn filtered(&self) -> BTreeMap<(String, String), Cost> {
        let mut costs = BTreeMap::new();
        for (name, value) in filters(self.service, self.route) {
            // Not every value goes with the others.
            if self.ask(PAGE, None, Some((&name, &value))).await.is_success() {
                costs.insert((name, value.to_string()), self.cost());
            }
        }
        costs
    }
}

/// The records of a page: what its answer has several of.
fn records(data: &Value) -> &[Value] {
    let mut several = data.as_object().expect("an answer").values().filter_map(Value::as_array);
    several.next().expect("records")
}

/// Each filter of a list with some of its values, where the document says them: the last ones, for it begins with what
/// is usual.
fn filters(service: &'static Service, route: &Route) -> Vec<(String, Value)> {
    const SOME: usize = 2;
    if route.access == Access::Operator {
        return Vec::new();
    }
    let document = conform::document(service);
    let Some(schema) = document.pointer(&conform::request_schema(service, route)) else { return Vec::new() };
    let mut fields = resolved(document, schema)["properties"].as_object().cloned().unwrap_or_default();
    // It asks for more statuses, as `status` does.
    fields.remove("include_doomed");
    let values = |(name, schema): (String, Value)| {
        let mut values = Vec::new();
        collect(document, &schema, &mut values);
        values.retain(|value| value != "all");
        values.into_iter().rev().take(SOME).map(move |value| (name.clone(), value))
    };
    fields.into_iter().flat_map(values).collect()
}

fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(path) => document.pointer(&path[1..]).expect("a schema"),
        None => schema,
    }
}

fn collect(document: &Value, schema: &Value, values: &mut Vec<Value>) {
    let schema = resolved(document, schema);
    values.extend(schema["enum"].as_array().into_iter().flatten().cloned());
    values.extend(schema.get("const").cloned());
    if schema["type"].to_string().contains("boolean") {
        values.extend([json!(true), json!(false)]);
    }
    for several in ["anyOf", "oneOf"] {
        for schema in schema[several].as_array().into_iter().flatten() {
            collect(document, schema, values);
        }
    }
}

/// The request for a list of the test's own.
async fn own_list(world: &World, service: &'static Service, route: &'static Route) -> Sample {
    let mut sample = sample(world, service, route).await;
    // Without names, of all.
    sample.fields.remove("user_guids");
    if route.call.path == "invitation-list" {
        // The open invitations are of all orgs, and so of all tests.
        let user = world.stranger().await.user_guid;
        for _ in 0..2 {
            world.act(service, "invitation-create", json!({"user_guid": user})).await.data();
        }
        sample.fields = Map::from_iter([("user_guid".to_owned(), json!(user))]);
    }
    sample
}

/// The filters of a list that read past others, once it is made long.
async fn check(service: &'static Service, route: &'static Route) -> BTreeSet<String> {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let watched = World::at(proxy.endpoint()).await;
    let world = &watched.through(database::endpoint());
    let sample = own_list(world, service, route).await;
    let list = List { world, service, route, sample };
    let name = list.name();
    let before = proxy.calls().len();
    let whole = deliver(&watched, service, route, &list.sample, None).await;
    assert!(whole.data().get("next_token").is_none(), "{name}: a sample has few records");
    let first = records(whole.data()).len();
    let mut original = Original::of(&proxy.calls()[before..]).await;
    original.copy(FEW).await;
    let (short, short_filtered) = (list.costs(first + FEW).await, list.filtered().await);
    original.copy(many() - FEW).await;
    let (long, long_filtered) = (list.costs(first + many()).await, list.filtered().await);
    for (short, long) in short.into_iter().zip(long) {
        assert!(long.is_like(short), "{name}: {short:?} of a short list, {long:?} of a long one");
    }
    let steps = u64::try_from(many().div_ceil(MOST)).expect("a number") + FIRST_STEPS;
    let mut read_past = BTreeSet::new();
    for (filter, cost) in long_filtered {
        let most = short[0].trips + steps * A_STEP;
        assert!(cost.trips <= most, "{name} by {filter:?}: {} round trips", cost.trips);
        if !cost.is_like(short_filtered[&filter]) {
            read_past.insert(filter.0);
        }
    }
    read_past
}

#[tokio::test]
async fn a_page_of_a_long_list_costs_what_one_of_a_short_list_costs() {
    let lists: Vec<_> = services::routes().filter(|(_, route)| route.handler.traits().pages).collect();
    assert!(lists.len() > 20);
    let mut read_past = BTreeMap::new();
    for (service, route) in lists {
        // Apart on the heap: a sample is large.
        let filters = Box::pin(check(service, route)).await;
        if !filters.is_empty() {
            read_past.insert(format!("{}{}", service.name, route.call.path), filters);
        }
    }
    let known: BTreeMap<_, BTreeSet<_>> = READ_PAST
        .iter()
        .map(|(list, filters)| {
            ((*list).to_owned(), filters.iter().map(|filter| (*filter).to_owned()).collect())
        })
        .collect();
    assert_eq!(read_past, known);
}
