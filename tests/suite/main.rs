//! Tests over every route of every service, and what is generated from their tables.

mod events;
mod generated;
mod openapi;
mod patterns;
mod permissions;
mod services;
mod tidy;
mod yardstick;
