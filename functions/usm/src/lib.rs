//! What the other services check callers against: sessions, service accounts, API keys (contract usm §1 to §4).
//!
//! The records themselves are in `identity`, for every service reads them. Here are the routes that change them, and
//! what only those need: caps that hold under concurrency, look-ups by public handle, and lock-outs.

use service::{Service, Style};

pub mod api_key;
pub mod key_handle;
pub mod key_policy;
pub mod key_ring;
pub mod keys;
pub mod lockout;
pub mod login;
pub mod open_sessions;
mod passcode_check;
pub mod service_account;
pub mod session;

/// The service.
pub static SERVICE: Service = Service {
    name: "usm",
    summary: "Sessions, service accounts, API keys",
    style: Style::Enveloped,
    figures: &[],
    code_keys: None,
    areas: &[login::ROUTES, session::ROUTES, service_account::ROUTES, api_key::ROUTES, key_policy::ROUTES],
};
