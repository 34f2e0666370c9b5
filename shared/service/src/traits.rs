//! What a handler says of its route, beside the types of request and answer.

use contract::paging::PageSize;

use crate::route::Figure;

/// What a row's handler says of the route.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each asked for by name")]
pub struct Traits {
    /// It changes something: takes a reason, references and an idempotency key.
    pub writes: bool,
    /// It takes `limit` and `next_token`.
    pub pages: bool,
    /// Which limits it takes, where it pages.
    pub page_size: PageSize,
    /// The request names the one record it is about: 404 where it is not there.
    pub names_record: bool,
    /// It takes `expected_revision`, and refuses to go on without it (428).
    pub needs_revision: bool,
    /// `reason` is required.
    pub needs_reason: bool,
    /// The org's status must allow changes (contract §4, *Org gate*).
    pub gated: bool,
    /// A repeat is a new request, whatever its idempotency key.
    pub ignores_idempotency: bool,
    /// Its own fields hold a secret that is short enough to be guessed from a bare hash.
    pub holds_secret: bool,
    /// It makes a record, and answers 201 where it made one (REST alone).
    pub creates: bool,
    /// How many requests a minute are let through from one source address, whoever calls, in place of what the class says.
    pub per_address: Option<&'static Figure>,
    /// The fields that the request itself fills where they are left out.
    pub fills: &'static [Fill],
}

/// A field that the request itself fills where it is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// With the caller's address, as the gateway saw it.
    SourceAddress(&'static str),
    /// With the `user-agent` header.
    UserAgent(&'static str),
}

pub(crate) const READS: Traits = Traits {
    writes: false,
    pages: false,
    page_size: PageSize::USUAL,
    names_record: false,
    needs_revision: false,
    needs_reason: false,
    gated: false,
    ignores_idempotency: false,
    holds_secret: false,
    creates: false,
    per_address: None,
    fills: &[],
};
pub(crate) const WRITES: Traits = Traits { writes: true, gated: true, ..READS };
