//! Tests over every route of every service, and what is generated from their tables.

mod callers;
mod canaries;
mod conform;
mod costs;
mod deployment;
mod edges;
mod elsewhere;
mod event;
mod events;
mod faults;
mod fuzz;
mod generated;
mod limits;
mod lists;
mod openapi;
mod patterns;
mod permissions;
mod policy;
mod request;
mod samples;
mod services;
mod tenants;
mod tidy;
mod values;
mod walk;
mod yardstick;
