//! The function killed at a thousand points, wherever it asks others for something, and the event source that offers it
//! its batches again: nothing is lost, nothing overtakes, and a kill repeats one event at most.
//!
//! The function is the real one. The bus, the queue and the table are models that can be stopped at any point; the event
//! source is the one that feeds the local stack, with the settings of the template. Chance comes from a seed.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use contract::{error::Result, time::Time};
use relay::{bus::Refusal, event::Event, letter::Letter, ports::Ports, progress::Lane, relay::Relay};
use serde_json::{Value, json};
use service::{Clock, LogSink};
use stack::{mapping::Mapping, template::Template};
use store::journal::{Entry, ItemKey};
use tokio::sync::Notify;

use crate::{TIME_LEFT, faults};

const EVENTS: u32 = 10_000;
const KILLS: usize = 1_000;
const AGGREGATES: u32 = 150;

/// What is outside the function, and outlives it.
struct Outside {
    chance: fastrand::Rng,
    kills_left: usize,
    /// One point in so many is one at which the function is killed.
    kill_one_in: u32,
    /// Whether the bus refuses a call or an event now and then.
    moody: bool,
    published: Vec<String>,
    letters: Vec<Letter>,
    lanes: HashMap<String, Lane>,
}

/// One life of the function.
#[derive(Clone)]
struct Life {
    outside: Arc<Mutex<Outside>>,
    killed: Arc<Notify>,
}

impl Life {
    /// A point at which the function may be killed: then it does not get past it.
    async fn point(&self) {
        let dies = {
            let mut outside = self.outside.lock().unwrap();
            let one_in = outside.kill_one_in;
            let dies = outside.kills_left > 0 && outside.chance.u32(0..one_in) == 0;
            outside.kills_left -= usize::from(dies);
            dies
        };
        if dies {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// A call: the function may be killed before it has its effect, and after.
    async fn call<T>(&self, effect: impl FnOnce(&mut Outside) -> T) -> T {
        self.point().await;
        let answer = effect(&mut self.outside.lock().unwrap());
        self.point().await;
        answer
    }
}

impl Ports for Life {
    async fn publish(&self, events: &[&Event]) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        self.call(|outside| {
            if outside.moody && outside.chance.u32(0..50) == 0 {
                return Err("InternalException".to_owned());
            }
            let mut answers = Vec::new();
            for event in events {
                let detail: Value = serde_json::from_str(&event.detail).unwrap();
                let id = detail["event_id"].as_str().unwrap().to_owned();
                let refused = outside.moody && outside.chance.u32(0..20) == 0;
                answers.push(if detail["data"]["caption"] == MALFORMED {
                    Err("MalformedDetail".to_owned())
                } else if refused {
                    Err("ThrottlingException".to_owned())
                } else {
                    outside.published.push(id);
                    Ok(())
                });
            }
            Ok(answers)
        })
        .await
    }

    async fn put_aside(&self, letters: &[Letter]) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        self.call(|outside| {
            outside.letters.extend_from_slice(letters);
            Ok(letters.iter().map(|_| Ok(())).collect())
        })
        .await
    }

    async fn progress(&self, lanes: &[&str]) -> Result<HashMap<String, Lane>> {
        let of =
            |outside: &mut Outside, lane: &str| Some((lane.to_owned(), outside.lanes.get(lane)?.clone()));
        self.call(|outside| Ok(lanes.iter().filter_map(|lane| of(outside, lane)).collect())).await
    }

    async fn note(&self, lanes: &[&Lane], _: Time) -> Result<()> {
        self.call(|outside| {
            outside.lanes.extend(lanes.iter().map(|lane| (lane.lane.clone(), Lane::clone(lane))));
            Ok(())
        })
        .await
    }

    async fn entries(&self, _: &[ItemKey]) -> Result<BTreeMap<ItemKey, Entry>> {
        unreachable!("nothing is published again here")
    }

    async fn pause(&self, _: Duration) {
        self.point().await;
    }
}

const MALFORMED: &str = "the bus does not like this";

/// What a record is, apart from its place.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Good,
    Unreadable,
    TooLarge,
    Malformed,
}

fn record(aggregate: u32, number: u32, kind: Kind) -> Value {
    let mut record = faults::entry(&format!("a{aggregate}"), number);
    let data = &mut record["dynamodb"]["NewImage"]["data"]["M"];
    match kind {
        Kind::Good => {}
        Kind::Unreadable => data["sequence"] = json!({"S": "one"}),
        Kind::TooLarge => data["data"] = json!({"M": {"caption": {"S": "x".repeat(256 * 1024)}}}),
        Kind::Malformed => data["data"] = json!({"M": {"caption": {"S": MALFORMED}}}),
    }
    record
}

/// What became of a run.
struct Run {
    kinds: BTreeMap<String, Kind>,
    outside: Outside,
    invocations: usize,
}

impl Run {
    fn duplicates(&self) -> usize {
        self.outside.published.len() - self.outside.published.iter().collect::<BTreeSet<_>>().len()
    }

    /// Every good record is published, every other one is in the dead-letter queue and names itself, and the first
    /// appearance of each is in the order of its aggregate.
    fn check(&self) {
        let published: BTreeSet<_> = self.outside.published.iter().collect();
        let aside: BTreeSet<String> = self.outside.letters.iter().map(name_of).collect();
        for (name, kind) in &self.kinds {
            assert_eq!(published.contains(name), *kind == Kind::Good, "{name}");
            assert_eq!(aside.contains(name), *kind != Kind::Good, "{name}");
        }
        let mut last: HashMap<&str, u32> = HashMap::new();
        let mut seen = BTreeSet::new();
        for name in self.outside.published.iter().filter(|name| seen.insert(*name)) {
            let (aggregate, number) = name.split_once('.').unwrap();
            let number = number.parse().unwrap();
            let before = last.insert(aggregate, number).unwrap_or(0);
            assert!(before < number, "{name} after {before}");
        }
    }
}

fn name_of(letter: &Letter) -> String {
    let key = letter.entry.as_ref().unwrap();
    let aggregate = key.pk.rsplit('|').next().unwrap();
    format!("{aggregate}.{}", key.sk.trim_start_matches('0'))
}

/// Feeds a shard with so many records to the function, which is killed so many times meanwhile.
async fn run(seed: u64, events: u32, kills: usize, poison_permille: u32, moody: bool) -> Run {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut kinds = BTreeMap::new();
    let mut records = Vec::new();
    for number in 1..=events {
        let is_poison = chance.u32(0..1000) < poison_permille;
        // Few are too large, for each is copied with every batch that it is offered in.
        let poison = match chance.u32(0..40) {
            0 => Kind::TooLarge,
            1..20 => Kind::Unreadable,
            _ => Kind::Malformed,
        };
        let kind = if is_poison { poison } else { Kind::Good };
        let aggregate = chance.u32(0..AGGREGATES);
        kinds.insert(format!("a{aggregate}.{number}"), kind);
        records.push(record(aggregate, number, kind));
    }
    let outside = Arc::new(Mutex::new(Outside {
        chance,
        kills_left: kills,
        kill_one_in: 40,
        moody,
        published: Vec::new(),
        letters: Vec::new(),
        lanes: HashMap::new(),
    }));
    let source = Template::local().unwrap().event_source().unwrap();
    let mut mapping = Mapping::new(source.rules);
    mapping.add(&records);
    let mut invocations = 0;
    let mut life = None;
    while let Some(batch) = mapping.next() {
        invocations += 1;
        let event = json!({ "Records": batch });
        let (relay, killed) = life.get_or_insert_with(|| born(&outside));
        let answer = tokio::select! {
            biased;
            () = killed.notified() => None,
            answer = invoke(relay, event, &outside, killed) => answer,
        };
        if answer.is_none() {
            life = None;
        }
        mapping.answered(answer.as_ref());
    }
    drop(life);
    let outside = Arc::into_inner(outside).unwrap().into_inner().unwrap();
    Run { kinds, outside, invocations }
}

fn born(outside: &Arc<Mutex<Outside>>) -> (Relay<Life>, Arc<Notify>) {
    let killed = Arc::new(Notify::new());
    let life = Life { outside: outside.clone(), killed: killed.clone() };
    (Relay::new(life, "test", Clock::System, LogSink::Memory(Arc::default())), killed)
}

/// One invocation; the function may also be killed before it begins, and when it is about to answer.
async fn invoke(
    relay: &Relay<Life>,
    event: Value,
    outside: &Arc<Mutex<Outside>>,
    killed: &Arc<Notify>,
) -> Option<Value> {
    let life = Life { outside: outside.clone(), killed: killed.clone() };
    life.point().await;
    let answer = relay.handle(event, TIME_LEFT).await.ok()?;
    life.point().await;
    serde_json::to_value(answer).ok()
}

async fn holds(seed: u64, poison_permille: u32, moody: bool) {
    let run = run(seed, EVENTS, KILLS, poison_permille, moody).await;
    let (duplicates, letters) = (run.duplicates(), run.outside.letters.len());
    let invocations = run.invocations;
    eprintln!("{KILLS} kills, {duplicates} duplicates, {letters} letters, {invocations} invocations");
    assert_eq!(run.outside.kills_left, 0, "it was killed as often as it should be");
    run.check();
    assert!(duplicates <= KILLS, "{duplicates} duplicates");
    let poison = run.kinds.values().filter(|kind| **kind != Kind::Good).count();
    assert!(letters - poison <= KILLS, "{letters} letters for {poison} records");
}

#[tokio::test]
async fn killed_a_thousand_times_it_loses_nothing_and_repeats_one_event_a_kill_at_most() {
    holds(1, 0, false).await;
}

#[tokio::test]
async fn the_same_with_one_percent_of_poison_and_a_bus_that_refuses() {
    holds(2, 10, true).await;
}

#[tokio::test]
async fn one_that_lives_publishes_each_event_once_whatever_the_bus_refuses() {
    let run = run(3, EVENTS / 5, 0, 10, true).await;
    run.check();
    assert_eq!(run.duplicates(), 0);
}
