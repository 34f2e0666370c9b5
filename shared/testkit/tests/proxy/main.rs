//! The proxy between a real client and an emulator: what the client sees of each fault, and what the table.
#![expect(clippy::unwrap_used, reason = "the helpers below are tests as well")]

mod batches;
mod connections;
mod delays;
mod errors;
mod fixture;
mod record;
mod transactions;
