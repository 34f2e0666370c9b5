//! The service against a database.

mod canaries;
mod create;
mod delete;
mod get;
mod list;
mod people;
mod resume;
mod retention;
mod stat;
