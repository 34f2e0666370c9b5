//! Organisations, facilities, people, till: the `ofm` service (contract ofm).
//!
//! One module per entity: its record, its transitions, its routes and their handlers. Keys are in [`keys`].

use service::Service;

mod access;
pub mod cost_centre;
pub mod keys;
mod lifecycle;

/// The service.
pub static SERVICE: Service = Service {
    name: "ofm",
    summary: "Organisations, people, facilities, sales channels, tills",
    areas: &[cost_centre::ROUTES],
};
