//! The actions against a database.
#![expect(clippy::unwrap_used, reason = "the helpers below are tests as well")]

mod clock;
mod erasure_finish;
mod first_run;
mod heartbeat;
mod invitation;
mod journal;
mod member;
mod org;
mod owner;
mod people;
mod privacy;
mod races;
mod upload_sweep;
mod user;
mod user_status;
