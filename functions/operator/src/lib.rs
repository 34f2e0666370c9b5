//! What operators do: users, invitations, the status of orgs, putting right what owners cannot (contract usm §5), and the
//! journal: checking it and publishing it again (`docs/events.md`).
//!
//! Invoked directly, never behind the API: IAM decides who may. One module per entity. Records keep the service that
//! owns them: this one has no keys of its own but [`keys`], which names those that an action asks for.

use service::Service;

mod aggregate;
mod chain;
mod clock;
mod erasure;
mod event_replay;
mod invitation;
mod journal_verify;
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
    summary: "Users, invitations, verification, remediation and the journal, by direct invocation",
    areas: &[
        user::ACTIONS,
        user_status::ACTIONS,
        invitation::ACTIONS,
        org::ACTIONS,
        owner::ACTIONS,
        member::ACTIONS,
        journal_verify::ACTIONS,
        event_replay::ACTIONS,
        clock::ACTIONS,
    ],
};
