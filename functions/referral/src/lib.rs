//! Referral clicks, confirmed recruitments, totals of mentors: the `referral` service (contract referral).
//!
//! Plain REST on the same foundation as the other services. One module per thing that is done to an attribution; its
//! record is in [`attribution`]. Keys are in [`keys`]. What operators do with codes and totals is in [`operator`], and
//! stands among the actions of the operator function.

use service::{Figure, Service, Style};

mod access;
pub mod attribution;
mod click;
pub mod code;
mod confirm;
pub mod dedupe;
mod delete;
pub mod keys;
pub mod member;
pub mod operator;
mod read;
pub mod stored_answer;
pub mod tombstone;
pub mod total;
pub mod totals;

/// Within so many minutes of a counted click, another one of the same caller is its repeat; 0 counts every click.
pub static DEDUPE_MINUTES: Figure =
    Figure { variable: "G3N_REFERRAL_DEDUPE_MINUTES", default: 30, least: 0, most: 1_440 };

/// After so many days address, agent and referrer of a click are blanked.
pub static RETENTION_DAYS: Figure =
    Figure { variable: "G3N_REFERRAL_RETENTION_DAYS", default: 90, least: 1, most: 36_500 };

/// So many clicks a minute are let through from one source address (referral §2).
pub static CLICKS_PER_MINUTE: Figure =
    Figure { variable: "G3N_REFERRAL_CLICKS_PER_MINUTE", default: 60, least: 1, most: 1_000_000 };

/// So many requests of all other routes together are let through a minute from one source address.
pub static OTHERS_PER_MINUTE: Figure =
    Figure { variable: "G3N_REFERRAL_OTHERS_PER_MINUTE", default: 300, least: 1, most: 1_000_000 };

/// The service.
pub static SERVICE: Service = Service {
    name: "referral",
    summary: "Referral clicks, confirmed recruitments, totals of mentors",
    style: Style::Rest { base: "/api/v1/referral-attributions" },
    figures: &[&DEDUPE_MINUTES, &RETENTION_DAYS, &CLICKS_PER_MINUTE, &OTHERS_PER_MINUTE],
    code_keys: None,
    areas: &[click::ROUTES, read::ROUTES, confirm::ROUTES, delete::ROUTES, total::ROUTES],
};
