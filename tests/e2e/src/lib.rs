//! The whole deployment on this machine, as its clients see it: over HTTP, and at the event bus.

mod client;
mod deployment;
mod events;
mod tenant;
mod upload;

pub use client::Client;
pub use deployment::Deployment;
pub use events::Events;
pub use tenant::{Person, Tenant};
pub use upload::upload;
