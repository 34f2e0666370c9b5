//! Many callers on one record, for every command: each is answered, by a success or by what the document says, and nobody
//! is told that the service is unavailable (ofm §2, *Guards are exact*).

use std::{
    cell::RefCell,
    collections::VecDeque,
    time::{Duration, Instant},
};

use futures::future::join_all;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use service::{Clock, Request, Route, Service, direct};
use testkit::{
    Reply, World, database, journal,
    proxy::{Fault, Operation, Proxy, When},
    race::{CALLERS, rounds},
};

use crate::{
    faults::{ENDS_ITS_RIGHT, SHARED_BY_ALL},
    request::{Sample, send},
    samples::sample,
    services,
};

/// So many crowds are under way at the same time.
const LANES: usize = 2;
/// A proxy remembers every call: after so many crowds another one takes its place.
const CROWDS_PER_PROXY: usize = 8;
/// A request is decided no more often: with the longest pauses so often fits into the time of a function.
const MOST_TRIES: u64 = 64;

/// Tries go on for so long where a request has the usual time, and no try begins in its last second and a half.
const TRIES_USUALLY: Duration = Duration::from_millis(8_500);

type Command = (&'static Service, &'static Route);

fn commands() -> impl Iterator<Item = Command> {
    services::routes()
        .filter(|(_, route)| route.handler.traits().writes && !SHARED_BY_ALL.contains(&route.call.path))
}

fn place((service, route): Command) -> String {
    format!("{} {}", service.name, route.call.path)
}

/// The same request of the same caller, so many times at once.
async fn crowd(world: &World, (service, route): Command, sample: &Sample, key: Option<&str>) -> Vec<Reply> {
    join_all((0..CALLERS).map(|_| send(world, service, route, sample, key))).await
}

/// Everybody was answered, and one at least got what they wanted.
#[track_caller]
fn all_answered(place: &str, replies: &[Reply]) {
    for reply in replies {
        let is_answered = reply.status < 500 && reply.tag() != Some("idempotency-in-progress");
        assert!(is_answered, "{place}: {} {}", reply.status, reply.text);
    }
    assert!(replies.iter().any(Reply::is_success), "{place}: {}", replies[0].text);
}

/// Everybody with one key got the answer of the one who was first.
#[track_caller]
fn all_answered_alike(place: &str, route: &Route, replies: &[Reply]) {
    let ends_right = ENDS_ITS_RIGHT.iter().find(|(path, _)| *path == route.call.path);
    let withheld = |reply: &Reply| {
        ["secret_withheld", "code_withheld"].iter().any(|flag| reply.data().get(flag).is_some())
    };
    let (served, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.is_success());
    for reply in refused {
        assert_eq!(reply.tag(), ends_right.map(|(_, tag)| *tag), "{place}: {}", reply.text);
    }
    let told: Vec<_> = served.into_iter().filter(|reply| !withheld(reply)).collect();
    for reply in &told {
        assert_eq!(reply.data(), told[0].data(), "{place}: another answer");
    }
}

/// Functions, and a proxy that takes down what they write.
struct Lane {
    proxy: Proxy,
    world: World,
}

impl Lane {
    async fn new() -> Self {
        let proxy = Proxy::start(database::endpoint()).expect("a proxy");
        Self { world: World::at(proxy.endpoint()).await, proxy }
    }

    /// A crowd in an org of its own: in every other round with one idempotency key.
    async fn meet(&self, command: Command, round: u64) {
        let world = self.world.another().await;
        let (service, route) = command;
        let sample = sample(&world, service, route).await;
        let place = place(command);
        world.forget_log();
        let takes_key = !route.handler.traits().ignores_idempotency;
        if takes_key && round % 2 == 1 {
            let key = world.change().uuid().to_string();
            let replies = crowd(&world, command, &sample, Some(&key)).await;
            all_answered(&place, &replies);
            all_answered_alike(&place, route, &replies);
        } else {
            all_answered(&place, &crowd(&world, command, &sample, None).await);
        }
    }

    /// The most tries that a request took since the log was last forgotten. Two lanes have two logs.
    fn most_tries(&self) -> u64 {
        let tries = |line: &String| serde_json::from_str::<Value>(line).ok()?["tries"].as_u64();
        self.world.log().iter().filter_map(tries).max().unwrap_or(0)
    }
}

#[expect(clippy::print_stdout, reason = "how often requests are decided is a figure of `make races`")]
async fn all_answer(name: &str) {
    let commands: Vec<_> = commands().filter(|(service, _)| service.name == name).collect();
    let crowds = (0..rounds()).flat_map(|round| commands.iter().map(move |command| (*command, round)));
    let crowds: RefCell<VecDeque<_>> = RefCell::new(crowds.collect());
    let most = RefCell::new((0, String::new()));
    let work = async |_| {
        while !crowds.borrow().is_empty() {
            let lane = Lane::new().await;
            for _ in 0..CROWDS_PER_PROXY {
                let next = crowds.borrow_mut().pop_front();
                let Some((command, round)) = next else { break };
                lane.meet(command, round).await;
                let tries = lane.most_tries();
                assert!(tries <= MOST_TRIES, "{}: decided {tries} times", place(command));
                if tries > most.borrow().0 {
                    *most.borrow_mut() = (tries, place(command));
                }
            }
            journal::whole(&lane.proxy).await;
        }
    };
    join_all((0..LANES).map(work)).await;
    println!("{name}: {} rounds of {} commands, at most {:?} tries", rounds(), commands.len(), most.borrow());
}

#[tokio::test]
async fn all_who_meet_are_answered_by_crm() {
    all_answer("crm").await;
}

#[tokio::test]
async fn all_who_meet_are_answered_by_ofm() {
    all_answer("ofm").await;
}

#[tokio::test]
async fn all_who_meet_are_answered_by_referral() {
    all_answer("referral").await;
}

#[tokio::test]
async fn all_who_meet_are_answered_by_usm() {
    all_answer("usm").await;
}

#[tokio::test]
async fn all_who_meet_are_answered_by_operator() {
    all_answer("operator").await;
}

#[test]
fn every_service_with_commands_is_put_to_the_test() {
    let here = include_str!("contention.rs");
    for service in services::ALL {
        let has_commands = commands().any(|(other, _)| other.name == service.name);
        assert_eq!(
            has_commands,
            here.contains(&format!("all_answer(\"{}\")", service.name)),
            "{}",
            service.name
        );
    }
}

/// Sends each command once, while transactions meet others as `meet` says, in functions whose requests take so much time.
async fn in_conflict(
    patience: Option<Duration>,
    meet: impl Fn(&Proxy),
    judge: impl Fn(&str, &Reply, Duration),
) {
    const LANES: usize = 16;
    let commands: RefCell<VecDeque<_>> = RefCell::new(commands().collect());
    let (meet, judge) = (&meet, &judge);
    let work = async |_| {
        let proxy = Proxy::start(database::endpoint()).expect("a proxy");
        let calm = World::new().await;
        let behind = World::at(proxy.endpoint()).await;
        let behind = patience.into_iter().fold(behind, World::with_patience);
        loop {
            let next = commands.borrow_mut().pop_front();
            let Some((service, route)) = next else { break };
            let world = calm.another().await;
            let sample = sample(&world, service, route).await;
            let world = world.with_functions_of(&behind);
            meet(&proxy);
            let (began, before) = (Instant::now(), proxy.count(&Operation::TransactWriteItems));
            let reply = send(&world, service, route, &sample, None).await;
            let took = began.elapsed();
            proxy.clear();
            // What finds nothing to do meets nobody.
            if proxy.count(&Operation::TransactWriteItems) > before {
                judge(&place((service, route)), &reply, took);
            }
        }
    };
    join_all((0..LANES).map(work)).await;
}

fn conflict() -> Fault {
    Fault::TransactionConflict { item: 0 }
}

#[tokio::test]
async fn who_meets_others_for_a_while_is_answered() {
    let meet = |proxy: &Proxy| {
        for n in 1..=12 {
            proxy.inject(conflict(), When::nth(n).of(Operation::TransactWriteItems));
        }
    };
    in_conflict(None, meet, |place, reply, _| assert!(reply.is_success(), "{place}: {}", reply.text)).await;
}

fn for_ever(proxy: &Proxy) {
    proxy.inject(conflict(), When::always().of(Operation::TransactWriteItems));
}

#[tokio::test]
async fn who_meets_others_for_ever_is_told_so_before_the_function_ends() {
    // Of this time, half is for tries. Where it did not count, they would go on for three times as long as all of it.
    let patience = Duration::from_secs(3);
    in_conflict(Some(patience), for_ever, |place, reply, took| {
        assert_eq!((reply.status, reply.tag()), (503, Some("unavailable")), "{place}: {}", reply.text);
        assert!(reply.is_retryable());
        assert!(took < TRIES_USUALLY, "{place}: {took:?}");
    })
    .await;
}

#[tokio::test]
async fn a_request_ends_before_lambda_ends_it() {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let calm = World::new().await;
    let world = calm.with_functions_of(&World::at(proxy.endpoint()).await);
    for_ever(&proxy);
    // Requests of this world have a minute, where Lambda says nothing.
    let ends = || u64::try_from(Clock::System.now().millis()).expect("after 1970") + 3_000;
    let (service, began) = (&ofm::SERVICE, Instant::now());
    let caller = world.owner.clone().with("content-type", "application/json");
    let headers = caller.headers.iter().map(|(name, value)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"))
    });
    let request = Request {
        method: "POST".to_owned(),
        path: "/ofm/cost-centre/create".to_owned(),
        query: Vec::new(),
        headers: headers.collect(),
        body: json!({"org_guid": world.org.guid(), "caption": "Shop"}).to_string().into_bytes(),
        source_ip: Some(world.source_ip()),
        deadline_ms: Some(ends()),
        ..Request::default()
    };
    Reply::from(service::handle(world.app(service), request).await).refused("unavailable");
    let create = json!({
        "action": "user-create", "actor": "op@example", "reason": "test", "display_name": "Una User",
        "email": format!("{}@people.example", world.change().uuid()),
    });
    let body =
        direct::handle(world.app(&operator::SERVICE), &create.to_string(), "request", Some(ends())).await;
    assert_eq!(body["error"]["major"]["tag"], "unavailable", "{body}");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}
