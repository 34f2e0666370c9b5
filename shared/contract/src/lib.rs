//! What callers see: envelope, errors, ids, codes, money, times, paging. Plain types that parse; no AWS.

pub mod canonical;
pub mod codes;
pub mod context;
pub mod email;
pub mod envelope;
pub mod error;
pub mod fiscal;
pub mod given_roles;
pub mod ids;
pub mod input;
mod json;
pub mod locale;
pub mod money;
pub mod paging;
pub mod personal;
pub mod phone;
pub mod problem;
pub mod reason;
pub mod revision;
pub mod role_profiles;
pub mod roles;
pub mod secret;
pub mod states;
pub mod text;
pub mod time;
mod time_zone;
