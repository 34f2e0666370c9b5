//! What operators do: users, invitations, the status of orgs, putting right what owners cannot (contract usm §5), and the
//! journal: checking it and publishing it again (`docs/events.md`).
//!
//! Invoked directly, never behind the API: IAM decides who may. One module per entity. Records keep the service that
//! owns them: this one has no keys of its own but [`keys`], which names those that an action asks for. The actions about
//! referral codes and totals stand beside their records, in `referral`.

use service::{Service, Style};

mod aggregate;
mod chain;
mod clock;
mod erasure;
mod erasure_finish;
mod event_replay;
mod heartbeat;
mod invitation;
mod journal_verify;
mod keys;
mod member;
mod membership;
mod org;
mod owner;
mod upload_sweep;
mod user;
mod user_status;

/// The service.
pub static SERVICE: Service = Service {
    name: "operator",
    summary: "Users, invitations, verification, remediation and the journal, by direct invocation",
    style: Style::Enveloped,
    figures: &[&referral::RETENTION_DAYS],
    code_keys: None,
    areas: &[
        user::ACTIONS,
        user_status::ACTIONS,
        invitation::ACTIONS,
        org::ACTIONS,
        owner::ACTIONS,
        member::ACTIONS,
        journal_verify::ACTIONS,
        event_replay::ACTIONS,
        erasure_finish::ACTIONS,
        heartbeat::ACTIONS,
        upload_sweep::ACTIONS,
        referral::operator::code::ACTIONS,
        referral::operator::recount::ACTIONS,
        referral::operator::retention::ACTIONS,
        clock::ACTIONS,
    ],
};
