//! What the tests of every crate share: a database, a fresh org for each test, callers, a clock that can be moved, and
//! a proxy that makes the database fail.

#![allow(clippy::missing_panics_doc, reason = "what is here panics where a test is to fail")]

pub mod bounds;
pub mod bus;
mod caller;
pub mod copies;
pub mod database;
mod deployment;
pub mod function;
pub mod iam;
mod introduce;
pub mod items;
pub mod journal;
pub mod proxy;
pub mod race;
mod reply;
pub mod runtime_api;
pub mod s3;
pub mod sigv4;
mod world;

pub use caller::Caller;
pub use reply::Reply;
pub use s3::presigned;
pub use world::World;
