//! What operators do: users, invitations, the status of orgs, and putting right what owners cannot (contract usm §5).
//!
//! Invoked directly, never behind the API: IAM decides who may. One module per entity. Records keep the service that
//! owns them: this one has no keys of its own but [`keys`], which names those that an action asks for.

use service::Service;

mod clock;
mod erasure;
mod invitation;
mod keys;
mod member;
mod membership;
mod org;
mod owner;
mod user;
mod user_status;

/// The service.
pub static SERVICE: Service = Service {
    name: "operator",
    summary: "Users, invitations, verification and remediation, by direct invocation",
    areas: &[
        user::ACTIONS,
        user_status::ACTIONS,
        invitation::ACTIONS,
        org::ACTIONS,
        owner::ACTIONS,
        member::ACTIONS,
        clock::ACTIONS,
    ],
};
