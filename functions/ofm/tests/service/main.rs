//! The service against a database.

mod cost_centre;
mod founding;
mod member;
mod membership;
mod org;
mod own_orgs;
mod owner;
mod people;
mod stat;
