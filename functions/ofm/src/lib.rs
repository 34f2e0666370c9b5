//! Organisations, facilities, people, till: the `ofm` service (contract ofm).
//!
//! One module per entity: its record, its transitions, its routes and their handlers. Keys are in [`keys`]. The
//! records of orgs, owners and members are in `identity`, for every service checks its callers against them.

use service::{Service, Style};

mod access;
pub mod assignment;
pub mod cost_centre;
mod crew;
pub mod diary;
pub mod facility;
pub mod founding;
mod giver;
mod giving;
pub mod hold;
pub mod invite;
pub mod keys;
mod lifecycle;
pub mod member;
pub mod org;
pub mod override_code;
pub mod own_orgs;
pub mod owner;
pub mod profile;
pub mod sales_channel;
pub mod shift;
pub mod span;
pub mod stat;
pub mod station;
pub mod team;
pub mod timesheet;
pub mod tries;
pub mod zone;

/// The service.
pub static SERVICE: Service = Service {
    name: "ofm",
    summary: "Organisations, people, facilities, sales channels, tills",
    style: Style::Enveloped,
    figures: &[],
    code_keys: Some("G3N_OVERRIDE_KEYS"),
    areas: &[
        stat::ROUTES,
        founding::ROUTES,
        org::ROUTES,
        own_orgs::ROUTES,
        owner::ROUTES,
        member::ROUTES,
        invite::ROUTES,
        team::ROUTES,
        team::member::ROUTES,
        shift::ROUTES,
        timesheet::ROUTES,
        cost_centre::ROUTES,
        facility::ROUTES,
        facility::physical::ROUTES,
        facility::legal::ROUTES,
        facility::logical::ROUTES,
        zone::ROUTES,
        sales_channel::ROUTES,
        sales_channel::config::ROUTES,
        sales_channel::sources::ROUTES,
        station::ROUTES,
        profile::ROUTES,
        profile::slot::ROUTES,
        profile::effective::ROUTES,
        override_code::generate::ROUTES,
        override_code::revoke::ROUTES,
        override_code::validate::ROUTES,
        assignment::member::ROUTES,
        assignment::service_account::ROUTES,
    ],
};
