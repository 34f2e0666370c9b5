//! The local stack: the template's resources on this machine, and what the tests use of it.

pub mod api;
pub mod aws;
pub mod child;
pub mod config;
pub mod dynamodb_local;
pub mod embedded;
pub mod emulator;
pub mod functions;
pub mod greeting;
pub mod iam;
pub mod mapping;
pub mod pattern;
pub mod pump;
pub mod reference;
pub mod running;
pub mod seed;
pub mod table;
pub mod template;
pub mod wait;
