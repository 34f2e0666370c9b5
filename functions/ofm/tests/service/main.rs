//! The service against a database.

mod cost_centre;
