//! The local stack: the template's resources on this machine, and what the tests use of it.

pub mod aws;
pub mod embedded;
pub mod pattern;
pub mod pump;
pub mod table;
pub mod template;
