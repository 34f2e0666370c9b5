//! The function against buses in every mood, and at the end of a table's stream.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod faults;
mod stream;
