//! Every command through a database that fails: whatever happened to the first request, the same request with the same
//! idempotency key succeeds afterwards, and there is exactly one effect (contract §5, §9).

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use futures::future::join_all;
use service::{Route, Service};
use testkit::{
    Reply, World, database,
    items::written,
    proxy::{Call, Fault, Operation, Proxy, When},
};

use crate::{request::send, samples::sample, services};

/// So many commands are under way at the same time, each with a proxy of its own.
const LANES: usize = 16;
/// A client gives up after so many more.
const MOST_REPEATS: usize = 3;
/// Each command meets one in so many of its troubles, beginning with another one than the command before it. With
/// `FAULTS=all` it meets them all.
const STEP: usize = 8;
/// A proxy remembers every call: after so many commands another one takes its place.
const COMMANDS_PER_PROXY: usize = 8;

/// Commands that end the credential they are sent with, or the caller's right to send them, and how a repeat is then
/// refused: by the checks that come before the replay.
pub(crate) const ENDS_ITS_RIGHT: &[(&str, &str)] =
    &[("/session/logout_everywhere", "session-invalid"), ("/owner/primary/set", "not-primary-owner")];

/// Commands that are not repeated here: one changes the time of all functions of a deployment, so of other tests too, and
/// one a record of which a deployment has one.
pub(crate) const SHARED_BY_ALL: &[&str] = &["clock-set", "heartbeat"];

/// What befalls the first request.
#[derive(Clone, Debug)]
struct Trouble {
    fault: Fault,
    when: When,
    /// Calls that are held arrive before the request is sent again, or after.
    late: Option<Late>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Late {
    BeforeTheRepeat,
    AfterTheRepeat,
}

/// What a command did.
struct Done {
    first: Reply,
    again: Reply,
    /// The calls of the first request.
    calls: Vec<Call>,
    /// What is stored of all that both requests tried to write.
    effects: Vec<String>,
}

/// A proxy, and the functions that reach the database through it. What is needed before is made without it.
struct Lane {
    proxy: Proxy,
    calm: World,
    behind: World,
}

impl Lane {
    async fn new() -> Self {
        let proxy = Proxy::start(database::endpoint()).expect("a proxy");
        let calm = World::new().await;
        Self { behind: calm.through(proxy.endpoint()), calm, proxy }
    }

    /// Sends a command twice with the same key, the first time in trouble. In an org of its own.
    async fn run(&self, service: &'static Service, route: &'static Route, trouble: Option<&Trouble>) -> Done {
        let Self { proxy, calm, behind } = self;
        let world = calm.another().await;
        let sample = sample(&world, service, route).await;
        let world = world.with_functions_of(behind);
        // Where a command is about no org, its key is one of all orgs.
        let key = world.change().uuid().to_string();
        let prepared = proxy.calls().len();
        if let Some(trouble) = trouble {
            proxy.inject(trouble.fault, trouble.when.clone());
        }
        let first = send(&world, service, route, &sample, Some(&key)).await;
        let calls = proxy.calls().split_off(prepared);
        proxy.clear();
        let arrive = async || {
            proxy.release();
            proxy
                .until(|calls| calls.iter().all(|call| call.upstream.is_some() || call.fault.is_some()))
                .await;
        };
        let late = trouble.and_then(|trouble| trouble.late);
        if late == Some(Late::BeforeTheRepeat) {
            arrive().await;
        }
        let mut again = send(&world, service, route, &sample, Some(&key)).await;
        // What is still under way, or too slow for a busy machine, is worth another try.
        for _ in 0..MOST_REPEATS {
            if !again.is_retryable() {
                break;
            }
            again = send(&world, service, route, &sample, Some(&key)).await;
        }
        if late == Some(Late::AfterTheRepeat) {
            arrive().await;
        }
        let mut effects = written(&proxy.calls().split_off(prepared)).await;
        // What a sandbox reports of the rates is by chance, and no effect of the command: a repeat by a caller who may no
        // longer send it counts as a stranger's.
        effects.retain(|kind| kind != store::Bucket::TYPE);
        Done { first, again, calls, effects }
    }
}

/// All that can go wrong at each of these calls.
fn troubles(calls: &[Call]) -> VecDeque<Trouble> {
    let mut troubles = VecDeque::new();
    let mut add = |fault, when| troubles.push_back(Trouble { fault, when, late: None });
    let faults = [
        Fault::RefuseBefore,
        Fault::LoseReply,
        Fault::ServerError,
        Fault::Throttling,
        Fault::ThroughputExceeded,
        Fault::Unprocessed,
    ];
    for fault in faults {
        for n in 1..=calls.len() {
            add(fault, When::nth(n));
        }
    }
    let always = |operation| When::always().of(operation);
    for read in [Operation::BatchGetItem, Operation::GetItem, Operation::Query] {
        if calls.iter().any(|call| call.operation == read) {
            add(Fault::ServerError, always(read));
        }
    }
    let writes = || always(Operation::TransactWriteItems);
    for fault in faults.into_iter().filter(|fault| *fault != Fault::Unprocessed) {
        add(fault, writes());
    }
    // The first item is the idempotency record, the others are alike.
    for item in 0..2 {
        for fault in [Fault::TransactionConflict { item }, Fault::TransactionThrottled { item }] {
            add(fault, When::nth(1));
            add(fault, writes());
        }
    }
    // Longer than the client waits, so these go first: the others pass meanwhile.
    for fault in [Fault::HoldBefore, Fault::HoldAfter] {
        for late in [Late::BeforeTheRepeat, Late::AfterTheRepeat] {
            troubles.push_front(Trouble { fault, when: writes(), late: Some(late) });
        }
    }
    troubles
}

/// Checks what came of a command in trouble against what comes of it otherwise.
fn judge(place: &str, trouble: &Trouble, done: &Done, calm: &Done, ends_right: Option<&str>) {
    let Done { first, again, effects, .. } = done;
    let retryable = matches!(first.tag(), None | Some("unavailable" | "idempotency-in-progress"));
    assert!(retryable, "{place}, {trouble:?}: {}", first.text);
    let repeated = again.tag().is_none() || again.tag() == ends_right;
    assert!(repeated, "{place}, {trouble:?}: {}", again.text);
    let withheld =
        || ["secret_withheld", "code_withheld"].iter().any(|flag| again.data().get(flag).is_some());
    if first.is_success() && again.is_success() && !withheld() {
        assert_eq!(again.data(), first.data(), "{place}, {trouble:?}: another answer");
    }
    assert_eq!(effects, &calm.effects, "{place}, {trouble:?}: not exactly one effect");
}

#[expect(clippy::disallowed_methods, reason = "how much is tested is said in the environment")]
fn all_faults() -> bool {
    std::env::var("FAULTS").is_ok_and(|faults| faults == "all")
}

async fn all_withstand(name: &str) {
    let mut cases = VecDeque::new();
    let commands = services::routes().filter(|(service, route)| {
        let traits = route.handler.traits();
        service.name == name && traits.writes && !traits.ignores_idempotency
    });
    let commands = commands.filter(|(_, route)| !SHARED_BY_ALL.contains(&route.call.path));
    for (n, (service, route)) in commands.enumerate() {
        let calm = Lane::new().await.run(service, route, None).await;
        calm.first.data();
        assert!(!calm.effects.is_empty(), "{name} {} writes nothing", route.call.path);
        let (first, step) = if all_faults() { (0, 1) } else { (n % STEP, STEP) };
        let troubles = troubles(&calm.calls).into_iter().skip(first).step_by(step);
        let calm = Rc::new(calm);
        cases.extend(troubles.map(|trouble| (service, route, trouble, calm.clone())));
    }
    assert!(!cases.is_empty(), "{name} has no command");
    let cases = RefCell::new(cases);
    let work = async |_| {
        while !cases.borrow().is_empty() {
            let lane = Lane::new().await;
            for _ in 0..COMMANDS_PER_PROXY {
                let next = cases.borrow_mut().pop_front();
                let Some((service, route, trouble, calm)) = next else { break };
                let done = lane.run(service, route, Some(&trouble)).await;
                let place = format!("{name} {}", route.call.path);
                let ends_right = ENDS_ITS_RIGHT.iter().find(|(path, _)| *path == route.call.path);
                judge(&place, &trouble, &done, &calm, ends_right.map(|(_, refusal)| *refusal));
            }
        }
    };
    join_all((0..LANES).map(work)).await;
}

#[tokio::test]
async fn commands_of_crm_have_one_effect() {
    all_withstand("crm").await;
}

#[tokio::test]
async fn commands_of_ofm_have_one_effect() {
    all_withstand("ofm").await;
}

#[tokio::test]
async fn commands_of_referral_have_one_effect() {
    all_withstand("referral").await;
}

#[tokio::test]
async fn commands_of_usm_have_one_effect() {
    all_withstand("usm").await;
}

#[tokio::test]
async fn commands_of_operator_have_one_effect() {
    all_withstand("operator").await;
}

#[test]
fn every_service_with_commands_is_put_to_the_test() {
    let here = include_str!("faults.rs");
    for service in services::ALL {
        let has_commands = service.routes().any(|route| route.handler.traits().writes);
        let tested = here.contains(&format!("all_withstand(\"{}\")", service.name));
        assert_eq!(has_commands, tested, "{}", service.name);
    }
}
