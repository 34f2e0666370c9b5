//! Requests that race, through a database that conflicts and loses replies.

use std::env;

use crate::{
    database,
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

/// The one that succeeded. Everyone else was refused with one of these tags.
#[track_caller]
pub fn one_winner<'a>(replies: &'a [Reply], refused_with: &[&str]) -> &'a Reply {
    let mut winners = Vec::new();
    for reply in replies {
        let tag = reply.body["error"]["major"]["tag"].as_str();
        match tag {
            None => winners.push(reply),
            Some(tag) => assert!(refused_with.contains(&tag), "{} {}", reply.status, reply.text),
        }
    }
    assert_eq!(winners.len(), 1, "winners of {}", replies.len());
    winners[0]
}
