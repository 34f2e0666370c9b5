//! The function against buses in every mood, and at the end of a table's stream.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod faults;
mod sample;
mod stream;

use std::{sync::Arc, time::Duration};

use relay::{bus::Bus, relay::Relay};
use service::{Clock, LogSink};

/// What Lambda gives the function for a batch.
const TIME_LEFT: Duration = Duration::from_mins(1);

/// A function before this bus.
fn function(bus: &testkit::bus::Bus, clock: Clock, log: LogSink) -> Relay {
    Relay::new(Bus::new(&bus.endpoint(), "g3n-test".to_owned()), clock, log)
}

/// The same at the time of this machine, whose log nobody reads.
fn plain_function(bus: &testkit::bus::Bus) -> Relay {
    function(bus, Clock::System, LogSink::Memory(Arc::default()))
}
