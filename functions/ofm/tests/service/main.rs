//! The service against a database.

mod assignment;
mod channel_config;
mod cost_centre;
mod facility;
mod founding;
mod invite;
mod invite_ends;
mod member;
mod membership;
mod org;
mod override_code;
mod override_code_races;
mod own_orgs;
mod owner;
mod people;
mod places;
mod profile;
mod profile_races;
mod races;
mod sales_channel;
mod shift;
mod stat;
mod station;
mod team;
mod timesheet;
mod zone;
