//! Tests over every route of every service, and what is generated from their tables.

mod callers;
mod canaries;
mod conform;
mod costs;
mod elsewhere;
mod events;
mod faults;
mod generated;
mod limits;
mod lists;
mod openapi;
mod patterns;
mod permissions;
mod policy;
mod power;
mod request;
mod samples;
mod services;
mod tenants;
mod tidy;
mod walk;
mod yardstick;
