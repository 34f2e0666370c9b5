//! The idempotency record: written with the change, so that a crash leaves neither half (contract §5).

use contract::{ids::OrgGuid, time::Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    classes,
    entity::Entity,
    key::{Key, Org, Partition, System},
};

/// What was answered to the first request with a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Replay {
    /// The tenant, or none where the route has no org.
    pub org_guid: Option<OrgGuid>,
    /// The service.
    pub service: String,
    /// Hash of route and key (and of the user, where the route has no org).
    pub hash: String,
    /// The only one to whom it is answered again.
    pub principal: String,
    /// Hash of the payload.
    pub payload: String,
    /// The `data` of the answer, as it was written; none once it was blanked.
    pub data: Option<String>,
    /// The `revision` of the answer.
    pub revision: Option<Value>,
    /// How the answer was sent, where it was not as usual.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sent: Option<Sent>,
    /// The key may be used anew from here on.
    pub until: Time,
}

classes!(Replay {
    org_guid: Plain,
    service: Plain,
    hash: Plain,
    principal: Plain,
    payload: Plain,
    data: FreeText,
    revision: Plain,
    sent: Plain,
    until: Plain,
});

/// How an answer is sent beside its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The HTTP status.
    pub status: u16,
    /// Headers that are the answer's own.
    pub headers: Vec<(String, String)>,
}

impl Default for Sent {
    fn default() -> Self {
        Self { status: 200, headers: Vec::new() }
    }
}

impl Replay {
    /// How long a key is kept (contract §5).
    pub const HOURS: i64 = 24;

    /// Where the record of a request is kept.
    pub fn key_of(service: &str, org: Option<&Org>, hash: &str) -> Key<Self> {
        let partition = match org {
            Some(org) => Partition::of(service, org),
            None => Partition::of_system(service),
        };
        Key::new(&partition.part("idempotency").part(hash), &[&"first"])
    }

    /// Whether this is what answered the same request before: same principal, same payload.
    pub fn answers(&self, request: &Self) -> bool {
        self.principal == request.principal && self.payload == request.payload
    }

    /// Whether the record still counts.
    pub fn holds(&self, now: Time) -> bool {
        now < self.until
    }
}

impl Entity for Replay {
    // Where it lies depends on the service that answers: see `key`.
    const SERVICE: &'static str = "";
    const TYPE: &'static str = "idempotency";
    type Scope = System;
    type Revision = contract::revision::Counter;

    fn key(&self, _: &System) -> Key<Self> {
        Self::key_of(&self.service, self.org_guid.map(Org::checked).as_ref(), &self.hash)
    }

    fn id(&self) -> String {
        self.hash.clone()
    }

    fn expires(&self) -> Option<Time> {
        Some(self.until)
    }
}

/// The idempotency record that a commit is to write, where the request had a key.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The record.
    pub replay: Replay,
    /// The time of the request: an older record that no longer counts is replaced.
    pub now: Time,
}
