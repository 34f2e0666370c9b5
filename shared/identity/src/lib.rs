//! The records that every service checks callers against (usm §2): org, member, owner, user, session, service
//! account, key, key policy, the assignments to facilities and those facilities, and the invitations by which orgs
//! begin; their keys, tokens and state tables.
//!
//! They stand in a crate of their own because every function reads them, `ofm` and `usm` change them on behalf of
//! callers, and the operator changes them all.

pub mod api_key;
#[cfg(test)]
mod arcs;
pub mod assignment;
pub mod clock;
pub mod facility;
pub mod giver;
mod hashing;
pub mod invitation;
pub mod invite;
pub mod key_ring;
pub mod keys;
pub mod lifecycle;
pub mod made_key;
mod marker;
pub mod member;
pub mod open_entry;
pub mod org;
pub mod owned_orgs;
pub mod owner;
pub mod passcode;
pub mod service_account;
pub mod session;
pub mod token;
pub mod user;
