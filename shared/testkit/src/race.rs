//! Requests that race, through a database that conflicts and loses replies.

use std::env;

use serde_json::{Value, json};
use service::Service;

use crate::{
    Caller, World, database,
    proxy::{Fault, Operation, Proxy, When},
    reply::Reply,
};

/// So many callers want the same thing at once.
pub const CALLERS: usize = 16;

/// How often a race is run: `RACE_ROUNDS` times, few unless that is set.
pub fn rounds() -> u64 {
    const FEW: u64 = 2;
    let asked = env::var_os("RACE_ROUNDS").and_then(|rounds| rounds.to_str()?.parse().ok());
    asked.unwrap_or(FEW)
}

/// A database whose transactions meet others and lose their replies, by chance.
pub fn in_bad_mood(seed: u64) -> Proxy {
    let proxy = Proxy::start(database::endpoint()).expect("a proxy");
    let writes = |when: When| when.of(Operation::TransactWriteItems);
    proxy.inject(Fault::TransactionConflict { item: 0 }, writes(When::seeded(150, seed)));
    proxy.inject(Fault::LoseReply, writes(When::seeded(30, seed + 1)));
    proxy
}

/// A busy machine is slower than the clients of the database wait: it is asked again so often.
const TRIES: usize = 20;

/// Calls a route as a good client does: with an idempotency key where it changes something, and again while that may
/// help.
pub async fn insist(
    world: &World,
    service: &'static Service,
    caller: &Caller,
    path: &str,
    mut fields: Value,
) -> Reply {
    let route = service.routes().find(|route| route.call.path == path);
    if route.is_some_and(|route| route.handler.traits().writes) {
        fields["idempotency_key"] = json!(world.change().uuid());
    }
    let mut reply = world.post(service, caller, path, fields.clone()).await;
    for _ in 1..TRIES {
        if !matches!(reply.tag(), Some("unavailable" | "idempotency-in-progress")) {
            break;
        }
        reply = world.post(service, caller, path, fields.clone()).await;
    }
    reply
}

/// The one that succeeded, if its caller learned of it. Everyone else was refused with one of these tags.
#[track_caller]
pub fn at_most_one_winner<'a>(replies: &'a [Reply], refused_with: &[&str]) -> Option<&'a Reply> {
    let mut winners = Vec::new();
    for reply in replies {
        match reply.tag() {
            None => winners.push(reply),
            Some(tag) => assert!(refused_with.contains(&tag), "{} {}", reply.status, reply.text),
        }
    }
    assert!(winners.len() <= 1, "{} winners of {}", winners.len(), replies.len());
    winners.pop()
}

/// The one that succeeded. Everyone else was refused with one of these tags.
#[track_caller]
pub fn one_winner<'a>(replies: &'a [Reply], refused_with: &[&str]) -> &'a Reply {
    at_most_one_winner(replies, refused_with).expect("a winner")
}
