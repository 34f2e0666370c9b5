//! The service against a database.

mod address;
mod api_key;
mod api_key_end;
mod lockout;
mod login;
mod memory;
mod people;
mod race;
mod secrets;
mod service_account;
mod session;
