//! Customers and what is kept of them: the `crm` service (contract crm).
//!
//! One module per entity: its record, its rules, its routes and their handlers. Keys are in [`keys`].

use service::{Service, Style};

mod access;
pub mod customer;
pub mod keys;
pub mod lookup;
mod mask;
mod pattern;
pub mod retention;
mod settings;
mod stat;
pub mod stored_answer;

/// The service.
pub static SERVICE: Service = Service {
    name: "crm",
    summary: "Customers and what is kept of them",
    style: Style::Enveloped,
    figures: &[],
    code_keys: None,
    areas: &[customer::ROUTES, retention::ROUTES, stat::ROUTES],
};
