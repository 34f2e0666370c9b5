//! The function against buses in every mood, and at the end of a table's stream.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod faults;
mod kills;
mod replay;
mod sample;
mod stream;

use std::{sync::Arc, time::Duration};

use relay::{bus::Bus, ports::Outside, queue::DeadLetters, relay::Relay};
use service::{Clock, LogSink};
use store::Store;
use testkit::database;

/// What Lambda gives the function for a batch.
const TIME_LEFT: Duration = Duration::from_mins(1);

/// A function before this bus.
fn function(bus: &testkit::bus::Bus, clock: Clock, log: LogSink) -> Relay<Outside> {
    let letters = DeadLetters::new(&bus.endpoint(), "http://localhost/queue".to_owned());
    let client = database::guarded("relay", &database::client(database::endpoint()));
    let store = Store::new(client, database::table());
    let bus = Bus::new(&bus.endpoint(), "g3n-test".to_owned());
    Relay::new(Outside::new(bus, letters, store), "test", clock, log)
}

/// The same at the time of this machine, whose log nobody reads.
fn plain_function(bus: &testkit::bus::Bus) -> Relay<Outside> {
    function(bus, Clock::System, LogSink::Memory(Arc::default()))
}
