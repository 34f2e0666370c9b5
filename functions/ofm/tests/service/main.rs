//! The service against a database.

mod assignment;
mod cost_centre;
mod facility;
mod founding;
mod invite;
mod member;
mod membership;
mod org;
mod own_orgs;
mod owner;
mod people;
mod places;
mod races;
mod shift;
mod stat;
mod team;
mod timesheet;
mod zone;
